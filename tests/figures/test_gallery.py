"""The charts of a gallery and the picture to draw on show the numbers that they are given."""

from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
import pytest

import siam
from siam.drawing import phrases
from siam.figures.brush import brush_figure
from siam.figures.gallery import AREA, CASE, MOST, disagreement_chart, votes_figure
from siam.figures.templates import template_figure, template_tile
from siam.gallery.cases import Filters, read_cases
from siam.gallery.store import read
from siam.images.reading import read_image
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def cases():
    return read_cases(read(ROOT / "assets" / "gallery" / "rendered"))


def drawn(cases, rows, area=None):
    """The specification of a chart, and the tables of its points and of its bars."""
    chart = disagreement_chart(cases, rows, area).to_dict()
    scores, differences = chart["vconcat"]
    names = [view["data"]["name"] for view in (scores["layer"][1], differences)]
    return chart, *(pd.DataFrame(chart["datasets"][name]) for name in names)


def test_every_case_is_a_point_at_its_scores(cases):
    rows = cases.select(Filters())
    chart, points, _ = drawn(cases, rows)
    encoding = chart["vconcat"][0]["layer"][1]["encoding"]
    assert (encoding["x"]["field"], encoding["y"]["field"]) == ("second", "first")
    assert len(points) == len(cases.table)
    for row in rows[::29]:
        case, point = cases.case(int(row)), points.set_index("identifier").loc[cases.case(int(row))["identifier"]]
        assert (point["second"], point["first"]) == pytest.approx((case["baseline"], case["siam"]), abs=1e-3)
        assert point["difference_text"] == phrases.signed(case["siam"] - case["baseline"])


def test_cases_without_a_rating_have_no_colour(cases):
    table = cases.table.assign(crowd=np.where(np.arange(len(cases.table)) % 2, np.nan, cases.table["crowd"]))
    chart, points, _ = drawn(replace(cases, table=table), np.arange(len(table)))
    assert points["crowd"].isna().sum() == len(table) // 2 == (points["crowd_text"] == "unknown").sum()
    colour = chart["vconcat"][0]["layer"][1]["encoding"]["color"]
    assert colour["value"] == "transparent" and colour["condition"]["test"] == "isValid(datum.crowd)"
    scale = cases.gallery.about.crowd_scale or cases.gallery.about.scale
    assert colour["condition"]["scale"]["domain"] == [scale.low, scale.high]


def test_cases_that_nobody_rated_are_drawn_in_one_colour_without_a_legend(cases):
    unrated = replace(cases, table=cases.table.assign(crowd=np.nan))
    chart, points, _ = drawn(unrated, np.arange(len(cases.table)))
    layer = chart["vconcat"][0]["layer"][1]
    assert len(points) == len(cases.table)
    assert layer["mark"]["invalid"] == "show"  # Vega-Lite leaves out points without a value for a colour
    assert layer["encoding"]["color"] == {"value": "#7A8CA0"}
    assert "crowd" not in [tip["title"] for tip in layer["encoding"]["tooltip"]]


def test_of_many_cases_some_are_drawn_and_all_are_counted(cases):
    rows = np.tile(np.arange(len(cases.table)), 20)
    with alt.data_transformers.enable(max_rows=len(rows)):
        _, points, bars = drawn(cases, rows)
    assert len(points) == MOST < len(rows) == len(bars)


def test_a_box_and_a_click_are_selections(cases):
    chart, *_ = drawn(cases, np.arange(5), (2, 3, 4, 5))
    box, click = chart["params"]
    assert (box["name"], box["select"]["type"]) == (AREA, "interval")
    assert box["value"] == {"x": [2, 3], "y": [4, 5]}
    assert (click["name"], click["select"]["fields"]) == (CASE, ["identifier"])
    every, inside = chart["vconcat"][1]["layer"]
    assert {"filter": {"param": AREA}} in inside["transform"] and {"filter": {"param": AREA}} not in every["transform"]
    assert "value" not in drawn(cases, np.arange(5))[0]["params"][0]


