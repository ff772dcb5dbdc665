"""The coastline lies where the coast is, in any part of the world, and no line crosses the map."""

import numpy as np
import pytest

from siam.drawing.coastline import coastline
from siam.runtime.paths import ASSETS


@pytest.mark.parametrize(
    ("place", "longitude", "latitude"),
    [
        ("Land's End", -5.72, 50.07),
        ("Cape Agulhas", 20.0, -34.83),
        ("Cape Horn", -67.27, -55.98),
        ("Cape Reinga", 172.68, -34.43),
        ("Taveuni, on the antimeridian", 180.0, -16.85),
        ("Point Barrow", -156.47, 71.39),
    ],
)
def test_known_capes_are_on_it(place, longitude, latitude):
    x, y = coastline(longitude - 3, latitude - 3, longitude + 3, latitude + 3, 0.001)
    away = np.hypot((x - longitude) * np.cos(np.radians(latitude)), y - latitude)
    assert np.nanmin(away) < 0.3, place


@pytest.mark.parametrize("part", [(-180, -90, 180, 90), (-12, 49, 4, 61), (170, -50, 195, -10), (-200, -30, -170, 0)])
def test_lines_are_whole_and_do_not_cross_the_map(part):
    west, south, east, north = part
    step = max(east - west, north - south) / 400
    x, y = coastline(west, south, east, north, step)
    assert len(x) == len(y) and np.array_equal(np.isnan(x), np.isnan(y))
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    assert inside.mean() > 0.5
    lengths = np.hypot(np.diff(x), np.diff(y))
    assert np.nanmax(lengths) < 12  # degrees: the longest straight part of the real coast, in Antarctica, is shorter


def test_fewer_points_are_drawn_of_more_of_the_world():
    world, near = (coastline(*part) for part in ((-180, -90, 180, 90, 1.0), (-180, -90, 180, 90, 0.01)))
    assert len(world[0]) < 20_000 < 50_000 < len(near[0])
    assert len(coastline(-35, 30, -30, 35, 0.01)[0]) == 0  # the open Atlantic


def test_where_it_comes_from_is_said_beside_it():
    text = (ASSETS / "coastline" / "README.md").read_text(encoding="utf-8")
    assert "public domain" in text and "world-atlas" in text and "docs.make_coastline" in text
    assert (ASSETS / "coastline" / "coastline.npz").stat().st_size < 300_000
