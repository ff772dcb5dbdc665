"""The picture being painted: colour, distance, and the attributes each pixel shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from siam.datasets.rendered import ATTRIBUTES
from siam.worlds.landscapes.paint.light import Light
from siam.worlds.landscapes.paint.noise import smoothstep

OVERSAMPLING = 2  # pixels of the canvas per pixel of the picture, each way
NOTHING = 0  # in `Canvas.cover`: no attribute


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera over the ground plane y = 0: x to the right, y up, z ahead, in metres.

    Attributes:
        size: side of the square canvas, in pixels.
        horizon: row of the horizon.
        focal: focal length, in pixels.
        height: height of the eye above y = 0.
    """

    size: int
    horizon: float
    focal: float
    height: float

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Return the column and row of a point."""
        return self.size / 2 + self.focal * x / z, self.horizon + self.focal * (self.height - y) / z


class Canvas:
    """Colour, distance and attributes of every pixel.

    Attributes:
        camera: the camera that sees the scene.
        light: the scene's light.
        rgb: (S, S, 3) float32, 0 to 1.
        depth: (S, S) float32, metres along z; infinite for the sky.
        cover: (S, S) uint8, which of the sets of attributes a pixel shows.
        sets: the sets of attributes that occur; the first is empty.
    """

    def __init__(self, camera: Camera, light: Light) -> None:
        size = camera.size
        self.camera, self.light = camera, light
        self.rgb = np.zeros((size, size, 3), dtype=np.float32)
        self.depth = np.full((size, size), np.inf, dtype=np.float32)
        self.cover = np.zeros((size, size), dtype=np.uint8)
        self.sets: list[frozenset[str]] = [frozenset()]

    def set_of(self, attributes: Sequence[str]) -> int:
        """Return the number of a set of attributes in `cover`."""
        wanted = frozenset(attributes)
        if wanted not in self.sets:
            unknown = wanted - set(ATTRIBUTES)
            if unknown:
                raise ValueError(f"there is no attribute {sorted(unknown)[0]!r}")
            self.sets.append(wanted)
        return self.sets.index(wanted)

    def paint(
        self,
        corner: tuple[int, int],
        alpha: np.ndarray,
        colour: np.ndarray | Sequence[float],
        attributes: Sequence[str] | None,
        depth: np.ndarray | float,
    ) -> None:
        """Paint a patch over everything farther away.

        Args:
            corner: column and row of the patch's first pixel; it may lie outside the canvas.
            alpha: (h, w) opacity, 0 to 1.
            colour: (h, w, 3) or (3,) as seen: lit and hazed.
            attributes: attributes the patch shows; None keeps the existing ones, as for shadows.
            depth: (h, w) or one distance in metres.
        """
        left, top = max(corner[0], 0), max(corner[1], 0)
        right = min(corner[0] + alpha.shape[1], self.camera.size)
        bottom = min(corner[1] + alpha.shape[0], self.camera.size)
        if left >= right or top >= bottom:
            return
        here = slice(top, bottom), slice(left, right)
        of_patch = slice(top - corner[1], bottom - corner[1]), slice(left - corner[0], right - corner[0])
        patch_depth = depth[of_patch] if isinstance(depth, np.ndarray) else depth
        seen = alpha[of_patch] * (self.depth[here] > patch_depth)
        colours = np.asarray(colour, dtype=np.float32)
        colours = colours[of_patch] if colours.ndim == 3 else colours
        self.rgb[here] += (colours - self.rgb[here]) * seen[..., None]
        if attributes is not None:
            solid = seen > 0.5
            self.cover[here][solid] = self.set_of(attributes)
            self.depth[here][solid] = patch_depth[solid] if isinstance(patch_depth, np.ndarray) else patch_depth

    def fill(
        self,
        points: Sequence[tuple[float, float]],
        colour: Sequence[float] | np.ndarray,
        attributes: Sequence[str] | None,
        depth: float,
        opacity: float = 1.0,
    ) -> None:
        """Fill a polygon of canvas columns and rows with one colour, its edges smooth."""
        coverage = self.coverage(points)
        if coverage is not None:
            corner, alpha = coverage
            self.paint(corner, alpha * np.float32(opacity), colour, attributes, depth)

    def coverage(self, points: Sequence[tuple[float, float]]) -> tuple[tuple[int, int], np.ndarray] | None:
        """Return the first pixel and the coverage (h, w) of a polygon, or None if it is outside the canvas."""
        columns, rows = np.asarray(points, dtype=np.float64).T
        size, margin = self.camera.size, 4
        left, top = int(max(np.floor(columns.min()), -margin)), int(max(np.floor(rows.min()), -margin))
        right, bottom = int(min(np.ceil(columns.max()), size + margin)), int(min(np.ceil(rows.max()), size + margin))
        if right <= left or bottom <= top:
            return None
        patch = Image.new("L", (2 * (right - left), 2 * (bottom - top)))
        place = [(2 * (column - left), 2 * (row - top)) for column, row in zip(columns, rows, strict=True)]
        ImageDraw.Draw(patch).polygon(place, fill=255)
        return (left, top), np.asarray(patch.reduce(2), dtype=np.float32) / 255

    def darken(self, centre: tuple[float, float], radii: tuple[float, float], strength: float, depth: float) -> None:
        """Darken a soft-edged ellipse around a column and row, as shadows do; anything nearer stays as it is."""
        across, up = max(radii[0], 1.0), max(radii[1], 1.0)
        left, top = int(np.floor(centre[0] - across)), int(np.floor(centre[1] - up))
        columns = np.arange(left, int(centre[0] + across) + 2)[None, :]
        rows = np.arange(top, int(centre[1] + up) + 2)[:, None]
        if columns.size * rows.size > 4 * self.camera.size**2:
            return
        away = np.hypot((columns + 0.5 - centre[0]) / across, (rows + 0.5 - centre[1]) / up)
        alpha = (strength * smoothstep(away, 1.0, 0.35)).astype(np.float32)
        self.paint((left, top), alpha, (0.03, 0.04, 0.06), None, depth)

    def stamp(self, sprite: Image.Image, base: tuple[float, float], height: float, attributes: Sequence[str],
              metres: float, *, tint: Sequence[float] = (1, 1, 1)) -> None:  # fmt: skip
        """Place a picture with transparency on its base, scaled to `height` pixels, hazed for its distance.

        Args:
            sprite: the picture, RGBA, already lit.
            base: column and row of the middle of its lower edge.
            height: height in pixels of the canvas.
            attributes: attributes it shows.
            metres: its distance.
            tint: factors for red, green and blue.
        """
        width = max(1, round(sprite.width * height / sprite.height))
        tall = max(1, round(height))
        corner = round(base[0] - width / 2), round(base[1] - tall)
        size = self.camera.size
        if corner[0] >= size or corner[1] >= size or corner[0] + width <= 0 or corner[1] + tall <= 0:
            return
        small = np.asarray(sprite.resize((width, tall), Image.Resampling.BOX if height < sprite.height else
                                         Image.Resampling.BICUBIC), dtype=np.float32) / 255  # fmt: skip
        colour = self.light.hazed(small[..., :3] * np.asarray(tint, dtype=np.float32), metres)
        self.paint(corner, small[..., 3], colour, attributes, metres)

    def mark(self, attributes: Sequence[str], where: np.ndarray) -> None:
        """Mark pixels (S, S) as showing further attributes."""
        self.join(self.cover, attributes, where)

    def join(self, cover: np.ndarray, attributes: Sequence[str], where: np.ndarray) -> None:
        """Add attributes to the sets that `cover` (…), in place, names at `where` (…)."""
        for number in np.unique(cover[where]).tolist():
            cover[where & (cover == number)] = self.set_of([*self.sets[number], *attributes])

    def masks_of(self, attribute: str) -> np.ndarray:
        """Return the mask (S, S) of one attribute."""
        return np.array([attribute in shown for shown in self.sets])[self.cover]

    def masks(self) -> np.ndarray:
        """Return the masks (K, s, s), bool, of what the canvas shows, at the picture's size."""
        cover = self.cover[OVERSAMPLING // 2 :: OVERSAMPLING, OVERSAMPLING // 2 :: OVERSAMPLING]
        return np.stack([np.array([name in shown for shown in self.sets])[cover] for name in ATTRIBUTES])
