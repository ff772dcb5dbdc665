"""Cars, parked or wrecked, lorries and buses, and a telephone box, each a few bodies with windows and wheels."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from siam.worlds.landscapes.objects.lorries import bus, lorry, van
from siam.worlds.landscapes.objects.solids import (
    BACK,
    DARK,
    FRONT,
    LEFT,
    PAINTS,
    RIGHT,
    block,
    gloss,
    inner,
    paint_of,
    panel,
    prism,
    wheel,
    window_panes,
)
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.noise import mix, smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, glass, rust, stain


class _Model(NamedTuple):
    """The shape of a car: metres from its middle to the ends, of its cabin below and above, and heights."""

    ends: tuple[float, float]
    cabin: tuple[float, float]
    roof: tuple[float, float]
    belt: float
    height: float


_MODELS = (
    _Model((-2.2, 2.2), (-1.65, 1.05), (-0.95, 0.25), 0.92, 1.42),
    _Model((-1.9, 1.9), (-1.85, 0.95), (-1.45, 0.2), 0.95, 1.5),
    _Model((-2.3, 2.2), (-2.2, 1.05), (-2.0, 0.3), 0.93, 1.46),
    _Model((-2.2, 2.1), (-2.1, 1.0), (-1.85, 0.35), 1.08, 1.72),
    _Model((-1.6, 1.6), (-1.4, 0.75), (-0.8, 0.15), 0.86, 1.4),
)


def _car(
    pen: Pen,
    model: _Model,
    paint: Material,
    colour: np.ndarray,
    panes: Material,
    attributes: Sequence[str],
    *,
    wheels: Sequence[bool] = (True,) * 4,
    glow: bool = True,
) -> None:
    """Draw a car whose front is at the right."""
    (tail, nose), (begin, end), belt, half = model.ends, model.cabin, model.belt, 0.86
    front = belt - 0.14
    outline = [(tail + 0.05, 0.2), (nose - 0.05, 0.2), (nose, 0.5), (nose - 0.08, front - 0.04), (end + 0.05, belt),
               (begin, belt), (tail + 0.02, belt - 0.05), (tail, 0.5)]  # fmt: skip
    body = prism(pen, outline, -half, half, paint, attributes, under=colour * 0.7)
    for x, z, there in zip((tail + 0.78, nose - 0.78) * 2, (-half, -half, half, half), wheels, strict=True):
        arch = [
            (x + 0.39 * float(np.cos(a)), 0.33 + 0.39 * float(np.sin(a)), z * 1.006) for a in np.arange(0, 6.2, 0.52)
        ]
        face(pen, arch if z < 0 else arch[::-1], DARK, attributes, both=False)
        if there:
            wheel(pen, x, z * 1.012, 0.32, 0.2, attributes)
    low, high = (begin, end, -0.8, 0.8, belt - 0.01), (*model.roof, -0.62, 0.62, model.height)
    cabin = block(pen, low, high, paint, attributes, under=colour * 0.6, top=colour)
    for side in (FRONT, BACK):
        for left, right in ((0.03, 0.47), (0.51, 0.97)):
            panel(pen, cabin[side], (left, right, 0.1, 0.88), panes, attributes, glow=glow)
    for side in (LEFT, RIGHT):
        panel(pen, cabin[side], (0.06, 0.94, 0.08, 0.92), panes, attributes, glow=glow)
    for left, right in ((0.04, 0.24), (0.76, 0.96)):
        panel(pen, body[2], (left, right, 0.15, 0.75), (0.92, 0.92, 0.86), attributes)
        panel(pen, body[6], (left, right, 0.25, 0.85), (0.66, 0.05, 0.05), attributes)
    panel(pen, body[1], (0.02, 0.98, 0.0, 0.5), DARK, attributes)
    panel(pen, body[7], (0.02, 0.98, 0.5, 1.0), DARK, attributes)


def car(pen: Pen, generator: np.random.Generator) -> None:
    """A car, 1.4 to 1.7 m high, its front at the right."""
    model, colour = _MODELS[int(generator.integers(len(_MODELS)))], paint_of(PAINTS, generator)
    panes = window_panes(pen, generator)
    pen.shadow(2.2, 0.95)
    _car(pen, model, gloss(colour), colour, panes, ("transport",))


def parked_cars(pen: Pen, generator: np.random.Generator) -> None:
    """Three to six cars along the x axis, side by side or one behind the other."""
    count, beside = int(generator.integers(3, 7)), bool(generator.random() < 0.6)
    step, turn = (2.7, np.pi / 2) if beside else (5.3, 0.0)
    rows = []
    for number in range(count):
        car_pen = inner(pen, step * (number - (count - 1) / 2), 0.0, turn + float(generator.uniform(-0.05, 0.05)))
        rows.append((car_pen, int(generator.integers(2**32))))
    for car_pen, seed in sorted(rows, key=lambda row: -row[0].z):
        if car_pen.z > 4:
            car(car_pen, np.random.default_rng(seed))


def car_wreck(pen: Pen, generator: np.random.Generator) -> None:
    """A rusty car without glass, some of its wheels gone."""
    model, rusty, seed = _MODELS[int(generator.integers(len(_MODELS)))], rust(generator), generator.uniform(0, 500, 2)
    old, there = paint_of(PAINTS, generator) * 0.7, [bool(gone) for gone in generator.random(4) < 0.5]
    shows = ("rusty", "metal", "aged_worn")

    def paint(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        left = smoothstep(stain(along, up, seed, 1.6), 0.5, 1.0)
        return mix(rusty(along, up, grain), old.astype(np.float32), 0.8 * left)

    pen.shadow(2.2, 1.0)
    low = inner(pen, 0.0, 0.0)
    low.ground -= 0.12 * pen.scale
    _car(
        low,
        model,
        paint,
        np.array((0.35, 0.18, 0.10)),
        lambda along, _up, _grain: np.full((len(along), 3), 0.045),
        shows,
        wheels=there,
        glow=False,
    )


def phone_box(pen: Pen, generator: np.random.Generator) -> None:
    """A red telephone box, 2.5 m high."""
    red, panes = paint_of([(0.74, 0.05, 0.05)], generator), glass(pen.light, generator, pane=(0.9, 0.9), frame=0.0)
    bars, shows = pen.light.lit(red.astype(np.float32), 0.5), ("metal",)

    def barred(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        across = np.minimum(along / 0.2 % 1, 1 - along / 0.2 % 1) * 0.2
        between = np.minimum(up / 0.27 % 1, 1 - up / 0.27 % 1) * 0.27
        clear = np.minimum(smoothstep(0.2 * grain.along, 2, 4), 1)
        return mix(panes(along, up, grain), bars, clear * (np.minimum(across, between) < 0.022))

    pen.shadow(0.6, 0.6)
    block(pen, (-0.5, 0.5, -0.5, 0.5, 0.0), (-0.5, 0.5, -0.5, 0.5, 0.12), (0.3, 0.3, 0.3), shows)
    body = block(pen, (-0.46, 0.46, -0.46, 0.46, 0.12), (-0.46, 0.46, -0.46, 0.46, 2.25), red, shows, under=red * 0.7)
    for side in range(4):
        panel(pen, body[side], (0.12, 0.88, 0.12, 0.84), barred, ("metal", "glass"), glow=True)
        panel(pen, body[side], (0.12, 0.88, 0.89, 0.97), (0.92, 0.9, 0.82), shows)
    block(pen, (-0.5, 0.5, -0.5, 0.5, 2.25), (-0.48, 0.48, -0.48, 0.48, 2.33), red, shows, under=red * 0.7)
    block(pen, (-0.44, 0.44, -0.44, 0.44, 2.33), (-0.22, 0.22, -0.22, 0.22, 2.5), red, shows, under=red * 0.7)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "car": car, "van": van, "lorry": lorry, "bus": bus, "parked_cars": parked_cars, "car_wreck": car_wreck,
    "phone_box": phone_box,
}  # fmt: skip
SHOWS: dict[str, tuple[str, ...]] = {
    "car": ("transport",),
    "van": ("transport", "metal"),
    "lorry": ("transport", "metal"),
    "bus": ("transport", "glass"),
    "parked_cars": ("transport",),
    "car_wreck": ("rusty", "metal", "aged_worn"),
    "phone_box": ("metal", "glass"),
}
