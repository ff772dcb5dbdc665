"""What covers the land: meadow, fields, woods, rock, snow, sand, and whatever crosses it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siam.worlds.landscapes.ground.terrain import Course, View
from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.light import Colour
from siam.worlds.landscapes.paint.noise import Noise, mix, smoothstep


@dataclass(frozen=True)
class Material:
    """A surface of the land.

    Attributes:
        colours: colours between which it varies.
        attributes: attributes it shows.
        grain: contrast of its texture, 0 to 1.
        shine: how much direct sun it reflects, 1 for matt.
        lumps: how rough its shading is.
    """

    colours: tuple[Colour, Colour]
    attributes: tuple[str, ...]
    grain: float = 0.25
    shine: float = 1.0
    lumps: float = 0.15


MATERIALS = {
    "meadow": Material(((0.30, 0.42, 0.14), (0.46, 0.55, 0.22)), ("grass",), 0.34),
    "lawn": Material(((0.26, 0.44, 0.15), (0.33, 0.52, 0.19)), ("grass",), 0.18),
    "heath": Material(((0.42, 0.36, 0.20), (0.34, 0.40, 0.18)), ("grass",), 0.36),
    "flowers": Material(((0.32, 0.45, 0.15), (0.44, 0.54, 0.22)), ("grass", "flowers"), 0.34),
    "steppe": Material(((0.66, 0.56, 0.30), (0.58, 0.48, 0.26)), ("grass", "dry"), 0.32),
    "earth": Material(((0.60, 0.44, 0.28), (0.52, 0.38, 0.25)), ("dry",), 0.30),
    "mud": Material(((0.31, 0.24, 0.17), (0.24, 0.19, 0.14)), ("dirty",), 0.40, lumps=0.4),
    "crop": Material(((0.36, 0.50, 0.18), (0.42, 0.54, 0.20)), ("farming", "grass"), 0.20),
    "wheat": Material(((0.80, 0.66, 0.32), (0.74, 0.60, 0.28)), ("farming",), 0.20),
    "ploughed": Material(((0.40, 0.29, 0.20), (0.34, 0.25, 0.17)), ("farming",), 0.30, lumps=0.3),
    "rape": Material(((0.86, 0.78, 0.16), (0.80, 0.74, 0.14)), ("farming", "flowers"), 0.22),
    "wood": Material(((0.12, 0.23, 0.09), (0.22, 0.33, 0.12)), ("trees",), 0.45, lumps=0.5),
    "floor": Material(((0.26, 0.22, 0.12), (0.20, 0.24, 0.10)), (), 0.45, lumps=0.3),
    "needles": Material(((0.09, 0.18, 0.12), (0.14, 0.25, 0.14)), ("trees",), 0.45, lumps=0.5),
    "autumn": Material(((0.52, 0.30, 0.10), (0.60, 0.42, 0.12)), ("trees",), 0.45, lumps=0.5),
    "rock": Material(((0.46, 0.44, 0.42), (0.36, 0.35, 0.34)), ("rock_stone", "rugged_scene"), 0.42, lumps=0.8),
    "scree": Material(((0.52, 0.50, 0.47), (0.44, 0.42, 0.39)), ("rock_stone",), 0.55, lumps=0.9),
    "alp": Material(((0.36, 0.42, 0.20), (0.44, 0.45, 0.24)), ("grass", "rugged_scene"), 0.32, lumps=0.4),
    "far_snow": Material(((0.90, 0.93, 0.98), (0.96, 0.97, 1.0)), ("ice_snow", "rugged_scene"), 0.06, 0.95, 0.5),
    "snow": Material(((0.88, 0.91, 0.96), (0.95, 0.96, 0.99)), ("ice_snow",), 0.05, 0.9, 0.12),
    "sand": Material(((0.84, 0.74, 0.54), (0.78, 0.67, 0.47)), ("sand",), 0.10, 0.9, 0.12),
    "wet_sand": Material(((0.52, 0.44, 0.32), (0.48, 0.41, 0.30)), ("sand",), 0.08),
    "asphalt": Material(((0.30, 0.30, 0.31), (0.35, 0.35, 0.36)), ("road",), 0.12, 0.8),
    "gravel": Material(((0.66, 0.60, 0.50), (0.60, 0.53, 0.43)), ("hiking",), 0.25),
    "paving": Material(((0.58, 0.56, 0.53), (0.64, 0.62, 0.58)), ("road",), 0.14),
    "ballast": Material(((0.44, 0.40, 0.37), (0.38, 0.35, 0.33)), ("railroad",), 0.40, lumps=0.4),
    "concrete": Material(((0.62, 0.61, 0.59), (0.56, 0.55, 0.53)), ("road",), 0.16),
}  # fmt: skip


class Ground:
    """The visible land, pixel by pixel, as it is covered with one material after another.

    Attributes:
        x, z, height: metres (n,) of the places that the pixels show.
        steep: sine of the slope (n,).
        cover: (n,) uint8, the sets of attributes shown, as in `Canvas.cover`.
    """

    def __init__(self, canvas: Canvas, view: View, land: np.ndarray, smooth: Noise, rough: Noise, grain: Noise) -> None:
        self.canvas, self.smooth, self.rough, self.grain = canvas, smooth, rough, grain
        self.rows, self.columns = np.nonzero(land)
        self.x, self.z = view.x[self.rows, self.columns], view.depth[self.rows, self.columns]
        self.height = view.height[self.rows, self.columns]
        self._normal = view.normal[self.rows, self.columns]
        self.steep = np.sqrt(1 - np.clip(self._normal[:, 1], 0, 1) ** 2)
        self._colour = np.zeros((len(self.rows), 3), dtype=np.float32)
        self._lumps = np.zeros(len(self.rows), dtype=np.float32)
        self._shine = np.ones(len(self.rows), dtype=np.float32)
        self.cover = np.zeros(len(self.rows), dtype=np.uint8)
        self._grain, self._blotches = self._texture()

    def spread(self, name: str, share: np.ndarray | float = 1.0) -> None:
        """Cover a share (n,) of every place with a material, which it counts as from one half on."""
        material = MATERIALS[name]
        weight = np.broadcast_to(np.asarray(share, dtype=np.float32), self.z.shape)
        some = np.flatnonzero(weight > 0.01)
        if len(some) == 0:
            return
        light, dark = (np.array(colour, dtype=np.float32) for colour in material.colours)
        colour = mix(light, dark, smoothstep(self._blotches[some], -1.2, 1.2))
        colour = colour * (1 + material.grain * self._grain[some])[:, None]
        part = weight[some]
        self._colour[some] = mix(self._colour[some], colour, part)
        self._lumps[some] += (material.lumps - self._lumps[some]) * part
        self._shine[some] += (material.shine - self._shine[some]) * part
        self.cover[some[part > 0.5]] = self.canvas.set_of(material.attributes)

    def tint(self, colour: Sequence[float], share: np.ndarray) -> None:
        """Colour a share (n,) of every place without changing what it is."""
        self._colour = mix(self._colour, np.array(colour, dtype=np.float32), share)

    def mark(self, attributes: Sequence[str], where: np.ndarray) -> None:
        """Mark places (n,) as showing further attributes."""
        self.canvas.join(self.cover, attributes, where)

    def strip(self, course: Course, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the share (n,) of places within `width` metres of a course, and their signed distance to the side."""
        aside = course.offset(self.x, self.z)
        blur = 0.05 + 1.0 * self.z / self.canvas.camera.focal
        share = smoothstep(np.abs(aside), width / 2 + blur, width / 2 - blur) * course.within(self.z)
        return share, aside

    def finish(self) -> None:
        """Light the land, add haze, and paint it."""
        light = self.canvas.light
        sun = light.direction.astype(np.float32)
        bump = self._lumps * self._bumps()
        facing = self._normal @ sun + bump
        clouds = 1 - 0.45 * min(light.cover, 0.6) * smoothstep(self.smooth.at(self.x / 9, self.z / 16 + 200), 0.1, 1.0)
        soft = 0.30 + 0.75 * facing  # grass and woods also catch light from the side
        colour = light.lit(self._colour, np.clip(soft, 0.04, 1) * self._shine * clouds)
        colour = light.hazed(colour.clip(0, 1), self.z)
        self.canvas.rgb[self.rows, self.columns] = colour
        self.canvas.cover[self.rows, self.columns] = self.cover
        self.canvas.depth[self.rows, self.columns] = self.z

    def _texture(self) -> tuple[np.ndarray, np.ndarray]:
        """Return fine grain and broad blotches (n,): noise of several sizes, each left out where it is too fine."""
        grain = np.zeros_like(self.z)
        for metres, weight in ((0.012, 0.35), (0.05, 0.45), (0.3, 0.4), (2.5, 0.35)):  # of a cell of noise
            pixels = metres * self.canvas.camera.focal / self.z
            grain += weight * smoothstep(pixels, 0.4, 1.6) * self.grain.at(self.x / metres, self.z / metres)
        blotches = self.smooth.at(self.x / 1.1 + 7, self.z / 1.1) * 0.6 + self.smooth.at(self.x / 7, self.z / 7) * 0.8
        return np.clip(grain, -2.5, 2.5), blotches

    def _bumps(self) -> np.ndarray:
        """Return how far the small relief (n,) of the land faces the sun."""
        step = np.array([self.canvas.light.direction[0], self.canvas.light.direction[2]])
        cell = np.maximum(0.10, self.z / self.canvas.camera.focal * 1.5)  # metres, at least about a pixel
        cell = 0.1 * 2 ** np.round(np.log2(cell / 0.1))
        x, z = self.x / cell, self.z / cell
        return 0.5 * (self.rough.at(x, z) - self.rough.at(x + 1.2 * step[0], z + 1.2 * step[1]))
