"""The door to SIAM: `explain` turns a photo into an `Explanation`."""

import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from PIL import Image

from siam.datasets.base import RatingScale
from siam.drawing.phrases import number, score_text, signed, words
from siam.errors import EngineError, ImageError
from siam.images.photos import Photo, as_photo
from siam.images.preprocessing import input_settings, least_side, prepared
from siam.images.reading import FULL_SIZE
from siam.models.agreement import agreement, signs_agreed
from siam.models.checkpoint import Pair
from siam.models.configs import Link, SIAMConfig
from siam.models.recognition import Recognition
from siam.runtime.devices import cpu_threads

_CAUSES = 3  # attributes that an explanation names when it is printed

Order = Literal["magnitude", "positive first", "name"]


@dataclass(frozen=True)
class Contribution:
    """One attribute's exact share of the score: its index among the attributes, its name, and its signed points."""

    index: int
    attribute: str
    value: float


class _Item(Protocol):
    @property
    def attribute(self) -> str: ...
    @property
    def value(self) -> float: ...


_Ranked = TypeVar("_Ranked", bound=_Item)


def ranked(items: Iterable[_Ranked], order: Order, count: int | None) -> list[_Ranked]:
    """Return the `count` items that are largest by magnitude (None: all), in the order asked for."""
    largest = sorted(items, key=lambda item: -abs(item.value))[:count]
    if order == "positive first":
        return sorted(largest, key=lambda item: -item.value)
    if order == "name":
        return sorted(largest, key=lambda item: item.attribute)
    return largest


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
    sign_agreement: np.ndarray | None = None  # (K,) share of the folds with the contribution's sign; NaN where it is 0
    interval: tuple[float, float] | None = None  # what people say of four in five photos like this; None if unknown
    baseline_interval: tuple[float, float] | None = None  # the same around the baseline's score
    distance: float | None = None  # from the landscapes that the networks learned from (`siam.models.doubt`)
    is_landscape: bool | None = None  # whether that is a usual distance; None if unknown
    version: str | None = None  # of the pair, if it is known
    attribute_link: Link = "tanh"  # from the mean of an attribute's map to its score

    def __repr__(self) -> str:
        score = score_text(self.scenicness, self.scale)
        if self.baseline_scenicness is not None:
            score += f", baseline {number(self.baseline_scenicness)}"
        shown = self.ranking(count=_CAUSES)
        causes = [f"{words(item.attribute)} {signed(item.value)}" for item in shown]
        if len(self.attributes) > len(shown):
            causes.append(f"{len(self.attributes) - len(shown)} more {signed(self.others(len(shown)))}")
        return f"Explanation({' '.join(self.model.split())}: {score}; bias {number(self.bias)}, {', '.join(causes)})"

    def _repr_html_(self) -> str:
        from siam.explanation.notebook import html  # imported here, since only notebooks need it

        return html(self)

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
        return ranked(items, order, count)

    def others(self, count: int) -> float:
        """Return the summed contribution of all attributes but the `count` largest by magnitude."""
        return float(sum(item.value for item in self.ranking()[count:]))


def explain(pair: Pair, image: Photo) -> Explanation:
    """Return the explanation of one photo: both scores, and every attribute's exact contribution to SIAM's.

    Args:
        pair: networks as returned by `siam.load`.
        image: a path, a file's content, an open PIL image, or an array: (H, W, 3) of RGB, (H, W) of grey or (H, W, 4)
            of RGBA, as uint8 from 0 to 255 or as floats from 0 to 1.

    Raises:
        ImageError: the photo cannot be read or is outside the limits; or, at the networks' input size, no cell of the
            maps is left inside their border.
        TypeError: `image` is none of these, or an array of other numbers.
        ValueError: the array has another shape or range.

    Example:
        >>> import siam
        >>> from siam.runtime.paths import ASSETS
        >>> photo = ASSETS / "gallery/open-photos/images/storm-road.jpg"
        >>> explanation = siam.explain(siam.load("photo", device="cpu"), photo)
        >>> f"{explanation.scenicness:.1f} of {explanation.scale.high:g}"
        '5.5 of 7'
        >>> f"{explanation.bias + explanation.contributions.sum():.1f}"  # the same: they add up
        '5.5'
    """
    config, other = pair.config, pair.baseline_config
    photo = as_photo(image, least=least_side(*pair.configs))
    began = time.perf_counter()
    pixels = prepared(photo, config)  # (1, 3, H, W)
    others = None if other is None or input_settings(other) == input_settings(config) else prepared(photo, other)
    ready = time.perf_counter()
    try:
        numbers, device = _numbers(pair, pixels, others)
    except ValueError as error:  # no cell is left inside the border
        raise ImageError(
            f"The photo is scaled to {pixels.shape[3]} × {pixels.shape[2]} pixels, too few to leave a cell inside the "
            f"border of the maps of {pair.name!r}: use networks with a larger image_size."
        ) from error
    folds, mean_features = numbers.pop("folds"), numbers.pop("mean_features")
    return Explanation(
        image=photo,
        model=pair.name,
        scale=config.scale,
        attributes=config.attributes,
        device=device,
        photo_size=photo.info.get(FULL_SIZE, photo.size),
        template_agreement=None if folds is None else agreement(numbers["templates"], folds),
        sign_agreement=_sign_agreement(numbers, folds, config),
        recognition=pair.recognition,
        **_doubt(pair, numbers, mean_features),
        version=pair.version,
        attribute_link=config.attribute_link,
        seconds={"prepare": ready - began, "networks": time.perf_counter() - ready},
        **numbers,
    )


def _sign_agreement(numbers: Mapping[str, Any], folds: np.ndarray | None, config: SIAMConfig) -> np.ndarray | None:
    if folds is None or config.template_relu:  # which templates such networks block is not known of the folds
        return None
    return signs_agreed(numbers["attribute_maps"], numbers["contributions"], folds, config.pooling)


def _doubt(pair: Pair, numbers: Mapping[str, Any], mean_features: np.ndarray | None) -> dict[str, Any]:
    """Return the fields of an explanation that say how far to trust its scores."""
    doubt, scale, baseline = pair.doubt, pair.config.scale, numbers["baseline_scenicness"]
    if doubt is None or mean_features is None:
        return {}
    distance = float(doubt.distance(mean_features))
    return {
        "interval": doubt.interval(numbers["scenicness"], distance, scale),
        "baseline_interval": None if baseline is None else doubt.interval(baseline, distance, scale, "baseline"),
        "distance": distance,
        "is_landscape": bool(doubt.are_landscapes(np.array(distance))),
    }


def _numbers(pair: Pair, pixels: np.ndarray, others: np.ndarray | None) -> tuple[dict[str, Any], str]:
    """Return the numbers of an explanation, the templates of the folds and the mean features, and the device used.

    Args:
        pair: the networks.
        pixels: the photo (1, 3, H, W), prepared.
        others: as prepared for the baseline, if it wants another input.

    Raises:
        ValueError: no cell is left inside the border.
    """
    if not pair.built and pair.files is not None:
        try:
            return pair.files.numbers(pixels, others, cpu_threads()), "cpu"
        except EngineError as error:
            warnings.warn(str(error), stacklevel=3)
            pair.use_pytorch()
    from siam.explanation.networks import numbers  # imported here, since it needs PyTorch

    return numbers(pair, pixels, others)
