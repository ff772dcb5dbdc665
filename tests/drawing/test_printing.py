"""Files for print: exact sizes, text as text in an embedded font, and the same file each time."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from pypdf import PdfReader

from siam.drawing.printing import FORMS, Facts, millimetres, points, print_file
from siam.drawing.shapes import Box, Disc, Drawing, Label, Line, Picture, Polyline, dashes

SVG = "{http://www.w3.org/2000/svg}"
FACTS = Facts("A title <b>", "What it shows & how.", "“Photos”, version 1a2b", "Marcos et al. 2019")
TEXTS = ["still water −0.42", "5.49 of 7", "flowers ≈", "T⁺ × ±0.1 …", "a <b>&amp;</b> name"]


def drawing(width=85.0, texts=TEXTS):
    red = Image.new("RGB", (40, 20), (255, 0, 0))
    grey = Image.linear_gradient("L")
    items = [
        Box(5, 5, 20, 20, "#0000FF"),
        Picture(30, 5, 40, 20, red, "red"),
        Picture(72, 5, 20, 20, grey, "grey"),
        Line(0, 40, 100, 40, "#00FF00", 2),
        Line(0, 50, 100, 50, "#00FF00", 2, (6, 4)),
        Polyline(((5, 60), (15, 70), (25, 60)), "#FF00FF", 1.5, (2, 1)),
        Polyline(((30, 60), (40, 70), (50, 60)), "", fill="#00FFFF"),
        Disc(70, 65, 6, "#FFFF00", "#000000", 1),
        *(Label(5, 90 + 10 * row, text, 7) for row, text in enumerate(texts)),
    ]
    return Drawing(points(width), 160, "A title <b>", items)


@pytest.mark.parametrize("width", [85, 180, 40, 123.45])
def test_every_file_is_exactly_as_wide_as_asked_for(width):
    page = drawing(width)
    box = PdfReader(io.BytesIO(print_file(page, "pdf", FACTS))).pages[0].mediabox
    assert float(box.width) == pytest.approx(width / 25.4 * 72, abs=1e-3)
    assert float(box.height) == pytest.approx(160, abs=1e-3)
    root = ET.fromstring(print_file(page, "svg", FACTS))
    assert root.get("width") == f"{width:g}mm" and root.get("height") == f"{160 / 72 * 25.4:.4f}mm"
    assert [float(of) for of in root.get("viewBox", "").split()] == pytest.approx([0, 0, width / 25.4 * 72, 160])
    with Image.open(io.BytesIO(print_file(page, "png", FACTS))) as image:
        assert image.size == (round(width / 25.4 * 300), round(160 / 72 * 300))
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_text_is_text_in_a_font_that_the_pdf_holds():
    reader = PdfReader(io.BytesIO(print_file(drawing(), "pdf", FACTS)))
    assert reader.pages[0].extract_text().strip().split("\n") == TEXTS
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        assert "DejaVuSans" in font["/BaseFont"] and "/FontFile2" in font["/FontDescriptor"]
    assert not [font for font in fonts if "Helvetica" in font["/BaseFont"]]
    assert len(reader.pages[0].images) == 2


def test_text_is_text_in_a_font_that_the_svg_holds():
    data = print_file(drawing(), "svg", FACTS).decode()
    root = ET.fromstring(data)
    assert [item.text for item in root.iter(f"{SVG}text")] == TEXTS
    assert len(list(root.iter(f"{SVG}image"))) == 2
    found = re.search(r"data:font/woff;base64,([\w+/=]+)", data)
    assert found is not None and "DejaVu Sans" in root.get("font-family", "")
    with TTFont(io.BytesIO(base64.b64decode(found[1]))) as font:
        assert {ord(character) for text in TEXTS for character in text} <= set(font.getBestCmap())
        assert len(font.getBestCmap()) < 100


@pytest.mark.parametrize("form", FORMS)
def test_a_file_says_what_it_is(form):
    data = print_file(drawing(), form, FACTS)
    if form == "pdf":
        about = PdfReader(io.BytesIO(data)).metadata
        assert about is not None
        told = [about.title, about.subject, str(about.get("/Keywords"))]
    elif form == "svg":
        told = [item.text for item in ET.fromstring(data).iter() if item.text]
    else:
        with Image.open(io.BytesIO(data)) as image:
            told = [*image.info.values()]
    together = "\n".join(map(str, told))
    for text in (FACTS.title, FACTS.caption, FACTS.networks, FACTS.citation):
        assert text in together


@pytest.mark.parametrize("form", FORMS)
def test_the_same_drawing_gives_the_same_file(form):
    assert print_file(drawing(), form, FACTS) == print_file(drawing(), form, FACTS)


@pytest.mark.parametrize("form", FORMS)
def test_no_text_from_outside_breaks_a_file(form):
    hostile = [
        "\x00\x0b\x1b", "\udce9.jpg", "]]></text><script>alert(1)</script>", "(\\) Tj ET", "日本 👍🏽", "\u202eabc", "",
    ]  # fmt: skip
    facts = Facts(*hostile[:4])
    data = print_file(drawing(texts=hostile), form, facts)
    if form == "pdf":
        text = PdfReader(io.BytesIO(data)).pages[0].extract_text()
        assert "(\\) Tj ET" in text and "</text><script>" in text
    elif form == "svg":
        root = ET.fromstring(data)
        assert not list(root.iter(f"{SVG}script")) and not list(root.iter("script"))
        assert "日本 👍🏽" in [item.text for item in root.iter(f"{SVG}text")]
    else:
        with Image.open(io.BytesIO(data)) as image:
            image.load()


def test_the_png_shows_all_shapes():
    with Image.open(io.BytesIO(print_file(drawing(), "png", FACTS))) as image:
        pixels = image.convert("RGB")

    def at(x, y):
        return pixels.getpixel((round(x * 300 / 72), round(y * 300 / 72)))

    assert [at(15, 15), at(50, 15), at(50, 40), at(70, 65), at(40, 63), at(200, 150)] == [
        (0, 0, 255), (255, 0, 0), (0, 255, 0), (255, 255, 0), (0, 255, 255), (255, 255, 255),
    ]  # fmt: skip
    row = np.asarray(pixels)[round(50 * 300 / 72), : round(100 * 300 / 72)]
    assert 0.5 < (row == (0, 255, 0)).all(axis=1).mean() < 0.7


def test_dashes_have_the_lengths_asked_for():
    assert dashes([(0, 0), (10, 0)], ()) == [((0, 0), (10, 0))]
    strokes = dashes([(0, 0), (10, 0), (10, 10)], (4, 2))
    lengths = [abs(x2 - x1) + abs(y2 - y1) for (x1, y1), (x2, y2) in strokes]
    assert sum(lengths) == pytest.approx(14)
    assert strokes[0] == ((0, 0), (4, 0)) and strokes[1][0] == pytest.approx((6, 0))


@pytest.mark.parametrize(
    ("text", "width"), [("180mm", 180), ("8.5cm", 85), ("3.5in", 88.9), (" 85 MM ", 85), ("100", 100), ("400mm", 400)]
)
def test_widths_have_units(text, width):
    assert millimetres(text) == pytest.approx(width)


@pytest.mark.parametrize("text", ["", "wide", "-85mm", "39.9mm", "401", "85 px", "nan", "inf", "1e2mm", "٨٥mm", "20in"])
def test_other_widths_are_refused(text):
    with pytest.raises(ValueError, match="expected a width"):
        millimetres(text)


def test_other_formats_are_refused():
    with pytest.raises(ValueError, match="expected one of pdf, svg, png"):
        print_file(drawing(), "eps", FACTS)  # pyright: ignore[reportArgumentType]
