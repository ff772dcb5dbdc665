"""The light: a sun with soft shadows, the sky, light through petals, and the empty room behind.

No surface throws light on another, so the colour of a part changes that part's pixels and no others.
"""

import colorsys

import numpy as np
from scipy.ndimage import uniform_filter

from siam.worlds.flowers.materials import Finish, linear
from siam.worlds.flowers.meshes import Mesh
from siam.worlds.flowers.traits import Traits
from siam.worlds.flowers.view import Camera, Shadows, direction, dot

_UP = np.array([0.0, 1.0, 0.0], dtype=np.float32)
_SHINE_POWER = 28
_NEAR_SKY = 0.24  # radius within which things block the sky's light from each other


class Light:
    """The light on one flower."""

    def __init__(self, traits: Traits, mesh: Mesh) -> None:
        self._towards = direction(traits.sun_azimuth, traits.sun_elevation).astype(np.float32)
        warm = np.array([1 + 0.10 * traits.warmth, 1.0, 1 - 0.13 * traits.warmth])
        self._sun = (0.90 * traits.brightness * warm).astype(np.float32)
        self._sky = (0.60 * traits.brightness * np.array([0.96, 1.0, 1.05])).astype(np.float32)
        self._soft = traits.softness
        self._backdrop = linear(colorsys.hsv_to_rgb(*traits.backdrop))
        self._from_sun = Shadows(mesh.points, mesh.triangles, self._towards)
        self._from_sky = Shadows(mesh.points, mesh.triangles, _UP)

    def shade(
        self, points: np.ndarray, normals: np.ndarray, eye: np.ndarray, finish: Finish, tile: np.ndarray
    ) -> np.ndarray:
        """Return the light that S places send to the eye, linear RGB (3, S) float32.

        Args:
            points: (3, S) places, float32.
            normals: (3, S) unit vectors, float32, for either side.
            eye: (3,) position of the eye.
            finish: finish of the places.
            tile: (S,) number from 0 to 8, different for the samples of one pixel, which together make smooth shadows.
        """
        view = _unit(eye.astype(np.float32)[:, None] - points)
        normals = normals * np.where(dot(normals, view) < 0, np.float32(-1), np.float32(1))
        facing = dot(normals, self._towards)  # (S,) below 0: lit from behind
        slanted = np.sqrt(1 - np.minimum(facing * facing, 1))
        away = np.where(facing < 0, np.float32(-1), np.float32(1)) * (0.008 + (0.012 + 0.7 * self._soft) * slanted)
        lifted = points + away * normals + np.float32(0.008) * self._towards[:, None]
        taps = (4 * tile, 4 * tile + 2)
        lit = 1 - self._from_sun.hidden(lifted, self._soft, taps, 0.01)
        above = points + np.float32(0.05) * _UP[:, None]
        sky = (1 - 0.55 * self._from_sky.hidden(above, _NEAR_SKY, taps, 0.30)) * (0.68 + 0.32 * normals[1])
        front = np.maximum(facing, 0)
        behind = finish.thin * np.maximum(-facing, 0)
        glint = np.maximum(dot(normals, _unit(view + self._towards[:, None])), 0) ** _SHINE_POWER * (facing > 0)
        grazing = (1 - np.maximum(dot(normals, view), 0)) ** 4
        direct, shine, rim = lit * (front + behind), 2.2 * finish.shine * lit * glint, finish.shine * grazing * sky
        return np.stack(
            [
                finish.colour[k] * (self._sun[k] * direct + self._sky[k] * sky)
                + self._sun[k] * shine
                + self._sky[k] * rim
                for k in range(3)
            ]
        )

    def room(self, camera: Camera, size: int, step: float) -> np.ndarray:
        """Return a table that blends into a wall without an edge, linear RGB (3, size, size) float32."""
        rays = camera.rays(size, step)
        reach = np.float32(camera.eye[1]) / np.maximum(-rays[1], np.float32(1e-3))
        places = camera.eye.astype(np.float32)[:, None, None] + rays * reach
        away = np.hypot(places[0], places[2])  # from the pot, along the table
        table = np.where(rays[1] < 0, np.exp(-((away / 4.5) ** 2)), np.float32(0))
        order = np.arange(size) % 3
        tile = 3 * order[:, None] + order
        shadow = np.zeros_like(away)
        near = self._from_sun.reaches(places, 0.15) & (table > 0.02)
        radius = np.minimum(self._soft * (1 + 1.6 * away[near]), np.float32(0.14))
        taps = [4 * tile[near] + k for k in range(4)]
        shadow[near] = 0.50 * self._from_sun.hidden(places[:, near] + 0.01 * self._towards[:, None], radius, taps, 0.01)
        near = self._from_sky.reaches(places, 0.30) & (rays[1] < 0)
        taps = [4 * tile[near] + k for k in range(4)]
        shadow[near] += 0.30 * self._from_sky.hidden(places[:, near], 0.30, taps, 0.9)
        for side in (3, max(3, size // 50)):  # first over the taps of a tile, then a soft blur over everything
            shadow = uniform_filter(shadow, side, mode="nearest")
        lamp = np.exp(-((away / 6.0) ** 2)) * table  # brightest around the pot
        height = np.linspace(1.03, 0.93, size, dtype=np.float32)[:, None]
        return self._backdrop[:, None, None] * ((0.80 * height + 0.24 * lamp) * (1 - table * shadow))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt(dot(vectors, vectors))
