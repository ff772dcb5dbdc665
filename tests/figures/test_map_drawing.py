"""The map for print has every photo at its place, shows signs without colours, and stays within its frame."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.drawing.printing import FORMS, LEAST_TEXT, points
from siam.drawing.shapes import Box, Disc, Label, Line, Polyline
from siam.figures.geography import MOST, View, squares, view_of
from siam.figures.map_drawing import clipped, map_drawing
from siam.gallery.means import numbers
from siam.reports.prints import map_print
from tests.support.places import repeated

WIDTH = 240.0
PAGE_EDGE = 1e-6


def discs(drawing):
    return [item for item in drawing.items if isinstance(item, Disc)]


def filled(drawing):
    """Return the squares among the points."""
    return [item for item in drawing.items if isinstance(item, Polyline) and item.fill]


def middle(item):
    if isinstance(item, Disc):
        return item.x, item.y
    corners = np.array(item.points)
    return tuple((corners.min(axis=0) + corners.max(axis=0)) / 2)


@pytest.mark.parametrize("place", [None, (-5.0, 57.2, -4.0, 57.9)])
def test_every_photo_is_at_its_place_and_a_square_if_it_lowers_the_score(cases, rows, place):
    drawing = map_drawing(cases, rows, "difference", WIDTH, place)
    view = view_of(cases, rows, place).shaped(0.45, 1.0)
    longitude, latitude = (cases.table[name].to_numpy()[rows] for name in ("longitude", "latitude"))
    inside = (abs(longitude - (view.west + view.east) / 2) <= (view.east - view.west) / 2) & (
        abs(latitude - (view.south + view.north) / 2) <= (view.north - view.south) / 2
    )
    differences = cases.table["difference"].to_numpy()[rows][inside]
    assert len(discs(drawing)) == (differences >= 0).sum() and len(filled(drawing)) == (differences < 0).sum()
    assert 0 < (differences < 0).sum() < len(differences)
    order = np.argsort(np.abs(differences), kind="stable")
    items = [item for item in drawing.items if isinstance(item, Disc) or (isinstance(item, Polyline) and item.fill)]
    places = np.array([middle(item) for item in items])
    across, right = np.polyfit(longitude[inside][order], places[:, 0], 1)
    up, down = np.polyfit(latitude[inside][order], places[:, 1], 1)
    assert places[:, 0] == pytest.approx(across * longitude[inside][order] + right)
    assert places[:, 1] == pytest.approx(up * latitude[inside][order] + down)
    assert -up == pytest.approx(across / np.cos(np.radians((view.south + view.north) / 2)))


def test_a_score_has_discs_only_and_the_highest_is_darkest(cases, rows):
    drawing = map_drawing(cases, rows, "SIAM", WIDTH)
    assert not filled(drawing) and len(discs(drawing)) == len(rows)
    greys = [sum(bytes.fromhex(item.fill[1:])) for item in discs(drawing)]
    order = np.argsort(numbers(cases)["SIAM"][rows], kind="stable")
    assert greys == sorted(greys, reverse=True) and len(set(greys)) > len(order) / 2


def test_nothing_leaves_the_page(cases, rows):
    for width in (WIDTH, 510.0):
        drawing = map_drawing(cases, rows, "contribution: trees", width)
        for item in drawing.items:
            if isinstance(item, Polyline):
                xs, ys = np.array(item.points).T
                assert xs.min() >= -PAGE_EDGE and xs.max() <= width + PAGE_EDGE
                assert ys.min() >= -PAGE_EDGE and ys.max() <= drawing.height + PAGE_EDGE
        assert 0.4 * width < drawing.height < 1.3 * width


def test_many_photos_are_squares_of_means_and_negative_ones_have_a_line(cases):
    count = MOST + 10
    many = repeated(cases, count)
    drawing = map_drawing(many, np.arange(count), "difference", WIDTH)
    view = view_of(many, np.arange(count)).shaped(0.45, 1.0)
    x, y, values = many.table["longitude"].to_numpy(), many.table["latitude"].to_numpy(), numbers(many)["difference"]
    expected = squares(x, y, values, view, view.side / 60)
    boxes = [item for item in drawing.items if isinstance(item, Box) and item.width < WIDTH / 20]
    lines = [item for item in drawing.items if isinstance(item, Line) and item.stroke.upper() == "#FFFFFF"]
    assert not discs(drawing) and len(boxes) == len(expected.mean)
    assert len(lines) == (expected.mean < 0).sum() > 0


@pytest.mark.parametrize("measure", ["SIAM", "difference"])
def test_it_is_a_figure_for_print_with_a_caption(cases, rows, measure):
    figure = map_print(cases, rows, measure)
    caption = figure.caption("“Rendered”")
    assert f"{len(rows)} pictures" in caption and "Natural Earth" in caption and "“Rendered”" in caption
    assert ("square" in caption) == (measure == "difference")
    for form in FORMS:
        assert len(figure.file(85, form, "“Rendered”")) > 5000
    labels = [item for item in figure.draw(points(85)).items if isinstance(item, Label)]
    assert min(item.size for item in labels) >= LEAST_TEXT
    assert {"longitude, ° east", "latitude, ° north"} <= {item.text for item in labels}


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(st.tuples(st.floats(-20, 20, width=16), st.floats(-20, 20, width=16)), st.just((np.nan, np.nan))),
        min_size=2,
        max_size=12,
    )
)
def test_lines_are_cut_off_at_the_frame(corners):
    view = View(-8.5, -5.25, 7.125, 9.0625)
    x, y = np.array(corners, dtype=float).T
    found = clipped(x, y, view)
    length = sum(float(np.hypot(np.diff(xs), np.diff(ys)).sum()) for xs, ys in found)
    frame = shapely.box(view.west, view.south, view.east, view.north)
    expected = sum(
        shapely.LineString([corners[at], corners[at + 1]]).intersection(frame).length
        for at in range(len(corners) - 1)
        if not np.isnan([*corners[at], *corners[at + 1]]).any() and corners[at] != corners[at + 1]
    )
    assert length == pytest.approx(expected, abs=1e-9)
    for xs, ys in found:
        assert view.west - 1e-9 <= xs.min() and xs.max() <= view.east + 1e-9
        assert view.south - 1e-9 <= ys.min() and ys.max() <= view.north + 1e-9
