"""The world's coastline: Natural Earth, 1:50 million, public domain (`assets/coastline`)."""

from functools import cache

import numpy as np

from siam.runtime.paths import ASSETS

FILE = ASSETS / "coastline" / "coastline.npz"
PER_DEGREE = 100  # the file's numbers, about 1 km


def coastline(west: float, south: float, east: float, north: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the longitudes and latitudes of the coast in a part of the world; NaN divides its lines.

    Args:
        west: degrees; `east` is larger, and may be more than 180.
        south: degrees.
        east: degrees, at most `west` + 360.
        north: degrees.
        step: degrees: of what is closer together, one point is enough.
    """
    places, line = _lines()
    x, y = (places[:, 0] - west) % 360 + west, places[:, 1]
    seen = (x <= east + step) & (y >= south - step) & (y <= north + step)
    seen[1:] |= seen[:-1].copy()  # so that lines reach the edge
    seen[:-1] |= seen[1:].copy()
    kept = np.flatnonzero(seen & _far(x, y, line, step))
    x, y, line = x[kept], y[kept], line[kept]
    apart = (np.diff(line) != 0) | (np.abs(np.diff(x)) > 180) | (np.diff(np.cumsum(~seen)[kept]) != 0)
    breaks = np.flatnonzero(apart) + 1
    return np.insert(x, breaks, np.nan), np.insert(y, breaks, np.nan)


def _far(x: np.ndarray, y: np.ndarray, line: np.ndarray, step: float) -> np.ndarray:
    """Return which points begin or end a line, or lie in another square of side `step` than the one before."""
    cells = np.stack([np.floor(x / step), np.floor(y / step), line])
    moved = (np.diff(cells, axis=1) != 0).any(axis=0)
    first, last = np.diff(line, prepend=-1) != 0, np.diff(line, append=-1) != 0
    return first | last | np.concatenate([[True], moved])


@cache
def _lines() -> tuple[np.ndarray, np.ndarray]:
    """Return the places (P, 2) of the coast, longitude and latitude in degrees, and the line of each (P,)."""
    with np.load(FILE) as stored:
        steps, lengths = stored["steps"].astype(int), stored["lengths"]
    total = np.cumsum(steps, axis=0)
    begins = np.cumsum(lengths) - lengths
    before = total[begins] - steps[begins]  # of each line, the sum of those before it
    return (total - np.repeat(before, lengths, axis=0)) / PER_DEGREE, np.repeat(np.arange(len(lengths)), lengths)
