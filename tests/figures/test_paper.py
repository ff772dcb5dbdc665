"""The figure of the paper: one layout, two files that agree."""

import dataclasses
import io
import xml.etree.ElementTree as ET
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from PIL import Image

from siam.drawing.colours import CROWD, NEGATIVE, POSITIVE
from siam.drawing.maps import frame_factor, frame_width
from siam.drawing.phrases import signed, words
from siam.drawing.shapes import Box, Drawing, Label, Line, Picture, render_png, render_svg, shortened, text_width
from siam.explanation.inference import Explanation
from siam.figures.paper import paper_figure, paper_figure_png, paper_figure_svg
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


@lru_cache
def figure_of(kind: str) -> tuple[Explanation, Drawing]:
    explanation = fake_explanation(**KINDS[kind])
    return explanation, paper_figure(explanation)


def frames(drawing: Drawing) -> list[list[Box]]:
    """The frames, each as the boxes that lie directly below its picture."""
    found, boxes = [], []
    for item in drawing.items:
        if isinstance(item, Box) and item.fill in SIGNS:
            boxes.append(item)
        elif boxes:
            found.append(boxes)
            boxes = []
    return found


def rectangle(item: Label | Picture | Box) -> tuple[float, float, float, float]:
    if isinstance(item, Label):
        width = text_width(item.text, item.size)
        left = item.x - {"start": 0, "middle": width / 2, "end": width}[item.anchor]
        return left, item.y - 0.75 * item.size, left + width, item.y + 0.15 * item.size
    return item.x, item.y, item.x + item.width, item.y + item.height


@every_kind
def test_png_opens_at_two_pixels_per_unit(kind):
    explanation, drawing = figure_of(kind)
    with Image.open(io.BytesIO(paper_figure_png(explanation))) as image:
        assert image.size == (round(2 * drawing.width), round(2 * drawing.height))
        assert image.format == "PNG"


@every_kind
def test_svg_is_xml_with_one_frame_per_attribute_shown(kind):
    explanation, drawing = figure_of(kind)
    root = ET.fromstring(render_svg(drawing))
    drawn = [item.get("fill") for item in root.iter() if item.tag in (f"{SVG}rect", f"{SVG}image")]
    framing = [of for of, after in pairwise(drawn) if of in SIGNS and after is None]
    assert len(framing) == min(8, len(explanation.attributes))
    assert all(item.get("href", "").startswith("data:image/png;base64,") for item in root.iter(f"{SVG}image"))
    texts = [item.text for item in root.iter(f"{SVG}text")]
    assert {"Photo", "SIAM"} <= set(texts)
    assert ("Baseline" in texts) == (explanation.baseline_map is not None)


@every_kind
def test_nothing_leaves_the_page_or_covers_something_else(kind):
    _, drawing = figure_of(kind)
    spots = [rectangle(item) for item in drawing.items if isinstance(item, Label | Picture)]
    spots += [rectangle(box) for boxes in frames(drawing) for box in boxes]
    for left, top, right, bottom in spots:
        assert -1 <= left < right <= drawing.width + 1
        assert -1 <= top < bottom <= drawing.height + 1
    labels = [rectangle(item) for item in drawing.items if isinstance(item, Label)]
    solid = [rectangle(item) for item in drawing.items if isinstance(item, Picture | Box)]
    pairs = [*combinations(labels, 2), *((label, other) for label in labels for other in solid)]
    for one, other in pairs:
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_frames_are_in_order_proportional_and_show_the_sign_by_colour_and_style():
    explanation = fake_explanation(seed=4)
    shown = explanation.ranking(count=8)
    factor = frame_factor(item.value for item in shown)
    drawing = paper_figure(explanation)
    pictures = {(round(item.x, 3), round(item.y, 3)) for item in drawing.items if isinstance(item, Picture)}
    assert {item.value > 0 for item in shown} == {True, False}
    for item, boxes in zip(shown, frames(drawing), strict=True):
        width = frame_width(item.value, factor)
        assert (round(boxes[0].x + width, 3), round(boxes[0].y + width, 3)) in pictures
        if abs(item.value) >= 0.005:
            assert {box.fill for box in boxes} == {POSITIVE if item.value > 0 else NEGATIVE}
            assert (len(boxes) > 1) == (item.value < 0)  # dashes


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


def test_the_two_files_show_the_same_texts():
    explanation = fake_explanation()
    drawn = [item.text for item in paper_figure(explanation).items if isinstance(item, Label)]
    root = ET.fromstring(paper_figure_svg(explanation))
    assert [item.text for item in root.iter(f"{SVG}text")] == drawn


def test_names_from_outside_cannot_break_the_svg():
    explanation = fake_explanation(attributes=2)
    bad = dataclasses.replace(explanation, model='<script>&"\x00\x0b', attributes=("<b>]]>", "a&b"))
    texts = [item.text or "" for item in ET.fromstring(paper_figure_svg(bad)).iter(f"{SVG}text")]
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
    items = [Box(0, 0, 10, 10, "#0000FF"), Picture(2, 2, 4, 4, red, "red"), Line(0, 15, 20, 15, "#00FF00", 2)]
    drawing = Drawing(20, 20, "all <kinds>", items)
    image = render_png(drawing, scale=1)
    assert [image.getpixel(at) for at in ((1, 1), (3, 3), (10, 15), (15, 5))] == [
        (0, 0, 255),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 255),
    ]
    root = ET.fromstring(render_svg(drawing))
    assert [child.tag.removeprefix(SVG) for child in root] == ["title", "rect", "rect", "image", "line"]
    assert root[0].text == "all <kinds>"


def test_long_texts_are_cut_to_fit():
    assert shortened("short", 13, 200) == "short"
    cut = shortened("a very long name " * 9, 13, 120)
    assert cut.endswith("…")
    assert text_width(cut, 13) <= 120
