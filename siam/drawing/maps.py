"""Maps over photos: arrays in, Pillow images out.

Signed maps run over white from the palette's negative colour (the paper's magenta) to its positive one (green),
symmetric about 0; maps of presence are grey, black at 0.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageOps

from siam.drawing.colours import INK, PAPER, SOFT_INK, ZERO, sign_colour
from siam.drawing.palettes import palette
from siam.drawing.phrases import signed, tick_text
from siam.drawing.shapes import Box, font, shortened, text_width
from siam.images.photos import bare

DISPLAY_SIDE = 1280  # px: larger photos are scaled down for display
CELL_UNIT = "points per cell"
PALE = 0.4  # of the colour that a doubtful cell keeps
HATCH = 0.3  # opacity of the black lines over it

_HATCH_LEAST = 6  # px between the lines of a hatched cell

_COARSE = 64 * 64  # cells: larger maps are as fine as the pixels
_OUTLIERS = 0.01  # share of their cells
_PALE = 0.35  # how far a photo is whitened under a map without a direction

_FRAME_FACTOR = 32  # px per point of the score, as in the paper, unless the largest frame would be too wide
_FRAME_MOST, _FRAME_LEAST = 10, 1  # px
_GAP_LEAST, _GAP_SHARE = 4, 1.2  # px between the dashes of a frame, and as a share of its width
_PAD = _FRAME_MOST + 4  # px from a tile's edge to its map
_ASPECTS = 2 / 3, 3  # width / height of a tile's map area; maps outside this range are centred in it


def display_photo(image: Image.Image, side: int = DISPLAY_SIDE) -> Image.Image:
    """Return the photo with its long side at most `side` px, without what its file says beside the pixels."""
    image = image.convert("RGB")
    ratio = side / max(image.size)
    if ratio < 1:
        image = image.resize((max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))
    return bare(image)


def upsampled(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a map (h, w) at the size (width, height) of a picture, each cell over the part of the picture it covers.

    Bilinear interpolation never leaves the range of the cells: anything smoother would draw evidence that is not there.
    """
    cells = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(cells.resize(size, Image.Resampling.BILINEAR))


def signed_colours(field: np.ndarray, limit: float, size: tuple[int, int] | None = None) -> Image.Image:
    """Return a signed map in the colours from -limit over white (0) to +limit, at `size` (width, height) or its own."""
    if size is not None:
        field = upsampled(field, size)
    return _coloured(_normalised(field, limit))


