"""The camera, and the shadows that a distant light throws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siam.worlds.flowers.raster import NOTHING, rasterise
from siam.worlds.flowers.traits import TAU, Traits

_UP = np.array([0.0, 1.0, 0.0])
_CELLS, _BORDER = 320, 2  # of a shadow map, each way, and on every side
_SIDE = _CELLS + 2 * _BORDER
TAPS = 36  # places of the disc that stands for a light


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Return the unit vector (x, y up, z) for two angles in radians."""
    flat = np.cos(elevation)
    return np.array([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)])


def _axes(ahead: np.ndarray, up: np.ndarray = _UP) -> np.ndarray:
    """Return right, down and ahead as the rows of a matrix (3, 3)."""
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(ahead, right), ahead])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with a movable picture plane, so that its subject fits.

    Attributes:
        eye: (3,) position.
        axes: (3, 3) right, down and ahead as rows.
        scale: pixels per unit at distance 1.
        centre: (2,) column and row of the point straight ahead.
    """

    eye: np.ndarray
    axes: np.ndarray
    scale: float
    centre: np.ndarray

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return columns and rows (V, 2) of points (V, 3), and 1 over the distance ahead (V,)."""
        seen = (points - self.eye) @ self.axes.T
        near = 1 / seen[:, 2]
        return self.scale * seen[:, :2] * near[:, None] + self.centre, near

    def rays(self, size: int, step: float) -> np.ndarray:
        """Return unit vectors (3, size, size), float32, through the middles of squares of `step` pixels."""
        at = (np.arange(size) + 0.5) * step
        across, down = (at - self.centre[0]) / self.scale, (at - self.centre[1]) / self.scale
        right, below, ahead = self.axes[:, :, None, None].astype(np.float32)
        rays = right * across.astype(np.float32) + below * down.astype(np.float32)[:, None] + ahead
        return rays / np.sqrt((rays**2).sum(axis=0))


def aim(traits: Traits, points: np.ndarray, size: int) -> Camera:
    """Return the camera that shows all points (V, 3) in a picture of `size` pixels each way."""
    middle = np.array([0.0, 0.5 * points[:, 1].max(), 0.0])
    towards = direction(traits.azimuth, traits.elevation)
    camera = Camera(middle + traits.distance * towards, _axes(-towards), 1.0, np.zeros(2))
    place, _near = camera.project(points)
    low, high = place.min(axis=0), place.max(axis=0)
    scale = traits.share * size / (high - low).max()
    margin = (size - scale * (high - low)) / 2  # (2,) when the plant is in the middle
    # A narrow plant stays near the middle, as a photographer would place it.
    shift = np.array([traits.shift_x, traits.shift_y]) * np.minimum(margin, 0.12 * size)
    return Camera(camera.eye, camera.axes, scale, size / 2 - scale * (low + high) / 2 + shift)


class Shadows:
    """What a distant light sees first."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray, towards: np.ndarray) -> None:
        """Look at points (V, 3) and triangles (F, 3) from the direction `towards` (3,)."""
        axes = _axes(-towards, _UP if abs(towards[1]) < 0.99 else np.array([1.0, 0.0, 0.0]))
        seen = points @ axes.T
        low, far = seen.min(axis=0), seen[:, 2].max() + 1.0
        scale = _CELLS / (seen.max(axis=0) - low)[:2].max()
        self._axes, self._scale, self._far = axes.astype(np.float32), np.float32(scale), np.float32(far)
        self._shift = (_BORDER - scale * low[:2]).astype(np.float32)
        place = seen[:, :2] * scale + self._shift
        owner, near = rasterise(place, far - seen[:, 2], triangles, _SIDE)
        self._near = np.where(owner == NOTHING, -np.inf, near).astype(np.float32).ravel()

    def hidden(
        self, points: np.ndarray, radius: np.ndarray | float, taps: Sequence[np.ndarray | int], soft: float
    ) -> np.ndarray:
        """Return how much of the light each point (3, S) misses, 0 to 1, float32.

        Args:
            points: points a little above their surfaces.
            radius: radius of the disc that stands for the light, in the units of the points; (S,) or a number.
            taps: which places of that disc, from 0 to `TAPS` - 1; each (S,) or one for all points.
            soft: depth over which something in front begins to count.
        """
        x, y, z = (dot(axis, points) for axis in self._axes)
        column, row = self._scale * x + self._shift[0], self._scale * y + self._shift[1]
        depth = (self._far - z) / np.float32(soft)
        reach = self._scale * np.asarray(radius, dtype=np.float32)
        total, last = np.zeros(len(x), dtype=np.float32), np.float32(_SIDE - 1)
        for tap in taps:
            down = np.minimum(np.maximum(row + reach * _DISC[1, tap], 0), last).astype(np.int32)
            across = np.minimum(np.maximum(column + reach * _DISC[0, tap], 0), last).astype(np.int32)
            near = np.take(self._near, down * _SIDE + across)
            total += np.minimum(np.maximum(near * np.float32(1 / soft) - depth, 0), 1)
        return total / len(taps)

    def reaches(self, points: np.ndarray, radius: float) -> np.ndarray:
        """Return for which points (3, …) something may block a light of that radius; the others are fully lit."""
        low, high = _BORDER - self._scale * radius, _BORDER + _CELLS + self._scale * radius
        x, y = (self._scale * dot(axis, points) + shift for axis, shift in zip(self._axes, self._shift, strict=False))
        return (x > low) & (x < high) & (y > low) & (y < high)


def dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the scalar products (…) of vectors (3,) or (3, …) with others."""
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _disc() -> np.ndarray:
    """Return columns and rows (2, `TAPS`) of places that fill the unit disc evenly."""
    order = np.arange(TAPS)
    angle = order * TAU * (1 - 2 / (1 + 5**0.5))
    return (np.sqrt((order + 0.5) / TAPS) * np.stack([np.cos(angle), np.sin(angle)])).astype(np.float32)


_DISC = _disc()
