"""Rendered vehicles, and the blocks, prisms and wheels they are made of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.worlds.landscapes.objects import solids, vehicles
from siam.worlds.landscapes.paint.pen import Pen
from tests.worlds.landscapes.test_people import check_thing, meadow

NEAR = {"car": 10, "van": 12, "lorry": 16, "bus": 16, "parked_cars": 24, "car_wreck": 10, "phone_box": 8}
REACH = {"car": 2.6, "van": 3.0, "lorry": 6.2, "bus": 6.4, "parked_cars": 16.5, "car_wreck": 2.6, "phone_box": 0.9}
HEIGHT = {"car": (1.4, 1.72), "van": (2.1, 2.5), "lorry": (3.5, 3.5), "bus": (3.1, 3.1), "parked_cars": (1.4, 1.72),
          "car_wreck": (1.28, 1.6), "phone_box": (2.5, 2.5)}  # fmt: skip


def test_every_object_is_documented():
    assert list(vehicles.OBJECTS) == list(vehicles.SHOWS) == list(NEAR)


@pytest.mark.parametrize("name", vehicles.OBJECTS)
def test_vehicles(name):
    function = vehicles.OBJECTS[name]
    check_thing(function, vehicles.SHOWS[name], NEAR[name], REACH[name], HEIGHT[name], 60.0)


LOW, HIGH = (-2.0, 1.5, -1.0, 0.8, 0.2), (-1.5, 1.0, -0.7, 0.6, 2.0)


def test_the_sides_of_a_block_look_outwards():
    corners = np.array([corner for side in solids.sides(LOW, HIGH)[:4] for corner in side])
    centre = corners.mean(axis=0)
    for side in solids.sides(LOW, HIGH):
        a, b, _c, d = (np.array(corner) for corner in side)
        outward = -np.cross(b - a, d - a)  # x right, y up, z ahead: left-handed
        assert outward @ (a - centre) > 0


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-3.1, 3.1), z=st.floats(7, 60))
def test_a_block_has_no_gaps_and_no_hidden_side_is_seen(turn, z):
    """Its pixels are those inside the convex outline of its corners; each has the distance of the nearest side."""
    canvas, outline = meadow(), meadow()
    canvas.depth[:] = outline.depth[:] = np.inf
    pen = Pen(canvas, 0.0, z, turn=turn)
    faces = solids.block(pen, LOW, HIGH, (0.5, 0.5, 0.5), ("metal",))
    solids.silhouette(Pen(outline, 0.0, z, turn=turn), [*faces[0], *faces[2]], (0.5, 0.5, 0.5), ("metal",))
    assert ((canvas.cover > 0) == (outline.cover > 0)).mean() > 0.9995
    nearest = min(pen.place(corner)[2] for side in faces for corner in side)
    farthest = max(pen.place(corner)[2] for side in faces for corner in side)
    depth = canvas.depth[canvas.cover > 0]
    assert nearest - 1e-2 <= depth.min()
    assert np.median(depth) < (nearest + farthest) / 2 + 0.25


@settings(max_examples=40, deadline=None)
@given(points=st.lists(st.tuples(st.floats(-2, 2), st.floats(0.1, 3), st.floats(-2, 2)), min_size=3, max_size=9))
def test_the_silhouette_contains_every_triangle_of_its_points(points):
    canvas, triangles = meadow(), meadow()
    canvas.depth[:] = np.inf
    solids.silhouette(Pen(canvas, 0.0, 12.0), points, (0.5, 0.5, 0.5), ("metal",))
    pen = Pen(triangles, 0.0, 12.0)
    for n in range(1, len(points) - 1):
        a, b, c = (triangles.camera.project(*pen.place(points[k])) for k in (0, n, n + 1))
        if abs(solids.turn_of_corners(a, b, c)) > 60:  # not a mere line
            triangles.fill([a, b, c], (0.5, 0.5, 0.5), ("metal",), 3.0)
    missed = (triangles.cover > 0) & (canvas.cover == 0)
    assert missed.sum() <= 2 + 0.02 * (triangles.cover > 0).sum()


@pytest.mark.parametrize("turn", [0.0, 0.7, -2.0])
def test_an_inner_pen_draws_at_its_place(turn):
    pen = Pen(meadow(), 3.0, 20.0, 0.7, turn=turn, scale=1.5)
    own = solids.inner(pen, 2.0, -1.0, 0.3)
    assert own.place((0.0, 0.0, 0.0)) == pytest.approx(pen.place((2.0, 0.0, -1.0)))
    cos, sin = np.cos(0.3), np.sin(0.3)
    assert own.place((1.0, 0.5, 0.0)) == pytest.approx(pen.place((2.0 + cos, 0.5, -1.0 + sin)))


def test_a_panel_lies_before_its_side():
    canvas = meadow()
    pen = Pen(canvas, 0.0, 10.0, turn=0.5)
    faces = solids.block(pen, LOW, HIGH, (0.2, 0.2, 0.2), ("metal",))
    canvas.depth[np.isinf(canvas.depth)] = 1e6
    before = canvas.depth.copy()
    solids.panel(pen, faces[0], (0.2, 0.8, 0.2, 0.8), (0.9, 0.9, 0.9), ("glass",))
    panel = canvas.masks_of("glass")
    assert panel.sum() > 500
    assert ((before - canvas.depth)[panel] > 0.005).all()
    assert ((before - canvas.depth)[panel] < 0.1).all()
    assert (canvas.depth == before)[~panel].all()