def signed_cells(
    field: np.ndarray, limit: float, size: tuple[int, int], doubtful: np.ndarray | None = None
) -> Image.Image:
    """Return a signed map cell by cell at `size` (width, height), without blending neighbours.

    Cells of `doubtful` (h, w) bool are paler and hatched with darker lines, white cells too; white alone means 0.
    """
    colours = signed_colours(field, limit).resize(size, Image.Resampling.NEAREST)
    if doubtful is None or not doubtful.any():
        return colours
    pixels = np.asarray(colours, dtype=np.float32)
    unsure = np.asarray(Image.fromarray(doubtful.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) > 0
    period = max(_HATCH_LEAST, round(0.6 * min(size) / max(doubtful.shape)))  # three to four lines in two cells
    rows, columns = np.mgrid[: size[1], : size[0]]
    line = (rows + columns) % period < max(1, round(period / 8))
    pale = pixels * PALE + 255 * (1 - PALE)
    pale[line] *= 1 - HATCH
    return _image(np.where(unsure[..., None], pale, pixels))


def striped(picture: Image.Image, field: np.ndarray, limit: float, period: int = 9) -> Image.Image:
    """Return a picture with darker level lines where a signed map (h, w) is negative, so that grey prints show it.

    Args:
        picture: the map in colours, or laid over a photo.
        field: the map; values within a fiftieth of `limit` have no lines.
        limit: the end of its scale.
        period: px from line to line, each a third of that wide.
    """
    below = np.clip(-_normalised(upsampled(field, picture.size), limit) * 3, 0, 1)  # (H, W)
    below[below < 3 / 50] = 0
    lines = (np.arange(picture.height) % period < period / 3)[:, None]
    dark = 1 - 0.6 * below * lines
    return _image(np.asarray(picture.convert("RGB"), dtype=np.float32) * dark[..., None])


def hatch_key(text: str, height: int = 20) -> Image.Image:
    """Return the legend of hatched cells: half a swatch of either sign, both hatched, and what they mean."""
    swatch = signed_cells(np.array([[-1.0, 1.0]]), 1.0, (36, height), np.ones((1, 2), dtype=bool))
    key = Image.new("RGB", (12 + 36 + 8 + round(text_width(text, 13)) + 12, height + 16), PAPER)
    key.paste(swatch, (12, 8))
    pen = ImageDraw.Draw(key)
    pen.rectangle((12, 8, 12 + 35, 8 + height - 1), outline="#CBD2D9")
    pen.text((12 + 36 + 8, 8 + height / 2 + 5), text, INK, font(13), anchor="ls")
    return key


def overlay(image: Image.Image, field: np.ndarray, limit: float, strength: float = 0.6) -> Image.Image:
    """Lay the colours of a signed map over a photo: the photo alone at strength 0, the colours alone at 1.

    In between the photo loses its own colours, and evidence covers more of it than white does: opacity is
    strength ** p, p falling from 3.5 without evidence to 0.35 at the limit.
    """
    photo = bare(image.convert("RGB"))
    if strength <= 0:
        return photo
    photo = Image.blend(photo, ImageOps.grayscale(photo).convert("RGB"), min(1, 1.5 * strength))
    normalised = _normalised(upsampled(field, image.size), limit)
    opacity = 255 * min(1, strength) ** (0.35 + 3.15 * (1 - np.linspace(0, 1, 256)) ** 2)
    levels = Image.fromarray((255 * np.abs(normalised) + 0.5).astype(np.uint8))
    return Image.composite(_coloured(normalised), photo, levels.point(np.rint(opacity).astype(int).tolist()))


def relative(field: np.ndarray, sign: int) -> np.ndarray:
    """Return a map (h, w) relative to its own largest magnitude, from -1 to 1; > 0 where the score is raised.

    In a map as fine as the pixels, single ones would leave all others pale: there the scale ends at the magnitude that
    one pixel in a hundred exceeds, unless that is 0, and larger values are cut off.

    Args:
        field: a map in any unit, as an explainer returns it; a map of zeros stays as it is.
        sign: -1 if the map explains minus the score, else 1.
    """
    magnitude = np.abs(field)
    limit = float(np.quantile(magnitude, 1 - _OUTLIERS)) if field.size > _COARSE else 0.0
    limit = limit or float(magnitude.max())
    return sign * np.clip(field / limit, -1, 1) if limit > 0 else np.zeros_like(field)


def map_picture(photo: Image.Image, field: np.ndarray, sign: int, strength: float = 0.75) -> Image.Image:
    """Return a map over the photo, in the colours of what raises and of what lowers the score.

    Explainers use different units, so each map is scaled to its own values (`relative`) before `overlay` draws it.
    """
    return overlay(photo, relative(field, sign), 1.0, strength)


def pattern_picture(photo: Image.Image, field: np.ndarray, strength: float = 0.75) -> Image.Image:
    """Return a map without a direction over the photo, in one colour, which is no sign's.

    The map is scaled as in `map_picture`. The photo turns grey and pale, and the colour covers it with the opacity
    strength times map: the photo alone at strength 0, the colour alone at strength 1 where the map is highest.
    """
    if strength <= 0:
        return bare(photo.convert("RGB"))
    cover = min(1, strength) * np.clip(upsampled(relative(field, 1), photo.size), 0, 1)[..., None]
    colours = np.asarray(photo.convert("RGB"), dtype=np.float32)
    grey = np.asarray(ImageOps.grayscale(photo), dtype=np.float32)[..., None]
    pale = colours + (grey - colours) * min(1, 1.5 * strength)
    pale += (255 - pale) * _PALE * min(1, strength)
    return Image.fromarray(
        np.round(pale * (1 - cover) + np.array(ImageColor.getrgb(palette().undirected)) * cover).astype(np.uint8)
    )


def grey_map(field: np.ndarray, limit: float, size: tuple[int, int]) -> Image.Image:
    """Return a map in grey at `size` (width, height): black at 0 and below, white at `limit`."""
    return _image(_normalised(np.maximum(upsampled(field, size), 0), limit) * 255)


def lit(image: Image.Image, field: np.ndarray, limit: float, dim: float = 0.3) -> Image.Image:
    """Return the photo lit where a map is positive, fully at `limit`; grey and `dim` elsewhere."""
    light = _normalised(np.maximum(upsampled(field, image.size), 0), limit)[..., None]
    grey = np.asarray(ImageOps.grayscale(image), dtype=np.float32)[..., None]
    return _image(grey * dim * (1 - light) + np.asarray(image, dtype=np.float32) * light)


def swiped(first: Image.Image, second: Image.Image, share: float) -> Image.Image:
    """Return two pictures of the same size as one: the first on the left, up to `share` of the width, then the second.

    A line in white and black, visible on any photo, is between them.
    """
    together, split = second.convert("RGB").copy(), round(min(max(share, 0.0), 1.0) * second.width)
    together.paste(first.crop((0, 0, split, first.height)), (0, 0))
    if 0 < split < second.width:
        pen = ImageDraw.Draw(together)
        pen.rectangle((split - 2, 0, split + 1, second.height), fill="white")
        pen.line((split, 0, split, second.height), fill="black")
    return bare(together)


def scale_bar(limit: float, width: int = 480, unit: str = CELL_UNIT) -> Image.Image:
    """Return the legend of a signed map: its colours, and below, which end is which, and the unit."""
    low, high = end_texts(limit)
    inside = text_width(f"{low}  {unit}  {high}", 13) <= width - 24
    bar = Image.new("RGB", (width, 52 if inside else 68), PAPER)
    bar.paste(signed_colours(np.linspace(-limit, limit, width - 24)[None], limit).resize((width - 24, 14)), (12, 8))
    pen = ImageDraw.Draw(bar)
    line = 42 if inside else 59
    for x, y, text, anchor in ((12, 42, low, "ls"), (width / 2, line, unit, "ms"), (width - 12, 42, high, "rs")):
        pen.text((x, y), text, SOFT_INK if anchor == "ms" else INK, font(13), anchor=anchor)
    pen.rectangle((12, 8, width - 13, 21), outline="#CBD2D9")
    return bar


def end_texts(limit: float) -> tuple[str, str]:
    """Return what the ends of a signed scale are, in words, too: "−0.021 lowers", "raises +0.021"."""
    end = tick_text(limit)
    return f"−{end} lowers", f"raises +{end}"


def scale_text(limit: float, unit: str = CELL_UNIT) -> str:
    """Return the alternative text of a signed scale."""
    end, (raises, lowers, _) = tick_text(limit), palette().names
    return f"Scale: from −{end} ({lowers}, lowers the score) over 0 (white) to +{end} ({raises}, raises it), {unit}"


def frame_factor(contributions: Iterable[float]) -> float:
    """Return how many px of frame one point gets, so that the widest frame in a view is at most 10 px."""
    largest = max((abs(value) for value in contributions), default=0.0)
    return min(_FRAME_FACTOR, _FRAME_MOST / largest) if largest > 0 else _FRAME_FACTOR


def frame_width(value: float, factor: float) -> int:
    """Return the width of a contribution's frame in px: proportional to its magnitude, 1 to 10."""
    return int(min(_FRAME_MOST, max(_FRAME_LEAST, round(abs(value) * factor))))


def frame_style(value: float) -> Literal["solid", "dashed"]:
    """Return the style of a contribution's frame, in the words of CSS: dashed if it lowers the score.

    So the sign can be seen without its colour.
    """
    return "dashed" if signed(value).startswith("−") else "solid"


def frame(area: tuple[float, float, float, float], width: float, value: float) -> list[Box]:
    """Return the frame of a contribution, to be drawn below its picture: one box, or if dashed, one for each dash.

    Args:
        area: (x, y, width, height) of the picture.
        width: of the frame, which lies around that area.
        value: the contribution, which gives colour and style.
    """
    left, top, across, down = area[0] - width, area[1] - width, area[2] + 2 * width, area[3] + 2 * width
    colour = sign_colour(value)
    if frame_style(value) == "solid":
        return [Box(left, top, across, down, colour)]
    flat, upright = _dashes(left, across, width), _dashes(top, down, width)
    return [
        *(Box(x, y, dash, width, colour) for y in (top, top + down - width) for x, dash in flat),
        *(Box(x, y, width, dash, colour) for x in (left, left + across - width) for y, dash in upright),
    ]


def _dashes(start: float, length: float, width: float) -> list[tuple[float, float]]:
    """Return start and length of the dashes of a side; the first and the last make whole corners."""
    gaps = max(1, round(length / (3 * max(_GAP_LEAST, _GAP_SHARE * width)) - 2 / 3))
    gap = length / (3 * gaps + 2)  # a dash is as long as two
    return [(start + 3 * number * gap, 2 * gap) for number in range(gaps + 1)]


def fitted(size: tuple[int, int], width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the area (width, height) of a tile for pictures of one size, and the size of the picture within it."""
    aspect = size[0] / size[1]
    height = round(width / min(max(aspect, _ASPECTS[0]), _ASPECTS[1]))
    ratio = min(width / size[0], height / size[1])
    return (width, height), (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio)))


def inner_size(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Return the size (width, height) at which `framed` draws a picture of a given size."""
    return fitted(size, width - 2 * _PAD)[1]


def framed(
    picture: Image.Image, title: str, value: float, factor: float, width: int = 320, mark: str = ""
) -> Image.Image:
    """Return a tile: the picture in a frame that shows its value (`frame`), with title and signed value below.

    `mark` follows the title, which is cut short if there is no room for both. Pictures of the same shape give tiles of
    the same size, with the picture at the same place in each.
    """
    area, inner = fitted(picture.size, width - 2 * _PAD)
    text_size = max(11, round(width / 15))
    tile = Image.new("RGB", (width, area[1] + 2 * _PAD + round(text_size * 1.8)), PAPER)
    left, top = _PAD + (area[0] - inner[0]) // 2, _PAD + (area[1] - inner[1]) // 2
    pen = ImageDraw.Draw(tile)
    for box in frame((left, top, *inner), frame_width(value, factor), value):
        corners = (box.x, box.y, box.x + box.width, box.y + box.height)
        x, y, right, bottom = map(round, corners)
        pen.rectangle((x, y, right - 1, bottom - 1), fill=box.fill)
    tile.paste(picture.convert("RGB").resize(inner), (left, top))
    text = signed(value)
    after = f" {mark}" if mark else ""
    room = width - 3 * _PAD - text_width(text, text_size) - text_width(after, text_size)
    line = tile.height - round(text_size * 0.6)
    pen.text((_PAD, line), shortened(title, text_size, room) + after, INK, font(text_size), "ls")
    pen.text((width - _PAD, line), text, INK, font(text_size), "rs")
    return tile


def _normalised(field: np.ndarray, limit: float) -> np.ndarray:
    if limit <= 0:
        return np.zeros(field.shape, dtype=np.float32)
    return np.clip(field / limit, -1, 1)


def _coloured(normalised: np.ndarray) -> Image.Image:
    """Return the colours of values (h, w) in [-1, 1] as a picture."""
    ends = ZERO, palette().positive, palette().negative
    positive, negative = np.maximum(normalised, 0), np.maximum(-normalised, 0)
    channels = [
        np.rint(zero + (up - zero) * positive + (down - zero) * negative).astype(np.uint8)
        for zero, up, down in zip(*map(ImageColor.getrgb, ends), strict=True)
    ]
    return Image.merge("RGB", [Image.fromarray(channel) for channel in channels])


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray((pixels.clip(0, 255) + 0.5).astype(np.uint8))
