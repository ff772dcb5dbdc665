"""One explainer's map of one picture, with what it cost; it shows itself in a notebook and can be stored."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from siam.drawing.maps import display_photo, map_picture, pattern_picture, relative, signed_colours
from siam.explainers.base import Explainer, Model, Progress, Target, quiet
from siam.explainers.registry import description, explainer, name_of_explainer, names_for
from siam.images.photos import Photo, as_photo, is_plain
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair
from siam.models.engine import PassCount
from siam.models.siam import SIAM
from siam.runtime.files import write_atomically

Network = SIAM | Baseline
_SIDE = 480  # px of the longer side, if a map is drawn without its picture


@dataclass(frozen=True, eq=False, repr=False)
class Attribution:
    """A map and what it cost.

    Attributes:
        name: the explainer's name, as `siam.explainers.explainer` takes it.
        map: (h, w) on the CPU, at the method's own resolution; positive where the target is raised.
        signed: whether the map may be negative.
        seconds: wall-clock time.
        passes: forward passes through the backbone, one for each picture.
        proportions: (height, width) of the picture, in px.
    """

    name: str
    map: Tensor
    signed: bool
    seconds: float
    passes: int
    proportions: tuple[int, int]

    def __repr__(self) -> str:
        height, width = self.map.shape
        return (
            f"Attribution({self.name!r}, {height} x {width} cells from {float(self.map.min()):.3g} to "
            f"{float(self.map.max()):.3g}, {self.passes} passes, {self.seconds:.2f} s)"
        )

    def numpy(self) -> np.ndarray:
        """Return the map (h, w), float32."""
        return self.map.numpy()

    def overlay(self, image: Photo | None = None, strength: float = 0.75) -> Image.Image:
        """Return the map over its picture: green where the target is raised, magenta where it is lowered.

        A map that cannot tell one from the other is blue; `siam.drawing.palettes` has other colours for all three.
        Each map is scaled to its own largest values.

        Args:
            image: the picture, in any form that `siam.images.as_photo` takes; without it, the map alone is drawn.
            strength: 0 shows the picture alone, 1 the colours alone.

        Raises:
            ImageError, TypeError, ValueError: as in `as_photo`.
        """
        if image is None:
            height, width = self.proportions
            scale = _SIDE / max(height, width)
            size = max(1, round(width * scale)), max(1, round(height * scale))
            if description(self.name).pattern:
                return pattern_picture(Image.new("RGB", size, "white"), self.numpy(), 1.0)
            return signed_colours(relative(self.numpy(), 1), 1.0, size)
        photo = display_photo(image if isinstance(image, Image.Image) and is_plain(image) else as_photo(image))
        if description(self.name).pattern:
            return pattern_picture(photo, self.numpy(), strength)
        return map_picture(photo, self.numpy(), 1, strength)

    def save(self, path: str | Path, image: Photo | None = None) -> None:
        """Write the map to a file: its picture as PNG or JPEG, or the numbers as NPZ ("map", "explainer").

        Args:
            path: ends in .png, .jpg or .npz.
            image: the picture to draw it over, as in `overlay`.

        Raises:
            ValueError: the path ends otherwise.
            ImageError, TypeError, ValueError: as in `as_photo`.
        """
        path, content = Path(path), BytesIO()
        kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
        if path.suffix.lower() == ".npz":
            np.savez_compressed(content, map=self.numpy(), explainer=self.name)
        elif path.suffix.lower() in kinds:
            self.overlay(image).save(content, kinds[path.suffix.lower()])
        else:
            raise ValueError(f"{path} does not say in what format to write: let it end in .png, .jpg or .npz")
        write_atomically(path, content.getvalue())

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.overlay().save(content, "PNG")
        return content.getvalue()


class Networks(Protocol):
    """A SIAM and its baseline, as in a `Pair`; either may be missing."""

    # no docstrings (ruff's D102): the class describes both
    @property
    def siam(self) -> SIAM | None: ...  # noqa: D102

    @property
    def baseline(self) -> Baseline | None: ...  # noqa: D102


def network_for(networks: Networks, name: str) -> Network:
    """Return the network that an explainer explains: SIAM for SIAM's own maps, the baseline for all others.

    If that network is missing, the other one is returned.

    Raises:
        ValueError: both are missing.
    """
    both = networks.siam, networks.baseline
    first, second = both if description(name).networks == "siam" else both[::-1]
    network = second if first is None else first
    if network is None:
        raise ValueError(f"there is no network for {name!r} to explain")
    return network


def names_of(pair: Pair) -> tuple[str, ...]:
    """Return the names of the explainers that can explain a pair: "siam" first, then those for its baseline."""
    if pair.baseline is None:
        return tuple(name for name in names_for(pair.siam) if ":" not in name)
    return ("siam", *names_for(pair.baseline))


def attribute_photo(
    model: Model, image: Tensor | Photo, name: str | Explainer, target: Target, progress: Progress = quiet
) -> Attribution:
    """Explain one picture and measure what it costs.

    Args:
        model: any network that takes pictures, or a function of them; nothing else may use it meanwhile. Of a pair,
            `network_for` chooses it.
        image: one picture as a tensor (1, C, H, W) or (C, H, W), normalised as the model expects; or, for networks that
            say what they expect (ours, and those of timm), a photo in any form that `siam.images.as_photo` takes.
        name: the explainer's name, or an explainer.
        target: what to explain, such as `output(3)`.
        progress: called by slow explainers with the passes done and their total; an exception from it ends the work.

    Raises:
        ValueError: there is no such explainer, or it cannot explain this network, or the network does not say what
            pictures it expects.
        ImageError, TypeError: as in `as_photo`.

    Example:
        >>> import siam
        >>> from siam.explainers import attribute_photo, score_up
        >>> from siam.explainers.attribution import network_for
        >>> from siam.runtime.paths import ASSETS
        >>> model = network_for(siam.load("photo", device="cpu"), "grad_cam")
        >>> photo = ASSETS / "gallery/open-photos/images/lake-boats.jpg"
        >>> result = attribute_photo(model, photo, "grad_cam", score_up())
        >>> tuple(result.map.shape), result.passes
        ((24, 38), 1)
    """
    method = explainer(name) if isinstance(name, str) else name
    pixels = image if isinstance(image, Tensor) else _pixels(model, image)
    images = pixels[None] if pixels.ndim == 3 else pixels
    if len(images) != 1:
        raise ValueError(f"got {len(images)} pictures; expected one")
    count = PassCount()
    counted, stop = _counted(model, count)
    try:
        began = time.perf_counter()
        field = method(counted, images, target, progress)[0].detach()
        if field.device.type == "cuda":
            torch.cuda.synchronize(field.device)
        seconds = time.perf_counter() - began
    finally:
        stop()
    return Attribution(
        name if isinstance(name, str) else name_of_explainer(method),
        field.float().cpu(),
        method.signed,
        seconds,
        count.passes,
        (images.shape[2], images.shape[3]),
    )


def _pixels(model: Model, photo: Photo) -> Tensor:
    """Return a photo as a network expects it."""
    from siam.explainers.fitting.subject import usual_preparation  # imported here, since most callers do without

    picture = as_photo(photo)
    try:
        if not isinstance(model, nn.Module):
            raise ValueError(f"a {type(model).__name__} does not say what pictures it expects")
        return usual_preparation(model)(picture)
    except ValueError as error:
        reason = str(error).partition(":")[0]
        raise ValueError(f"{reason}: give the picture as a tensor (C, H, W), normalised as it expects") from error


def _counted(model: Model, count: PassCount) -> tuple[Model, Callable[[], object]]:
    """Return the model so that its passes are counted, and a function that ends the counting."""
    if isinstance(model, nn.Module):
        watched: Any = model.backbone if isinstance(model, (SIAM, Baseline)) else model
        return model, watched.register_forward_hook(count).remove

    def counted(images: Tensor) -> Any:
        count.passes += len(images)
        return model(images)

    return counted, lambda: None
