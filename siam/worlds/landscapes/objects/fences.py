"""Fences, railings and dry-stone walls along a course."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from siam.worlds.landscapes.objects.solids import stroke
from siam.worlds.landscapes.objects.spans import NEAREST, Place, across_view, far_first, in_view, see_through
from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.noise import mix
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, boards, stone

_KINDS: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {  # height, what its parts and its gaps show
    "wooden": (1.2, ("fencing_railing", "wood"), ("fencing_railing",)),
    "wire": (1.2, ("fencing_railing",), ("fencing_railing",)),
    "railing": (1.1, ("fencing_railing", "metal"), ("fencing_railing",)),
    "picket": (1.0, ("fencing_railing", "wood"), ("fencing_railing",)),
}


def fence(canvas: Canvas, places: Sequence[Place], generator: np.random.Generator, kind: str) -> None:
    """A fence with a post at each place: "wooden", "wire", "railing" or "picket"."""
    high, solid, gaps = _KINDS[kind]
    high *= float(generator.uniform(0.92, 1.1))
    tone = float(generator.uniform(0.85, 1.15))
    colour = np.array({"wooden": (0.45, 0.34, 0.24), "wire": (0.42, 0.36, 0.30), "railing": (0.22, 0.25, 0.28),
                       "picket": (0.84, 0.84, 0.81)}[kind]) * tone  # fmt: skip
    jitter = generator.normal(0, 0.02, (len(places), 4))
    planks = boards(generator, width=0.14, colours=[colour])
    pen = Pen(canvas, 0.0, 0.0)
    for n in far_first(len(places) - 1, places):
        a, b = places[n], places[n + 1]
        if min(a[2], b[2]) < NEAREST or not in_view(canvas, [a, b, (a[0], a[1] + high, a[2])]):
            continue
        quad = [a, b, (b[0], b[1] + high, b[2]), (a[0], a[1] + high, a[2])]
        see_through(canvas, [canvas.camera.project(*p) for p in quad], (a, b), gaps)
        _SECTIONS[kind](pen, a, b, high, colour, planks, solid, jitter[n])
        for end in sorted((a, b), key=lambda place: -place[2]):
            _post(pen, end, high * 1.08, 0.07 if kind in ("wire", "railing") else 0.13, colour * 0.9, solid)


def _post(pen: Pen, place: Place, high: float, width: float, colour: np.ndarray, shows: Sequence[str]) -> None:
    x, y, z = place
    stroke(pen, [(x, y - 0.1, z - 0.04), (x, y + high, z - 0.04)], width, colour, shows, least=1.2)


def _rails(pen: Pen, a: Place, b: Place, high: float, colour: np.ndarray, planks: Material, shows: Sequence[str],
           jitter: np.ndarray) -> None:  # fmt: skip
    del colour
    for n, share in enumerate((0.30, 0.60, 0.92)):
        low = share * high - 0.07
        c, d = low + float(jitter[n]), low + float(jitter[n + 1])
        face(
            pen,
            [
                (a[0], a[1] + c, a[2]),
                (b[0], b[1] + d, b[2]),
                (b[0], b[1] + d + 0.14, b[2]),
                (a[0], a[1] + c + 0.14, a[2]),
            ],
            planks,
            shows,
            facing=0.6,
        )


def _wires(pen: Pen, a: Place, b: Place, high: float, colour: np.ndarray, planks: Material, shows: Sequence[str],
           jitter: np.ndarray) -> None:  # fmt: skip
    del planks, colour
    for share in (0.25, 0.5, 0.75, 0.97):
        sag = 0.3 * abs(float(jitter[0]))
        middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 + share * high - sag, (a[2] + b[2]) / 2)
        ends = [(p[0], p[1] + share * high, p[2]) for p in (a, b)]
        stroke(pen, [ends[0], middle, ends[1]], 0.012, (0.52, 0.52, 0.52), None, least=0.8)


def _bars(pen: Pen, a: Place, b: Place, high: float, colour: np.ndarray, planks: Material, shows: Sequence[str],
          jitter: np.ndarray) -> None:  # fmt: skip
    del planks, jitter
    quad = [(a[0], a[1] + 0.1, a[2]), (b[0], b[1] + 0.1, b[2]), (b[0], b[1] + high, b[2]), (a[0], a[1] + high, a[2])]
    _see(pen, quad, _upright(colour, 0.14, 0.03, high, 0.0, _slope(a, b)), shows)
    for share in (0.1, 1.0):
        stroke(pen, [(p[0], p[1] + share * high, p[2]) for p in (a, b)], 0.05, colour, shows, least=1.2)


def _slats(pen: Pen, a: Place, b: Place, high: float, colour: np.ndarray, planks: Material, shows: Sequence[str],
           jitter: np.ndarray) -> None:  # fmt: skip
    del planks, jitter
    for share in (0.3, 0.72):
        stroke(pen, [(p[0], p[1] + share * high, p[2] + 0.03) for p in (a, b)], 0.08, colour * 0.85, shows)
    quad = [(a[0], a[1] + 0.06, a[2]), (b[0], b[1] + 0.06, b[2]), (b[0], b[1] + high, b[2]), (a[0], a[1] + high, a[2])]
    _see(pen, quad, _upright(colour, 0.16, 0.095, high - 0.06, 0.09, _slope(a, b)), shows)


def _see(pen: Pen, quad: Sequence[Place], material: Material, shows: Sequence[str]) -> None:
    """Fill a section with a material that counts metres along level ground and straight up."""
    (x, y, z), (far, _high, away) = quad[0], quad[1]
    face(pen, quad, material, shows, facing=0.6, plan=[(x, y, z), (far, y, away), (x, y + 1.0, z)])


def _slope(a: Place, b: Place) -> float:
    return (b[1] - a[1]) / max(float(np.hypot(b[0] - a[0], b[2] - a[2])), 1e-6)


def _upright(colour: np.ndarray, pitch: float, width: float, high: float, point: float, slope: float) -> Material:
    """Return upright bars or slats `width` metres wide every `pitch` metres, with points of a height, on a slope."""

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        aside = np.abs(along / pitch % 1 - 0.5) * pitch
        half = (
            width / 2 * np.clip((high + slope * along - up) / point, 0, 1) if point else np.full(len(along), width / 2)
        )
        sharp = np.clip((half - aside) * grain.along + 0.5, 0, 1)
        clear = float(np.clip(pitch * grain.along / 2 - 0.5, 0, 1))
        opacity = (1 - clear) * width / pitch + clear * sharp
        tone = 1 + 0.06 * np.sin(np.floor(along / pitch) * 2.4)
        return np.column_stack([colour * tone[:, None], opacity]).astype(np.float32)

    return material


_SECTIONS = {"wooden": _rails, "wire": _wires, "railing": _bars, "picket": _slats}


def stone_wall(canvas: Canvas, places: Sequence[Place], generator: np.random.Generator) -> None:
    """A dry-stone wall, 1.1 m high, with upright stones on top."""
    high, paint = float(generator.uniform(0.98, 1.2)), stone(generator, 0.2, 1.0, 0.5)
    tops = generator.uniform(-0.08, 0.10, (len(places), 7))
    pen, dark, shows = Pen(canvas, 0.0, 0.0), np.array((0.42, 0.41, 0.38)), ("rock_stone",)
    starts = np.concatenate([[0.0], np.cumsum([np.hypot(b[0] - a[0], b[2] - a[2]) for a, b in pairwise(places)])])
    for n in far_first(len(places) - 1, places):
        a, b = places[n], places[n + 1]
        if min(a[2], b[2]) < NEAREST or not in_view(canvas, [a, b, (a[0], a[1] + high, a[2])]):
            continue
        share = np.linspace(1, 0, 15)
        rough = np.repeat(tops[n], 2)[:14]
        crest = [(a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1]) + high + float(r), a[2] + s * (b[2] - a[2]))
                 for s, r in zip(share.tolist(), [*rough, rough[-1]], strict=True)]  # fmt: skip
        across = across_view([a, b], 0)
        sign = 0.5 if across[1] > 0 else -0.5
        back = [(x + sign * across[0], y, z + sign * across[1]) for x, y, z in (crest[0], crest[-1])]
        face(pen, [crest[-1], crest[0], *back], mix(dark, np.ones(3), 0.1), shows, facing=0.7)
        ends = [(a[0], a[1] - 0.2, a[2]), (b[0], b[1] - 0.2, b[2]), (b[0], b[1] + high, b[2])]
        face(pen, [*ends[:2], *crest], paint, shows, start=float(starts[n]))
