"""The figure of the paper: one layout, two files that agree."""

import dataclasses
import io
import xml.etree.ElementTree as ET
from functools import lru_cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from siam.drawing.colours import CROWD, NEGATIVE, POSITIVE
from siam.drawing.maps import upsampled
from siam.drawing.phrases import signed, words
from siam.drawing.printing import LEAST_TEXT, PAGE, points
from siam.drawing.shapes import (
    Box,
    Disc,
    Drawing,
    Label,
    Line,
    Picture,
    Polyline,
    render_png,
    render_svg,
    shortened,
    text_width,
)
from siam.explanation.inference import Explanation
from siam.figures.paper import paper_figure, paper_figure_png
from tests.support.fakes import fake_explanation

SVG = "{http://www.w3.org/2000/svg}"
SIGNS = (POSITIVE, NEGATIVE, CROWD)
KINDS = {
    "photo": {},
    "no baseline": {"baseline": False},
    "panorama": {"size": (1600, 200), "cells": (8, 64)},
    "panorama without baseline": {"size": (1600, 200), "baseline": False},
    "tall": {"size": (100, 400), "cells": (40, 10)},
    "few attributes": {"attributes": 3},
    "one attribute, no baseline": {"attributes": 1, "baseline": False},
    "tiny": {"size": (3, 2), "cells": (5, 5)},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


WIDTHS = (40, 85, 180)  # mm


@lru_cache
def figure_of(kind: str, width: float = PAGE, credit: bool = True) -> tuple[Explanation, Drawing]:
    explanation = fake_explanation(**KINDS[kind])
    return explanation, paper_figure(explanation, points(width), credit)


def frames(drawing: Drawing) -> list[Box]:
    """The box around each frame, which may be made of dashes, in the order of the pictures that follow them."""
    found, parts = [], []
    for item in drawing.items:
        if isinstance(item, Box) and item.fill in SIGNS:
            parts.append(item)
        elif parts:
            left, top = min(part.x for part in parts), min(part.y for part in parts)
            right, bottom = max(part.x + part.width for part in parts), max(part.y + part.height for part in parts)
            found.append(Box(left, top, right - left, bottom - top, parts[0].fill))
            parts = []
    return found


def rectangle(item: Label | Picture | Box) -> tuple[float, float, float, float]:
    if isinstance(item, Label):
        width = text_width(item.text, item.size)
        left = item.x - {"start": 0, "middle": width / 2, "end": width}[item.anchor]
        return left, item.y - 0.75 * item.size, left + width, item.y + 0.15 * item.size
    return item.x, item.y, item.x + item.width, item.y + item.height


@every_kind
def test_png_is_as_wide_as_a_page_at_300_dpi(kind):
    explanation, drawing = figure_of(kind)
    with Image.open(io.BytesIO(paper_figure_png(explanation))) as image:
        assert image.size == (2126, round(drawing.height / 72 * 300))
        assert image.format == "PNG" and image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@every_kind
def test_svg_is_xml_with_one_frame_per_attribute_shown(kind):
    explanation, drawing = figure_of(kind)
    root = ET.fromstring(render_svg(drawing))
    framing = [item for item in root.iter(f"{SVG}rect") if item.get("fill") in SIGNS]
    assert len(framing) >= len(frames(drawing)) == min(8, len(explanation.attributes))
    assert all(item.get("href", "").startswith("data:image/png;base64,") for item in root.iter(f"{SVG}image"))
    texts = [item.text for item in root.iter(f"{SVG}text")]
    assert {"Photo", "SIAM"} <= set(texts)
    assert ("Baseline" in texts) == (explanation.baseline_map is not None)


@every_kind
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_leaves_the_page_or_covers_something_else(kind, width):
    _, drawing = figure_of(kind, width, width != 85)
    assert drawing.width == pytest.approx(width / 25.4 * 72)
    assert min(item.size for item in drawing.items if isinstance(item, Label)) >= LEAST_TEXT
    spots = [rectangle(item) for item in drawing.items if isinstance(item, Label | Picture)]
    spots += [rectangle(box) for box in frames(drawing)]
    for left, top, right, bottom in spots:
        assert -1 <= left < right <= drawing.width + 1
        assert -1 <= top < bottom <= drawing.height + 1
    labels = [rectangle(item) for item in drawing.items if isinstance(item, Label)]
    solid = [rectangle(item) for item in drawing.items if isinstance(item, Picture | Box)]
    pairs = [*combinations(labels, 2), *((label, other) for label in labels for other in solid)]
    for one, other in pairs:
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_frames_are_in_order_proportional_and_coloured():
    explanation = fake_explanation(seed=4)
    shown = explanation.ranking(count=8)
    drawing = paper_figure(explanation)
    pictures = [item for item in drawing.items if isinstance(item, Picture) and item.height > 20][3:]
    widths = [picture.x - box.x for picture, box in zip(pictures, frames(drawing), strict=True)]
    most = max(abs(item.value) for item in shown)
    for item, box, width in zip(shown, frames(drawing), widths, strict=True):
        assert width == pytest.approx(max(widths[0] * abs(item.value) / most, 0.6), abs=1e-3)
        assert box.fill == (POSITIVE if item.value > 0 else NEGATIVE) or abs(item.value) < 0.005


@pytest.mark.parametrize("width", [85, 180])
def test_grey_prints_tell_what_raises_from_what_lowers(width):
    """Frames of negative contributions have gaps, and negative parts of maps have level lines."""
    explanation = fake_explanation(seed=4)
    drawing = paper_figure(explanation, points(width))
    grey = np.asarray(render_png(drawing, 300 / 72).convert("L"), dtype=float)
    pictures = [item for item in drawing.items if isinstance(item, Picture) and item.height > 20]
    told = set()
    for item, box, picture in zip(explanation.ranking(count=8), frames(drawing), pictures[3:], strict=True):
        middle = round((box.y + (picture.y - box.y) / 2) * 300 / 72)
        edge = grey[middle, round((picture.x + 1) * 300 / 72) : round((picture.x + picture.width - 1) * 300 / 72)]
        assert (edge.max() > 200) == (item.value < 0)
        told.add(item.value < 0)
    assert told == {True, False}
    limit = np.abs(explanation.total_map).max()
    total = np.asarray(pictures[1].image.convert("L"), dtype=float)
    steps = np.abs(np.diff(total, axis=0))
    field = upsampled(explanation.total_map, pictures[1].image.size)[1:]
    assert steps[field < -0.3 * limit].max() > 20
    assert steps[field > 0.02 * limit].max() < 10


def test_pictures_line_up():
    drawing = paper_figure(fake_explanation())
    large = [item for item in drawing.items if isinstance(item, Picture) and item.height > 20]
    assert len(large) == 11
    assert len({round(item.x, 3) for item in large}) == 4
    assert len({round(item.y, 3) for item in large}) == 3
    assert len({(round(item.width, 3), round(item.height, 3)) for item in large}) == 1
    assert large[0].width / large[0].height == pytest.approx(1.5)


def test_names_values_scores_and_the_sum_are_printed():
    explanation = fake_explanation()
    texts = [item.text for item in paper_figure(explanation).items if isinstance(item, Label)]
    for item in explanation.ranking(count=8):
        assert words(item.attribute) in texts
        assert signed(item.value) in texts
    assert f"{explanation.scenicness:.2f} of 7" in texts
    assert f"{explanation.baseline_scenicness:.2f} of 7" in texts
    assert {"bias", "the 8 shown", "25 others", "score", "4.55"} <= set(texts)
    assert "Fake photos · scenicness from 1 to 7" in texts


def test_names_from_outside_cannot_break_the_svg():
    explanation = fake_explanation(attributes=2)
    bad = dataclasses.replace(explanation, model='<script>&"\x00\x0b', attributes=("<b>]]>", "a&b"))
    texts = [item.text or "" for item in ET.fromstring(render_svg(paper_figure(bad))).iter(f"{SVG}text")]
    assert any(text.startswith('<script>&"') for text in texts)
    assert "<b>]]>" in texts
    assert paper_figure_png(bad)


def test_the_font_draws_the_signs():
    """A character that a font lacks is drawn as the same box as any other that it lacks."""
    missing = np.asarray(render_png(Drawing(30, 30, "", [Label(5, 22, "\U000e0fff", 20)])))
    for sign in "−×·…+é–":
        assert not np.array_equal(np.asarray(render_png(Drawing(30, 30, "", [Label(5, 22, sign, 20)]))), missing)


def test_back_ends_draw_every_kind_of_item():
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    items = [
        Box(0, 0, 10, 10, "#0000FF"),
        Picture(2, 2, 4, 4, red, "red"),
        Line(0, 15, 20, 15, "#00FF00", 2),
        Disc(15, 9, 2, "#00FFFF"),
        Polyline(((12, 0), (19, 0), (19, 4)), "", fill="#FF00FF"),
    ]
    drawing = Drawing(20, 20, "all <kinds>", items)
    image = render_png(drawing, scale=1)
    assert [image.getpixel(at) for at in ((1, 1), (3, 3), (10, 15), (11, 11), (15, 9), (18, 1))] == [
        (0, 0, 255),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 255),
        (0, 255, 255),
        (255, 0, 255),
    ]
    root = ET.fromstring(render_svg(drawing))
    assert [child.tag.removeprefix(SVG) for child in root] == [
        "title", "rect", "rect", "image", "line", "circle", "polygon",
    ]  # fmt: skip
    assert root[0].text == "all <kinds>"


def test_long_texts_are_cut_to_fit():
    assert shortened("short", 13, 200) == "short"
    cut = shortened("a very long name " * 9, 13, 120)
    assert cut.endswith("…")
    assert text_width(cut, 13) <= 120
