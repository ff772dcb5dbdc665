"""The charts of a gallery and the picture to draw on show the numbers that they are given."""

from dataclasses import replace

import numpy as np
import pytest

import siam
from siam.figures.brush import brush_figure
from siam.figures.gallery import MOST, differences_figure, scores_figure, votes_figure
from siam.figures.templates import template_figure, template_tile
from siam.gallery.cases import Filters, read_cases
from siam.gallery.store import read
from siam.images.reading import read_image
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def cases():
    return read_cases(read(ROOT / "assets" / "gallery" / "rendered"))


def test_every_case_is_a_point_at_its_scores(cases):
    rows = cases.select(Filters())
    points = [trace for trace in scores_figure(cases, rows).data if trace.customdata is not None]
    told = {item[0]: (x, y) for trace in points for item, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)}
    assert len(told) == len(cases.table)
    for row in rows[::29]:
        case = cases.case(int(row))
        assert told[case["identifier"]] == pytest.approx((case["baseline"], case["siam"]), abs=1e-3)


def test_cases_without_a_rating_have_no_colour(cases):
    table = cases.table.assign(crowd=np.where(np.arange(len(cases.table)) % 2, np.nan, cases.table["crowd"]))
    figure = scores_figure(replace(cases, table=table), np.arange(len(table)))
    blank, coloured = figure.data[1:]
    assert len(blank.x) == len(table) // 2 and blank.marker.color == "rgba(0,0,0,0)"
    assert len(coloured.marker.color) == len(coloured.x)
    assert "unknown" in str(blank.customdata[0])


def test_of_many_cases_some_are_drawn(cases):
    rows = np.tile(np.arange(len(cases.table)), 40)
    drawn = sum(len(trace.x) for trace in scores_figure(cases, rows).data if trace.customdata is not None)
    assert drawn == MOST < len(rows)


def test_an_area_is_outlined(cases):
    (shape,) = scores_figure(cases, np.arange(5), (2, 3, 4, 5)).layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (2, 3, 4, 5)


def test_the_histogram_counts_every_case_once_and_its_colours_are_the_signs(cases):
    (bars,) = differences_figure(cases, np.arange(len(cases.table))).data
    assert sum(bars.y) == len(cases.table)
    colours = dict(zip(np.sign(np.round(bars.x, 3)), bars.marker.color, strict=True))
    assert (colours[-1], colours[1]) == ("#FF0080", "#008000")
    assert sum(differences_figure(cases, np.arange(0)).data[0].y) == 0


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
    assert list(points.customdata[1]) == [1, 2, "−0.2000"]
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (-0.5, 1.5, -0.5, 0.5)


def test_cells_to_choose_are_those_of_the_map(cases):
    explanation = siam.explain(siam.load("rendered"), read_image(cases.gallery.picture(0)))
    index = explanation.ranking()[0].index
    (points,) = brush_figure(explanation, index).data
    _, height, width = explanation.attribute_maps.shape
    assert len(points.x) == height * width
    for x, y, told in zip(points.x, points.y, points.customdata, strict=True):
        row, column = int(told[0]), int(told[1])
        assert (x, y) == (column + 0.5, row + 0.5)
        assert told[2] == f"{explanation.attribute_maps[index, row, column]:.2f}"
