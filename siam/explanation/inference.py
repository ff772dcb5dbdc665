"""The door to SIAM: `explain` turns a photo into an `Explanation`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from PIL import Image

from siam.datasets.base import RatingScale
from siam.errors import ImageError
from siam.explanation.batch import Together
from siam.images.preprocessing import input_settings, preprocess
from siam.models.agreement import agreement
from siam.models.checkpoint import Pair
from siam.models.recognition import Recognition
from siam.runtime.devices import device_of

Order = Literal["magnitude", "positive first", "name"]


@dataclass(frozen=True)
class Contribution:
    """One attribute's exact share of the score: its index among the attributes, its name, and its signed points."""

    index: int
    attribute: str
    value: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """What, where and how, for one photo: sum(contributions) + bias = scenicness, to rounding.

    Scores and contributions are in points of `scale`. K attributes; maps of SIAM have h x w cells.
    """

    image: Image.Image  # upright RGB, as read
    model: str  # name of the pair
    scale: RatingScale
    attributes: tuple[str, ...]
    scenicness: float
    bias: float
    contributions: np.ndarray  # (K,) signed
    attribute_scores: np.ndarray  # (K,) in [0, 1)
    attribute_maps: np.ndarray  # (K, h, w)
    contribution_maps: np.ndarray  # (K, h, w); each sums to its contribution
    total_map: np.ndarray  # (h, w); sums to scenicness - bias
    templates: np.ndarray  # (K, g, g), the effective templates
    cell_weights: np.ndarray  # (K, h, w), the effective templates at the size of the maps
    baseline_scenicness: float | None  # None for a pair without a baseline
    baseline_bias: float | None
    baseline_map: np.ndarray | None  # (h', w'); sums to baseline_scenicness - baseline_bias
    scenicness_variance: float | None  # predicted variance of the votes, for networks that predict it
    device: str
    seconds: dict[str, float] = field(default_factory=dict)  # of each step
    photo_size: tuple[int, int] | None = None  # (width, height) as read; `image` may be smaller, for display
    template_agreement: np.ndarray | None = None  # (K, g, g) share of the folds with the same sign; None if unknown
    recognition: Mapping[str, Recognition] = field(default_factory=dict)  # by attribute, as far as it is known

    def ranking(self, order: Order = "magnitude", count: int | None = None) -> list[Contribution]:
        """Return the `count` attributes that contribute most by magnitude (None: all), in the order asked for.

        Example:
            >>> import siam
            >>> from siam.images import read_image
            >>> from siam.runtime.paths import ASSETS
            >>> photo = read_image(ASSETS / "gallery/open-photos/images/mountain-path.jpg")
            >>> explanation = siam.explain(siam.load("photo", device="cpu"), photo)
            >>> for item in explanation.ranking(count=1):
            ...     print(f"{item.attribute} {item.value:+.1f}")
            hiking +1.0
        """
        items = [
            Contribution(index, name, float(value))
            for index, (name, value) in enumerate(zip(self.attributes, self.contributions, strict=True))
        ]
        items = sorted(items, key=lambda item: -abs(item.value))[:count]
        if order == "positive first":
            return sorted(items, key=lambda item: -item.value)
        if order == "name":
            return sorted(items, key=lambda item: item.attribute)
        return items

    def others(self, count: int) -> float:
        """Return the summed contribution of all attributes but the `count` largest by magnitude."""
        return float(sum(item.value for item in self.ranking()[count:]))


@torch.inference_mode()
def explain(pair: Pair, image: Image.Image) -> Explanation:
    """Return the explanation of one photo: both scores, and every attribute's exact contribution to SIAM's.

    Args:
        pair: networks as returned by `siam.load`.
        image: an upright RGB picture as returned by `siam.images.reading.read_image`.

    Raises:
        ImageError: at the networks' input size, no cell of the maps is left inside their border.

    Example:
        >>> import siam
        >>> from siam.images import read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/storm-road.jpg")
        >>> explanation = siam.explain(siam.load("photo", device="cpu"), photo)
        >>> f"{explanation.scenicness:.1f} of {explanation.scale.high:g}"
        '5.5 of 7'
        >>> f"{explanation.bias + explanation.contributions.sum():.1f}"  # the same: they add up
        '5.5'
    """
    began = time.perf_counter()
    network, baseline = pair.siam, pair.baseline
    device = device_of(network)
    pixels = preprocess(image, network.config).to(device)  # (1, 3, H, W)
    prepared = time.perf_counter()
    try:
        if baseline is not None and input_settings(baseline.config) == input_settings(network.config):
            output, reference = Together(network, baseline)(pixels)
        else:
            output, reference = network(pixels), None
    except ValueError as error:  # no cell is left inside the border
        raise ImageError(
            f"The photo is scaled to {pixels.shape[3]} × {pixels.shape[2]} pixels, too few to leave a cell inside the "
            f"border of the maps of {pair.name!r}: use networks with a larger image_size."
        ) from error
    if baseline is not None and reference is None:
        reference = baseline(preprocess(image, baseline.config).to(device))
    templates = _array(network.scenicness_head.effective_templates())
    folds = pair.fold_templates
    cell_weights = network.scenicness_head.weights_on(output.attribute_maps)[0]
    contributions = _array(output.contributions[0])
    scenicness = None if reference is None else float(reference.scenicness[0])
    return Explanation(
        image=image,
        model=pair.name,
        scale=network.config.scale,
        attributes=network.config.attributes,
        scenicness=float(output.scenicness[0]),
        bias=float(output.bias),
        contributions=contributions,
        attribute_scores=_array(output.attribute_scores[0]),
        attribute_maps=_array(output.attribute_maps[0]),
        contribution_maps=_array(output.contribution_maps[0]),
        total_map=_array(output.total_map[0]),
        templates=templates,
        cell_weights=_array(cell_weights),
        baseline_scenicness=scenicness,
        baseline_bias=None if reference is None else float(reference.bias),
        baseline_map=None if reference is None else _array(reference.total_map[0]),
        scenicness_variance=None if output.scenicness_variance is None else float(output.scenicness_variance[0]),
        device=str(device),
        photo_size=image.size,
        template_agreement=None if folds is None else agreement(templates, _array(folds)),
        recognition=pair.recognition,
        seconds={"prepare": prepared - began, "networks": time.perf_counter() - prepared},
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
