"""What crosses the land on posts: pylons and poles with wires, fences, railings; and dry-stone walls.

Every function takes places (x, height of the ground, z) in metres of the scene, in order along the line. Wires and the
gaps of a fence are see-through: their pixels show the wire or fence as well as what is behind.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from siam.worlds.landscapes.objects.fences import fence, stone_wall
from siam.worlds.landscapes.objects.solids import stroke
from siam.worlds.landscapes.objects.spans import (
    NEAREST,
    Line,
    Place,
    across_view,
    distance_to,
    far_first,
    in_view,
    see_through,
)
from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.pen import Pen

_BAND, _THIN = 5.0, 1.2  # canvas pixels: of a wire's mask, and its least width


def _wire(canvas: Canvas, begin: Place, end: Place, sag: float, width: float, colour: Sequence[float]) -> None:
    """Draw a wire that sags by some metres in the middle of its span, as a chain of straight pieces."""
    share = np.linspace(0, 1, 15)
    curve = [
        (begin[0] + s * (end[0] - begin[0]), begin[1] + s * (end[1] - begin[1]) - 4 * sag * s * (1 - s),
         begin[2] + s * (end[2] - begin[2])) for s in share.tolist()
    ]  # fmt: skip
    if begin[2] < NEAREST or end[2] < NEAREST or not in_view(canvas, curve):
        return
    spots = np.array([canvas.camera.project(*place) for place in curve])
    step = np.gradient(spots, axis=0)
    side = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-6)[:, None] / 2
    metre = canvas.camera.focal / np.array([z for _x, _y, z in curve])[:, None]
    seen = np.array(colour, dtype=np.float32)
    coverage = canvas.coverage(_ribbon(spots, side * np.maximum(width * metre, _THIN)))
    if coverage is None:
        return
    (left, top), alpha = coverage
    distance = distance_to(canvas, (begin, end), np.arange(alpha.shape[1]) + left + 0.5).astype(np.float32)
    middle = float(np.mean([z for _x, _y, z in curve]))
    lit = canvas.light.hazed(canvas.light.lit(seen, 0.4), middle)
    see_through(canvas, _ribbon(spots, side * np.maximum(width * metre, _BAND)), (begin, end), ("wire",))
    canvas.paint((left, top), alpha, lit, None, np.broadcast_to(distance, alpha.shape))


def _ribbon(spots: np.ndarray, side: np.ndarray) -> list[tuple[float, float]]:
    return [(float(c), float(r)) for c, r in np.concatenate([spots + side, (spots - side)[::-1]])]


def pylon_line(canvas: Canvas, places: Sequence[Place], generator: np.random.Generator) -> None:
    """Lattice pylons of 25 to 40 m with three cross-arms, one at each place, and the wires between them."""
    tall, sag = float(generator.uniform(25, 40)), float(generator.uniform(0.02, 0.035))
    arms = [(0.62, 0.16), (0.76, 0.20), (0.90, 0.13)]  # height and reach, as shares of the pylon's height
    ends = []
    for number, (x, ground, z) in enumerate(places):
        dx, dz = across_view(places, number)
        ends.append([(x + s * r * tall * dx, ground + (h - 0.03) * tall, z + s * r * tall * dz)
                     for h, r in arms for s in (-1, 1)] + [(x, ground + tall, z)])  # fmt: skip
    order = sorted(range(len(places)), key=lambda n: -places[n][2])
    spans = dict(enumerate(pairwise(ends)))
    drawn: set[int] = set()
    for number in order:
        for span in (number - 1, number):
            if span in spans and span not in drawn and max(places[span][2], places[span + 1][2]) <= places[number][2]:
                drawn.add(span)
                length = float(np.hypot(places[span + 1][0] - places[span][0], places[span + 1][2] - places[span][2]))
                for begin, end in zip(*spans[span], strict=True):
                    _wire(canvas, begin, end, sag * length, 0.05, (0.16, 0.16, 0.17))
        _pylon(canvas, places[number], across_view(places, number), tall, arms)


def _pylon(canvas: Canvas, place: Place, across: tuple[float, float], tall: float,
           arms: Sequence[tuple[float, float]]) -> None:  # fmt: skip
    """Draw a lattice pylon whose arms reach out in the direction `across` (x, z)."""
    x, ground, z = place
    if z < 3 or not in_view(canvas, [(x - 8, ground, z), (x + 8, ground + tall, z)]):
        return
    pen = Pen(canvas, x, z, ground, turn=float(np.arctan2(across[1], across[0])))
    steel, shows = np.array((0.50, 0.52, 0.54)), ("metal", "wire")
    levels = [0.0, 0.16, 0.31, 0.44, 0.55, 0.62, 0.69, 0.76, 0.83, 0.90, 1.0]
    half = [0.10 * (1 - h) ** 1.4 + 0.012 if h < 1 else 0.002 for h in levels]
    for depth, tone in ((1, 0.75), (-1, 1.0)):
        corners = [
            [(s * w * tall, h * tall, depth * w * tall) for h, w in zip(levels, half, strict=True)] for s in (-1, 1)
        ]
        stroke(pen, [pair[n % 2] for n, pair in enumerate(zip(*corners, strict=True))], 0.10, steel * tone, shows)
        stroke(pen, [pair[(n + 1) % 2] for n, pair in enumerate(zip(*corners, strict=True))], 0.10, steel * tone, shows)
        for leg in corners:
            stroke(pen, [leg[0], leg[4], leg[-1]], 0.24, steel * tone, shows, least=1.3)
    for high, reach in arms:
        for s in (-1, 1):
            tip = (s * reach * tall, high * tall, 0.0)
            stroke(pen, [(0.0, high * tall, 0.0), tip], 0.18, steel, shows, least=1.2)
            stroke(pen, [(0.0, (high + 0.055) * tall, 0.0), tip], 0.16, steel, shows, least=1.1)
            stroke(pen, [tip, (tip[0], (high - 0.03) * tall, 0.0)], 0.16, (0.25, 0.20, 0.18), shows, least=1.2)


def pole_line(canvas: Canvas, places: Sequence[Place], generator: np.random.Generator) -> None:
    """Wooden poles of about 8 m with two to four wires."""
    tall, count = float(generator.uniform(7.2, 8.8)), int(generator.integers(2, 5))
    sag, leans = float(generator.uniform(0.012, 0.025)), generator.normal(0, 0.012, len(places))
    wood = np.array((0.36, 0.28, 0.20)) * generator.uniform(0.85, 1.2)
    reach = 0.3 * (count - 1)
    offsets = [reach * (2 * n / (count - 1) - 1) for n in range(count)]
    tops = []
    for number, (x, ground, z) in enumerate(places):
        dx, dz = across_view(places, number)
        lean = float(leans[number]) * tall
        tops.append([(x + lean + o * dx, ground + tall - 0.25, z + o * dz) for o in offsets])
    for span in far_first(len(places) - 1, places):
        for begin, end in zip(tops[span], tops[span + 1], strict=True):
            length = float(np.hypot(end[0] - begin[0], end[2] - begin[2]))
            _wire(canvas, begin, end, sag * length, 0.02, (0.10, 0.10, 0.10))
    for number in sorted(range(len(places)), key=lambda n: -places[n][2]):
        x, ground, z = places[number]
        dx, dz = across_view(places, number)
        if z < 2 or not in_view(canvas, [(x - 1, ground, z), (x + 1, ground + tall, z)]):
            continue
        pen = Pen(canvas, x, z, ground, turn=float(np.arctan2(dz, dx)))
        pen.shadow(0.4, 0.4, 0.25)
        lean = float(leans[number]) * tall
        stroke(pen, [(0.0, 0.0), (lean, tall)], 0.24, wood, ("wood",), least=1.4)
        stroke(
            pen,
            [(lean - reach - 0.2, tall - 0.35, -0.02), (lean + reach + 0.2, tall - 0.35, -0.02)],
            0.12,
            wood * 0.9,
            ("wood",),
            least=1.0,
        )


OBJECTS: dict[str, Line] = {
    "pylon_line": pylon_line, "pole_line": pole_line, "wooden_fence": partial(fence, kind="wooden"),
    "wire_fence": partial(fence, kind="wire"), "railing": partial(fence, kind="railing"),
    "picket_fence": partial(fence, kind="picket"), "stone_wall": stone_wall,
}  # fmt: skip
SHOWS: dict[str, tuple[str, ...]] = {
    "pylon_line": ("metal", "wire"), "pole_line": ("wire", "wood"), "wooden_fence": ("fencing_railing", "wood"),
    "wire_fence": ("fencing_railing",), "railing": ("fencing_railing", "metal"),
    "picket_fence": ("fencing_railing", "wood"), "stone_wall": ("rock_stone",),
}  # fmt: skip
