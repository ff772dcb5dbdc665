"""Uneven ground and heaps of earth."""

from collections.abc import Sequence

import numpy as np

from siam.worlds.landscapes.paint.light import Light
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain, Material, stain

_EARTHS = ((0.40, 0.27, 0.16), (0.46, 0.34, 0.21), (0.34, 0.25, 0.18), (0.52, 0.36, 0.20))


def ground_patch(
    pen: Pen, points: Sequence[tuple[float, float]], material: Material, attributes: Sequence[str] | None,
    least: float = 0.0,
) -> None:  # fmt: skip
    """Paint a patch over the existing ground, even where that is not quite level.

    Args:
        pen: the pen to draw with.
        points: corners (right, away) in metres.
        material: function of the metres right and away, and of the pixels per metre.
        attributes: attributes it shows.
        least: metres above the ground, for things that lie on it.
    """
    camera = pen.canvas.camera
    above = camera.height - pen.ground - least * pen.scale
    places = [pen.place((x, least, z)) for x, z in points]
    if above < 0.05:
        return
    coverage = pen.canvas.coverage([camera.project(*place) for place in places])
    if coverage is None:
        return
    (left, top), alpha = coverage
    rows, columns = np.nonzero(alpha)
    near, far = min(z for _x, _y, z in places), max(z for _x, _y, z in places)
    depth = np.clip(camera.focal * above / np.maximum(rows + top + 0.5 - camera.horizon, 1e-3), near, far)
    x = (columns + left + 0.5 - camera.size / 2) / camera.focal * depth - pen.x
    away = depth - pen.z
    start, right = np.array(pen.place((0.0, 0.0, 0.0))), np.array(pen.place((1.0, 0.0, 0.0)))
    cos, sin = (right - start)[[0, 2]] / pen.scale
    along, beyond = (x * cos + away * sin) / pen.scale, (away * cos - x * sin) / pen.scale
    metre = camera.focal * pen.scale / pen.z
    colour = material(along, beyond, Grain(metre, metre * above / pen.z)).astype(np.float32)
    size = camera.size
    inside = (rows + top >= 0) & (rows + top < size) & (columns + left >= 0) & (columns + left < size)
    there = pen.canvas.depth[np.clip(rows + top, 0, size - 1), np.clip(columns + left, 0, size - 1)]
    drawn_depth = np.where(inside & (there > depth - 2.5 - 0.15 * depth), np.minimum(depth, there * 0.9998), np.inf)
    painted, distance = np.zeros((*alpha.shape, 3), np.float32), np.full(alpha.shape, np.inf, np.float32)
    painted[rows, columns] = pen.light.hazed(pen.light.lit(colour, float(pen.light.direction[1])), pen.z)
    distance[rows, columns] = drawn_depth
    pen.canvas.paint((left, top), alpha, painted, attributes, distance)


def rough_ring(
    generator: np.random.Generator, across: float, away: float, rough: float = 0.12
) -> list[tuple[float, float]]:
    """Return corners (right, away) of an irregular round patch of the ground."""
    angles = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    waves = np.zeros(len(angles))
    for k in (2, 3, 5, 7):
        waves += generator.normal(0, rough / k) * np.cos(k * angles + generator.uniform(0, 6))
    return [
        (float(across * (1 + w) * np.cos(a)), float(away * (1 + w) * np.sin(a)))
        for a, w in zip(angles, waves, strict=True)
    ]


def mound(
    pen: Pen, at: tuple[float, float], radius: float, height: float, colour: Sequence[float] | np.ndarray,
    attributes: Sequence[str], generator: np.random.Generator, clod: float = 0.5,
) -> None:  # fmt: skip
    """Draw a heap of earth or gravel, its lumps `clod` metres large, that faces the camera.

    Args:
        pen: the pen to draw with.
        at: its middle, in metres right and away.
        radius: radius in metres.
        height: height in metres.
        colour: colour in white light.
        attributes: attributes it shows.
        generator: generator for its shape; it makes the same number of draws whatever the distance.
        clod: size of the lumps in metres.
    """
    x, y, z = pen.place((at[0], 0.0, at[1]))
    front = Pen(pen.canvas, x, max(z - 0.6 * radius * pen.scale, 1.0), y, scale=pen.scale)
    seed, peak = generator.uniform(0, 500, 2), float(generator.uniform(-0.2, 0.2))
    bumps, phases = generator.normal(0, 0.035, 5), generator.uniform(0, 6, 5)
    u = np.linspace(-1, 1, 41)
    slope = np.where(u < peak, (1 + u) / (1 + peak), (1 - u) / (1 - peak))
    lumps = sum(b * np.sin((3 + 4 * k) * u + p) for k, (b, p) in enumerate(zip(bumps, phases, strict=True)))
    top = height * np.clip(np.sin(slope * np.pi / 2) ** 1.25 + lumps * np.minimum(slope * 3, 1), 0, 1)
    lift = max(pen.canvas.camera.height - y, 0.0) * 0.6 * radius / front.z / max(pen.scale, 1e-6)
    foot = np.minimum(lift * np.abs(u) ** 2.5, 0.4 * height)
    outline = [*zip(u * radius, foot, strict=True), *zip(u[::-1] * radius, np.maximum(top, foot)[::-1], strict=True)]
    coverage = front.canvas.coverage([front.canvas.camera.project(*front.place((a, b))) for a, b in outline])
    if coverage is None:
        return
    (left, row), alpha = coverage
    column, bottom = front.canvas.camera.project(*front.place((0.0, 0.0)))
    right = ((np.arange(alpha.shape[1]) + left + 0.5 - column) / front.pixels_per_metre)[None, :].repeat(len(alpha), 0)
    up = ((bottom - np.arange(alpha.shape[0]) - row - 0.5) / front.pixels_per_metre)[:, None].repeat(alpha.shape[1], 1)
    lit = _earth(pen.light, np.asarray(colour, np.float32), (right.ravel(), up.ravel()), (radius, height, clod), seed)
    front.canvas.paint((left, row), alpha, pen.light.hazed(lit, front.z).reshape(*alpha.shape, 3), attributes, front.z)


def _earth(
    light: Light, base: np.ndarray, place: tuple[np.ndarray, np.ndarray], sizes: tuple[float, float, float],
    seed: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the lit colours (n, 3) of a heap of a radius, height and lump size at places right and up."""
    (right, up), (radius, height, clod), sun = place, sizes, light.direction
    rough = stain(right, up, seed, clod * 2)
    bend = 0.9 * right / radius + 0.35 * (stain(right + 0.12, up, seed, clod * 2) - rough)
    rise = 0.45 + 0.3 * up / height + 0.35 * (rough - stain(right, up + 0.12, seed, clod * 2))
    facing = (bend * sun[0] + rise * sun[1] - 0.65 * sun[2]) / np.sqrt(bend**2 + rise**2 + 0.42)
    tone = 1 + 0.13 * stain(right, up, seed[::-1], clod) + 0.08 * rough
    return light.lit(base * tone[:, None].astype(np.float32), facing)


def earth_colour(generator: np.random.Generator) -> np.ndarray:
    """Return the colour of some soil."""
    return (np.array(_EARTHS[int(generator.integers(len(_EARTHS)))]) * generator.uniform(0.9, 1.1)).astype(np.float32)
