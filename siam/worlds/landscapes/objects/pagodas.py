"""Pagodas."""

from itertools import pairwise

import numpy as np

from siam.worlds.landscapes.objects.building import box, opening
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Surface, face
from siam.worlds.landscapes.paint.pen import Pen


def pagoda(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a pagoda of three to five storeys under curved roofs, 17 m."""
    tiers = int(generator.integers(3, 6))
    wood = textures.boards(
        generator, upright=True, colours=((0.58, 0.20, 0.14), (0.50, 0.30, 0.18), (0.66, 0.28, 0.16))
    )
    roof = textures.shingles(generator, ((0.26, 0.30, 0.32), (0.22, 0.34, 0.30), (0.34, 0.32, 0.34)))
    size, tall = generator.uniform(3.1, 3.6), 13.0 / tiers
    pen.shadow(2.2 * size, 2.2 * size)
    box(pen, -1.35 * size, 1.35 * size, -1.35 * size, 1.35 * size, -0.9, 0.9, ((0.62, 0.60, 0.56), ("temple",)))
    for tier in range(tiers):
        half = size * (1 - 0.55 * tier / tiers)
        low = 0.9 + tier * tall
        walls = box(pen, -half, half, -half, half, low - 0.4, low + 0.72 * tall, (wood, ("temple", "wood")))
        for side in walls:
            for place in (0.2, 0.5, 0.8):
                opening(pen, side, place * side.length, low + 0.08 * tall, 0.26 * half, 0.42 * tall,
                        ((0.12, 0.09, 0.08), ("temple",)))  # fmt: skip
        _curved_roof(pen, 1.62 * half, 0.62 * half, low + 0.58 * tall, 0.62 * tall, (roof, ("temple", "shingles")))
    top = 0.9 + (tiers - 0.02) * tall
    pen.line([(0, top, 0), (0, top + 2.6, 0)], 0.16, (0.72, 0.58, 0.24), ("temple",))
    for up in (0.9, 1.3, 1.7):
        pen.disc((0, top + up, -0.1), (0.34 - 0.08 * up, 0.10), (0.76, 0.62, 0.26), ("temple",))


def _curved_roof(pen: Pen, out: float, inside: float, low: float, rise: float, surface: Surface) -> None:
    """Paint a square roof that curves like a tent, with upturned corners, and its underside."""
    bend = np.linspace(-1, 1, 9)
    profile = (0.0, 0.0), (0.28, 0.22), (0.6, 0.52), (1.0, 1.0)
    levels = [(out + share * (inside - out), low + up * rise) for share, up in profile]
    for side in sorted(range(4), key=lambda k: -pen.place(_turned(k, 0, 0, -out))[2]):
        eave = [_turned(side, t * out, low + 0.34 * rise * abs(t) ** 3, -out) for t in bend]
        flat = [_turned(side, t * out, low, -out) for t in (-1, 1)]
        inner = [_turned(side, t * inside, low - 0.05 * rise, -inside) for t in (-1, 1)]
        face(pen, [*eave, inner[1], inner[0]], (0.34, 0.19, 0.12), ("temple",), plan=[*flat, inner[0]])
        below = eave
        for (reach, up), (next_reach, next_up) in pairwise(levels):
            lift = 0.10 * rise * (next_reach > inside)
            above = [_turned(side, t * next_reach, next_up + lift * abs(t) ** 3, -next_reach) for t in bend]
            plan = [_turned(side, -reach, up, -reach), _turned(side, reach, up, -reach),
                    _turned(side, -next_reach, next_up, -next_reach)]  # fmt: skip
            face(pen, [*below, *reversed(above)], *surface, both=below is eave, plan=plan)
            below = above
        edge = [(x, y - 0.14, z) for x, y, z in eave]
        plan = [*flat, (flat[0][0], low + 1, flat[0][2])]
        face(pen, [*edge, *reversed(eave)], (0.44, 0.24, 0.15), ("temple",), both=False, plan=plan)


def _turned(quarters: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return a point turned by quarters of a circle, counter-clockwise seen from above."""
    for _quarter in range(quarters):
        x, z = -z, x
    return x, y, z
