"""Drawings as files for print: PDF, SVG or PNG, exactly as wide as asked for, with real text in an embedded font.

One unit of a drawing for print is a point, 1/72 inch. The same drawing gives the same file, byte for byte.
"""

import base64
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image, PngImagePlugin

from siam.drawing.colours import PAPER
from siam.drawing.shapes import (
    FONT,
    Box,
    Disc,
    Drawing,
    Label,
    Line,
    Picture,
    Shape,
    legible,
    render_png,
    render_svg,
    safe,
)

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

Form = Literal["pdf", "svg", "png"]
FORMS: tuple[Form, ...] = ("pdf", "svg", "png")
COLUMN, PAGE = 85, 180  # mm, the usual widths of one column and of a page
NARROWEST, WIDEST = 40, 400  # mm
LEAST_TEXT = 6  # pt; what journals ask for
DPI = 300  # of PNG files, and of the pictures within the others

_INCH = 25.4  # mm
_POINTS = 72 / _INCH  # in a mm
_UNITS = {"mm": 1.0, "cm": 10.0, "in": _INCH}
_FINER = 2  # PNG files are drawn so many times finer, then reduced, so that slanted lines have no steps
_FONT_NAME = "DejaVuSans"  # in PDF files
_SOFTWARE = "SIAM Explorer"


@dataclass(frozen=True)
class Facts:
    """What a file says about itself besides the drawing: title, caption, networks with their version, citation."""

    title: str
    caption: str = ""
    networks: str = ""
    citation: str = ""


