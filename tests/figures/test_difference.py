"""Photos side by side: one scale for all maps, shapes that stay on the page, and no alignment that is not there."""

import dataclasses
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from siam.drawing.colours import NEGATIVE, POSITIVE
from siam.drawing.maps import swiped
from siam.drawing.phrases import number, score_text, signed
from siam.drawing.printing import LEAST_TEXT, points
from siam.drawing.shapes import Box, Label, Picture, text_width
from siam.explanation.difference import difference, differences
from siam.explanation.waterfall import difference_steps, steps_drawing
from siam.explanation.wording import difference_sentence, difference_sentences
from siam.figures.difference import (
    changes,
    difference_figure,
    difference_figure_png,
    difference_figure_svg,
    grey_limit,
    most_changed,
    swipe,
    total_limit,
)
from siam.figures.waterfall import difference_waterfall
from siam.reports.prints import difference_print
from tests.support.fakes import fake_explanation, fake_picture, from_maps

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["before.jpg", "after <b>&amp;</b>.jpg", "a name that is far too long " * 9 + ".jpg", "x"]


def variants(count=2, attributes=12, baseline=True, sizes=((300, 200),) * 4):
    """Explanations of several made-up photos by the same networks."""
    first = fake_explanation(0, attributes, baseline, sizes[0])
    found = [first]
    for seed in range(1, count):
        maps = first.attribute_maps * np.random.default_rng(seed).uniform(0, 2.5, first.attribute_maps.shape)
        other = from_maps(
            maps, first.cell_weights, first.templates, first.baseline_map, fake_picture(seed, sizes[seed])
        )
        found.append(other)
    return found


def test_the_attributes_that_changed_most_come_first():
    found = differences(variants(4))
    largest = [max(abs(of.values[index]) for of in found) for index in most_changed(found, 12)]
    assert largest == sorted(largest, reverse=True) and len(set(most_changed(found, 12))) == 12
    alone = found[:1]
    assert most_changed(alone, 5) == [item.index for item in alone[0].ranking(count=5)]


def test_all_maps_of_a_view_share_one_scale():
    explanations = variants(3)
    found = differences(explanations)
    shown = changes(found, ["a", "b", "c"], count=4)
    limit = grey_limit(found, [change.index for change in shown])
    assert limit == max(of.attribute_maps[change.index].max() for of in explanations for change in shown)
    brightest = 0
    for change in shown:
        assert len({tile.size for tile in change.tiles}) == 1
        for of, tile in zip(explanations, change.tiles, strict=True):
            level = np.asarray(tile.crop((16, 16, 304, 204)).convert("L")).max()
            assert level == pytest.approx(255 * of.attribute_maps[change.index].max() / limit, abs=16)
            brightest = max(brightest, level)
    assert brightest > 240
    assert total_limit(found) == max(abs(of.total_map).max() for of in explanations)


def rectangle(item):
    if isinstance(item, Label):
        width = text_width(item.text, item.size)
        left = item.x - {"start": 0, "middle": width / 2, "end": width}[item.anchor]
        return left, item.y - 0.75 * item.size, left + width, item.y + 0.2 * item.size
    return item.x, item.y, item.x + item.width, item.y + item.height


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"count": 4},
        {"count": 3, "baseline": False, "attributes": 3},
        {"attributes": 1},
        {"count": 3, "sizes": ((1600, 200), (200, 1600), (3, 2))},
    ],
    ids=["two", "four", "no baseline", "one attribute", "shapes"],
)
@pytest.mark.parametrize("width", [40, 85, 180])
def test_the_figure_holds_everything_within_its_page(settings, width):
    explanations = variants(**settings)
    names = NAMES[: len(explanations)]
    drawing = difference_figure(explanations, names, points(width))
    assert drawing.width == pytest.approx(width / 25.4 * 72)
    assert min(item.size for item in drawing.items if isinstance(item, Label)) >= LEAST_TEXT
    for item in drawing.items:
        if isinstance(item, Label | Picture | Box):
            left, top, right, bottom = rectangle(item)
            assert left >= -0.5 and top >= 0, item
            assert right <= drawing.width + 0.5 and bottom <= drawing.height, item
    texts = [item.text for item in drawing.items if isinstance(item, Label)]
    for of in explanations:
        assert score_text(of.scenicness, of.scale) in texts
        if of.baseline_scenicness is not None:
            assert f"baseline {number(of.baseline_scenicness)}" in texts
    found = differences(explanations)
    shown = most_changed(found)
    for of in found:
        for index in shown:
            assert f"change {signed(of.values[index])}" in texts
    together = " ".join(texts)
    if max(map(len, names)) < 100 and width > 40:
        assert all(
            difference_sentence(of, (names[0], name)) in together for of, name in zip(found, names[1:], strict=True)
        )
    framed = [item for item in drawing.items if isinstance(item, Box) and item.fill in (POSITIVE, NEGATIVE)]
    assert len(framed) >= len(shown)


def test_both_files_open():
    explanations = variants(2)
    drawing = difference_figure(explanations, NAMES[:2])
    with Image.open(io.BytesIO(difference_figure_png(explanations, NAMES[:2]))) as image:
        assert image.size == (2126, round(drawing.height / 72 * 300))
    root = ET.fromstring(difference_figure_svg(explanations, ["a <b>.jpg", "b"]))
    assert sum(1 for _ in root.iter(f"{SVG}image")) == 4 + 8 + 2
    assert "a <b>.jpg" in [item.text for item in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("count", [2, 4])
def test_the_figure_and_its_caption_name_what_changed(count):
    explanations, names = variants(count), ["a", "b", "c", "d"][:count]
    told = difference_sentences(differences(explanations, "the <b>new</b> road"), names)
    assert all("he <b>new</b> road" in sentence for sentence in told)
    drawing = difference_figure(explanations, names, changed="the <b>new</b> road")
    texts = " ".join(item.text for item in drawing.items if isinstance(item, Label))
    caption = difference_print(explanations, names, "the <b>new</b> road").caption()
    assert all(sentence in texts and sentence in caption for sentence in told)
    root = ET.fromstring(difference_figure_svg(explanations, names, "the <b>new</b> road"))
    assert "<b>new</b>" in " ".join(item.text or "" for item in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("width", [250, 400, 560])
def test_values_beside_the_bars_do_not_run_into_the_names(width):
    for seed in range(6):
        found = difference(*variants(2, 12, sizes=((300, 200), (300 + seed, 200))))
        drawing = steps_drawing(difference_steps(found), "", width)
        labels = [item for item in drawing.items if isinstance(item, Label)]
        names, values = labels[::2], labels[1::2]
        for name, value in zip(names, values, strict=True):
            assert rectangle(value)[0] >= rectangle(name)[2]
            assert rectangle(value)[2] <= width


def test_the_chart_has_the_steps_of_the_drawing():
    found = difference(*variants(2))
    names = ("before {a} <b>.jpg", "after.jpg")
    steps = difference_steps(found, 5, names=names)
    figure = difference_waterfall(found, 5, names=names)
    bars = figure.to_dict()["data"][1]
    assert list(bars["x"]) == pytest.approx([step.value for step in steps[1:-1]])
    assert list(bars["base"]) == pytest.approx([step.start for step in steps[1:-1]])
    assert sum(bars["x"]) == pytest.approx(found.change, abs=1e-5)
    title = figure.to_dict()["layout"]["title"]["text"]
    assert "<b>" not in title and "{" not in title


def test_a_swipe_shows_the_first_photo_left_of_the_line_and_the_second_right_of_it():
    first, second = Image.new("RGB", (200, 80), "red"), Image.new("RGB", (200, 80), "blue")
    for share in (0.25, 0.5, 0.9):
        pixels = np.asarray(swiped(first, second, share))
        split = round(200 * share)
        assert (pixels[:, : split - 3] == (255, 0, 0)).all()
        assert (pixels[:, split + 3 :] == (0, 0, 255)).all()
        assert (pixels[:, split] == 0).all()
    assert np.array_equal(np.asarray(swiped(first, second, 0)), np.asarray(second))
    assert np.array_equal(np.asarray(swiped(first, second, 1)), np.asarray(first))
    assert np.array_equal(np.asarray(swiped(first, second, 7)), np.asarray(first))


def detailed(size=(600, 400)):
    coarse = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("shift", [(0, 0), (42, -18)])
def test_a_swipe_lays_the_second_photo_onto_the_first(shift):
    image = detailed()
    right, down = shift
    after = image.transform(image.size, Image.Transform.AFFINE, (1, 0, -right, 0, 1, -down), fillcolor="white")
    explanation = dataclasses.replace(fake_explanation(), image=image, photo_size=(1800, 1200))
    found = difference(explanation, dataclasses.replace(explanation, image=after.resize((300, 200))))
    together = np.asarray(swipe(found, image, after, 0), dtype=float)[60:-60, 60:-60]
    assert np.abs(together - np.asarray(image, dtype=float)[60:-60, 60:-60]).mean() < 12
    small = swipe(found, image.resize((150, 100)), after, 0.5)
    assert small.size == (150, 100)


def test_photos_of_different_views_are_not_laid_over_each_other():
    explanation = dataclasses.replace(fake_explanation(), image=detailed())
    for other in (fake_picture(5, (600, 400)), detailed((400, 400))):
        found = difference(explanation, dataclasses.replace(explanation, image=other))
        with pytest.raises(ValueError, match="do not show the same view"):
            swipe(found, explanation.image, other, 0.5)
