"""A vintage tram, and a train of a locomotive and coaches."""

from collections.abc import Callable

import numpy as np

from siam.worlds.landscapes.objects.solids import (
    BACK,
    DARK,
    FRONT,
    LEFT,
    RIGHT,
    block,
    inner,
    paint_of,
    panel,
    stroke,
    wheels,
)
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, boards, corrugated, glass

WAGONS = ((0.70, 0.12, 0.12), (0.16, 0.32, 0.52), (0.24, 0.42, 0.30), (0.84, 0.62, 0.16), (0.62, 0.62, 0.60))
_TRAMS = ((0.62, 0.10, 0.10), (0.14, 0.36, 0.22), (0.14, 0.26, 0.48), (0.50, 0.30, 0.12))
_CREAM = (0.92, 0.86, 0.70)


def vintage_tram(pen: Pen, generator: np.random.Generator) -> None:
    """An old tram, 3.4 m high and 5 m with its pole: boards below, cream above."""
    half, colour, panes = (
        float(generator.uniform(4.2, 5.2)),
        paint_of(_TRAMS, generator),
        glass(pen.light, generator, (4, 3), 0.0),
    )
    planks = boards(generator, width=0.22, colours=[colour])
    shows, wood, seen, cream = ("transport",), ("transport", "wood"), ("transport", "glass"), np.array(_CREAM)
    pen.shadow(half, 1.2)
    block(pen, (-0.5 * half, 0.5 * half, -0.95, 0.95, 0.2), (-0.5 * half, 0.5 * half, -0.95, 0.95, 0.6), DARK, shows)
    wheels(pen, (-0.28 * half, 0.28 * half), 0.38, 0.98, shows)
    body = block(pen, (-half, half, -1.1, 1.1, 0.5), (-half, half, -1.1, 1.1, 2.85), cream, shows, under=cream * 0.7)
    count = 7
    for side in range(4):
        long = side in (FRONT, BACK)
        panel(pen, body[side], (0.0, 1.0, 0.0, 0.42), planks, wood)
        panel(pen, body[side], (0.0, 1.0, 0.42, 0.45), (0.80, 0.62, 0.22), shows, out=0.03)
        for n in range(count if long else 3):
            step = 1 / (count if long else 3)
            panel(pen, body[side], ((n + 0.1) * step, (n + 0.9) * step, 0.49, 0.88), panes, seen, glow=True)
    for side in (LEFT, RIGHT):
        panel(pen, body[side], (0.42, 0.58, 0.22, 0.33), (0.96, 0.93, 0.80), shows, out=0.05)
        panel(pen, body[side], (0.2, 0.8, 0.9, 0.99), (0.12, 0.12, 0.12), shows)
    block(
        pen,
        (-half - 0.15, half + 0.15, -1.2, 1.2, 2.85),
        (-half, half, -0.9, 0.9, 3.05),
        colour * 0.8,
        shows,
        under=colour * 0.6,
    )
    block(
        pen,
        (-0.7 * half, 0.7 * half, -0.6, 0.6, 3.05),
        (-0.7 * half, 0.7 * half, -0.5, 0.5, 3.4),
        cream,
        shows,
        top=colour * 0.8,
    )
    stroke(pen, [(0.0, 3.4, -0.02), (-0.7 * half, 5.2, -0.02)], 0.06, DARK, shows, least=0.8)


def train(pen: Pen, generator: np.random.Generator) -> None:
    """A locomotive and two or three wagons along the x axis, 3.9 m high, the locomotive first or last."""
    count, way, goods = int(generator.integers(2, 4)), int(generator.choice([-1, 1])), bool(generator.random() < 0.5)
    colour, second = paint_of(WAGONS, generator), paint_of(WAGONS, generator)
    coaches = []
    for number in range(count + 1):
        x = way * (15.2 * (count / 2 - number))
        tone, ribs = paint_of(WAGONS, generator), corrugated(generator)
        first = number == 0
        coaches.append(
            (inner(pen, x, 0.0), colour if first or not goods else tone, ribs if goods and not first else None, first)
        )
    for coach_pen, tone, ribs, first in sorted(coaches, key=lambda coach: -coach[0].z):
        if coach_pen.place((-7.2, 0.0, 0.0))[2] > 3 and coach_pen.place((7.2, 0.0, 0.0))[2] > 3:
            _coach(coach_pen, tone, second, ribs, first=first)


def _coach(pen: Pen, colour: np.ndarray, second: np.ndarray, ribs: Material | None, *, first: bool) -> None:
    """Draw a locomotive, a goods wagon if it has ribs, or a coach, 14 m long."""
    shows, panes = ("transport", "metal"), np.array((0.13, 0.17, 0.21))
    pen.shadow(7.0, 1.6)
    block(pen, (-6.6, 6.6, -0.9, 0.9, 0.55), (-6.6, 6.6, -0.9, 0.9, 1.1), DARK, shows)
    wheels(pen, (-5.6, -3.9, 3.9, 5.6), 0.46, 0.95, shows)

    def sheets(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        tone = ribs(along, up, grain).mean(axis=1, keepdims=True) / 0.62 if ribs else 1.0
        return (colour * tone).astype(np.float32)

    shape = (-7.0, 7.0, -1.4, 1.4, 1.0), (-6.7 if first else -7.0, 6.7 if first else 7.0, -1.35, 1.35, 3.45)
    body = block(pen, *shape, sheets if ribs else colour, shows, under=colour * 0.7)
    block(
        pen,
        (*shape[1][:4], 3.45),
        (shape[1][0], shape[1][1], -0.8, 0.8, 3.9),
        (0.42, 0.43, 0.45),
        shows,
        under=(0.3, 0.3, 0.3),
    )
    for side in (FRONT, BACK):
        if not ribs:
            panel(pen, body[side], (0.0, 1.0, 0.2, 0.34), second, shows)
        for n in range(0 if ribs else 2 if first else 8):
            left, wide = (0.02 + 0.86 * n, 0.09) if first else (0.05 + 0.115 * n, 0.085)
            panel(pen, body[side], (left, left + wide, 0.5, 0.82), panes, shows, out=0.03)
        for n in range(4 if first else 0):
            panel(pen, body[side], (0.2 + 0.16 * n, 0.31 + 0.16 * n, 0.55, 0.8), colour * 0.55, shows)
    for side in (LEFT, RIGHT):
        if first:
            panel(pen, body[side], (0.08, 0.92, 0.52, 0.86), panes, shows)
        panel(pen, body[side], (0.0, 1.0, 0.0, 0.12), (0.75, 0.2, 0.1) if first else DARK, shows)
        for left in (0.1, 0.76) if first else ():
            panel(pen, body[side], (left, left + 0.14, 0.2, 0.3), (0.95, 0.93, 0.82), shows, out=0.04)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {"vintage_tram": vintage_tram, "train": train}
SHOWS: dict[str, tuple[str, ...]] = {"vintage_tram": ("transport", "wood", "glass"), "train": ("transport", "metal")}
