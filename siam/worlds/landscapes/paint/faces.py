"""Flat faces in perspective, every pixel at its own depth."""

from collections.abc import Sequence

import numpy as np

from siam.worlds.landscapes.paint.pen import Pen, Point
from siam.worlds.landscapes.paint.textures import Colour, Grain, Material

Attributes = tuple[str, ...]
Surface = tuple[Material | Colour, Attributes]


def face(
    pen: Pen, points: Sequence[Point], material: Material | Colour, attributes: Sequence[str] | None, *,
    start: float = 0.0, facing: float | None = None, both: bool = True, glow: bool = False,
    plan: Sequence[Point] = (),
) -> None:  # fmt: skip
    """Fill a flat polygon with a material, every pixel at its own depth.

    Args:
        pen: the pen to draw with.
        points: its corners as seen from outside: the material's origin, to the right of it, …, the last one above it.
        material: a material, or one colour.
        attributes: attributes it shows.
        start: metres along at the first corner.
        facing: how far it faces the sun, from 0 to 1; None works it out.
        both: whether it is visible from behind too.
        glow: whether colours are final, without lighting.
        plan: first, second and last corner of the plane, if the corners of a bent face do not define it.
    """
    places = [pen.place(point) for point in points]
    frame = [pen.place(point) for point in plan] if plan else [places[0], places[1], places[-1]]
    camera, light = pen.canvas.camera, pen.light
    first = frame[0][0], frame[0][1] - camera.height, frame[0][2]  # seen from the eye
    right = unit(_minus(frame[1], frame[0]))
    normal = unit(_cross(right, _minus(frame[2], frame[0])))
    plane = _dot(normal, first)  # distance of the eye, positive outside
    if abs(plane) < 2e-3 * first[2] or (plane < 0 and not both):
        return
    outline = [camera.project(*place) for place in places]
    coverage = pen.canvas.coverage(outline) if _thickness(outline) > 0.3 else None
    if coverage is None:
        return
    (left, top), alpha = coverage
    x = ((np.arange(alpha.shape[1]) + (left + 0.5 - camera.size / 2)) / camera.focal).astype(np.float32)
    y = ((camera.horizon - top - 0.5 - np.arange(alpha.shape[0])) / camera.focal).astype(np.float32)[:, None]
    away = [z for _x, _y, z in places]
    depth = np.float32(plane) / _on_rays(normal, x, y)  # (h, w)
    depth = np.minimum(np.maximum(depth, np.float32(min(away))), np.float32(max(away)))
    shade = max(0.0, -np.copysign(1.0, plane) * _dot(normal, tuple(light.direction))) if facing is None else facing
    white, middle = np.ones(3, dtype=np.float32), sum(away) / len(away)
    haze = light.hazed(0 * white, middle)
    gain = light.hazed(white if glow else light.lit(white, shade), middle) - haze
    if not callable(material):
        pen.canvas.paint((left, top), alpha, np.asarray(material, dtype=np.float32) * gain + haze, attributes, depth)
        return
    visible = np.flatnonzero((alpha > 0) & (_behind(pen, left, top, alpha.shape) > depth))
    if len(visible) == 0:  # hidden: no colour needed
        return
    upward = _cross(normal, right)
    upward = upward if _dot(upward, _minus(frame[2], frame[0])) >= 0 else (-upward[0], -upward[1], -upward[2])
    along, up = (
        ((depth * _on_rays(axis, x, y)).reshape(-1)[visible] - np.float32(_dot(axis, first))) / np.float32(pen.scale)
        for axis in (right, upward)
    )
    colour = material(along + np.float32(start), up, Grain(_pixels(pen, places, right), _pixels(pen, places, upward)))
    if colour.shape[1] == 4:
        alpha.reshape(-1)[visible] *= colour[:, 3]
    painted = np.zeros((alpha.size, 3), dtype=np.float32)
    painted[visible] = colour[:, :3] * gain.astype(np.float32) + haze
    pen.canvas.paint((left, top), alpha, painted.reshape(*alpha.shape, 3), attributes, depth)


def _behind(pen: Pen, left: int, top: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the canvas's depths (h, w) where a patch lies; beyond the border, those at the border."""
    last = pen.canvas.camera.size - 1
    rows, columns = np.arange(top, top + shape[0]).clip(0, last), np.arange(left, left + shape[1]).clip(0, last)
    return pen.canvas.depth[rows[:, None], columns]


_Vector = tuple[float, float, float]


def _thickness(outline: Sequence[tuple[float, float]]) -> float:
    """Return roughly how many pixels thick a polygon of columns and rows is."""
    area = length = 0.0
    for number, (column, row) in enumerate(outline):
        before, above = outline[number - 1]
        area += before * row - column * above
        length += abs(column - before) + abs(row - above)
    return abs(area) / max(length, 1e-9)


def _minus(one: _Vector, other: _Vector) -> _Vector:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def _dot(one: _Vector, other: _Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: _Vector, other: _Vector) -> _Vector:
    (a, b, c), (d, e, f) = one, other
    return b * f - c * e, c * d - a * f, a * e - b * d


def unit(vector: _Vector) -> _Vector:
    """Return a vector scaled to length 1."""
    length = max(_dot(vector, vector) ** 0.5, 1e-9)
    return vector[0] / length, vector[1] / length, vector[2] / length


def _on_rays(axis: _Vector, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far (h, w) rays through columns `x` (w,) and rows `y` (h, 1) lead along an axis, per metre ahead."""
    return (np.float32(axis[0]) * x + np.float32(axis[2])) + np.float32(axis[1]) * y


def _pixels(pen: Pen, places: Sequence[_Vector], axis: _Vector) -> float:
    """Return how many pixels a metre of the thing takes along an axis of the scene, in the middle of some places."""
    x, y, z = (sum(values) / len(places) for values in zip(*places, strict=True))
    focal = pen.canvas.camera.focal * pen.scale / z
    return focal * float(np.hypot(axis[0] - x / z * axis[2], axis[1] - (y - pen.canvas.camera.height) / z * axis[2]))
