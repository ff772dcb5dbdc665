"""Which triangle each pixel shows: a depth buffer, filled row by row for all triangles at once."""

import numpy as np

NOTHING = -1
_OVERLAP = np.float32(1e-3)  # pixels by which neighbours overlap, so that rounding leaves no gaps


def rasterise(place: np.ndarray, near: np.ndarray, triangles: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel centre of a square picture the nearest triangle that covers it.

    Args:
        place: (V, 2) columns and rows of the points, in pixels; the first pixel's centre is at 0.5, 0.5.
        near: (V,) nearness > 0 of the points, linear in the picture, such as 1 over the distance.
        triangles: (F, 3) indices of points.
        size: side of the picture, in pixels.

    Returns:
        The triangles' indices (size, size), `NOTHING` where there is none, and their nearness (size, size), float32, 0
        where there is none.
    """
    x, y = (place.T - 0.5)[:, triangles.T]  # (3, F) each; pixel centres are at whole numbers
    slope_x, slope_y, offset = _planes(x, y, near[triangles.T])
    top = np.maximum(np.ceil(y.min(axis=0)), 0).astype(np.int32)
    bottom = np.minimum(np.floor(y.max(axis=0)), size - 1).astype(np.int32)
    triangle, row = _expand(top, bottom - top + 1)  # one entry for each row of each triangle
    left, right = _span(x, y, triangle, row.astype(np.float32))
    first = np.maximum(np.ceil(left - _OVERLAP), 0).astype(np.int32)
    last = np.minimum(np.floor(right + _OVERLAP), size - 1).astype(np.int32)
    start = np.take(offset, triangle) + np.take(slope_y, triangle) * row
    line, column = _expand(first, last - first + 1)  # one entry for each pixel of each row of each triangle
    slope = np.take(np.take(slope_x, triangle).astype(np.float32), line)
    depth = np.take(start.astype(np.float32), line) + slope * column.astype(np.float32)
    pixel = np.take(row * np.int32(size), line) + column
    nearest = np.zeros(size * size, dtype=np.float32)
    np.maximum.at(nearest, pixel, depth)
    shown = np.flatnonzero(depth == np.take(nearest, pixel))
    owner = np.full(size * size, NOTHING, dtype=np.int32)
    owner[pixel[shown]] = triangle[line[shown]]
    return owner.reshape(size, size), nearest.reshape(size, size)


def weights(
    place: np.ndarray, near: np.ndarray, corners: np.ndarray, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return the weight of each corner at the middle of each pixel, in perspective.

    Args:
        place: (V, 2) columns and rows of the points.
        near: (V,) 1 over their distance.
        corners: (3, S) points of the triangle that each pixel shows.
        columns: (S,) columns of the pixels, float32.
        rows: (S,) rows of the pixels, float32.

    Returns:
        Weights (3, S), float32, that sum to 1.
    """
    across, down = place.T.astype(np.float32)
    x = [np.take(across, corner) - np.float32(0.5) - columns for corner in corners]
    y = [np.take(down, corner) - np.float32(0.5) - rows for corner in corners]
    parts = np.stack([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]])
    turn = np.sign(parts.sum(axis=0))
    # A pixel at the very edge may lie outside by a rounding error, and a triangle seen edge-on has no inside.
    parts = np.maximum(parts * turn, np.float32(1e-7)) * np.take(near.astype(np.float32), corners)
    return (parts / parts.sum(axis=0)).astype(np.float32)


def _planes(x: np.ndarray, y: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the planes near = a x + b y + c (F,) through corners (3, F); level ones for triangles seen edge-on."""
    x1, x2, y1, y2 = x[1] - x[0], x[2] - x[0], y[1] - y[0], y[2] - y[0]
    n1, n2 = near[1] - near[0], near[2] - near[0]
    area = x1 * y2 - x2 * y1
    thin = np.abs(area) < 0.02  # square pixels
    area = np.where(thin, 1.0, area)
    a = np.where(thin, 0.0, (n1 * y2 - n2 * y1) / area)
    b = np.where(thin, 0.0, (x1 * n2 - x2 * n1) / area)
    middle = np.where(thin, near.mean(axis=0), near[0])
    return a, b, middle - a * x[0] - b * y[0]


def _span(x: np.ndarray, y: np.ndarray, triangle: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rows (L,) enter and leave the triangles `triangle` (L,) with the corners (3, F); float32.

    From its highest to its lowest corner a triangle has one long edge, which every row meets, and two short ones, of
    which a row meets the one above or the one below the middle corner.
    """
    order = np.argsort(y, axis=0)
    x, y = (np.take_along_axis(values, order, axis=0).astype(np.float32) for values in (x, y))
    drop = np.stack([y[2] - y[0], y[1] - y[0], y[2] - y[1]])
    run = np.stack([x[2] - x[0], x[1] - x[0], x[2] - x[1]])
    slant = np.where(drop > 0, run / np.where(drop > 0, drop, 1), 0)
    long = np.take(x[0], triangle) + np.take(slant[0], triangle) * (row - np.take(y[0], triangle))
    edge = triangle + len(x[0]) * (row >= np.take(y[1], triangle))  # above or below
    short = np.take(x[:2], edge) + np.take(slant[1:], edge) * (row - np.take(y[:2], edge))
    return np.minimum(long, short), np.maximum(long, short)


def _expand(first: np.ndarray, many: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expand runs of numbers, `many` (N,) from `first` on; return each number's run, and all the numbers; int32."""
    many = np.maximum(many, 0)
    run = np.repeat(np.arange(len(many), dtype=np.int32), many)
    shift = (first - np.cumsum(many) + many).astype(np.int32)
    return run, np.arange(len(run), dtype=np.int32) + np.take(shift, run)
