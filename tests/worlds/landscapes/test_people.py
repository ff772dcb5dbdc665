"""Rendered people; and what every rendered object has to keep to, which the tests of the other objects use too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.datasets.sun_attributes import ATTRIBUTES
from siam.worlds.landscapes.objects import figures, looks, people
from siam.worlds.landscapes.paint.canvas import Camera, Canvas
from siam.worlds.landscapes.paint.light import draw_light
from siam.worlds.landscapes.paint.pen import Pen

SIZE, HORIZON, FOCAL, EYE = 500, 215.0, 475.0, 2.2
TURNS = (0.4, -0.8, 2.6)


def meadow(light_seed=12):
    """Return a canvas with flat ground on which nothing stands."""
    canvas = Canvas(Camera(SIZE, HORIZON, FOCAL, EYE), draw_light(np.random.default_rng(light_seed)))
    below = np.arange(SIZE) + 0.5 - HORIZON
    canvas.rgb[:] = 0.5
    canvas.depth[below > 0] = (FOCAL * EYE / below[below > 0])[:, None]
    return canvas


def drawn(function, z, turn=0.4, seed=0, canvas=None, x=0.0):
    """Return a canvas with an object, and the generator that drew it."""
    canvas, generator = canvas or meadow(), np.random.default_rng(seed)
    function(Pen(canvas, x, z, turn=turn), generator)
    return canvas, generator


def shown(canvas):
    return {name for name, mask in zip(ATTRIBUTES, canvas.masks(), strict=True) if mask.any()}


def check_attributes(function, shows, near):
    """Near, every documented attribute is seen; nowhere another one."""
    for seed, turn in enumerate(TURNS):
        assert shown(drawn(function, near, turn, seed)[0]) == set(shows), (seed, turn)
        for z in (max(8, 0.6 * near), max(120, near)):
            found = shown(drawn(function, z, turn, seed)[0])
            assert found <= set(shows), z
            assert found, z


def check_ground(function, reach):
    """What is nearer than the object's foot changes by its shadow only, and what it paints is as far away as it."""
    for seed, turn in enumerate(TURNS):
        z = 2 * reach + 8
        canvas = drawn(function, z, turn, seed)[0]
        painted = canvas.cover > 0
        lowest = int(np.ceil(HORIZON + FOCAL * EYE / (z - reach))) + 1
        assert not painted[lowest:].any()
        assert (canvas.rgb[lowest:] <= 0.5 + 1e-6).all()
        assert canvas.depth[painted].min() >= z - reach - 0.2
        assert canvas.depth[painted].max() <= z + reach + 0.2
        np.testing.assert_array_equal(canvas.depth[~painted], meadow().depth[~painted])


def check_seed(function, near):
    """The same seed gives the same pixels, another one others; the distance does not change what is drawn by lot."""
    first, second = drawn(function, near, seed=3)[0], drawn(function, near, seed=3)[0]
    np.testing.assert_allclose(first.rgb, second.rgb, atol=1e-6)
    np.testing.assert_array_equal(first.cover, second.cover)
    assert not np.allclose(drawn(function, near, seed=4)[0].rgb, first.rgb, atol=1e-3)
    states = [drawn(function, z, seed=5)[1].bit_generator.state for z in (near, 4 * near, 30 * near)]
    assert states[0] == states[1] == states[2]
    state = drawn(function, near, seed=5, x=-50 * near)[1].bit_generator.state  # out of view
    assert state == states[0]


def check_height(function, low, high, far):
    """Its height in pixels is that in metres, to a fifth."""
    for seed in range(3):
        canvas = drawn(function, far, 0.0, seed)[0]
        rows = np.nonzero((canvas.cover > 0).any(axis=1))[0]
        metres = (HORIZON + FOCAL * EYE / far - rows[0]) * far / FOCAL
        assert 0.8 * low <= metres <= 1.2 * high, seed


def check_hidden(function, near):
    """What is nearer stays as it was."""
    canvas = meadow()
    canvas.depth[:, : SIZE // 2] = 0.2
    drawn(function, near, canvas=canvas)
    assert (canvas.rgb[:, : SIZE // 2] == 0.5).all()
    assert not canvas.cover[:, : SIZE // 2].any()
    assert canvas.cover[:, SIZE // 2 :].any()


NEAR, REACH = 9.0, {"walker": 0.5, "walkers": 4.0, "group": 2.4, "picnic": 2.4, "spectators": 4.5}
HEIGHT = {
    "walker": (1.6, 1.95),
    "walkers": (1.6, 1.95),
    "group": (1.6, 1.95),
    "picnic": (0.75, 1.3),
    "spectators": (1.6, 1.95),
}


def check_thing(function, shows, near, reach, height, far):
    """Check all of the above: `height` (least, most) is measured at a distance `far`, metres."""
    check_attributes(function, shows, near)
    check_ground(function, reach)
    check_seed(function, near)
    check_height(function, *height, far)
    check_hidden(function, near)


def test_every_object_is_documented():
    assert list(people.OBJECTS) == list(people.SHOWS) == list(REACH)


@pytest.mark.parametrize("name", people.OBJECTS)
def test_people(name):
    function = people.OBJECTS[name]
    check_thing(function, people.SHOWS[name], NEAR, REACH[name], HEIGHT[name], 30.0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), view=st.sampled_from([-1, 0, 1]), z=st.floats(6, 40))
def test_a_figure_is_as_tall_as_it_says(seed, view, z):
    generator, canvas = np.random.default_rng(seed), meadow()
    look, pose = looks.draw_look(generator), looks.standing(generator, view)
    figures.figure(Pen(canvas, 0.0, z, turn=1.0), (0.0, 0.0), look, pose, ("social",))
    rows, columns = np.nonzero(canvas.cover)
    metre = FOCAL / z
    assert abs((rows.max() + 1 - rows.min()) / metre - look.height) < 0.12 + 2 / metre
    assert (columns.max() - columns.min()) / metre < 0.5 * look.height


def test_figures_are_painted_as_polygons_are():
    """The shapes of a figure, painted at once, are those that the pen would fill one by one."""
    together, apart = meadow(), meadow()
    corners, colour = [(-0.4, 0.0), (0.5, 0.1), (0.3, 1.8), (-0.2, 1.5)], np.array((0.5, 0.2, 0.1))
    shapes = figures.Shapes(Pen(together, 0.3, 8.0), ("social",))
    shapes.fill(corners, colour)
    shapes.paint()
    Pen(apart, 0.3, 8.0).polygon(corners, colour, ("social",), facing=shapes.facing)
    assert (together.cover != apart.cover).mean() < 1e-3
    inside = (together.cover > 0) & (apart.cover > 0)
    assert np.abs(together.rgb - apart.rgb)[inside].mean() < 0.01


def test_hikers_look_where_they_walk_and_the_nearest_are_in_front():
    """Seen along the x axis hikers show their backs or faces, across it their sides."""
    ways = {}
    for turn in (0.0, np.pi / 2):
        canvas = drawn(people.walker, 8.0, turn, 2)[0]
        columns = np.nonzero(canvas.cover.any(axis=0))[0]
        ways[turn] = columns.max() - columns.min()
    assert ways[0.0] != ways[np.pi / 2]
    canvas = drawn(people.walkers, 10.0, np.pi / 2, 1)[0]
    painted = canvas.depth[canvas.cover > 0]
    assert len(np.unique(painted.round(3))) >= 2
