"""What an explainer is fitted to: a target of any network, and pictures made ready for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

from siam.datasets import rendered
from siam.errors import DatasetError
from siam.explainers.base import Target, prepared
from siam.explainers.learnt import name_of
from siam.images.preprocessing import preprocess
from siam.images.reading import ACCEPTED_SUFFIXES, read_image
from siam.models import zoo
from siam.models.identity import fingerprint

Prepare = Callable[[Image.Image], Tensor]  # an upright RGB picture -> (C, H, W) or (1, C, H, W), as the network expects


@dataclass(frozen=True, eq=False)
class Subject:
    """A target of a network, and pictures.

    Attributes:
        model: the network.
        target: what is to be explained.
        files: the pictures.
        prepare: makes a network's input of a picture.
    """

    model: nn.Module
    target: Target
    files: Sequence[Path]
    prepare: Prepare

    def images(self, path: Path) -> Tensor:
        """Return the network's input (1, C, H, W) for a picture, on its device: call it inside `untouched`.

        Raises:
            ImageError: the picture cannot be read.
            ValueError: `prepare` returns something else.
        """
        return self._input(read_image(path))

    def black(self) -> Tensor:
        """Return what the network gets for a black pixel (C,): call it inside `untouched`.

        Raises:
            ValueError: `prepare` makes no numbers of a black picture.
        """
        black = self._input(Image.new("RGB", read_image(self.files[0]).size)).mean(dim=(0, 2, 3))
        if not black.isfinite().all():
            raise ValueError("prepare makes no finite numbers of a black picture, which hides what a mask leaves out")
        return black

    def facts(self, explainer: str) -> dict[str, Any]:
        """Return the facts that bind what is learnt to its explainer, target and network."""
        return {
            "explainer": explainer,
            "target": name_of(self.target),
            "model": type(self.model).__name__,
            "network": fingerprint(self.model),
        }

    def _input(self, image: Image.Image) -> Tensor:
        made: Any = self.prepare(image)
        shape = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
        if isinstance(made, Tensor) and made.ndim == 3:
            made = made[None]
        if not isinstance(made, Tensor) or made.ndim != 4 or len(made) != 1 or not made.is_floating_point():
            raise ValueError(f"prepare returns {shape}; expected a tensor (C, H, W) of floating-point numbers")
        return prepared(self.model, made)


def usual_preparation(model: nn.Module) -> Prepare:
    """Return how pictures are made ready for a network that says what it expects: one of ours, or of timm.

    Raises:
        ValueError: it does not say so.
    """
    config: Any = getattr(model, "config", None)
    wanted = ("image_size", "size_multiple", "mean", "std")
    if all(hasattr(config, name) for name in wanted):
        return lambda image: preprocess(image, config)
    expects = zoo.expected_by(model)
    if expects is None:
        raise ValueError(
            f"this {type(model).__name__} does not say what pictures it expects: give prepare=, a function that makes "
            "a tensor (C, H, W) of a Pillow picture"
        )
    return lambda image: zoo.seen(image, expects)[1]


def pictures_below(folders: Sequence[Path]) -> list[Path]:
    """Return all pictures below the folders, sorted and without repeats; of rendered scenes, the train split.

    Raises:
        DatasetError: one is not a folder.
    """
    chosen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise DatasetError(f"{folder} is not a folder: give one that holds pictures")
        if (folder / "rendered.json").is_file():
            scenes = rendered.read(folder)
            chosen |= {path for path, split in zip(scenes.files, scenes.split, strict=True) if split == "train"}
        else:
            chosen |= {path for path in folder.rglob("*") if path.suffix.lower() in ACCEPTED_SUFFIXES}
    return sorted(chosen)