def millimetres(text: str) -> float:
    """Return a width such as "180mm", "8.5 cm", "3.5in" or "180" in mm.

    Raises:
        ValueError: it is no such width, or outside 40 to 400 mm.

    Example:
        >>> millimetres("8.5cm")
        85.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mm|cm|in)?\s*", text, re.ASCII | re.IGNORECASE)
    if found is None:
        raise ValueError(f"expected a width such as 180mm, 8.5cm or 3.5in, not {text!r}")
    width = float(found[1]) * _UNITS[(found[2] or "mm").lower()]
    if not NARROWEST <= width <= WIDEST:
        raise ValueError(f"expected a width of {NARROWEST} to {WIDEST} mm, not {text.strip()} ({width:g} mm)")
    return width


def points(millimetres: float) -> float:
    """Return a length in mm in points, the unit of drawings for print."""
    return millimetres * _POINTS


def pixels(length: float) -> int:
    """Return the pixels at 300 dpi along a length in points."""
    return max(1, round(length * DPI / 72))


def print_file(drawing: Drawing, form: Form, facts: Facts) -> bytes:
    """Return the file of a drawing whose unit is a point.

    Raises:
        ValueError: the format is unknown.
    """
    if form not in FORMS:
        raise ValueError(f"expected one of {', '.join(FORMS)}, not {form!r}")
    return {"pdf": _pdf, "svg": _svg, "png": _png}[form](drawing, facts)


def _png(drawing: Drawing, facts: Facts) -> bytes:
    size = pixels(drawing.width), pixels(drawing.height)
    image = render_png(drawing, _FINER * DPI / 72).resize(size, Image.Resampling.LANCZOS)
    about = PngImagePlugin.PngInfo()
    texts = {"Title": facts.title, "Description": facts.caption, "Source": facts.networks, "Citation": facts.citation}
    for key, text in texts.items():
        if text:
            about.add_itxt(key, legible(text))
    about.add_text("Software", _SOFTWARE)
    stream = io.BytesIO()
    image.save(stream, "PNG", dpi=(DPI, DPI), pnginfo=about)
    return stream.getvalue()


def _svg(drawing: Drawing, facts: Facts) -> bytes:
    size = tuple(f"{round(length / _POINTS, 4):.8g}mm" for length in (drawing.width, drawing.height))
    fields = {"title": facts.title, "description": facts.caption, "source": facts.networks,
              "bibliographicCitation": facts.citation}  # fmt: skip
    described = "".join(
        f"<dc:{name}>{safe(text)}</dc:{name}>"
        if name != "bibliographicCitation"
        else f"<dcterms:{name}>{safe(text)}</dcterms:{name}>"
        for name, text in fields.items()
        if text
    )
    head = (
        f"<desc>{safe(facts.caption)}</desc>"
        '<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f'<rdf:Description rdf:about="">{described}</rdf:Description></rdf:RDF></metadata>'
    )
    font = base64.b64encode(_font_of(drawing)).decode("ascii")
    head += (
        f'<style>@font-face{{font-family:"DejaVu Sans";src:url("data:font/woff;base64,{font}") format("woff")}}</style>'
    )
    return render_svg(drawing, size=(size[0], size[1]), head=head).encode()


def _font_of(drawing: Drawing) -> bytes:
    """Return the part of the font that the texts of a drawing need, as WOFF."""
    from fontTools import subset  # imported here, since only this needs it
    from fontTools.ttLib import TTFont

    options = subset.Options(flavor="woff", notdef_outline=True, hinting=False)
    options.drop_tables += ["FFTM"]  # when the font was made, which fontTools cannot cut
    cut = subset.Subsetter(options)
    cut.populate(text=legible("".join(item.text for item in drawing.items if isinstance(item, Label))) or " ")
    with TTFont(FONT, recalcTimestamp=False) as whole:
        cut.subset(whole)
        whole.flavor = "woff"
        stream = io.BytesIO()
        whole.save(stream)
    return stream.getvalue()


def _pdf(drawing: Drawing, facts: Facts) -> bytes:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    if _FONT_NAME not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT_NAME, FONT))
    stream, height = io.BytesIO(), drawing.height
    first: dict[str, Any] = {"initialFontName": _FONT_NAME}  # else the file asks for Helvetica
    page = Canvas(stream, (drawing.width, height), invariant=1, **first)  # invariant: no dates
    page.setTitle(legible(facts.title))
    page.setSubject(legible(facts.caption))
    page.setKeywords("; ".join(legible(text) for text in (facts.networks, facts.citation) if text))
    page.setAuthor("")
    page.setCreator(_SOFTWARE)
    page.setFillColor(PAPER)
    page.rect(0, 0, drawing.width, height, stroke=0, fill=1)
    for item in drawing.items:
        _draw_pdf(page, item, height)
    page.showPage()
    page.save()
    return stream.getvalue()


def _draw_pdf(page: "Canvas", item: Shape, height: float) -> None:
    """Draw a shape; a PDF page has its 0 at the bottom."""
    from reportlab.lib.utils import ImageReader

    if isinstance(item, Label):
        page.setFillColor(item.fill)
        page.setFont(_FONT_NAME, item.size)
        draw = {"start": page.drawString, "middle": page.drawCentredString, "end": page.drawRightString}[item.anchor]
        draw(item.x, height - item.y, legible(item.text))
    elif isinstance(item, Box):
        page.setFillColor(item.fill)
        page.rect(item.x, height - item.y - item.height, item.width, item.height, stroke=0, fill=1)
    elif isinstance(item, Picture):
        image = item.image if item.image.mode == "L" else item.image.convert("RGB")
        page.drawImage(ImageReader(image), item.x, height - item.y - item.height, item.width, item.height)
    else:
        page.setLineWidth(item.width)
        page.setDash([] if isinstance(item, Disc) else list(item.dash))
        if item.stroke:
            page.setStrokeColor(item.stroke)
        if isinstance(item, Line):
            page.line(item.x1, height - item.y1, item.x2, height - item.y2)
            return
        if item.fill:
            page.setFillColor(item.fill)
        painted = {"stroke": int(bool(item.stroke)), "fill": int(bool(item.fill))}
        if isinstance(item, Disc):
            page.circle(item.x, height - item.y, item.radius, **painted)
            return
        path = page.beginPath()
        path.moveTo(item.points[0][0], height - item.points[0][1])
        for x, y in item.points[1:]:
            path.lineTo(x, height - y)
        if item.fill:
            path.close()
        page.drawPath(path, **painted)
