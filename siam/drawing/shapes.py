"""Shapes to draw, laid out once, and two back ends for them: pixels (Pillow) and SVG."""

import base64
import io
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.images.photos import bare
from siam.runtime.paths import ASSETS

FONT = ASSETS / "fonts" / "DejaVuSans.ttf"  # has the minus and times signs

Anchor = Literal["start", "middle", "end"]
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


@dataclass
class Drawing:
    """A page of a given size and the shapes on it, the lowest first."""

    width: float
    height: float
    title: str
    items: list[Picture | Box | Label | Line] = field(default_factory=list)


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


def moved(drawing: Drawing, right: float, down: float) -> list[Picture | Box | Label | Line]:
    """Return the shapes of a drawing at another place, to be put on a larger one."""
    return [
        replace(item, x1=item.x1 + right, y1=item.y1 + down, x2=item.x2 + right, y2=item.y2 + down)
        if isinstance(item, Line)
        else replace(item, x=item.x + right, y=item.y + down)
        for item in drawing.items
    ]


def render_png(drawing: Drawing, scale: float = 2) -> Image.Image:
    """Return the drawing on white, with `scale` pixels per unit."""
    canvas = Image.new("RGB", (round(drawing.width * scale), round(drawing.height * scale)), PAPER)
    pen = ImageDraw.Draw(canvas)
    for item in drawing.items:
        if isinstance(item, Label):
            anchor = _PILLOW_ANCHORS[item.anchor]
            pen.text((item.x * scale, item.y * scale), item.text, item.fill, font(item.size * scale), anchor=anchor)
        elif isinstance(item, Line):
            ends = (item.x1 * scale, item.y1 * scale, item.x2 * scale, item.y2 * scale)
            pen.line(ends, item.stroke, max(1, round(item.width * scale)))
        else:
            left, top, right, bottom = _corners(item, scale)
            if isinstance(item, Box):
                pen.rectangle((left, top, right - 1, bottom - 1), item.fill)
            else:
                size = (right - left, bottom - top)
                canvas.paste(item.image.convert("RGB").resize(size, Image.Resampling.LANCZOS), (left, top))
    return canvas


def _corners(item: Picture | Box, scale: float) -> tuple[int, int, int, int]:
    left, top = round(item.x * scale), round(item.y * scale)
    right, bottom = round((item.x + item.width) * scale), round((item.y + item.height) * scale)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def render_svg(drawing: Drawing, ink: str = INK, background: str | None = PAPER) -> str:
    """Return the drawing as SVG with real text; text in the default colour is drawn in `ink`."""
    width, height = f"{drawing.width:g}", f"{drawing.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="DejaVu Sans, Verdana, sans-serif"><title>{safe(drawing.title)}</title>'
    ]
    if background:
        parts.append(f'<rect width="{width}" height="{height}" fill="{background}"/>')
    parts += [_svg_item(item, ink) for item in drawing.items]
    return "\n".join([*parts, "</svg>"])


def _svg_item(item: Picture | Box | Label | Line, ink: str) -> str:
    if isinstance(item, Label):
        fill = ink if item.fill == INK else item.fill
        return (
            f'<text x="{item.x:.6g}" y="{item.y:.6g}" font-size="{item.size:g}" text-anchor="{item.anchor}" '
            f'fill="{fill}">{safe(item.text)}</text>'
        )
    if isinstance(item, Line):
        ends = f'x1="{item.x1:.6g}" y1="{item.y1:.6g}" x2="{item.x2:.6g}" y2="{item.y2:.6g}"'
        return f'<line {ends} stroke="{item.stroke}" stroke-width="{item.width:g}"/>'
    place = f'x="{item.x:.6g}" y="{item.y:.6g}" width="{item.width:.6g}" height="{item.height:.6g}"'
    if isinstance(item, Box):
        return f'<rect {place} fill="{item.fill}"/>'
    title = f"<title>{safe(item.text)}</title>" if item.text else ""
    return f'<image {place} preserveAspectRatio="none" href="{data_uri(item.image)}">{title}</image>'


def data_uri(image: Image.Image, kind: Literal["PNG", "JPEG"] = "PNG") -> str:
    """Return a picture as a data URI, without what its file said beside the pixels."""
    stream = io.BytesIO()
    bare(image).save(stream, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def safe(text: str) -> str:
    """Return text escaped for markup; characters that XML forbids become the replacement character."""
    return escape("".join(c if _allowed(c) else "\ufffd" for c in text))


def _allowed(character: str) -> bool:
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF
