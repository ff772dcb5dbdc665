"""Colours, frames and ranges are claims: measure them in the pixels."""

import dataclasses
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from siam.drawing.colours import CROWD, NEGATIVE, POSITIVE, sign_colour
from siam.drawing.maps import (
    display_photo,
    frame,
    frame_factor,
    frame_style,
    frame_width,
    framed,
    overlay,
    scale_bar,
    signed_colours,
    upsampled,
)
from siam.drawing.shapes import Label, text_width
from siam.figures.maps import (
    attribute_map,
    comparable_maps,
    contribution_image,
    map_limit,
    presence_image,
    shared_limit,
    template_image,
    tiles,
    total_maps,
)
from siam.figures.waterfall import waterfall, waterfall_drawing, waterfall_steps
from tests.support.fakes import fake_explanation
from tests.support.recognition import recognised

GREEN, MAGENTA, WHITE = (0, 128, 0), (255, 0, 128), (255, 255, 255)


def test_colours_at_the_ends_and_at_zero():
    image = signed_colours(np.array([[-2.0, 0.0, 2.0, -9.0, 9.0]]), 2.0)
    assert [image.getpixel((x, 0)) for x in range(5)] == [MAGENTA, WHITE, GREEN, MAGENTA, GREEN]


@given(st.floats(0, 1))
def test_the_scale_is_symmetric(value):
    """The same evidence for and against is equally far from white on its side."""
    image = signed_colours(np.array([[value, -value]]), 1.0)
    up, down = (np.array(image.getpixel((x, 0)), dtype=float) for x in (0, 1))
    share_up, share_down = (255 - up[0]) / 255, (255 - down[1]) / 255
    assert share_up == pytest.approx(share_down, abs=1 / 255)
    assert share_up == pytest.approx(value, abs=1 / 255)


def test_a_map_without_evidence_is_white():
    assert signed_colours(np.zeros((3, 4)), 0.0, (8, 6)).getcolors() == [(48, WHITE)]


def test_cells_cover_exactly_their_part_of_the_picture():
    field = np.arange(12.0).reshape(3, 4)
    large = upsampled(field, (44, 33))
    assert large[5::11, 5::11] == pytest.approx(field, abs=1e-5)  # at the middle of each cell
    assert upsampled(field[:, ::-1], (44, 33)) == pytest.approx(large[:, ::-1])


@given(st.integers(0, 1000))
def test_upsampling_invents_no_evidence(seed):
    field = np.random.default_rng(seed).normal(size=(5, 7))
    large = upsampled(field, (61, 43))
    assert large.max() <= field.max() + 1e-5
    assert large.min() >= field.min() - 1e-5


def test_overlay_goes_from_the_photo_to_the_colours():
    explanation = fake_explanation()
    photo, field, limit = explanation.image, explanation.total_map, shared_limit(explanation)
    assert np.array_equal(overlay(photo, field, limit, 0), photo)
    assert np.array_equal(overlay(photo, field, limit, 1), signed_colours(field, limit, photo.size))


def test_overlay_hides_more_where_there_is_more_evidence():
    photo = Image.new("RGB", (90, 30), (60, 60, 60))
    image = overlay(photo, np.array([[-1.0, 0.0, 1.0]]), 1.0, 0.6)
    against, nothing, in_favour = (np.array(image.getpixel((x, 15)), dtype=int) for x in (5, 45, 85))
    assert abs(nothing - 60).max() < 50  # the photo stays readable
    assert abs(against - MAGENTA).max() < 50
    assert abs(in_favour - GREEN).max() < 50


def test_overlay_leaves_its_input_alone():
    explanation = fake_explanation()
    before, field = explanation.image.tobytes(), explanation.total_map.copy()
    overlay(explanation.image, explanation.total_map, 0.01)
    assert explanation.image.tobytes() == before
    assert np.array_equal(explanation.total_map, field)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_any_photo_can_be_overlaid(mode):
    photo = Image.new(mode, (1, 40), 90)
    assert overlay(photo, np.ones((3, 5)), 1.0).size == (1, 40)


def test_both_total_maps_share_one_limit():
    explanation = fake_explanation()
    explanation = dataclasses.replace(explanation, baseline_map=explanation.total_map * 3)
    maps = total_maps(explanation, strength=1)
    assert maps.limit == shared_limit(explanation) == pytest.approx(3 * np.abs(explanation.total_map).max())
    assert np.array_equal(maps.siam, signed_colours(explanation.total_map, maps.limit, explanation.image.size))
    assert maps.baseline is not None
    assert np.array_equal(maps.baseline, signed_colours(explanation.baseline_map, maps.limit, explanation.image.size))


def test_a_baseline_with_other_cells_is_compared_per_area():
    explanation = fake_explanation()
    fine = np.repeat(np.repeat(explanation.total_map, 2, axis=0), 2, axis=1) / 4  # the same evidence, in smaller cells
    siam, baseline = comparable_maps(dataclasses.replace(explanation, baseline_map=fine))
    assert baseline[::2, ::2] == pytest.approx(siam)


def test_a_pair_without_baseline_has_one_total_map():
    maps = total_maps(fake_explanation(baseline=False))
    assert maps.baseline is None
    assert maps.siam.size == (300, 200)


def test_large_photos_are_shown_smaller():
    assert display_photo(Image.new("RGB", (4000, 1000))).size == (1280, 320)
    assert display_photo(Image.new("RGB", (9000, 1))).size == (1280, 1)


def test_the_scale_bar_runs_from_magenta_over_white_to_green():
    bar = scale_bar(0.5, width=401)
    assert [bar.getpixel((x, 14)) for x in (13, 200, 387)] == [
        pytest.approx(colour, abs=2) for colour in (MAGENTA, WHITE, GREEN)
    ]


def test_attribute_maps_are_grey_on_the_range_given():
    explanation = fake_explanation()
    maps = np.zeros_like(explanation.attribute_maps)
    maps[0], maps[1], maps[2] = 1.0, 4.0, -1.0
    explanation = dataclasses.replace(explanation, attribute_maps=maps)
    greys = [attribute_map(explanation, k, 2.0) for k in range(3)]
    assert [grey.getextrema() for grey in greys] == [(128, 128), (255, 255), (0, 0)]
    assert {grey.mode for grey in greys} == {"L"}


def test_all_tiles_of_a_view_share_one_grey_range():
    explanation = fake_explanation()
    shown = explanation.ranking(count=5)
    limit = map_limit(explanation, shown)
    brightest = []
    for item, tile in tiles(explanation, count=5, width=600):
        grey = np.asarray(tile.crop((16, 16, 584, 394)))
        found = float(explanation.attribute_maps[item.index].max())
        assert int(grey.max()) == pytest.approx(255 * found / limit, abs=4)
        brightest.append(found)
    assert limit == max(brightest)


def frame_of(tile: Image.Image) -> tuple[int, tuple[int, ...]]:
    """Return the width and the colour of a tile's frame around a blue picture, seen from the left, dashed or not."""
    pixels = np.asarray(tile.crop((0, 0, tile.width // 2, tile.height - 40))).astype(int)
    coloured = (pixels != WHITE).any(-1) & (pixels != (0, 0, 255)).any(-1)
    inside = (pixels == (0, 0, 255)).all(-1)
    rows = np.flatnonzero(inside.any(1) & coloured.any(1))
    colours = {tuple(map(int, pixel)) for pixel in pixels[coloured]}
    assert len(colours) == 1
    widths = {int(coloured[row].sum()) for row in rows}
    assert len(widths) == 1
    return widths.pop(), colours.pop()


@pytest.mark.parametrize("factor", [5.0, 10.0])
@pytest.mark.parametrize("value", [1.0, -1.0, 0.6, -0.4])
def test_frames_are_as_wide_as_the_contribution_is_large(value, factor):
    picture = Image.new("RGB", (240, 160), (0, 0, 255))
    width, colour = frame_of(framed(picture, "trees", value, factor))
    assert width == round(abs(value) * factor)
    assert colour == (GREEN if value > 0 else MAGENTA)


def around(tile: Image.Image) -> np.ndarray:
    """Walk along the outer edge of a tile's frame from its upper left corner; True where there is colour."""
    coloured = (np.asarray(tile) != WHITE).any(-1)[
        : tile.height - 2 * max(11, round(tile.width / 15))
    ]  # without the text
    (top, bottom), (left, right) = ((np.flatnonzero(coloured.any(axis))[[0, -1]]) for axis in (1, 0))
    box = coloured[top : bottom + 1, left : right + 1]
    return np.concatenate([box[0], box[1:, -1], box[-1, -2::-1], box[-2:0:-1, 0]])


@pytest.mark.parametrize("width", [60, 150, 320, 700])
@pytest.mark.parametrize("value", [2.0, 0.3, 0.0, -0.003, -0.01, -0.3, -2.0])
def test_the_frame_s_style_says_what_lowers_the_score_without_its_colour(value, width):
    edge = around(framed(Image.new("RGB", (240, 160), (0, 0, 255)), "trees", value, 5, width))
    assert frame_style(value) == ("dashed" if value <= -0.005 else "solid")
    if value > -0.005:
        assert edge.all()
        return
    assert 0.55 < edge.mean() < 0.8  # more dash than gap
    turns = int((edge != np.roll(edge, 1)).sum())
    assert turns >= 2 * 4  # a gap in each side at least


@given(st.floats(20, 900), st.floats(20, 900), st.floats(1, 10))
def test_dashes_make_whole_corners_and_stay_around_the_picture(across, down, width):
    boxes = frame((7, 9, across, down), width, -1.0)
    left, top, right, bottom = 7 - width, 9 - width, 7 + across + width, 9 + down + width
    ends = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    assert min(end[0] for end in ends) == pytest.approx(left) and max(end[2] for end in ends) == pytest.approx(right)
    assert min(end[1] for end in ends) == pytest.approx(top) and max(end[3] for end in ends) == pytest.approx(bottom)
    for x, y in ((left, top), (left, bottom), (right, top), (right, bottom)):
        near = [end for end in ends if end[0] - 1e-6 <= x <= end[2] + 1e-6 and end[1] - 1e-6 <= y <= end[3] + 1e-6]
        assert len(near) == 2
    for x, y, far, below in ends:  # none covers the picture
        assert far <= 7 + 1e-6 or x >= 7 + across - 1e-6 or below <= 9 + 1e-6 or y >= 9 + down - 1e-6


@given(st.lists(st.floats(-5, 5), min_size=1))
def test_frame_widths_keep_to_their_bounds_and_proportions(values):
    factor = frame_factor(values)
    assert factor <= 32
    for value in values:
        width = frame_width(value, factor)
        assert 1 <= width <= 10
        assert width == pytest.approx(max(1, abs(value) * factor), abs=0.5001)


def test_no_sign_no_colour():
    assert [sign_colour(v) for v in (0.2, -0.2, 0, 0.004, -0.004)] == [POSITIVE, NEGATIVE, CROWD, CROWD, CROWD]


@pytest.mark.parametrize("size", [(300, 200), (800, 100), (100, 800), (7, 5), (1, 1)])
def test_tiles_of_one_view_have_one_size(size):
    made = tiles(fake_explanation(size=size), "positive first", 6)
    assert len({tile.size for _, tile in made}) == 1
    width, height = made[0][1].size
    assert width == 320
    assert 100 < height < 520
    values = [item.value for item, _ in made]
    assert values == sorted(values, reverse=True)


def test_tiles_of_all_attributes_and_of_none():
    assert len(tiles(fake_explanation(attributes=3), count=8)) == 3
    assert len(tiles(fake_explanation(), count=None)) == 33
    assert tiles(fake_explanation(), count=0) == []


def test_tiles_print_name_and_value():
    picture, long = Image.new("RGB", (240, 160)), "a_very_long_name_of_an_attribute_that_cannot_fit"
    plain = framed(picture, "", 0.2, 10)
    named = framed(picture, "trees", 0.2, 10)
    less = framed(picture, "trees", -0.2, 10)
    strips = [np.asarray(tile.convert("L"))[-22:] for tile in (plain, named, less)]
    assert not np.array_equal(strips[0], strips[1])
    assert not np.array_equal(strips[1], strips[2])  # the sign is text, not colour alone
    assert framed(picture, long, 0.2, 10).size == named.size


def test_templates_share_one_limit_and_keep_their_cells():
    explanation = fake_explanation()
    templates = explanation.templates.copy()
    templates[0, 0, 0], templates[1, 14, 14] = 7.0, -7.0
    explanation = dataclasses.replace(explanation, templates=templates)
    assert template_image(explanation, 0, side=450).getpixel((9, 9)) == GREEN
    assert template_image(explanation, 1, side=450).getpixel((440, 290)) == MAGENTA
    assert len(template_image(explanation, 2, side=450).crop((30, 20, 60, 40)).getcolors()) == 1


def test_pictures_of_one_attribute_have_the_photo_s_size():
    explanation = fake_explanation()
    assert presence_image(explanation, 0).size == contribution_image(explanation, 0).size == explanation.image.size
    dark = dataclasses.replace(explanation, attribute_maps=np.zeros_like(explanation.attribute_maps))
    assert presence_image(dark, 0).convert("L").getextrema()[1] < 0.31 * 255


@given(
    st.integers(0, 50), st.integers(1, 12), st.integers(0, 40), st.sampled_from(["magnitude", "positive first", "name"])
)
def test_the_waterfall_hides_nothing(seed, attributes, count, order):
    explanation = fake_explanation(seed, attributes)
    steps = waterfall_steps(explanation, count, order)
    assert [steps[0].end, steps[-1].end] == [explanation.bias, explanation.scenicness]
    for before, after in pairwise(steps[:-1]):
        assert after.start == before.end
    assert steps[-2].end == pytest.approx(explanation.scenicness, abs=1e-5)
    assert explanation.bias + sum(step.value for step in steps[1:-1]) == pytest.approx(explanation.scenicness, abs=1e-5)
    assert len(steps) == 2 + min(count, attributes) + (attributes > count)


def bars_of(figure: go.Figure) -> go.Bar:
    return next(trace for trace in figure.data if isinstance(trace, go.Bar))


def test_the_waterfall_chart_shows_its_steps():
    explanation = fake_explanation()
    figure = waterfall(explanation, count=8)
    steps = waterfall_steps(explanation, 8)
    bars = bars_of(figure)
    assert list(figure.layout.yaxis.ticktext) == [step.label for step in steps]
    assert [steps[0].label, steps[-2].label, steps[-1].label] == ["bias", "25 others", "SIAM score"]
    assert sum(bars.x) + explanation.bias == pytest.approx(explanation.scenicness, abs=1e-5)
    assert list(bars.base) == [step.start for step in steps[1:-1]]
    assert list(bars.marker.color) == [sign_colour(value) for value in bars.x]
    assert all(text[0] in "+−" or text == "0.00" for text in bars.text)
    low, high = figure.layout.xaxis.range
    assert all(low < step.end < high for step in steps)
    assert figure.layout.xaxis.title.text == "scenicness, points on a scale from 1 to 7"
    assert figure.layout.title.text == "From bias to score"


def test_the_waterfall_with_one_other_and_with_none():
    explanation = fake_explanation(attributes=3)
    assert waterfall_steps(explanation, 2)[-2].label == "1 other"
    assert [step.label for step in waterfall_steps(explanation, 3)].count("SIAM score") == 1
    assert len(waterfall_steps(explanation, 3)) == 5


def test_a_waterfall_without_any_contribution_can_be_drawn():
    explanation = fake_explanation(attributes=1)
    flat = dataclasses.replace(explanation, contributions=np.zeros(1), scenicness=explanation.bias)
    assert bars_of(waterfall(flat)).text == ("0.00",)
    assert waterfall_drawing(flat).items


@pytest.mark.parametrize("seed", range(5))
def test_the_drawn_waterfall_stays_on_its_page(seed):
    drawing = waterfall_drawing(fake_explanation(seed), 8)
    for item in drawing.items:
        if isinstance(item, Label):
            width = text_width(item.text, item.size)
            left = item.x - {"start": 0, "middle": width / 2, "end": width}[item.anchor]
            assert -1 <= left <= left + width <= drawing.width + 1


def test_cells_of_a_template_on_which_folds_disagree_are_hatched():
    explanation = fake_explanation()
    shape = explanation.templates.shape
    plain = np.asarray(template_image(explanation, 0))
    sure = dataclasses.replace(explanation, template_agreement=np.ones(shape))
    assert np.array_equal(np.asarray(template_image(sure, 0)), plain)
    shares = np.ones(shape)
    shares[0, : shape[1] // 3] = 0.6  # at the top
    drawn = np.asarray(template_image(dataclasses.replace(explanation, template_agreement=shares), 0))
    top = round(len(plain) * (shape[1] // 3) / shape[1])
    assert np.array_equal(drawn[top:], plain[top:])
    changed = (drawn[:top] != plain[:top]).any(axis=2)
    assert changed.mean() > 0.9
    assert np.array_equal(np.asarray(template_image(dataclasses.replace(sure, template_agreement=shares), 1)),
                          np.asarray(template_image(explanation, 1)))  # fmt: skip


def test_names_that_are_hard_to_believe_are_marked_in_tiles_and_charts():
    explanation = fake_explanation(attributes=10)
    names = [item.attribute for item in explanation.ranking(count=3)]
    beliefs = dict(zip(names, map(recognised, ("well", "roughly", "hardly")), strict=True))
    doubtful = dataclasses.replace(explanation, recognition=beliefs)
    same = [
        np.array_equal(one, other)
        for (_, one), (_, other) in zip(tiles(explanation, count=3), tiles(doubtful, count=3), strict=True)
    ]
    assert same == [True, False, False]
    labels = [[step.label for step in waterfall_steps(of)] for of in (explanation, doubtful)]
    changed = [row for row, (one, other) in enumerate(zip(*labels, strict=True)) if one != other]
    assert changed == [2, 3] and len(set(labels[1])) == len(labels[1])
    assert [item.text for item in waterfall_drawing(doubtful).items if isinstance(item, Label)][::2] == labels[1]
    (bars,) = [trace for trace in waterfall(doubtful).data if isinstance(trace, go.Bar)]
    assert ["0.16" in " ".join(row) for row in bars.customdata][:3] == [False, False, True]  # its average precision


def test_a_mark_survives_a_name_that_is_too_long():
    picture = Image.new("L", (90, 60))
    long, mark = "a name that no tile has room for", "?"
    assert not np.array_equal(framed(picture, long, 1, 1, 150, mark), framed(picture, long, 1, 1, 150))
    assert framed(picture, long, 1, 1, 150, mark).size == framed(picture, long, 1, 1, 150).size
