"""Boats and a ferry, each above its reflection."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.objects.rail import WAGONS
from siam.worlds.landscapes.objects.solids import DARK, block, convex_outline, paint_of, panel, stroke
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.noise import mix, smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, boards, glass

_HULLS = ((0.92, 0.92, 0.90), (0.12, 0.20, 0.40), (0.68, 0.12, 0.10), (0.16, 0.38, 0.40), (0.20, 0.34, 0.22))
_SAILS = ((0.96, 0.95, 0.91), (0.96, 0.95, 0.91), (0.94, 0.88, 0.74), (0.72, 0.22, 0.16), (0.20, 0.36, 0.58))


def _hull(
    pen: Pen, half: float, wide: float, high: float, paint: Material | np.ndarray, deck: np.ndarray | Material,
    attributes: Sequence[str], *, stern: float = 0.75, sheer: float = 0.35,
) -> None:  # fmt: skip
    """Draw a hull whose bow is at the right, on its own dark reflection.

    Args:
        pen: the pen to draw with.
        half: metres from the middle to the bow.
        wide: metres from the middle to the widest point of a side.
        high: height of the sides above the water in metres, `sheer` more at the bow.
        paint: colour of the sides.
        deck: colour of the parts seen from above.
        attributes: attributes it shows.
        stern: width of the stern as a share of `wide`.
        sheer: extra height at the bow in metres.
    """
    share = np.array([-1.0, -0.55, 0.0, 0.4, 0.72, 0.9, 1.0])
    width = wide * np.array([stern, 0.95, 1.0, 0.93, 0.62, 0.28, 0.02])
    top = high + sheer * np.clip(share, 0, 1) ** 2 + 0.15 * sheer * np.clip(-share, 0, 1)
    keel = width * 0.82
    along = np.column_stack([share * half, share * half * 0.93])
    strip = [(float(x), float(s * k)) for s, part in ((-1, slice(None)), (1, slice(None, None, -1)))
             for x, k in zip(along[part, 1], keel[part] * 1.25 + 0.05, strict=True)]  # fmt: skip
    _reflection(pen, strip, 0.55 * high)
    deck_ring = [(x, t - 0.12 * high, s * w) for s, part in ((-1, slice(None)), (1, slice(None, None, -1)))
                 for x, t, w in zip(along[part, 0], top[part], width[part] * 0.98, strict=True)]  # fmt: skip
    level = float(np.min(top)) - 0.12 * high
    face(pen, [(x, level, z) for x, _t, z in deck_ring], deck, attributes)
    quads = []
    for n in range(len(share) - 1):
        for sign in (-1, 1):
            a, b = (n, n + 1) if sign < 0 else (n + 1, n)
            quads.append([(along[a, 1], 0.0, sign * keel[a]), (along[b, 1], 0.0, sign * keel[b]),
                          (along[b, 0], top[b], sign * width[b]), (along[a, 0], top[a], sign * width[a])])  # fmt: skip
    back = [(along[0, 1], 0.0, keel[0]), (along[0, 1], 0.0, -keel[0]), (along[0, 0], top[0], -width[0]),
            (along[0, 0], top[0], width[0])]  # fmt: skip
    quads.append(back)
    for quad in sorted(quads, key=lambda q: -sum(pen.place(p)[2] for p in q)):
        corners = [(float(x), float(y), float(z)) for x, y, z in quad]
        starts = corners[0][0] if corners[0][2] < 0 else -corners[0][0]
        face(pen, corners, paint, attributes, start=starts)


def _reflection(pen: Pen, strip: Sequence[tuple[float, float]], length: float) -> None:
    """Darken the water under a hull and a little in front of it."""
    camera, dark = pen.canvas.camera, np.array((0.05, 0.07, 0.09), np.float32)
    places = [pen.place((x, 0.02, z)) for x, z in strip]
    above, nearest = max(camera.height - pen.ground, 0.3), min(z for _x, _y, z in places)
    for reach, opacity in ((0.0, 0.5), (0.5 * length, 0.3), (length, 0.2)):
        lower = reach * pen.scale * camera.focal / pen.z
        spots = [camera.project(*place) for place in places]
        points = convex_outline([*spots, *[(column, row + lower) for column, row in spots]])
        depth = 0.95 * nearest * above / (above + reach * pen.scale) - 0.3  # of the water at those rows
        pen.canvas.fill(points, pen.light.hazed(dark, pen.z), None, depth, opacity)


def _mast(pen: Pen, x: float, high: float, attributes: Sequence[str], width: float = 0.12) -> None:
    stroke(pen, [(x, 0.5, -0.02), (x, high, -0.02)], width, (0.55, 0.48, 0.40), attributes, least=1.0)


def sailing_boat(pen: Pen, generator: np.random.Generator) -> None:
    """A sailing boat, 8 to 11 m high, its bow at the right."""
    half, colour, sail = float(generator.uniform(3.0, 4.2)), paint_of(_HULLS, generator), paint_of(_SAILS, generator)
    second, boom = paint_of(_SAILS[:3], generator), float(generator.uniform(0.35, 0.9) * generator.choice([-1, 1]))
    tall, shows, cloth = 2.5 * half + 0.5, ("transport",), ("transport", "cloth")
    deck, stripe = paint_of([(0.66, 0.50, 0.32)], generator), float(generator.uniform(0, 1))

    def paint(_along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        line = (up > 0.62) & (up < 0.74) if stripe > 0.5 else up < 0.18
        return mix(np.broadcast_to(colour, (len(up), 3)), np.array((0.75, 0.12, 0.10)), line.astype(np.float32))

    _hull(pen, half, 0.34 * half, 0.85, paint, deck, shows)
    block(
        pen,
        (-0.2 * half, 0.4 * half, -0.6, 0.6, 0.7),
        (-0.15 * half, 0.3 * half, -0.5, 0.5, 1.25),
        (0.93, 0.92, 0.88),
        shows,
    )
    mast = 0.12 * half
    _mast(pen, mast, tall, shows)
    u = np.linspace(0, 1, 9)
    leech = [(float(mast - (1 - a) * 1.02 * half - 0.35 * np.sin(np.pi * a)), float(1.5 + a * (tall - 1.7)),
              float((1 - a) * boom + 0.25 * boom * np.sin(np.pi * a))) for a in u]  # fmt: skip
    panels = [[(mast, 1.5, 0.0), *leech]]
    bow = [(0.97 * half, 1.25, 0.0), (mast + 0.05, 1.45, 0.6 * boom), (mast + 0.05, 0.86 * tall, 0.0)]
    for points, tone in ((panels[0], sail), (bow, second)):
        _sail(pen, points, tone, cloth)
    stroke(pen, [(mast, 1.45, -0.05), (leech[0][0], 1.45, leech[0][2] - 0.05)], 0.09, (0.5, 0.42, 0.34), shows)


def _sail(pen: Pen, points: Sequence[tuple[float, float, float]], tone: np.ndarray, attributes: Sequence[str]) -> None:
    """Draw a sail: the sun shines through it, so that both of its sides are bright."""
    facing = 0.45 + 0.5 * abs(float(pen.light.direction[2]))
    pen.polygon(points, tone.tolist(), attributes, facing=facing)
    for share in (0.25, 0.5, 0.75):  # seams
        level = points[0][1] + share * (max(p[1] for p in points) - points[0][1])
        nearest = [p for p in points if abs(p[1] - level) < 1.2]
        if len(nearest) < 2 or pen.pixels_per_metre < 12:
            continue
        edge = min(nearest, key=lambda p: abs(p[1] - level))
        stroke(
            pen,
            [(points[0][0], level, -0.03), (edge[0], edge[1], edge[2] - 0.03)],
            0.03,
            tone * 0.8,
            attributes,
            least=0.6,
        )


def rowing_boat(pen: Pen, generator: np.random.Generator) -> None:
    """An empty wooden rowing boat, 0.8 m high, its bow at the right."""
    half, paint = float(generator.uniform(1.7, 2.4)), boards(generator, width=0.14)
    inside, shows = boards(generator, width=0.16), ("transport", "wood")
    _hull(pen, half, 0.4 * half, 0.48, paint, _shaded(inside, 0.55), shows, stern=0.7, sheer=0.28)
    for x in (-0.5 * half, 0.05 * half, 0.5 * half):
        wide = 0.32 * half * (0.75 if x > 0.3 * half else 1.0)
        face(pen, [(x - 0.13, 0.47, -wide), (x + 0.13, 0.47, -wide), (x + 0.13, 0.47, wide), (x - 0.13, 0.47, wide)],
             inside, shows)  # fmt: skip
    for sign in (-1, 1):
        reach = float(generator.uniform(0.6, 1.1))
        stroke(
            pen,
            [(0.0, 0.55, sign * 0.25 * half), (-reach, 0.1, sign * (0.4 * half + 0.8))],
            0.06,
            (0.55, 0.42, 0.28),
            shows,
        )


def _shaded(paint: Material, share: float) -> Material:
    return lambda along, up, grain: paint(along, up, grain) * share


def fishing_boat(pen: Pen, generator: np.random.Generator) -> None:
    """A fishing boat with a wheelhouse and a mast, 6 m high, its bow at the right."""
    half, colour, second = (
        float(generator.uniform(4.0, 5.5)),
        paint_of(_HULLS[1:], generator),
        paint_of(_HULLS, generator),
    )
    shows, panes, buoys = ("transport",), glass(pen.light, generator, (0.9, 2.0), 0.12), generator.uniform(-0.6, 0.3, 4)

    def paint(_along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        base = mix(np.broadcast_to(colour, (len(up), 3)), np.array((0.5, 0.14, 0.10)), (up < 0.25).astype(np.float32))
        return mix(base, np.array((0.94, 0.93, 0.90)), ((up > 1.05) & (up < 1.2)).astype(np.float32))

    _hull(pen, half, 0.33 * half, 1.15, paint, np.array((0.44, 0.38, 0.30)), shows, sheer=0.8)
    low, high = (0.1 * half, 0.5 * half, -0.75, 0.75, 1.0), (0.12 * half, 0.47 * half, -0.7, 0.7, 3.1)
    house = block(pen, low, high, np.array((0.93, 0.92, 0.88)), shows, under=(0.6, 0.6, 0.58), top=second)
    for side in range(4):
        panel(pen, house[side], (0.08, 0.92, 0.55, 0.88), panes, shows, glow=True)
    block(
        pen, (0.06 * half, 0.53 * half, -0.85, 0.85, 3.1), (0.06 * half, 0.53 * half, -0.85, 0.85, 3.22), second, shows
    )
    _mast(pen, -0.15 * half, 6.0, shows, 0.14)
    stroke(pen, [(-0.15 * half, 2.2, -0.05), (-0.85 * half, 4.4, -0.05)], 0.1, (0.5, 0.44, 0.36), shows)
    for top in ((0.96 * half, 2.0, 0.0), (-0.98 * half, 1.3, 0.0)):
        stroke(pen, [(-0.15 * half, 5.9, -0.03), top], 0.02, (0.2, 0.2, 0.2), shows, least=0.5)
    for n, x in enumerate(buoys):
        pen.disc((float(x) * half, 1.28, -0.3 * half), 0.2, ((0.95, 0.35, 0.08), (0.9, 0.8, 0.1))[n % 2], shows)


def ferry(pen: Pen, generator: np.random.Generator) -> None:
    """A ferry 36 to 54 m long with three decks and a funnel, 14 m high, its bow at the right."""
    half, colour, funnel = (
        float(generator.uniform(18, 27)),
        paint_of(_HULLS[1:], generator),
        paint_of(WAGONS, generator),
    )
    shows, white = ("transport", "metal"), np.array((0.92, 0.92, 0.90))
    ports = glass(pen.light, generator, (1.6, 3.0), 0.7)

    def paint(_along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        return mix(np.broadcast_to(colour, (len(up), 3)), white.astype(np.float32), smoothstep(up, 2.8, 2.9))

    _hull(pen, half, 5.2, 4.0, paint, np.array((0.5, 0.52, 0.5)), shows, stern=0.92, sheer=1.8)
    for begin, end, low, wide in ((-0.92, 0.66, 3.6, 4.6), (-0.85, 0.58, 6.4, 4.4), (-0.5, 0.5, 9.0, 3.9)):
        lower, upper = (
            (begin * half, end * half, -wide, wide, low),
            (begin * half, end * half - 0.8, -wide, wide, low + 2.5),
        )
        deck = block(pen, lower, upper, white, shows, under=(0.6, 0.6, 0.6), top=(0.72, 0.74, 0.74))
        for side in range(4):
            panel(pen, deck[side], (0.02, 0.98, 0.36, 0.78), ports, shows, out=0.06, glow=True)
    low, high = (-0.35 * half, -0.15 * half, -1.5, 1.5, 11.4), (-0.37 * half, -0.19 * half, -1.3, 1.3, 14.0)
    stack = block(pen, low, high, funnel, shows, under=funnel * 0.7, top=np.array(DARK))
    for side in range(4):
        panel(pen, stack[side], (0.0, 1.0, 0.78, 1.0), DARK, shows, out=0.05)
    stroke(pen, [(0.3 * half, 11.3, -0.1), (0.3 * half, 14.5, -0.1)], 0.25, (0.8, 0.8, 0.8), shows)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "sailing_boat": sailing_boat, "rowing_boat": rowing_boat, "fishing_boat": fishing_boat, "ferry": ferry,
}  # fmt: skip
SHOWS: dict[str, tuple[str, ...]] = {
    "sailing_boat": ("transport", "cloth"), "rowing_boat": ("transport", "wood"), "fishing_boat": ("transport",),
    "ferry": ("transport", "metal"),
}  # fmt: skip
