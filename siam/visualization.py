"""The pictures of an explanation: arrays in, Pillow images and plotly figures out."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageOps

from siam.drawing import CROWD as CROWD
from siam.drawing import INK, PAPER, SOFT_INK, font, shortened, text_width
from siam.drawing import NEGATIVE as NEGATIVE
from siam.drawing import POSITIVE as POSITIVE
from siam.drawing import sign_colour as sign_colour
from siam.inference import Contribution, Explanation, Order
from siam.waterfall import waterfall as waterfall
from siam.wording import signed, tick_text, words

ZERO = "#FFFFFF"
DISPLAY_SIDE = 1280  # px: larger photos are shown smaller
CELL_UNIT = "points per cell"

_FRAME_FACTOR = 32  # px per point of the score, as in the paper, unless the largest frame would be too wide
_FRAME_MOST, _FRAME_LEAST = 10, 1  # px
_PAD = _FRAME_MOST + 4  # px from a tile's edge to its map
_ASPECTS = 2 / 3, 3  # width by height of a tile's map area: beyond them a map is centred in it


def display_photo(image: Image.Image, side: int = DISPLAY_SIDE) -> Image.Image:
    """Return the photo with its long side at most `side` px."""
    image = image.convert("RGB")
    if max(image.size) <= side:
        return image
    ratio = side / max(image.size)
    return image.resize((max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))


def upsampled(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a map (h, w) at a picture's size (width, height), each cell over the part of the picture it covers.

    Bilinear, because it never leaves the range of the cells: anything smoother would draw evidence that is not there.
    """
    cells = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(cells.resize(size, Image.Resampling.BILINEAR))


def _normalised(field: np.ndarray, limit: float) -> np.ndarray:
    if limit <= 0:
        return np.zeros(field.shape, dtype=np.float32)
    return np.clip(field / limit, -1, 1)


def _colours(normalised: np.ndarray) -> np.ndarray:
    """Return colours (..., 3) as floats of values in [-1, 1]."""
    magnitude = np.abs(normalised)[..., None]
    ends = np.where(normalised[..., None] >= 0, ImageColor.getrgb(POSITIVE), ImageColor.getrgb(NEGATIVE))
    return np.array(ImageColor.getrgb(ZERO)) * (1 - magnitude) + ends * magnitude


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def signed_colours(field: np.ndarray, limit: float, size: tuple[int, int] | None = None) -> Image.Image:
    """Return a signed map in magenta (-limit), white (0) and green (+limit), at `size` (width, height) or its own."""
    if size is not None:
        field = upsampled(field, size)
    return _image(_colours(_normalised(field, limit)))


def overlay(image: Image.Image, field: np.ndarray, limit: float, strength: float = 0.6) -> Image.Image:
    """Lay the colours of a signed map over a photo: the photo alone at strength 0, the colours alone at 1.

    In between the photo loses its own colours, and evidence covers more of it than white does: opacity is
    strength ** p, p falling from 3.5 without evidence to 0.35 at the limit.
    """
    photo = np.asarray(image.convert("RGB"), dtype=np.float32)
    if strength <= 0:
        return image.convert("RGB")
    normalised = _normalised(upsampled(field, image.size), limit)
    grey = np.asarray(ImageOps.grayscale(image), dtype=np.float32)[..., None]
    photo = photo + (grey - photo) * min(1, 1.5 * strength)
    power = 0.35 + 3.15 * (1 - np.abs(normalised)) ** 2
    opacity = (min(1, strength) ** power)[..., None]
    return _image(photo * (1 - opacity) + _colours(normalised) * opacity)


class TotalMaps(NamedTuple):
    """Where the two scores come from, over the photo, on one scale."""

    siam: Image.Image
    baseline: Image.Image | None
    limit: float


def comparable_maps(explanation: Explanation) -> list[np.ndarray]:
    """Return SIAM's total map and, if there is one, the baseline's, both in points per cell of SIAM's."""
    maps = [explanation.total_map]
    if explanation.baseline_map is not None:
        maps.append(explanation.baseline_map * (explanation.baseline_map.size / explanation.total_map.size))
    return maps


def shared_limit(explanation: Explanation) -> float:
    """Return the largest magnitude in the two total maps: the end of the scale of both."""
    return max(float(np.abs(field).max()) for field in comparable_maps(explanation))


def total_maps(explanation: Explanation, strength: float = 0.6, side: int = DISPLAY_SIDE) -> TotalMaps:
    """Return both total maps over the photo, its long side at most `side` px, on one scale symmetric about 0."""
    limit, photo = shared_limit(explanation), display_photo(explanation.image, side)
    drawn = [overlay(photo, field, limit, strength) for field in comparable_maps(explanation)]
    return TotalMaps(drawn[0], drawn[1] if len(drawn) > 1 else None, limit)


def scale_bar(limit: float, width: int = 480, unit: str = CELL_UNIT) -> Image.Image:
    """Return the legend of a signed map: its colours with their range printed below."""
    bar = Image.new("RGB", (width, 52), PAPER)
    bar.paste(signed_colours(np.linspace(-limit, limit, width - 24)[None], limit).resize((width - 24, 14)), (12, 8))
    pen = ImageDraw.Draw(bar)
    end = tick_text(limit)
    for x, text, anchor in ((12, f"−{end}", "ls"), (width / 2, unit, "ms"), (width - 12, f"+{end}", "rs")):
        pen.text((x, 42), text, SOFT_INK if anchor == "ms" else INK, font(13), anchor=anchor)
    pen.rectangle((12, 8, width - 13, 21), outline="#CBD2D9")
    return bar


