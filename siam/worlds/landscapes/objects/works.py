"""Diggers, pits, roadworks and cranes."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.objects.earth import earth_colour, ground_patch, mound, rough_ring
from siam.worlds.landscapes.objects.solids import DARK, block, inner, panel, prism, stroke
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.noise import mix, smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, glass, stain

_YELLOWS = ((0.92, 0.68, 0.08), (0.95, 0.58, 0.06), (0.86, 0.72, 0.16))


def _pit(
    pen: Pen, at: tuple[float, float], across: float, away: float, colour: np.ndarray, generator: np.random.Generator
) -> None:
    """Paint a pit: its bare edge, its far wall in the light, and its dark floor."""
    ring, seed = np.array(rough_ring(generator, across, away)), generator.uniform(0, 500, 2)

    def earth(tone: float) -> Material:
        return lambda along, up, _grain: (
            colour
            * np.float32(tone)
            * (1 + 0.14 * stain(along, up, seed, 0.7, 0.5) + 0.08 * stain(along, up, seed, 3.0))[:, None]
        )

    for size, shift, tone in (
        (1.35, 0.0, 1.05),
        (1.0, 0.0, 0.62),
        (0.94, -0.16 * away, 0.34),
        (0.7, -0.32 * away, 0.24),
    ):
        points = [(float(at[0] + size * x), float(at[1] + size * z + shift)) for x, z in ring]
        ground_patch(pen, points, earth(tone), ("digging", "dirty"))


def pit_with_heap(pen: Pen, generator: np.random.Generator) -> None:
    """A pit with one or two heaps of earth behind it, up to 2 m high."""
    colour, across, away = (
        earth_colour(generator),
        float(generator.uniform(2.0, 3.5)),
        float(generator.uniform(1.2, 1.8)),
    )
    high, side, more = float(generator.uniform(1.2, 1.9)), float(generator.uniform(-1, 1)), generator.uniform(0.7, 0.95)
    dirty = ("digging", "dirty")
    level = inner(pen, 0.0, 0.0, -_turn_of(pen))
    _pit(level, (0.0, -0.6 * away), across, away, colour, generator)
    mound(level, (side * across * 0.5, away + 1.2), 1.9 * high, high, colour, dirty, generator)
    mound(
        level, (-side * across * 0.9, away + 0.8), 1.6 * high * more, high * more * 0.8, colour * 0.95, dirty, generator
    )


def _turn_of(pen: Pen) -> float:
    here, right = pen.place((0.0, 0.0, 0.0)), pen.place((1.0, 0.0, 0.0))
    return float(np.arctan2(right[2] - here[2], right[0] - here[0]))


def digger(pen: Pen, generator: np.random.Generator) -> None:
    """A yellow digger on tracks, 3 to 5 m high, at a pit with a heap of earth."""
    yellow, soil = (
        np.array(_YELLOWS[int(generator.integers(3))]) * generator.uniform(0.92, 1.05),
        earth_colour(generator),
    )
    panes, turn, raised = (
        glass(pen.light, generator, (3, 3), 0.0),
        float(generator.uniform(-0.25, 0.25)),
        float(generator.uniform(0, 1)),
    )
    level = inner(pen, 0.0, 0.0, -_turn_of(pen))
    shows = ("digging", "metal")
    x, _y, z = pen.place((5.6, 0.0, 0.0))
    at = ((x - pen.x) / pen.scale, (z - pen.z) / pen.scale)
    _pit(level, at, 1.7, 1.1, soil, generator)
    mound(level, (at[0] + (1.6 if at[0] >= 0 else -1.6), at[1] + 2.2), 2.0, 1.3, soil, ("digging", "dirty"), generator)
    pen.shadow(2.4, 1.7)
    for side in (1.15, -1.15):
        outline = [(-1.5, 0.0), (1.5, 0.0), (1.95, 0.4), (1.6, 0.85), (-1.6, 0.85), (-1.95, 0.4)]
        prism(pen, outline, side - 0.3, side + 0.3, (0.13, 0.13, 0.14), shows)
        for n in range(5):
            _roller(pen, -1.3 + 0.65 * n, side - 0.31, shows)
    block(pen, (-0.9, 0.9, -0.9, 0.9, 0.6), (-0.9, 0.9, -0.9, 0.9, 1.0), DARK, shows)
    top = inner(pen, 0.0, 0.0, turn)
    _digger_house(top, yellow, panes, shows)
    _digger_arm(top, yellow, raised, shows)


def _roller(pen: Pen, x: float, z: float, attributes: Sequence[str]) -> None:
    points = [(x + 0.2 * float(np.cos(a)), 0.36 + 0.2 * float(np.sin(a)), z) for a in np.arange(0, 6.2, 0.785)]
    face(pen, points, (0.30, 0.29, 0.27), attributes, both=False)


def _digger_house(pen: Pen, yellow: np.ndarray, panes: Material, shows: Sequence[str]) -> None:
    block(pen, (-2.1, 0.9, -1.25, 1.25, 1.0), (-2.0, 0.9, -1.2, 1.2, 1.95), yellow, shows, under=yellow * 0.7)
    block(pen, (-2.35, -1.7, -1.2, 1.2, 1.05), (-2.3, -1.7, -1.1, 1.1, 1.8), (0.16, 0.16, 0.17), shows)
    low, high = (-0.6, 0.95, -1.2, -0.15, 1.3), (-0.55, 0.75, -1.15, -0.2, 2.95)
    cab = block(pen, low, high, yellow * 0.9, shows, under=yellow * 0.6)
    for side in range(4):
        panel(pen, cab[side], (0.08, 0.92, 0.36, 0.94), panes, shows, glow=True)


def _digger_arm(pen: Pen, yellow: np.ndarray, raised: float, shows: Sequence[str]) -> None:
    """Draw boom, stick and bucket, raised from 0 to 1."""
    knee, tip = (2.9, 3.6 + 1.1 * raised), (5.3 + 0.3 * raised, 2.0 + 1.6 * raised)
    for (x, y), (far, up), wide in (((0.7, 1.6), knee, 0.30), (knee, tip, 0.22)):
        along = np.array((far - x, up - y)) / np.hypot(far - x, up - y)
        side = np.array((-along[1], along[0])) * wide
        outline = [
            (x - side[0], y - side[1]),
            (far - 0.6 * side[0], up - 0.6 * side[1]),
            (far + 0.6 * side[0], up + 0.6 * side[1]),
            (x + side[0], y + side[1]),
        ]
        prism(pen, [(float(a), float(b)) for a, b in outline], -0.05, 0.35, yellow, shows, under=yellow * 0.7)
    stroke(pen, [(1.0, 1.5, -0.1), (2.0, (1.6 + knee[1]) / 2 - 0.1, -0.1)], 0.14, (0.7, 0.7, 0.72), shows)
    x, y = tip
    bucket = [(x - 0.75, y - 0.95), (x - 0.1, y - 1.2), (x + 0.3, y - 0.6), (x + 0.2, y + 0.1), (x - 0.2, y + 0.05)]
    prism(pen, bucket, -0.4, 0.7, (0.27, 0.26, 0.25), shows)


def roadworks(pen: Pen, generator: np.random.Generator) -> None:
    """Red and white barriers and cones around a dug-up strip, and a heap of gravel."""
    soil, shows = earth_colour(generator), ("digging", "cluttered_space")
    count, seed, jitter = (
        int(generator.integers(3, 5)),
        generator.uniform(0, 500, 2),
        generator.uniform(-0.15, 0.15, 24),
    )
    grey = np.full(3, generator.uniform(0.46, 0.60)) * np.array((1.0, 0.98, 0.94))
    half = 1.05 * count

    def opened(along: np.ndarray, away: np.ndarray, _grain: Grain) -> np.ndarray:
        dark = smoothstep(np.abs(away), 0.75, 0.6)
        return mix(soil, soil * 0.45, dark) * (1 + 0.12 * stain(along, away, seed, 0.5))[:, None].astype(np.float32)

    ground_patch(pen, [(-half, -1.0), (half, -1.0), (half, 1.0), (-half, 1.0)], opened, shows)
    parts: list[tuple[float, float, int]] = [(0.8 * half, 1.7, 2)]
    parts += [(2.1 * (n - (count - 1) / 2), side * 1.3 + jitter[2 * n], 0) for n in range(count) for side in (-1, 1)]
    parts += [
        (x * (half + 0.5) + jitter[10 + n], z, 1)
        for n, (x, z) in enumerate(((-1, -1), (-1, 0.2), (1, -1), (1, 0.2), (0.3, -1.8)))
    ]
    for x, z, kind in sorted(parts, key=lambda part: -pen.place((part[0], 0.0, part[1]))[2]):
        if kind == 2:
            mound(pen, (x, z), 1.7, 0.95, grey, shows, generator, clod=0.16)
        else:
            (_barrier, _cone)[kind](pen, float(x), float(z), shows)


def _barrier(pen: Pen, x: float, z: float, shows: Sequence[str]) -> None:
    for shift in (-0.75, 0.75):
        stroke(pen, [(x + shift, 0.0, z + 0.03), (x + shift, 1.0, z + 0.03)], 0.07, (0.35, 0.35, 0.36), shows)

    def striped(along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        red = ((along + 0.6 * up) / 0.25 % 2 < 1).astype(np.float32)
        return mix(
            np.array((0.93, 0.93, 0.91), np.float32),
            np.array((0.82, 0.08, 0.06), np.float32)[None].repeat(len(red), 0),
            red,
        )

    for low, high in ((0.35, 0.55), (0.72, 1.0)):
        face(pen, [(x - 0.95, low, z), (x + 0.95, low, z), (x + 0.95, high, z), (x - 0.95, high, z)], striped, shows)


def _cone(pen: Pen, x: float, z: float, shows: Sequence[str]) -> None:
    orange, white = (0.95, 0.34, 0.05), (0.94, 0.94, 0.92)
    block(pen, (x - 0.2, x + 0.2, z - 0.2, z + 0.2, 0.0), (x - 0.2, x + 0.2, z - 0.2, z + 0.2, 0.05), orange, shows)
    turned = inner(pen, x, z, -_turn_of(pen))
    for n, (low, high) in enumerate(((0.05, 0.28), (0.28, 0.46), (0.46, 0.7))):
        a, b = 0.16 * (1 - low / 0.8), 0.16 * (1 - high / 0.8)
        turned.polygon(
            [(-a, low, -0.05), (a, low, -0.05), (b, high, -0.05), (-b, high, -0.05)],
            white if n == 1 else orange,
            shows,
            facing=0.6,
        )


def crane(pen: Pen, generator: np.random.Generator) -> None:
    """A tower crane of 25 m, its jib along the x axis."""
    yellow = np.array((*_YELLOWS, (0.80, 0.14, 0.10))[int(generator.integers(4))]) * generator.uniform(0.92, 1.05)
    reach, hook, shows = float(generator.uniform(17, 23)), float(generator.uniform(0.4, 0.9)), ("metal",)
    pen.shadow(2.5, 2.5)
    block(pen, (-1.8, 1.8, -1.8, 1.8, 0.0), (-1.8, 1.8, -1.8, 1.8, 0.7), (0.62, 0.61, 0.58), shows)
    _lattice(pen, [(0.0, 0.7), (0.0, 22.0)], 0.8, yellow, shows)
    _lattice(pen, [(-7.0, 22.3), (reach, 22.3)], 0.5, yellow, shows)
    block(pen, (-7.0, -5.2, -0.8, 0.8, 20.6), (-7.0, -5.2, -0.8, 0.8, 22.2), (0.50, 0.50, 0.50), shows)
    cab = block(pen, (0.8, 2.2, -1.5, -0.5, 20.2), (0.8, 2.4, -1.5, -0.5, 21.9), (0.88, 0.88, 0.86), shows)
    for side in (0, 1, 2):
        panel(pen, cab[side], (0.1, 0.9, 0.4, 0.9), (0.15, 0.2, 0.25), shows)
    for x, y in ((-0.4, 22.5), (0.4, 22.5)):
        stroke(pen, [(x, y, -0.05), (0.0, 25.0, -0.05)], 0.22, yellow, shows, least=1.1)
    for x in (-6.5, 0.62 * reach):
        stroke(pen, [(0.0, 25.0, -0.05), (x, 22.8, -0.05)], 0.1, (0.25, 0.25, 0.26), shows, least=1.1)
    x = hook * reach
    stroke(pen, [(x, 22.0, -0.05), (x, 13.0 - 6 * hook, -0.05)], 0.06, (0.2, 0.2, 0.2), shows, least=1.0)


def _lattice(
    pen: Pen, axis: Sequence[tuple[float, float]], half: float, colour: np.ndarray, shows: Sequence[str]
) -> None:
    """Draw a square lattice beam around an axis in the plane z = 0."""
    (x, y), (far, up) = axis
    along = np.array((far - x, up - y))
    length = float(np.hypot(*along))
    along = along / length
    side = np.array((-along[1], along[0])) * half
    count = max(2, round(length / (2.2 * half)))
    stops = [(x + along[0] * length * n / count, y + along[1] * length * n / count) for n in range(count + 1)]
    rails = [[(a + s * side[0], b + s * side[1], z) for a, b in stops] for s, z in
             ((1, half), (-1, half), (-1, -half), (1, -half))]  # fmt: skip
    for n, points in enumerate(rails):
        tone, other = colour * (0.75 if n == 0 else 1.0), rails[(n + 1) % 4]
        zigzag = [(points if m % 2 else other)[m] for m in range(count + 1)]
        stroke(pen, zigzag, 0.12, tone * 0.9, shows, least=0.9)
        stroke(pen, [points[0], points[-1]], 0.2, tone, shows, least=1.2)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "digger": digger, "pit_with_heap": pit_with_heap, "roadworks": roadworks, "crane": crane,
}  # fmt: skip
SHOWS: dict[str, tuple[str, ...]] = {
    "digger": ("digging", "metal", "dirty"), "pit_with_heap": ("digging", "dirty"),
    "roadworks": ("digging", "cluttered_space"), "crane": ("metal",),
}  # fmt: skip
