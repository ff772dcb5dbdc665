"""The map draws photos where they were taken, in the colour of their numbers, and many as means of squares."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from siam.drawing.palettes import BLUE_ORANGE, using
from siam.figures import geography
from siam.figures.geography import MOST, View, map_figure, measures, seen, squares, view_of
from siam.gallery.cases import Filters
from siam.gallery.means import numbers
from tests.support.places import EAST, NORTH, SOUTH, UNPLACED, WEST, repeated


def points(figure):
    return next(trace for trace in figure.data if trace.customdata is not None)


@pytest.mark.parametrize("measure", ["SIAM", "crowd", "difference", "contribution: still water"])
def test_every_photo_is_a_point_at_its_place_in_the_colour_of_its_number(cases, rows, measure):
    assert len(rows) == len(cases.table) - UNPLACED
    drawn = points(map_figure(cases, rows, measure, view_of(cases, rows)))
    order = drawn.customdata.tolist()
    assert sorted(order) == rows.tolist()
    assert drawn.x == pytest.approx(cases.table["longitude"].to_numpy()[order])
    assert drawn.y == pytest.approx(cases.table["latitude"].to_numpy()[order])
    assert drawn.marker.color == pytest.approx(numbers(cases)[measure][order])
    assert drawn.hovertext[0].startswith(str(cases.table["identifier"].iloc[order[0]]))


def test_scales_with_signs_are_symmetric_and_have_the_chosen_colours(cases, rows):
    with using(BLUE_ORANGE):
        marker = points(map_figure(cases, rows, "difference", view_of(cases, rows))).marker
        assert "Blue disc: SIAM is higher" in geography.legend(cases, "difference", len(rows))
    assert marker.cmin == -marker.cmax == pytest.approx(-np.abs(cases.table["difference"][rows]).max())
    assert [colour for _, colour in marker.colorscale] == [BLUE_ORANGE.negative, "#FFFFFF", BLUE_ORANGE.positive]
    marker = points(map_figure(cases, rows, "SIAM", view_of(cases, rows))).marker
    found = cases.table["siam"].to_numpy()[rows]
    assert (marker.cmin, marker.cmax) == pytest.approx((found.min(), found.max()))


def test_what_can_colour_it_is_what_is_known(cases):
    assert measures(cases)[:3] == ("SIAM", "crowd", "difference")
    alone = replace(cases, table=cases.table.assign(crowd=np.nan, baseline=np.nan, difference=np.nan))
    assert measures(alone)[0] == "SIAM" and all(name.startswith("contribution: ") for name in measures(alone)[1:])
    scale = cases.gallery.about.scale
    assert geography.title(cases, "SIAM") == f"SIAM’s score, points from {scale.low:g} to {scale.high:g}"
    assert geography.title(cases, "contribution: trees") == "Contribution: trees, points"


def test_the_view_holds_the_photos_or_the_chosen_place(cases, rows):
    whole = view_of(cases, rows)
    assert whole.west < WEST and whole.east > EAST and whole.south < SOUTH + 0.1 and whole.north > NORTH - 0.1
    assert seen(cases, rows, whole).tolist() == rows.tolist()
    part = view_of(cases, rows, (-5.0, 57.2, -4.0, 57.9))
    assert part.west < -5 < -4 < part.east and part.east - part.west < 1.3
    inside = set(cases.select(Filters(place=(-5.0, 57.2, -4.0, 57.9))))
    assert inside < set(seen(cases, rows, part)) < set(rows)


def placed_at(cases, longitudes, latitudes):
    table = cases.table.iloc[: len(longitudes)].assign(longitude=longitudes, latitude=latitudes)
    return replace(cases, table=table)


def test_photos_on_both_sides_of_the_antimeridian_are_neighbours(cases):
    fiji = placed_at(cases, [179.0, -179.0, 178.5], [-17.0, -17.5, -18.0])
    view = view_of(fiji, np.arange(3))
    assert view.east - view.west < 4
    drawn = points(map_figure(fiji, np.arange(3), "SIAM", view))
    assert max(drawn.x) - min(drawn.x) == pytest.approx(2.5)
    place = view.box([178.9, 181.1], [-17.6, -16.9])
    assert place == pytest.approx((178.9, -17.6, -178.9, -16.9))
    assert {0, 1} <= set(seen(fiji, np.arange(3), view_of(fiji, np.arange(3), place)).tolist())
    world = placed_at(cases, [-170.0, 0.0, 170.0], [0.0, 0.0, 0.0])
    assert (view_of(world, np.arange(3)).west, view_of(world, np.arange(3)).east) == (-180, 180)


def test_a_single_photo_and_the_poles_have_a_map(cases):
    for longitude, latitude in ((0.0, 0.0), (180.0, 90.0), (-180.0, -90.0)):
        one = placed_at(cases, [longitude], [latitude])
        view = view_of(one, np.arange(1))
        assert view.west < view.east and view.south < view.north and view.south >= -90 and view.north <= 90
        assert len(points(map_figure(one, np.arange(1), "SIAM", view)).x) == 1


def test_a_drawn_box_lies_within_the_world():
    view = View(-180, -90, 180, 90)
    assert view.box([-250, 250], [-100, 95]) == (-180, -90, 180, 90)
    assert view.box([30, 10], [5, -5]) == (10, -5, 30, 5)
    assert view.box([100, 180], [0, 1]) == (100, 0, 180, 1)


def test_200000_photos_are_squares_with_the_means_of_a_loop():
    random = np.random.default_rng(5)
    count, view, size = 200_000, View(-8.0, 50.0, 2.0, 59.0), 0.15
    x, y = random.uniform(-8, 2, count), random.normal(54.5, 1.2, count).clip(50, 59)
    values = random.normal(5, 2, count)
    values[random.random(count) < 0.1] = np.nan
    found = squares(x, y, values, view, size)
    sums: dict[tuple[int, int], list[float]] = {}
    for longitude, latitude, value in zip(x.tolist(), y.tolist(), values.tolist(), strict=True):
        if value == value:
            at = int((longitude - view.west) * view.ratio // size), int((latitude - view.south) // size)
            sums.setdefault(at, []).append(value)
    assert len(found.mean) == len(sums) and found.count.sum() == np.count_nonzero(~np.isnan(values))
    for column, row, mean, held in zip(found.column, found.row, found.mean, found.count, strict=True):
        expected = sums[int(column), int(row)]
        assert held == len(expected) and mean == pytest.approx(sum(expected) / len(expected))


def test_many_photos_are_drawn_as_squares_and_a_chosen_place_shows_them_again(cases):
    count = MOST + 10
    many = repeated(cases, count)
    figure = map_figure(many, np.arange(count), "contribution: trees", view_of(many, np.arange(count)))
    assert all(trace.customdata is None for trace in figure.data)
    middles = figure.data[-1]
    assert sum(int(text.split(" photo")[0].replace(",", "")) for text in middles.hovertext) == count
    assert sum(isinstance(trace, go.Scatter) and trace.fill == "toself" for trace in figure.data) > 3
    place = (5.0, 44.0, 6.0, 45.0)
    close = map_figure(many, np.arange(count), "contribution: trees", view_of(many, np.arange(count), place), place)
    drawn = set(points(close).customdata.tolist())
    assert drawn >= set(many.select(Filters(place=place)))
    assert (close.layout.shapes[0].x0, close.layout.shapes[0].x1) == (5.0, 6.0)
