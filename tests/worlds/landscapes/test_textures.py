"""Materials of rendered things: same seed, same look; no colours outside the light; nothing finer than a pixel."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.light import draw_light
from siam.worlds.landscapes.paint.textures import Grain

LIGHT = draw_light(np.random.default_rng(1))
MATERIALS = {
    "plain": lambda generator: textures.plain((0.6, 0.5, 0.4), generator),
    "brick": textures.brick,
    "stone": textures.stone,
    "mossy stone": lambda generator: textures.stone(generator, moss=1.0),
    "shingles": textures.shingles,
    "worn shingles": lambda generator: textures.shingles(generator, worn=1.0),
    "boards": textures.boards,
    "logs": lambda generator: textures.boards(generator, log=True),
    "corrugated": textures.corrugated,
    "rusty sheets": lambda generator: textures.corrugated(generator, 0.6),
    "rust": textures.rust,
    "cloth": lambda generator: textures.cloth([(0.8, 0.2, 0.2), (0.9, 0.9, 0.9)], generator, 0.3),
    "glass": lambda generator: textures.glass(LIGHT, generator),
}


FINE = Grain(60.0, 60.0)


def painted(material, grain=FINE, side=90, across=6.0):
    up, along = np.mgrid[:side, :side].astype(np.float32).reshape(2, -1) * np.float32(across / side)
    return material(along, up, grain).reshape(side, side, 3)


@pytest.mark.parametrize("name", MATERIALS)
@pytest.mark.parametrize("pixels", [0.5, 8.0, 90.0])
def test_a_material_gives_colours_and_its_seed_decides_them(name, pixels):
    first, again, other = (
        painted(MATERIALS[name](np.random.default_rng(seed)), Grain(pixels, pixels)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other) or pixels < 1
    assert np.isfinite(first).all()
    assert first.min() > -0.05
    assert np.quantile(first, 0.99) < 1.3


@settings(max_examples=30, deadline=None)
@given(shift=st.floats(-40, 40), name=st.sampled_from(sorted(MATERIALS)))
def test_a_material_is_there_before_and_behind_its_origin(shift, name):
    material = MATERIALS[name](np.random.default_rng(0))
    place = np.full(9, shift, dtype=np.float32), np.linspace(-1, 9, 9, dtype=np.float32)
    together = material(*place, Grain(30.0, 30.0))
    alone = np.concatenate([material(place[0][n : n + 1], place[1][n : n + 1], Grain(30.0, 30.0)) for n in range(9)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("name", ["brick", "shingles", "boards", "corrugated", "logs"])
def test_details_that_pixels_cannot_show_fade(name):
    """The difference of neighbours half a metre apart: large from near, small where a pixel takes metres."""
    near, far = (painted(MATERIALS[name](np.random.default_rng(2)), Grain(g, g), 200, 4.0) for g in (100.0, 0.4))
    rows = [np.abs(np.diff(picture.mean(axis=2), axis=axis)).mean() for picture in (near, far) for axis in (0, 1)]
    assert max(rows[:2]) > 2 * max(rows[2:]) or near.std() > 1.15 * far.std()


def test_courses_of_bricks_grow_until_pixels_show_them_but_not_beyond_what_is_believable():
    sizes = [textures._coarser(0.10, pixels, 0.26) for pixels in (1000.0, 40.0, 25.0, 10.0, 1.0)]
    assert sizes == pytest.approx([0.10, 0.10, 0.16, 0.26, 0.26])


def test_gaps_take_their_share_of_the_area():
    """Lines of 0.1 m every metre: a tenth of the area, whatever the size of pixels that show them."""
    place = (np.arange(200000) + 0.5) / 200000
    for pixels in (20.0, 60.0, 400.0):
        assert textures._gap(place, 1.0, 0.1, pixels).mean() == pytest.approx(0.1, rel=0.1)
    assert textures._gap(place, 1.0, 0.1, 1.0).max() == 0


def test_glass_is_brighter_under_a_bright_sky():
    dark = replace(LIGHT, low=(0.1, 0.1, 0.1), zenith=(0.1, 0.1, 0.1), haze=(0.1, 0.1, 0.1))
    bright = replace(LIGHT, low=(0.9, 0.9, 0.9), zenith=(0.9, 0.9, 0.9), haze=(0.9, 0.9, 0.9))
    means = [painted(textures.glass(light, np.random.default_rng(0))).mean() for light in (dark, bright)]
    assert means[1] > means[0] + 0.2


def test_rust_is_orange_and_covers_what_is_asked_for():
    shares = []
    for amount in (0.2, 0.5, 0.9):
        colour = painted(textures.corrugated(np.random.default_rng(5), amount), across=40.0)
        shares.append((colour[..., 0] > 1.5 * colour[..., 2]).mean())
    assert shares == sorted(shares)
    assert shares[0] < 0.5 < shares[2]
