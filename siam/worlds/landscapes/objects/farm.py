"""Tractors, and the field that a tractor ploughs."""

from collections.abc import Callable

import numpy as np

from siam.worlds.landscapes.objects.earth import earth_colour, ground_patch
from siam.worlds.landscapes.objects.solids import DARK, block, panel, stroke, wheel
from siam.worlds.landscapes.paint.noise import smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, glass, stain

_TRACTORS = ((0.72, 0.10, 0.08), (0.14, 0.42, 0.18), (0.10, 0.28, 0.58), (0.90, 0.46, 0.08))


def tractor(pen: Pen, generator: np.random.Generator) -> None:
    """A tractor, 2.7 m high, its front at the right."""
    colour = np.array(_TRACTORS[int(generator.integers(len(_TRACTORS)))]) * generator.uniform(0.9, 1.08)
    rims, panes = (
        np.array((0.86, 0.74, 0.16)) if generator.random() < 0.5 else colour,
        glass(pen.light, generator, (3, 3), 0.0),
    )
    shows = ("farming", "transport")
    pen.shadow(2.1, 1.2)
    wheel(pen, -0.95, 1.12, 0.88, 0.5, shows, hub=rims)
    wheel(pen, 1.3, 0.95, 0.52, 0.34, shows, hub=rims)
    block(pen, (-1.3, 1.9, -0.3, 0.3, 0.5), (-1.3, 1.9, -0.35, 0.35, 0.95), DARK, shows)
    low, high = (0.0, 2.05, -0.42, 0.42, 0.85), (0.0, 1.9, -0.36, 0.36, 1.5)
    bonnet = block(pen, low, high, colour, shows, under=colour * 0.7)
    panel(pen, bonnet[1], (0.1, 0.9, 0.1, 0.85), DARK, shows)
    cab = block(
        pen, (-1.4, 0.05, -0.72, 0.72, 0.95), (-1.25, -0.1, -0.66, 0.66, 2.5), colour * 0.75, shows, under=colour * 0.5
    )
    for side in range(4):
        panel(pen, cab[side], (0.07, 0.93, 0.3, 0.96), panes, shows, glow=True)
    block(pen, (-1.45, 0.1, -0.78, 0.78, 2.5), (-1.35, 0.0, -0.7, 0.7, 2.66), colour, shows, under=colour * 0.7)
    for sign in (-1, 1):
        low, high = (
            (-1.65, -0.25, *sorted((sign * 0.6, sign * 1.1)), 1.62),
            (-1.45, -0.4, *sorted((sign * 0.6, sign * 1.1)), 1.82),
        )
        block(
            pen, (low[0], low[1], low[2], low[3], low[4]), (high[0], high[1], high[2], high[3], high[4]), colour, shows
        )
    stroke(pen, [(0.75, 1.5, -0.46), (0.75, 2.45, -0.46)], 0.09, (0.2, 0.2, 0.2), shows)
    wheel(pen, -0.95, -1.12, 0.88, 0.5, shows, hub=rims)
    wheel(pen, 1.3, -0.95, 0.52, 0.34, shows, hub=rims)


def plough(pen: Pen, generator: np.random.Generator) -> None:
    """A tractor that pulls a plough along the x axis, with brown furrows behind and beside it."""
    colour, seed = earth_colour(generator), generator.uniform(0, 500, 2)
    long, wide = float(generator.uniform(14, 20)), float(generator.uniform(5, 8))

    def furrows(along: np.ndarray, away: np.ndarray, grain: Grain) -> np.ndarray:
        pitch = float(np.clip(4 / max(grain.up, 1e-6), 0.45, 1.6))
        wave = np.sin((away + 0.05 * stain(along, away, seed, 2.0)) * (2 * np.pi / pitch))
        clear = 0.28 * float(smoothstep(pitch * grain.up, 1.5, 3.0))
        tone = 1 + clear * wave + 0.10 * stain(along, away, seed, 0.6, 0.4) + 0.06 * stain(along, away, seed, 5.0)
        return colour * tone[:, None].astype(np.float32)

    ends = generator.uniform(-0.5, 0.5, 4)
    ground_patch(
        pen,
        [
            (-long + ends[0], -0.9),
            (-2.6, -0.9),
            (-3.6, 0.9),
            (long * 0.6 + ends[1], 0.9),
            (long * 0.6 + ends[2], wide),
            (-long + ends[3], wide),
        ],
        furrows,
        ("farming",),
    )
    shows = ("farming",)
    for number in range(4):
        x, z = -2.3 - 0.55 * number, 0.75 - 0.5 * number
        block(
            pen,
            (x - 0.35, x + 0.1, z - 0.1, z + 0.1, 0.0),
            (x - 0.15, x + 0.2, z - 0.05, z + 0.05, 0.75),
            (0.5, 0.5, 0.52),
            shows,
        )
    stroke(pen, [(-1.4, 0.7, 0.2), (-2.2, 0.85, 0.75), (-4.1, 0.85, -0.8)], 0.14, (0.70, 0.10, 0.08), shows)
    tractor(pen, generator)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {"plough": plough, "tractor": tractor}
SHOWS: dict[str, tuple[str, ...]] = {"plough": ("farming", "transport"), "tractor": ("farming", "transport")}
