"""Rendered works: diggers, pits, roadworks, cranes, tractors; and the patches of ground below them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.worlds.landscapes.objects import earth, farm, works
from siam.worlds.landscapes.paint.pen import Pen
from tests.worlds.landscapes.test_people import EYE, FOCAL, check_thing, drawn, meadow

OBJECTS, SHOWS = {**works.OBJECTS, **farm.OBJECTS}, {**works.SHOWS, **farm.SHOWS}
NEAR = {"digger": 16, "pit_with_heap": 12, "roadworks": 14, "crane": 60, "plough": 24, "tractor": 10}
REACH = {"digger": 10.5, "pit_with_heap": 7.5, "roadworks": 6.0, "crane": 24.0, "plough": 22.0, "tractor": 2.6}
HEIGHT = {"digger": (3.9, 5.0), "pit_with_heap": (1.2, 1.9), "roadworks": (1.0, 1.0), "crane": (25.0, 25.0),
          "plough": (2.66, 2.66), "tractor": (2.66, 2.66)}  # fmt: skip


def test_every_object_is_documented():
    assert list(OBJECTS) == list(SHOWS) == list(NEAR)


@pytest.mark.parametrize("name", OBJECTS)
def test_works(name):
    function = OBJECTS[name]
    check_thing(function, SHOWS[name], NEAR[name], REACH[name], HEIGHT[name], 100.0 if name == "crane" else 60.0)


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-3, 3), z=st.floats(9, 40), x=st.floats(-2, 2), scale=st.floats(0.7, 1.4))
def test_a_patch_knows_where_on_the_ground_each_pixel_is(turn, z, x, scale):
    """Places that the material is asked for lie inside the patch and are seen at the painted pixels."""
    canvas, asked = meadow(), []
    pen = Pen(canvas, x, z, turn=turn, scale=scale)

    def material(along, away, _grain):
        asked.append((along, away))
        return np.full((len(along), 3), 0.3)

    earth.ground_patch(pen, [(-2, -1), (2, -1), (2, 1), (-2, 1)], material, ("dirty",), 0.02)
    along, away = asked[0]
    row = 2 * z**2 / (FOCAL * EYE) / scale + 0.1  # metres of ground that two rows of pixels see
    assert (np.abs(along) < 2 + row).all()
    assert (np.abs(away) < 1 + row).all()
    spots = np.array([canvas.camera.project(*pen.place((a, 0.02, b))) for a, b in zip(along, away, strict=True)])
    rows, columns = np.nonzero(canvas.cover > 0)
    inner = (np.abs(along) < 2 - row) & (np.abs(away) < 1 - row)
    hit = {(int(r), int(c)) for r, c in zip(rows, columns, strict=True)}
    found = [(int(np.floor(r)), int(np.floor(c))) for c, r in spots[inner]]
    assert all(place in hit for place in found)
    depth = canvas.depth[rows, columns]
    np.testing.assert_array_less(depth, meadow().depth[rows, columns])
    assert (np.abs(depth - z) < 2.4 * scale + 0.3).all()


def test_a_patch_covers_ground_that_is_not_level_and_leaves_what_stands_before_it():
    canvas = meadow()
    canvas.depth[230:] *= 1 + 0.03 * np.sin(np.arange(500) / 9)
    canvas.depth[:, 250:] = 5.0
    corners = [(-3, -2), (3, -2), (3, 2), (-3, 2)]
    earth.ground_patch(Pen(canvas, 0.0, 20.0), corners, lambda a, _b, _g: np.full((len(a), 3), 0.3), ("dirty",))
    painted = canvas.masks_of("dirty")
    rows = np.nonzero(painted[:, 210])[0]
    assert len(rows) >= 9
    assert (np.diff(rows) == 1).all()
    assert not painted[:, 250:].any()


def test_a_heap_is_lit_from_the_side_of_the_sun():
    """The mean light of its right half is greater where the sun is at the right."""
    for seed in range(12):
        canvas = meadow(seed)
        earth.mound(Pen(canvas, 0.0, 12.0), (0.0, 0.0), 2.0, 1.5, (0.4, 0.4, 0.4), ("dirty",), np.random.default_rng(3))
        grey = np.where(canvas.cover > 0, canvas.rgb.mean(axis=2), np.nan)
        sun = canvas.light.direction[0] * max(canvas.light.sun)
        difference = np.nanmean(grey[:, 252:]) - np.nanmean(grey[:, :248])
        assert abs(sun) < 0.25 or np.sign(difference) == np.sign(sun)


def test_a_digger_has_its_pit_at_its_arm():
    for turn in (0.3, 2.8):
        canvas = drawn(works.digger, 20.0, turn, 2)[0]
        centre = {name: np.nonzero(canvas.masks_of(name))[1].mean() for name in ("metal", "dirty")}
        assert np.sign(centre["dirty"] - centre["metal"]) == np.sign(np.cos(turn))