def map_limit(explanation: Explanation, shown: Iterable[Contribution]) -> float:
    """Return the largest value in the attribute maps shown: white in all of them."""
    return max((float(explanation.attribute_maps[item.index].max()) for item in shown), default=0.0)


def attribute_map(
    explanation: Explanation, index: int, limit: float, size: tuple[int, int] | None = None
) -> Image.Image:
    """Return an attribute's map in grey, black at 0 (and below) and white at `limit`, at the photo's size or `size`."""
    field = upsampled(explanation.attribute_maps[index], size or display_photo(explanation.image).size)
    return _image(_normalised(np.maximum(field, 0), limit) * 255)


def frame_factor(contributions: Iterable[float]) -> float:
    """Return the px of frame per point of the score for a view in which the widest frame is 10 px."""
    largest = max((abs(value) for value in contributions), default=0.0)
    return min(_FRAME_FACTOR, _FRAME_MOST / largest) if largest > 0 else _FRAME_FACTOR


def frame_width(value: float, factor: float) -> int:
    """Return the px of frame of a contribution: proportional, at least 1."""
    return int(min(_FRAME_MOST, max(_FRAME_LEAST, round(abs(value) * factor))))


def fitted(size: tuple[int, int], width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the area (width, height) that tiles give to pictures of a size, and the size of the picture within it."""
    aspect = size[0] / size[1]
    height = round(width / min(max(aspect, _ASPECTS[0]), _ASPECTS[1]))
    ratio = min(width / size[0], height / size[1])
    return (width, height), (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))


def framed(picture: Image.Image, contribution: Contribution, factor: float, width: int = 320) -> Image.Image:
    """Return a tile: the picture in a frame of the contribution's colour and width, with name and signed value below.

    All tiles of pictures of one shape have one size, and the picture lies at the same place in each.
    """
    area, inner = fitted(picture.size, width - 2 * _PAD)
    text_size = max(11, round(width / 15))
    tile = Image.new("RGB", (width, area[1] + 2 * _PAD + round(text_size * 1.8)), PAPER)
    left, top = _PAD + (area[0] - inner[0]) // 2, _PAD + (area[1] - inner[1]) // 2
    frame = frame_width(contribution.value, factor)
    outline = (left - frame, top - frame, left + inner[0] + frame - 1, top + inner[1] + frame - 1)
    pen = ImageDraw.Draw(tile)
    pen.rectangle(outline, fill=sign_colour(contribution.value))
    tile.paste(picture.convert("RGB").resize(inner), (left, top))
    value = signed(contribution.value)
    room = width - 3 * _PAD - text_width(value, text_size)
    line = tile.height - round(text_size * 0.6)
    pen.text((_PAD, line), shortened(words(contribution.attribute), text_size, room), INK, font(text_size), "ls")
    pen.text((width - _PAD, line), value, INK, font(text_size), "rs")
    return tile


def tiles(
    explanation: Explanation, order: Order = "magnitude", count: int | None = 8, width: int = 320
) -> list[tuple[Contribution, Image.Image]]:
    """Return the framed maps of the attributes that count most, on one grey range and with one frame factor."""
    shown = explanation.ranking(order, count)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    _, inner = fitted(explanation.image.size, width - 2 * _PAD)
    return [(item, framed(attribute_map(explanation, item.index, limit, inner), item, factor, width)) for item in shown]


def presence_image(explanation: Explanation, index: int, limit: float | None = None, dim: float = 0.3) -> Image.Image:
    """Return the photo lit where an attribute was found, grey and `dim` elsewhere; `limit` lights it fully."""
    photo = display_photo(explanation.image)
    field = explanation.attribute_maps[index]
    light = _normalised(np.maximum(upsampled(field, photo.size), 0), limit or float(field.max()))[..., None]
    grey = np.asarray(ImageOps.grayscale(photo), dtype=np.float32)[..., None]
    return _image(grey * dim * (1 - light) + np.asarray(photo, dtype=np.float32) * light)


def template_image(explanation: Explanation, index: int, limit: float | None = None, side: int = 640) -> Image.Image:
    """Return an attribute's effective template cell by cell, in the photo's shape with its long side `side` px.

    The end of the scale is the largest value of all templates, unless `limit` is given.
    """
    end = float(np.abs(explanation.templates).max()) if limit is None else limit
    ratio = side / max(explanation.image.size)
    size = max(1, round(explanation.image.width * ratio)), max(1, round(explanation.image.height * ratio))
    return signed_colours(explanation.templates[index], end).resize(size, Image.Resampling.NEAREST)


def contribution_image(
    explanation: Explanation, index: int, strength: float = 0.6, limit: float | None = None
) -> Image.Image:
    """Return one attribute's contribution map over the photo; the end of the scale is the largest of all attributes."""
    end = float(np.abs(explanation.contribution_maps).max()) if limit is None else limit
    return overlay(display_photo(explanation.image), explanation.contribution_maps[index], end, strength)
