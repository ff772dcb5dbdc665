"""Shapes to draw, laid out once, and two back ends for them: pixels (Pillow) and SVG.

`siam.drawing.printing` makes files for print of them, PDF among them.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from itertools import pairwise
from math import hypot
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.images.photos import bare
from siam.runtime.paths import ASSETS

FONT = ASSETS / "fonts" / "DejaVuSans.ttf"  # has the minus and times signs

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]
_PILLOW_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


@dataclass(frozen=True)
class Picture:
    """An image stretched over a rectangle."""

    x: float
    y: float
    width: float
    height: float
    image: Image.Image
    text: str = ""  # what it shows, for people who cannot see it


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str


@dataclass(frozen=True)
class Label:
    """One line of text; (x, y) lies on its baseline."""

    x: float
    y: float
    text: str
    size: float = 13
    anchor: Anchor = "start"
    fill: str = INK


@dataclass(frozen=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    stroke: str = SOFT_INK
    width: float = 1
    dash: tuple[float, ...] = ()  # lengths of strokes and gaps in turn; none: unbroken


@dataclass(frozen=True)
class Polyline:
    """Straight lines through points; with a filling, a closed shape."""

    points: tuple[Point, ...]
    stroke: str = SOFT_INK  # "": none
    width: float = 1
    dash: tuple[float, ...] = ()
    fill: str = ""


@dataclass(frozen=True)
class Disc:
    """A circle around (x, y), filled, outlined or both."""

    x: float
    y: float
    radius: float
    fill: str = ""
    stroke: str = ""
    width: float = 1


Shape = Picture | Box | Label | Line | Polyline | Disc


@dataclass
class Drawing:
    """A page of a given size and the shapes on it, the lowest first."""

    width: float
    height: float
    title: str
    items: list[Shape] = field(default_factory=list)


@lru_cache(maxsize=32)
def font(size: float) -> ImageFont.FreeTypeFont:
    """Return the font of all drawings at a size in px."""
    return ImageFont.truetype(FONT, size)


def text_width(text: str, size: float) -> float:
    """Return the width in px of a line of text at a size in px."""
    return font(size).getlength(text)


def shortened(text: str, size: float, width: float) -> str:
    """Return text that fits into a width in px, cut short with an ellipsis if necessary."""
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return text in lines that fit into a width in px, broken between words; a longer word is cut short."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(shortened(word, size, width))
    return lines


def outline(place: tuple[float, float, float, float], width: float, colour: str) -> Box:
    """Return the outline of a rectangle (x, y, width, height), to be drawn below what is in it."""
    x, y, across, down = place
    return Box(x - width, y - width, across + 2 * width, down + 2 * width, colour)


def stripes(bar: Box, period: float, colour: str = PAPER) -> list[Line]:
    """Return level lines over a rectangle, one each `period`, as maps have them where they are negative."""
    count = max(1, round(bar.height / period))
    step = bar.height / count
    lines = (bar.y + step * (number + 0.5) for number in range(count))
    return [Line(bar.x, y, bar.x + bar.width, y, colour, step / 4) for y in lines]


def moved(drawing: Drawing, right: float, down: float) -> list[Shape]:
    """Return the shapes of a drawing at another place, to be put on a larger one."""
    return [_moved(item, right, down) for item in drawing.items]


def _moved(item: Shape, right: float, down: float) -> Shape:
    if isinstance(item, Line):
        return replace(item, x1=item.x1 + right, y1=item.y1 + down, x2=item.x2 + right, y2=item.y2 + down)
    if isinstance(item, Polyline):
        return replace(item, points=tuple((x + right, y + down) for x, y in item.points))
    return replace(item, x=item.x + right, y=item.y + down)


def scaled(drawing: Drawing, factor: float) -> Drawing:
    """Return a drawing with all lengths times a factor, those of its text and strokes, too."""
    items = [_scaled(item, factor) for item in drawing.items]
    return Drawing(drawing.width * factor, drawing.height * factor, drawing.title, items)


def _scaled(item: Shape, factor: float) -> Shape:
    if isinstance(item, Polyline):
        points = tuple((x * factor, y * factor) for x, y in item.points)
        return replace(item, points=points, width=item.width * factor, dash=tuple(of * factor for of in item.dash))
    if isinstance(item, Line):
        ends = {name: getattr(item, name) * factor for name in ("x1", "y1", "x2", "y2", "width")}
        return replace(item, **ends, dash=tuple(of * factor for of in item.dash))
    lengths = ("x", "y", "size", "radius", "width", "height")
    return replace(item, **{name: getattr(item, name) * factor for name in lengths if hasattr(item, name)})


def dashes(points: Sequence[Point], dash: Sequence[float]) -> list[tuple[Point, Point]]:
    """Return the straight strokes (start, end) that a dashed line through points consists of.

    Args:
        points: of the line.
        dash: lengths of strokes and gaps in turn; none: one stroke between any two points.
    """
    strokes: list[tuple[Point, Point]] = []
    lengths = [*dash, *dash] if len(dash) % 2 else [*dash]
    if sum(lengths) <= 0:
        return list(pairwise(points))
    part, left = 0, lengths[0]
    for (x1, y1), (x2, y2) in pairwise(points):
        length, at = hypot(x2 - x1, y2 - y1), 0.0
        while at < length:
            step = min(left, length - at)
            if part % 2 == 0 and step > 0:
                start, end = at / length, (at + step) / length
                strokes.append(
                    (
                        (x1 + (x2 - x1) * start, y1 + (y2 - y1) * start),
                        (x1 + (x2 - x1) * end, y1 + (y2 - y1) * end),
                    )
                )
            at, left = at + step, left - step
            if left <= 1e-9:
                part = (part + 1) % len(lengths)
                left = lengths[part]
    return strokes


def render_png(drawing: Drawing, scale: float = 2) -> Image.Image:
    """Return the drawing on white, with `scale` pixels per unit."""
    canvas = Image.new("RGB", (max(1, round(drawing.width * scale)), max(1, round(drawing.height * scale))), PAPER)
    pen = ImageDraw.Draw(canvas)
    for item in drawing.items:
        if isinstance(item, Label):
            anchor = _PILLOW_ANCHORS[item.anchor]
            pen.text((item.x * scale, item.y * scale), item.text, item.fill, font(item.size * scale), anchor=anchor)
        elif isinstance(item, Line):
            _pillow_lines(pen, ((item.x1, item.y1), (item.x2, item.y2)), item, scale)
        elif isinstance(item, Polyline):
            if item.fill:
                pen.polygon([(x * scale, y * scale) for x, y in item.points], item.fill)
            closed = (*item.points, item.points[0]) if item.fill else item.points
            if item.stroke:
                _pillow_lines(pen, closed, item, scale)
        elif isinstance(item, Disc):
            x, y, radius = item.x * scale, item.y * scale, item.radius * scale
            width = max(1, round(item.width * scale)) if item.stroke else 0
            ends = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(ends, item.fill or None, item.stroke or None, width)
        else:
            left, top, right, bottom = _corners(item, scale)
            if isinstance(item, Box):
                pen.rectangle((left, top, right - 1, bottom - 1), item.fill)
            else:
                size = (right - left, bottom - top)
                canvas.paste(item.image.convert("RGB").resize(size, Image.Resampling.LANCZOS), (left, top))
    return canvas


def _pillow_lines(pen: ImageDraw.ImageDraw, points: Sequence[Point], item: Line | Polyline, scale: float) -> None:
    width = max(1, round(item.width * scale))
    if not item.dash:
        pen.line([(x * scale, y * scale) for x, y in points], item.stroke, width, joint="curve")
        return
    for (x1, y1), (x2, y2) in dashes(points, item.dash):
        pen.line((x1 * scale, y1 * scale, x2 * scale, y2 * scale), item.stroke, width)


def _corners(item: Picture | Box, scale: float) -> tuple[int, int, int, int]:
    left, top = round(item.x * scale), round(item.y * scale)
    right, bottom = round((item.x + item.width) * scale), round((item.y + item.height) * scale)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def render_svg(
    drawing: Drawing,
    ink: str = INK,
    background: str | None = PAPER,
    size: tuple[str, str] | None = None,
    head: str = "",
) -> str:
    """Return the drawing as SVG with real text.

    Args:
        drawing: what to draw.
        ink: the colour of text in the default colour.
        background: the colour of the page; None: transparent.
        size: width and height with their units, such as ("180mm", "90mm"); None: one px per unit.
        head: markup after the title, such as metadata and fonts.
    """
    width, height = f"{drawing.width:.8g}", f"{drawing.height:.8g}"
    across, down = size or (width, height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{across}" height="{down}" '
        f'role="img" font-family="DejaVu Sans, Verdana, sans-serif"><title>{safe(drawing.title)}</title>{head}'
    ]
    if background:
        parts.append(f'<rect width="{width}" height="{height}" fill="{background}"/>')
    parts += [_svg_item(item, ink) for item in drawing.items]
    return "\n".join([*parts, "</svg>"])


def _svg_item(item: Shape, ink: str) -> str:
    if isinstance(item, Label):
        fill = ink if item.fill == INK else item.fill
        return (
            f'<text x="{item.x:.6g}" y="{item.y:.6g}" font-size="{item.size:g}" text-anchor="{item.anchor}" '
            f'fill="{fill}">{safe(item.text)}</text>'
        )
    if isinstance(item, Line):
        ends = f'x1="{item.x1:.6g}" y1="{item.y1:.6g}" x2="{item.x2:.6g}" y2="{item.y2:.6g}"'
        return f"<line {ends} {_svg_stroke(item)}/>"
    if isinstance(item, Polyline):
        points = " ".join(f"{x:.6g},{y:.6g}" for x, y in item.points)
        kind = "polygon" if item.fill else "polyline"
        return f'<{kind} points="{points}" fill="{item.fill or "none"}" {_svg_stroke(item)}/>'
    if isinstance(item, Disc):
        place = f'cx="{item.x:.6g}" cy="{item.y:.6g}" r="{item.radius:.4g}"'
        return f'<circle {place} fill="{item.fill or "none"}" {_svg_stroke(item)}/>'
    place = f'x="{item.x:.6g}" y="{item.y:.6g}" width="{item.width:.6g}" height="{item.height:.6g}"'
    if isinstance(item, Box):
        return f'<rect {place} fill="{item.fill}"/>'
    title = f"<title>{safe(item.text)}</title>" if item.text else ""
    return f'<image {place} preserveAspectRatio="none" href="{data_uri(item.image)}">{title}</image>'


def _svg_stroke(item: Line | Polyline | Disc) -> str:
    if not item.stroke:
        return 'stroke="none"'
    dash = item.dash if isinstance(item, Line | Polyline) else ()
    broken = f' stroke-dasharray="{" ".join(f"{of:g}" for of in dash)}"' if dash else ""
    return f'stroke="{item.stroke}" stroke-width="{item.width:g}"{broken}'


def data_uri(image: Image.Image, kind: Literal["PNG", "JPEG"] = "PNG") -> str:
    """Return a picture as a data URI, without what its file said beside the pixels."""
    stream = io.BytesIO()
    bare(image).save(stream, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def safe(text: str) -> str:
    """Return text escaped for markup; characters that XML forbids become the replacement character."""
    return escape(legible(text))


def legible(text: str) -> str:
    """Return text in which characters that no document may hold became the replacement character."""
    return "".join(c if _allowed(c) else "\ufffd" for c in text)


def _allowed(character: str) -> bool:
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF
