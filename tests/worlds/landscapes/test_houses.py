"""Rendered houses, the faces and boxes that buildings are made of, and checks that every object passes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.worlds.landscapes.objects import building, houses
from siam.worlds.landscapes.paint import faces
from siam.worlds.landscapes.paint.canvas import Camera, Canvas
from siam.worlds.landscapes.paint.light import draw_light
from siam.worlds.landscapes.paint.pen import Pen

SIZE, HORIZON, FOCAL, EYE, GREY = 500, 215.0, 475.0, 2.0, 0.5
TURNS = (0.0, 0.7, 2.2, -1.3)


def meadow(size=SIZE):
    """Return a canvas over grey, flat ground whose depth is known."""
    share = size / SIZE
    canvas = Canvas(Camera(size, share * HORIZON, share * FOCAL, EYE), draw_light(np.random.default_rng(1)))
    canvas.rgb[:] = GREY
    rows = np.arange(size) + 0.5 - canvas.camera.horizon
    canvas.depth[rows > 0] = (canvas.camera.focal * EYE / rows[rows > 0])[:, None]
    return canvas


def drawn(function, z, turn=0.4, seed=0, size=SIZE):
    """Return the canvas with an object ahead, and its generator."""
    canvas, generator = meadow(size), np.random.default_rng(seed)
    function(Pen(canvas, 0.0, z, turn=turn), generator)
    return canvas, generator


def shown(canvas):
    return {name for number in np.unique(canvas.cover) for name in canvas.sets[number]}


def check_object(function, shows, height, reach, tall=0.2):
    """Check what an object shows, where, how tall it is, and that its seed alone decides how it looks.

    Args:
        function: that draws it.
        shows: its attributes.
        height: documented, metres.
        reach: no part of it is farther from its place, metres.
        tall: relative error of the height that is allowed.
    """
    near = reach + 8
    first, generator = drawn(function, near, TURNS[0], 0)
    again, _generator = drawn(function, near, TURNS[0], 0)
    np.testing.assert_allclose(first.rgb, again.rgb, atol=1e-6)
    assert not np.allclose(drawn(function, near, TURNS[0], 99)[0].rgb, first.rgb, atol=1e-3)
    after = generator.random()
    for z in (25 + reach, 120.0):
        far, generator = drawn(function, z, TURNS[0], 0)
        assert (np.abs(far.rgb - GREY) > 0.005).any()
        assert shown(far) <= set(shows)
        assert generator.random() == after, "the number of random draws depends on the distance"
    below = round(HORIZON + FOCAL * EYE / (near - reach)) + 1
    for seed, turn in enumerate(TURNS):
        close = drawn(function, near, turn, seed)[0] if seed else first
        assert shown(close) == set(shows), (turn, seed)
        assert (np.abs(close.rgb - GREY) > 0.02).any(axis=2).sum() > 150
        assert (close.rgb[below:] <= GREY + 1e-6).all()
        assert (close.cover[below:] == 0).all()
    for seed in (0, 1):
        check_height(function, height, TURNS[seed], seed, tall)


def check_height(function, height, turn, seed, tall):
    """Check the height in pixels, from so far away that all parts have nearly the same scale."""
    z = 25.0 if height < 1 else 45.0 if height < 3 else 140.0
    canvas, _generator = drawn(function, z, turn, seed, 2 * SIZE)
    changed = np.abs(canvas.rgb - GREY).max(axis=2) > 0.03
    shadowed = changed & (canvas.rgb < GREY).all(axis=2) & (canvas.cover == 0) & (height > 1)
    top = np.flatnonzero((changed & ~shadowed).any(axis=1)).min()
    metres = EYE + (canvas.camera.horizon - top) * z / canvas.camera.focal
    assert abs(metres - height) <= tall * height, (metres, height, turn, seed)


REACH = {"brick_house": 8, "brick_terrace": 16, "shingled_cottage": 8, "wooden_cabin": 6, "stone_cottage": 7}


def test_every_object_is_documented():
    assert list(houses.OBJECTS) == list(houses.SHOWS) == list(houses.HEIGHTS) == list(REACH)


@pytest.mark.parametrize("name", houses.OBJECTS)
def test_houses(name):
    check_object(houses.OBJECTS[name], houses.SHOWS[name], houses.HEIGHTS[name], REACH[name])


@settings(max_examples=25, deadline=None)
@given(turn=st.floats(-3.1, 3.1), lean=st.floats(-0.8, 0.8), z=st.floats(6, 40), scale=st.floats(0.5, 2))
def test_a_face_has_the_depth_and_the_metres_of_every_pixel(turn, lean, z, scale):
    """Compared, pixel by pixel, with the point that the depth says: projected forwards it must come back."""
    canvas = meadow()
    canvas.depth[:] = np.inf
    pen = Pen(canvas, 0.5, z, turn=turn, scale=scale)
    corners = [(-1.5, 0.3, 0.0), (1.5, 0.3, 0.0), (1.5, 2.3, lean), (-1.5, 2.3, lean)]
    found = []

    def material(along, up, _grain):
        found.append((along, up))
        return np.ones((len(along), 3), dtype=np.float32)

    faces.face(pen, corners, material, ("brick",))
    if not found:
        assert abs(np.cos(turn)) < 0.35  # seen from the edge
        return
    ((along, up),) = found
    long = np.hypot(2.0, lean)
    assert canvas.cover.any()
    inside = (along > 0.1) & (along < 2.9) & (up > 0.1) & (up < long - 0.1)
    step = max(1, inside.sum() // 40)
    for a, u in zip(along[inside][::step], up[inside][::step], strict=True):
        x, y, away = pen.place((a - 1.5, 0.3 + u / long * 2.0, u / long * lean))
        column, row = canvas.camera.project(x, y, away)
        if not (0 <= column < SIZE and 0 <= row < SIZE):  # of a face that is partly out of view
            continue
        assert abs(column - np.floor(column) - 0.5) < 0.02
        assert abs(row - np.floor(row) - 0.5) < 0.02
        assert canvas.depth[int(row), int(column)] == pytest.approx(away, rel=1e-3)


def test_what_is_hidden_stays_and_what_a_material_leaves_open_shows_what_is_behind():
    canvas = meadow()
    pen = Pen(canvas, 0.0, 10.0)

    def square(away, half):
        return [(-half, 0.0, away), (half, 0.0, away), (half, 2 * half, away), (-half, 2 * half, away)]

    def holed(along, _up, _grain):
        return np.column_stack([np.ones((len(along), 3)), along < 1.0]).astype(np.float32)

    faces.face(pen, square(0.0, 1.0), holed, ("brick",))
    faces.face(pen, square(1.0, 1.0), (0.1, 0.1, 0.1), ("metal",))
    left, right = int(SIZE / 2 - 0.5 * FOCAL / 10), int(SIZE / 2 + 0.5 * FOCAL / 10)
    row = int(HORIZON + FOCAL / 10)
    assert canvas.sets[canvas.cover[row, left]] == {"brick"}
    assert canvas.sets[canvas.cover[row, right]] == {"metal"}
    faces.face(pen, square(-1.0, 1.0)[::-1], (0.1, 0.1, 0.1), ("glass",), both=False)
    assert "glass" not in shown(canvas), "a face that looks away was painted"


@pytest.mark.parametrize("turn", [0.0, 0.8, 1.7, 3.0, -0.9])
def test_a_box_covers_the_outline_of_its_corners_once(turn):
    """Every pixel within the convex hull of the projected corners shows the box, and no pixel outside."""
    canvas = meadow()
    canvas.depth[:] = np.inf
    pen = Pen(canvas, 1.0, 14.0, turn=turn)
    building.box(pen, -2, 1, -1, 1.5, 0.5, 3, ((0.4, 0.4, 0.4), ("metal",)))
    corners = [canvas.camera.project(*pen.place((x, y, z))) for x in (-2, 1) for y in (0.5, 3) for z in (-1, 1.5)]
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    inside = np.ones((SIZE, SIZE), dtype=bool)
    for a in corners:
        for b in corners:
            offsets = [(b[0] - a[0]) * (q[1] - a[1]) - (b[1] - a[1]) * (q[0] - a[0]) for q in corners]
            if a != b and min(offsets) >= -1e-9:  # an edge of the hull
                inside &= (b[0] - a[0]) * (rows - a[1]) - (b[1] - a[1]) * (columns - a[0]) >= 0
    assert inside.sum() > 5000
    assert ((canvas.cover > 0) != inside).sum() < 0.025 * inside.sum()


def test_sides_look_outwards_and_go_round():
    ring = [(-2.0, -1.0), (3.0, -1.0), (3.0, 4.0), (-2.0, 4.0)]
    found = building.sides(ring)
    assert [side.length for side in found] == [5, 5, 5, 5]
    centre = np.mean(ring, axis=0)
    for side, after in zip(found, found[1:] + found[:1], strict=True):
        assert side.end == after.begin
        middle, outside = side.point(2.5, 1.0), side.point(2.5, 1.0, 0.5)
        away = [np.hypot(point[0] - centre[0], point[2] - centre[1]) for point in (middle, outside)]
        assert away[1] == pytest.approx(away[0] + 0.5)
