"""Lumps, rods and the like, from which heaps are made."""

from collections.abc import Sequence

import numpy as np

from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Attributes
from siam.worlds.landscapes.paint.noise import smoothstep
from siam.worlds.landscapes.paint.pen import Pen, Point
from siam.worlds.landscapes.paint.textures import Colour

BRIGHT = (
    (0.82, 0.16, 0.14), (0.95, 0.55, 0.12), (0.96, 0.82, 0.18), (0.20, 0.42, 0.75), (0.16, 0.58, 0.42),
    (0.92, 0.92, 0.90), (0.55, 0.22, 0.55), (0.25, 0.68, 0.80),
)  # fmt: skip


def lump(pen: Pen, generator: np.random.Generator, centre: tuple[float, float, float],
         radii: tuple[float, float, float], colour: Colour, shows: Attributes,
         rough: float = 0.12) -> None:  # fmt: skip
    """Paint a rounded lump, shaded by its slopes: a stone where `rough` is large, a bag where it is small."""
    angle = np.linspace(0, 2 * np.pi, 17, endpoint=False) + generator.uniform(-0.12, 0.12, 17)
    radius = 1 + np.clip(generator.normal(0, 0.35 * rough, 17), -0.7 * rough, 0.7 * rough)
    at = generator.uniform(0, 400, 2)
    facets = generator.normal(size=(22, 3)).astype(np.float32)
    facets /= np.linalg.norm(facets, axis=1, keepdims=True)
    x, y, z = pen.place(centre)
    camera, light = pen.canvas.camera, pen.light
    metre = camera.focal * pen.scale / z
    column, row = camera.project(x, y, z)
    across, up = radii[0] * metre, radii[1] * metre
    floor = camera.project(x, pen.ground, z)[1] + 0.12 * up
    edge = [(column + across * r * float(np.cos(a)), min(row - up * r * float(np.sin(a)), floor))
            for r, a in zip(radius, angle, strict=True)]  # fmt: skip
    coverage = pen.canvas.coverage(edge)
    if coverage is None:
        return
    (left, top), alpha = coverage
    rows, columns = np.nonzero(alpha)
    u = ((columns + (left + 0.5 - column)) / max(across, 1.0)).astype(np.float32)
    v = ((row - top - 0.5 - rows) / max(up, 1.0)).astype(np.float32)
    ball = np.stack([u, v, -np.sqrt(np.clip(1.02 - u * u - v * v, 0.02, 1))], axis=-1)
    planes = facets[(ball @ facets.T).argmax(axis=-1)]  # the sides of a broken stone
    normal = ball * np.float32(1 - 1.6 * rough) + planes * np.float32(2.2 * rough)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    facing = np.clip(normal @ light.direction.astype(np.float32), 0, 1)
    place = u * radii[0], v * radii[1]
    spots = textures.stain(*place, at + 99.0, 1.0) + textures.stain(*place, at, 0.3)
    tone = (1 + 0.45 * rough * spots) * (0.72 + 0.28 * smoothstep(v, -1, 0.3))
    base = np.asarray(colour, dtype=np.float32) * tone[:, None]
    painted = np.zeros((*alpha.shape, 3), dtype=np.float32)
    painted[rows, columns] = light.hazed(light.lit(base, facing), z)
    pen.canvas.paint((left, top), alpha, painted, shows, z - 0.8 * radii[2] * pen.scale)


def rod(pen: Pen, first: Point, second: Point, width: float, colour: Sequence[float], shows: Attributes) -> None:
    """Draw a straight rod in short pieces, each at its own depth."""
    slant = abs(pen.place(first)[2] - pen.place(second)[2])
    steps = np.linspace(first, second, 2 + min(int(slant / 0.3), 6)).tolist()
    pen.line([(x, y, z) for x, y, z in steps], width, colour, shows)


def bright_colour(generator: np.random.Generator, colours: Sequence[Sequence[float]] = BRIGHT) -> Sequence[float]:
    """Return one of some colours."""
    return colours[int(generator.integers(len(colours)))]


def beside(pen: Pen, x: float, z: float) -> Pen:
    """Return a pen at another place (x, z) of the thing."""
    (left, _y, near), (right, _up, far) = pen.place((0, 0, 0)), pen.place((1, 0, 0))
    place = pen.place((x, 0, z))
    return Pen(pen.canvas, place[0], place[2], pen.ground, turn=float(np.arctan2(far - near, right - left)),
               scale=pen.scale)  # fmt: skip


def row(pen: Pen, generator: np.random.Generator, count: int, wide: float, away: float) -> list[tuple[float, float]]:
    """Return places (x, z) side by side over a width, up to `away` metres before or behind, from far to near."""
    across = (np.arange(count) * 0.618 % 1 - 0.5) * wide + generator.uniform(-0.08, 0.08, count) * wide
    places = list(zip(across.tolist(), generator.uniform(-away, away, count).tolist(), strict=True))
    return sorted(places, key=lambda place: -pen.place((place[0], 0, place[1]))[2])
