"""Rendered boats, trams and trains."""

import numpy as np
import pytest

from siam.worlds.landscapes.objects import boats, rail
from tests.worlds.landscapes.test_people import EYE, FOCAL, HORIZON, check_thing, drawn

OBJECTS, SHOWS = {**boats.OBJECTS, **rail.OBJECTS}, {**boats.SHOWS, **rail.SHOWS}
NEAR = {"sailing_boat": 16, "rowing_boat": 8, "fishing_boat": 16, "ferry": 60, "vintage_tram": 16, "train": 40}
REACH = {
    "sailing_boat": 4.8,
    "rowing_boat": 2.9,
    "fishing_boat": 6.2,
    "ferry": 29.0,
    "vintage_tram": 5.8,
    "train": 30.8,
}
HEIGHT = {"sailing_boat": (8.0, 11.0), "rowing_boat": (0.6, 0.8), "fishing_boat": (6.0, 6.0), "ferry": (14.0, 14.5),
          "vintage_tram": (3.4, 5.2), "train": (3.9, 3.9)}  # fmt: skip
AFLOAT = ("sailing_boat", "rowing_boat", "fishing_boat", "ferry")


def test_every_object_is_documented():
    assert list(OBJECTS) == list(SHOWS) == list(NEAR)


@pytest.mark.parametrize("name", OBJECTS)
def test_boats(name):
    function = OBJECTS[name]
    check_thing(function, SHOWS[name], NEAR[name], REACH[name], HEIGHT[name], 120.0 if name == "ferry" else 60.0)


@pytest.mark.parametrize("name", AFLOAT)
def test_a_boat_lies_on_the_water_above_its_reflection(name):
    """Below the hull the water is darker, at its two sides it is not, and no attribute is there."""
    near = NEAR[name]
    canvas = drawn(OBJECTS[name], near, 0.0, 1)[0]
    rows, columns = np.nonzero(canvas.cover > 0)
    hull = rows[np.abs(columns - 250) < 3].max()
    assert abs(hull - (HORIZON + FOCAL * EYE / (near - 0.1 * near))) < 0.14 * FOCAL * EYE / near
    assert canvas.rgb[hull + 2, 250].mean() < 0.45
    assert canvas.rgb[hull + 2, [3, 496]].mean() == pytest.approx(0.5)


def test_a_train_leaves_out_what_stands_beside_or_behind_the_camera():
    canvas = drawn(rail.train, 16.0, np.pi / 2, 0)[0]
    assert canvas.depth[canvas.cover > 0].min() > 3
