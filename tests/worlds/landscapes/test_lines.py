"""Rendered wires, fences and walls: they follow the ground, and their truth keeps what is seen through them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.worlds.landscapes.objects import fences, lines, spans
from tests.worlds.landscapes.test_people import EYE, FOCAL, HORIZON, SIZE, meadow, shown

STEP = {"pylon_line": 120.0, "pole_line": 30.0}
NEAR = {
    "pylon_line": 130.0,
    "pole_line": 30.0,
    "wooden_fence": 9.0,
    "wire_fence": 8.0,
    "railing": 9.0,
    "picket_fence": 9.0,
    "stone_wall": 9.0,
}
HEIGHT = {"pylon_line": (25.0, 40.0), "pole_line": (7.2, 8.8), "wooden_fence": (1.1, 1.43), "wire_fence": (1.1, 1.43),
          "railing": (1.0, 1.31), "picket_fence": (0.92, 1.2), "stone_wall": (0.98, 1.3)}  # fmt: skip


def places(name, ahead, slope=0.0, ground=0.0):
    """Return places to the left and right of the view, at some height."""
    step = STEP.get(name, 2.2)
    return [(k * step, ground, ahead + slope * k * step) for k in range(-3, 4)]


def run(name, ahead, slope=0.0, seed=0, ground=0.0, canvas=None):
    canvas, generator = canvas or meadow(), np.random.default_rng(seed)
    lines.OBJECTS[name](canvas, places(name, ahead, slope, ground), generator)
    return canvas, generator


def test_every_line_is_documented():
    assert list(lines.OBJECTS) == list(lines.SHOWS) == list(NEAR)


@pytest.mark.parametrize("name", lines.OBJECTS)
def test_a_line_shows_what_is_documented(name):
    for seed, slope in enumerate((0.0, 0.15, -0.2)):
        assert shown(run(name, NEAR[name], slope, seed)[0]) == set(lines.SHOWS[name])
        for factor in (2, 6):
            found = shown(run(name, factor * NEAR[name], slope, seed)[0])
            assert found <= set(lines.SHOWS[name])
            assert found


@pytest.mark.parametrize("name", lines.OBJECTS)
def test_the_same_seed_gives_the_same_line_and_distance_draws_no_lots(name):
    near = NEAR[name]
    first, second = run(name, near, seed=3)[0], run(name, near, seed=3)[0]
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.cover, second.cover)
    assert (run(name, near, seed=4)[0].rgb != first.rgb).any()
    states = [run(name, factor * near, seed=5)[1].bit_generator.state for factor in (1, 8, 100)]
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("name", lines.OBJECTS)
@pytest.mark.parametrize("ground", [0.0, 1.4])
def test_a_line_stands_on_its_ground_and_is_as_tall_as_documented(name, ground):
    ahead = 2 * NEAR[name]
    for seed in range(4):
        canvas = run(name, ahead, 0.0, seed, ground)[0]
        rows = np.nonzero((canvas.cover > 0).any(axis=1))[0]
        foot = HORIZON + FOCAL * (EYE - ground) / ahead
        metres = (foot - rows[0]) * ahead / FOCAL
        assert 0.8 * HEIGHT[name][0] <= metres <= 1.2 * HEIGHT[name][1]
        assert rows[-1] <= foot + 2 + 0.25 * FOCAL / ahead


@pytest.mark.parametrize("name", lines.OBJECTS)
def test_what_is_nearer_hides_a_line(name):
    canvas = meadow()
    canvas.depth[:, : SIZE // 2] = 0.5
    run(name, NEAR[name], canvas=canvas)
    assert (canvas.rgb[:, : SIZE // 2] == 0.5).all()
    assert not canvas.cover[:, : SIZE // 2].any()
    assert canvas.cover[:, SIZE // 2 :].any()


def test_see_through_adds_to_what_is_farther_and_changes_nothing_else():
    """The fast mask is the loop over pixels that looks for those in the polygon and farther away."""
    canvas = meadow()
    canvas.cover[:200, :300] = canvas.set_of(("clouds",))
    canvas.cover[200:, :] = canvas.set_of(("grass", "flowers"))
    canvas.depth[100:260, 100:180] = 6.0
    before = canvas.cover.copy(), canvas.depth.copy(), canvas.rgb.copy(), list(canvas.sets)
    box = [(60.0, 120.0), (400.0, 120.0), (400.0, 260.0), (60.0, 260.0)]
    spans.see_through(canvas, box, ((-5.0, 0.0, 8.0), (5.0, 0.0, 8.0)), ("wire",))
    np.testing.assert_array_equal(canvas.depth, before[1])
    np.testing.assert_array_equal(canvas.rgb, before[2])
    for row in range(90, 290, 7):
        for column in range(40, 430, 7):
            inside = 60 <= column < 400 and 120 <= row < 260 and before[1][row, column] > 8.0
            expected = before[3][before[0][row, column]] | (frozenset({"wire"}) if inside else frozenset())
            assert canvas.sets[canvas.cover[row, column]] == expected, (row, column)


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-30, 10), far=st.floats(5, 80), dx=st.floats(4, 40), dz=st.floats(-40, 40), share=st.floats(0, 1))
def test_the_distance_in_an_upright_plane(x, far, dx, dz, share):
    """The column of a point between two places has the distance of that point."""
    canvas, begin, end = meadow(), (x, 3.0, far), (x + dx, 1.0, max(far + dz, 2.0))
    point = tuple(a + share * (b - a) for a, b in zip(begin, end, strict=True))
    columns = [canvas.camera.project(*place)[0] for place in (begin, end)]
    if abs(columns[1] - columns[0]) < 20:
        return
    found = spans.distance_to(canvas, (begin, end), np.array([canvas.camera.project(*point)[0]]))
    assert found[0] == pytest.approx(point[2], rel=1e-6)


def test_a_wire_hangs_in_a_parabola_and_its_mask_is_a_band():
    """In each column the band is five pixels thick around the height of the formula; the sky stays in the set."""
    canvas, sag, high, z = meadow(), 3.0, 12.0, 40.0
    canvas.cover[:] = canvas.set_of(("clouds",))
    lines._wire(canvas, (-12.0, high, z), (12.0, high, z), sag, 0.03, (0.1, 0.1, 0.1))
    wire = canvas.masks_of("wire")
    assert (canvas.masks_of("clouds")).all()
    for column in range(130, 370, 10):
        share = ((column + 0.5 - SIZE / 2) * z / FOCAL + 12) / 24
        row = HORIZON + FOCAL * (EYE - (high - 4 * sag * share * (1 - share))) / z
        rows = np.nonzero(wire[:, column])[0]
        assert abs(rows.mean() + 0.5 - row) < 1.0
        assert 4 <= len(rows) <= 7
        assert canvas.rgb[int(row) - 1 : int(row) + 2, column].min() < 0.42


@pytest.mark.parametrize("kind", ["wooden_fence", "wire_fence", "railing", "picket_fence"])
def test_the_gaps_of_a_fence_show_the_fence_and_what_is_behind(kind):
    canvas = meadow()
    canvas.cover[:] = canvas.set_of(("grass",))
    run(kind, 9.0, canvas=canvas)
    fence, both = canvas.masks_of("fencing_railing"), canvas.masks_of("fencing_railing") & canvas.masks_of("grass")
    assert both.sum() > 0.2 * fence.sum()
    column = fence[:, SIZE // 2 + 30]
    rows = np.nonzero(column)[0]
    assert column[rows[0] : rows[-1] + 1].mean() > 0.97  # a solid band


def test_nearer_sections_hide_farther_ones():
    canvas, generator = meadow(), np.random.default_rng(1)
    course = [(0.3 * np.sin(k), 0.0, 6.0 + 2.0 * k) for k in range(8)]
    fences.stone_wall(canvas, course[::-1], generator)
    bottom = np.nonzero(canvas.cover.any(axis=1))[0].max()
    assert canvas.depth[canvas.cover > 0].min() < 7
    assert bottom > HORIZON + FOCAL * EYE / 7