def test_every_difference_lies_in_its_bar_and_bars_have_the_colour_of_their_sign(cases):
    chart, _, bars = drawn(cases, np.arange(len(cases.table)))
    view = chart["vconcat"][1]["layer"][1]
    low, high = view["encoding"]["x"]["scale"]["domain"]
    edges = np.linspace(low, high, 32)
    differences = cases.table["difference"].to_numpy()
    assert np.all(edges[bars["place"]] <= differences + 1e-6)
    assert np.all(differences <= edges[bars["place"] + 1] + 1e-6)
    (colour,) = (step["calculate"] for step in view["transform"] if step.get("as") == "colour")
    assert colour == "datum.place < 15 ? '#FF0080' : datum.place > 15 ? '#008000' : '#7A8CA0'"


@pytest.mark.parametrize("rows", [[], [3]])
def test_few_cases_are_drawn(cases, rows):
    _, points, bars = drawn(cases, np.array(rows, int))
    assert len(points) == len(bars) == len(rows)


def test_votes_are_counted():
    (bars,) = votes_figure(np.array([3, 5, 5, 9]), 1, 10, []).data
    assert dict(zip(bars.x, bars.y, strict=True)) == {3: 1, 5: 2, 9: 1}


def test_a_template_is_drawn_cell_by_cell():
    template = np.array([[0.2, -0.2], [0.0, 0.1]])
    tile = np.asarray(template_tile(template, 0.2, 20))
    assert tile[5, 5].tolist() == [0, 128, 0] and tile[5, 15].tolist() == [255, 0, 128]
    assert tile[15, 5].tolist() == [255, 255, 255]
    figure = template_figure(template, 0.2, "still_water", np.array([[True, True], [False, False]]))
    heat, points = figure.data
    assert np.array_equal(heat.z, template) and (heat.zmin, heat.zmax) == (-0.2, 0.2)
    assert list(points.customdata[1])[:3] == [1, 2, "−0.2000"]
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (-0.5, 1.5, -0.5, 0.5)


def test_cells_on_which_folds_disagree_are_paler_and_hatched():
    template, agreement = np.array([[0.2, -0.2], [0.0, 0.0]]), np.array([[1.0, 0.5], [0.8, 0.79]])
    tile = np.asarray(template_tile(template, 0.2, 200, agreement)).astype(int)
    sure, unsure, nothing, nothing_unsure = tile[:100, :100], tile[:100, 100:], tile[100:, :100], tile[100:, 100:]
    assert (sure == [0, 128, 0]).all() and (nothing == 255).all()
    for cell, colour in ((unsure, [255, 0, 128]), (nothing_unsure, [255, 255, 255])):
        colours, counts = np.unique(cell.reshape(-1, 3), axis=0, return_counts=True)
        assert len(colours) == 2  # lines, and what is between them
        between, line = colours[counts.argmax()], colours[counts.argmin()]
        assert (between >= colour).all() and (between - line >= 20).any() and (between >= line).all()
    figure = template_figure(template, 0.2, "still_water", agreement=agreement)
    heat, lines, points = figure.data
    assert heat.z[0][0] == 0.2 and -0.2 < heat.z[0][1] < 0
    cells = {(round(y), round(x)) for x, y in zip(lines.x, lines.y, strict=True) if x is not None}
    assert cells == {(0, 1), (1, 1)}
    assert points.customdata[1][2] == "−0.2000" and "50" in points.customdata[1][3]  # the true value


def test_without_doubt_a_template_is_drawn_as_before():
    template = np.array([[0.2, -0.2], [0.0, 0.1]])
    assert template_tile(template, 0.2, 20, np.ones((2, 2))).tobytes() == template_tile(template, 0.2, 20).tobytes()
    assert len(template_figure(template, 0.2, "sand", agreement=np.ones((2, 2))).data) == 2


def test_cells_to_choose_are_those_of_the_map(cases):
    explanation = siam.explain(siam.load("rendered"), read_image(cases.gallery.picture(0)))
    index = explanation.ranking()[0].index
    (points,) = brush_figure(explanation, index).data
    _, height, width = explanation.attribute_maps.shape
    assert len(points.x) == height * width
    for x, y, shown in zip(points.x, points.y, points.customdata, strict=True):
        row, column = int(shown[0]), int(shown[1])
        assert (x, y) == (column + 0.5, row + 0.5)
        assert shown[2] == f"{explanation.attribute_maps[index, row, column]:.2f}"
