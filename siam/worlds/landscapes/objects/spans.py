"""What wires and fences share: the spans of a course in view, and thin things that do not hide what is behind."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.paint.canvas import Canvas

Place = tuple[float, float, float]  # metres: x, height, z
Line = Callable[[Canvas, Sequence[Place], np.random.Generator], None]
NEAREST = 1.0  # metres: anything nearer is left out


def see_through(canvas: Canvas, points: Sequence[tuple[float, float]], ends: tuple[Place, Place],
                attributes: Sequence[str]) -> None:  # fmt: skip
    """Add attributes to what a polygon in an upright plane already shows, where that is farther away.

    Args:
        canvas: the canvas, whose `cover` changes; colour and distance stay.
        points: canvas columns and rows of the polygon.
        ends: two places in the plane.
        attributes: attributes to add.
    """
    coverage = canvas.coverage(points)
    if coverage is None:
        return
    (left, top), alpha = coverage
    size = canvas.camera.size
    rows = slice(max(top, 0), min(top + alpha.shape[0], size))
    columns = slice(max(left, 0), min(left + alpha.shape[1], size))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    inside = alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] > 0.5
    distance = distance_to(canvas, ends, np.arange(columns.start, columns.stop) + 0.5)
    canvas.join(canvas.cover[rows, columns], attributes, inside & (canvas.depth[rows, columns] > distance[None, :]))


def distance_to(canvas: Canvas, ends: tuple[Place, Place], columns: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of canvas columns (n,) in the upright plane through two places."""
    (first, begin), (second, end) = ((canvas.camera.project(*place)[0], place[2]) for place in ends)
    share = np.clip((columns - first) / (second - first), 0, 1) if abs(second - first) > 0.5 else 0.5 + 0 * columns
    return 1 / ((1 - share) / begin + share / end)  # 1 / z is linear in the picture


def in_view(canvas: Canvas, places: Sequence[Place]) -> bool:
    """Return whether anything between two places may be on the canvas."""
    camera = canvas.camera
    spots = np.array([camera.project(x, y, max(z, 0.3)) for x, y, z in places])
    low, high = spots.min(axis=0), spots.max(axis=0)
    return bool((high > -20).all() and (low < camera.size + 20).all() and max(z for _x, _y, z in places) > NEAREST)


def across_view(places: Sequence[Place], number: int) -> tuple[float, float]:
    """Return the direction (x, z) at right angles to a line at one of its places."""
    before, after = places[max(number - 1, 0)], places[min(number + 1, len(places) - 1)]
    x, z = after[0] - before[0], after[2] - before[2]
    length = max(float(np.hypot(x, z)), 1e-9)
    return -z / length, x / length


def far_first(count: int, places: Sequence[Place]) -> list[int]:
    """Return the numbers of the spans between places, from far to near."""
    return sorted(range(count), key=lambda n: -(places[n][2] + places[n + 1][2]))
