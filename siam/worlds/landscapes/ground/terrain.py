"""The shape of the land: heights over the plane, and what a camera sees of them, by marching from near to far."""

from dataclasses import dataclass, field

import numpy as np

from siam.worlds.landscapes.paint.canvas import Camera
from siam.worlds.landscapes.paint.noise import Noise, smoothstep

FARTHEST = 16_000.0  # metres
_STEPS = 420


@dataclass(frozen=True)
class Course:
    """The course of a road, path, railway or river: a curve over the plane, metres.

    Attributes:
        across: whether it runs from left to right rather than away from the camera.
        start: where it crosses the middle line, or how far ahead it passes.
        slope: metres sideways per metre along.
        bend: how far it swings to the sides.
        period: metres from swing to swing.
        phase: radians.
        width: width of what runs along it.
        begin: metres ahead at which it begins.
        end: metres ahead at which it ends.
    """

    across: bool
    start: float
    slope: float
    bend: float
    period: float
    phase: float
    width: float
    begin: float = 0.0
    end: float = 900.0

    def middle(self, along: np.ndarray) -> np.ndarray:
        """Return the middle (…) of the course: x for z, or z for x where it runs across."""
        swing = np.sin(along / self.period + self.phase) - np.sin(self.phase)
        return self.start + self.slope * along + self.bend * swing

    def offset(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return by how many metres (…) places lie to the side of the course."""
        along, side = (x, z) if self.across else (z, x)
        tangent = self.slope + self.bend / self.period * np.cos(along / self.period + self.phase)
        return (side - self.middle(along)) / np.sqrt(1 + tangent**2)

    def within(self, z: np.ndarray) -> np.ndarray:
        """Return where (…) the course is, by the distance from the camera."""
        return (z >= self.begin) & (z <= self.end)


@dataclass(frozen=True)
class Mountains:
    """Mountains in the distance; metres.

    Attributes:
        height: rough height of the peaks.
        begin: distance at which they begin to rise.
        over: distance over which they reach their height.
        ruggedness: 0 for round hills to 1 for crags.
    """

    height: float
    begin: float
    over: float = 3500.0
    ruggedness: float = 0.2


@dataclass(frozen=True)
class Shape:
    """The makeup of the land; lengths in metres.

    Attributes:
        rolling: height of gentle hills, over `rolling_length`.
        mountains: in the distance, or None.
        valley: how steeply the land rises to both sides, metres per metre.
        shore: distance of the sea's shore ahead, or None.
        headland: how far the land reaches into the sea at the left (negative) or right, 0 for an open sea.
        lake: (x, z, half width, half depth) of a lake, or None.
        river: its course, or None.
        flat: courses along which the land is level.
        level: height of the land near the camera above the water.
        cliff: height of a step down to the sea.
    """

    rolling: float = 4.0
    rolling_length: float = 220.0
    mountains: Mountains | None = None
    valley: float = 0.0
    shore: float | None = None
    headland: float = 0.0
    lake: tuple[float, float, float, float] | None = None
    river: Course | None = None
    flat: tuple[Course, ...] = field(default=())
    level: float = 0.0
    cliff: float = 0.0

    @property
    def has_water(self) -> bool:
        """Whether land below 0 is under water."""
        return self.shore is not None or self.lake is not None or self.river is not None


class Terrain:
    """Heights of the land."""

    def __init__(self, shape: Shape, smooth: Noise, rough: Noise) -> None:
        self.shape, self.smooth, self.rough = shape, smooth, rough

    def height(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the height (…) of the land at places (…), in metres; below 0 is the bottom of waters."""
        shape = self.shape
        cell = shape.rolling_length / 64
        land = shape.rolling * self.smooth.at(x / cell, z / cell) * smoothstep(z, 12, 160)
        for course in shape.flat:
            beside = smoothstep(np.abs(course.offset(x, z)), 0.6 * course.width, 3 * course.width + 7 * shape.rolling)
            land = land * np.where(course.within(z), beside, 1)
        land = np.maximum(land, -0.6 * shape.rolling) + shape.level
        if shape.mountains is not None:
            land = land + self._mountains(shape.mountains, x, z)
        if shape.valley:
            land = land + shape.valley * np.maximum(np.abs(x) - 0.25 * z - 15, 0) * smoothstep(z, 20, 300)
        return self._waters(land, x, z) if shape.has_water else land

    def _mountains(self, mountains: Mountains, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        rise = smoothstep(z, mountains.begin, mountains.begin + mountains.over)
        large = self.smooth.at(x / 28, z / 28 + 137)
        ridges = 1 - 1.25 * np.abs(self.smooth.at(x / 13 + 71, z / 13))
        crags = 1 - 1.6 * np.abs(self.rough.at(x / 9 + 13, z / 9))
        blend = mountains.ruggedness
        form = 0.42 + 0.26 * large + blend * (0.30 * ridges + 0.05 * crags * np.clip(0.6 + large, 0, 1))
        return mountains.height * rise * np.maximum(form, 0.03 + 0.03 * large)

    def _waters(self, land: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        shape = self.shape
        wobble = self.smooth.at(x / 3 + 31, z / 3 + 17)
        if shape.shore is not None:
            inland = shape.shore + 0.12 * shape.shore * wobble - z
            if shape.headland:
                reach = np.sign(shape.headland) * x - 0.12 * z - 12 + 8 * wobble
                inland = inland + np.abs(shape.headland) * smoothstep(reach, 0, 45)
            falling = np.clip(inland * 0.045, -9, None)
            if shape.cliff:
                falling = np.where(inland > 0, shape.cliff * smoothstep(inland + 5 * wobble, 0, 14) + 0.3, falling)
                return np.where(inland > 0, np.maximum(falling + np.minimum(land, inland * 0.5), 0.2), falling)
            # The land begins at the water's level and rises inland.
            return np.where(inland > 0, np.minimum(np.maximum(land, 0.15), 0.15 + falling), falling)
        if shape.lake is not None:
            middle_x, middle_z, wide, deep = shape.lake
            away = np.sqrt(((x - middle_x) / wide) ** 2 + ((z - middle_z) / deep) ** 2) + 0.10 * wobble
            inside = smoothstep(away, 1.0, 0.8)
            bank = 0.10 + np.maximum(land, 0.0) * smoothstep(away, 1.0, 1.5)
            land = np.where(away < 1, -0.3 - 4 * inside, bank)
        if shape.river is not None:
            aside = np.abs(shape.river.offset(x, z)) + 0.6 * wobble
            half = shape.river.width / 2
            bank = np.maximum(land, 0.12) * smoothstep(aside, half, 3 * half + 10) + 0.05
            land = np.where(shape.river.within(z) & (aside < 3 * half + 10), np.where(aside < half, -0.5, bank), land)
        return land


@dataclass(frozen=True)
class View:
    """What a camera sees of a terrain, pixel by pixel (S, S); float32.

    Attributes:
        depth: metres along z, infinite for the sky.
        x: metres to the right.
        height: of the land there, below 0 where it is under water.
        normal: (S, S, 3) unit vectors up from the land, coarse.
    """

    depth: np.ndarray
    x: np.ndarray
    height: np.ndarray
    normal: np.ndarray


def look(camera: Camera, terrain: Terrain) -> View:
    """Return what the camera sees: for every pixel, the nearest land (or water) on its ray."""
    size = camera.size
    eye = camera.height - max(0.0, float(terrain.height(np.zeros(1), np.full(1, 3.0))[0]))
    nearest = 0.4 * camera.focal * eye / (size - camera.horizon)
    steps = np.geomspace(nearest, FARTHEST, _STEPS)[:, None]  # (N, 1)
    across = ((np.arange(size) + 0.5 - size / 2) / camera.focal)[None, :]  # (1, S)
    x = steps * across
    height = terrain.height(x, np.broadcast_to(steps, x.shape))  # (N, S)
    surface = np.maximum(height, 0) if terrain.shape.has_water else height
    rows = camera.horizon + camera.focal * (camera.height - surface) / steps
    highest = np.minimum.accumulate(rows, axis=0)
    # The first step that covers a pixel is the number of steps that end below it.
    ends = np.clip(np.ceil(highest - 0.5), 0, size).astype(np.int64)
    counts = np.bincount((ends * size + np.arange(size)).reshape(-1), minlength=(size + 1) * size)
    first = _STEPS - counts.reshape(size + 1, size)[:size].cumsum(axis=0)  # (S, S)
    sky = first == _STEPS
    second = np.minimum(first, _STEPS - 1)
    before = np.maximum(second - 1, 0)
    columns = np.arange(size)[None, :]
    low, high = rows[before, columns], rows[second, columns]
    centre = np.arange(size)[:, None] + 0.5
    share = np.clip((low - centre) / np.where(low - high > 1e-6, low - high, 1), 0, 1)
    inverse = (1 - share) / steps[before, 0] + share / steps[second, 0]
    depth = np.where(sky, np.inf, 1 / inverse).astype(np.float32)
    slope_z = np.gradient(height, axis=0) / np.gradient(steps, axis=0)
    slope_x = np.gradient(height, axis=1) / np.gradient(x, axis=1) - slope_z * across
    normal = np.stack([-slope_x, np.ones_like(slope_x), -slope_z], axis=-1)
    normal = (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)
    mixed = height[before, columns] * (1 - share) + height[second, columns] * share
    return View(
        depth=depth,
        x=(np.where(sky, 0, depth) * across).astype(np.float32),
        height=mixed.astype(np.float32),
        normal=normal[second, columns],
    )
