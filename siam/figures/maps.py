"""The maps of an explanation as Pillow images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from siam.drawing.maps import (
    DISPLAY_SIDE,
    display_photo,
    frame_factor,
    framed,
    grey_map,
    inner_size,
    lit,
    overlay,
    signed_cells,
)
from siam.drawing.phrases import words
from siam.explanation.context import Cause, Member, together_map
from siam.explanation.inference import Contribution, Explanation, Order
from siam.explanation.notebook import map_limit as map_limit
from siam.explanation.recognition import mark
from siam.models.agreement import agreed
from siam.models.csib import CSIB
from siam.models.readout import presence


class TotalMaps(NamedTuple):
    """Both total maps over the photo, and the end of their common scale in points per cell."""

    siam: Image.Image
    baseline: Image.Image | None
    limit: float


def comparable_maps(explanation: Explanation) -> list[np.ndarray]:
    """Return SIAM's total map and, if there is one, the baseline's, both in points per cell of SIAM's map."""
    maps = [explanation.total_map]
    if explanation.baseline_map is not None:
        maps.append(explanation.baseline_map * (explanation.baseline_map.size / explanation.total_map.size))
    return maps


def shared_limit(explanation: Explanation) -> float:
    """Return the largest magnitude in both total maps, the end of their common scale."""
    return max(float(np.abs(field).max()) for field in comparable_maps(explanation))


def total_maps(explanation: Explanation, strength: float = 0.6, side: int = DISPLAY_SIDE) -> TotalMaps:
    """Return both total maps over the photo, its long side at most `side` px, on one scale symmetric about 0."""
    limit, photo = shared_limit(explanation), display_photo(explanation.image, side)
    drawn = [overlay(photo, field, limit, strength) for field in comparable_maps(explanation)]
    return TotalMaps(drawn[0], drawn[1] if len(drawn) > 1 else None, limit)


def attribute_map(
    explanation: Explanation, index: int, limit: float, size: tuple[int, int] | None = None
) -> Image.Image:
    """Return an attribute's map in grey, black at 0 (and below) and white at `limit`, at the photo's size or `size`."""
    return grey_map(explanation.attribute_maps[index], limit, size or display_photo(explanation.image).size)


def tiles(
    explanation: Explanation, order: Order = "magnitude", count: int | None = 8, width: int = 320
) -> list[tuple[Contribution, Image.Image]]:
    """Return the framed maps of the attributes that count most, with one grey scale and one scale of frames.

    Names that are hard to believe have a mark (`siam.explanation.recognition`).
    """
    shown = explanation.ranking(order, count)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    inner = inner_size(explanation.image.size, width)
    return [
        (
            item,
            framed(
                attribute_map(explanation, item.index, limit, inner),
                words(item.attribute),
                item.value,
                factor,
                width,
                mark(explanation.recognition, item.attribute),
            ),
        )
        for item in shown
    ]


def cause_tiles(csib: CSIB, explanation: Explanation, causes: Sequence[Cause], width: int = 320) -> list[Image.Image]:
    """Return the framed maps of causes, bright where all members are, with one grey scale and one scale of frames."""
    fields = [together_map(csib, explanation, cause.group) for cause in causes]
    limit, factor = max((float(of.max()) for of in fields), default=0.0), frame_factor(cause.value for cause in causes)
    inner = inner_size(explanation.image.size, width)
    return [
        framed(grey_map(field, limit, inner), cause.title, cause.value, factor, width)
        for cause, field in zip(causes, fields, strict=True)
    ]


def cause_image(csib: CSIB, explanation: Explanation, cause: Cause) -> Image.Image:
    """Return the photo lit where all members of a cause are at once."""
    field = together_map(csib, explanation, cause.group)
    return lit(display_photo(explanation.image), field, float(field.max()))


def member_image(explanation: Explanation, member: Member) -> Image.Image:
    """Return the photo lit where SIAM sees a cause's member; if its absence is meant, where SIAM does not see it."""
    if not member.absent:
        return presence_image(explanation, member.index)
    field = 1 - presence(explanation.attribute_maps[member.index], explanation.attribute_link)
    return lit(display_photo(explanation.image), field, float(field.max()))


def presence_image(explanation: Explanation, index: int, limit: float | None = None, dim: float = 0.3) -> Image.Image:
    """Return the photo lit where SIAM sees an attribute, fully at `limit`; grey and `dim` elsewhere."""
    field = explanation.attribute_maps[index]
    return lit(display_photo(explanation.image), field, limit or float(field.max()), dim)


def template_image(explanation: Explanation, index: int, limit: float | None = None, side: int = 640) -> Image.Image:
    """Return an attribute's effective template cell by cell, in the photo's shape, its long side `side` px.

    The scale ends at `limit`, by default the largest magnitude in all templates. Cells on whose sign the folds do not
    agree are paler and hatched.
    """
    end = float(np.abs(explanation.templates).max()) if limit is None else limit
    ratio = side / max(explanation.image.size)
    size = max(1, round(explanation.image.width * ratio)), max(1, round(explanation.image.height * ratio))
    shares = explanation.template_agreement
    doubtful = None if shares is None else ~agreed(shares[index])
    return signed_cells(explanation.templates[index], end, size, doubtful)


def contribution_image(
    explanation: Explanation, index: int, strength: float = 0.6, limit: float | None = None
) -> Image.Image:
    """Return one attribute's contribution map over the photo; by default the scale ends at the largest of all maps."""
    end = float(np.abs(explanation.contribution_maps).max()) if limit is None else limit
    return overlay(display_photo(explanation.image), explanation.contribution_maps[index], end, strength)
