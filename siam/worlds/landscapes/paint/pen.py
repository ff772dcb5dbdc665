"""Drawing solid things in perspective: every object of a scene is a function of a pen and a random generator."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from siam.worlds.landscapes.paint.canvas import Canvas

Point = tuple[float, float] | tuple[float, float, float]  # metres: right, up, and away from the camera


class Pen:
    """Draws at a place of the scene, in metres from there, turned by an angle; nearer things are drawn later.

    Args:
        canvas: the canvas to draw on.
        x: metres to the right of the camera.
        z: metres ahead.
        ground: height of the ground there.
        turn: radians by which everything is turned to the left, seen from above.
        scale: factor on all sizes.
    """

    def __init__(
        self, canvas: Canvas, x: float, z: float, ground: float = 0.0, *, turn: float = 0.0, scale: float = 1.0
    ) -> None:
        self.canvas, self.light = canvas, canvas.light
        self.x, self.z, self.ground, self.scale = x, z, ground, scale
        self._cos, self._sin = float(np.cos(turn)), float(np.sin(turn))

    @property
    def pixels_per_metre(self) -> float:
        """Pixels of the canvas per metre of the thing: leave out details smaller than one."""
        return self.canvas.camera.focal * self.scale / self.z

    def place(self, point: Point) -> tuple[float, float, float]:
        """Return the position in the scene of a point of the thing."""
        across, up = point[0] * self.scale, point[1] * self.scale
        away = point[2] * self.scale if len(point) == 3 else 0.0
        x, z = across * self._cos - away * self._sin, across * self._sin + away * self._cos
        return self.x + x, self.ground + up, max(self.z + z, 0.3)

    def polygon(
        self,
        points: Sequence[Point],
        colour: Sequence[float],
        attributes: Sequence[str] | None,
        *,
        facing: float | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Fill a polygon.

        Args:
            points: its corners.
            colour: colour in white light.
            attributes: attributes it shows; None if it should not hide those behind, as for shadows.
            facing: how far it faces the sun, from 0 (in shade) to 1; None works it out from the first three corners.
            opacity: opacity, 0 to 1.
        """
        places = [self.place(point) for point in points]
        depth = float(np.mean([z for _x, _y, z in places]))
        shade = self._facing(places) if facing is None else facing
        seen = self.light.hazed(self.light.lit(np.asarray(colour, dtype=np.float32), shade), depth)
        projected = [self.canvas.camera.project(*place) for place in places]
        self.canvas.fill(projected, seen, attributes, depth, opacity)

    def line(
        self, points: Sequence[Point], width: float, colour: Sequence[float], attributes: Sequence[str] | None, *,
        facing: float = 0.7, least: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw a line through points, `width` metres wide but at least `least` pixels of the canvas."""
        places = [self.place(point) for point in points]
        projected = np.array([self.canvas.camera.project(*place) for place in places])
        for number, (first, second) in enumerate(pairwise(projected)):
            depth = (places[number][2] + places[number + 1][2]) / 2
            along = second - first
            length = float(np.hypot(*along))
            if length < 1e-6:
                continue
            half = max(width * self.scale * self.canvas.camera.focal / depth, least) / 2
            side = np.array([-along[1], along[0]]) / length * half
            corners = [tuple(first + side), tuple(second + side), tuple(second - side), tuple(first - side)]
            seen = self.light.hazed(self.light.lit(np.asarray(colour, dtype=np.float32), facing), depth)
            self.canvas.fill(corners, seen, attributes, depth)

    def disc(
        self, centre: Point, radius: float | tuple[float, float], colour: Sequence[float],
        attributes: Sequence[str] | None, *, facing: float = 0.7, opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw a disc or an ellipse that faces the camera, its radius (across, up) in metres."""
        across, up = radius if isinstance(radius, tuple) else (radius, radius)
        x, y, z = self.place(centre)
        column, row = self.canvas.camera.project(x, y, z)
        metre = self.canvas.camera.focal * self.scale / z
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        edge = zip(column + across * metre * np.cos(angle), row + up * metre * np.sin(angle), strict=True)
        seen = self.light.hazed(self.light.lit(np.asarray(colour, dtype=np.float32), facing), z)
        self.canvas.fill(list(edge), seen, attributes, z, opacity)

    def shadow(self, across: float, away: float, opacity: float = 0.35) -> None:
        """Darken the ground under the thing: an ellipse with these radii in metres, drawn before the thing."""
        reach = self.scale * np.hypot(across * self._cos, away * self._sin)
        depth = self.scale * np.hypot(across * self._sin, away * self._cos)
        camera = self.canvas.camera
        metre = camera.focal / self.z
        flat = metre * depth * max(camera.height - self.ground, 0.3) / self.z
        strength = opacity * (0.4 + 0.6 * min(1.0, self.light.sun[0]))
        centre = camera.project(self.x, self.ground, self.z)
        self.canvas.darken(centre, (1.25 * reach * metre, 1.25 * flat), 1.4 * strength, self.z - depth - 0.5)

    def _facing(self, places: Sequence[tuple[float, float, float]]) -> float:
        """Return how far a face's visible side faces the sun."""
        first, second, third = (np.array(place) for place in places[:3])
        normal = np.cross(second - first, third - first)
        length = np.linalg.norm(normal)
        if length == 0:
            return 0.5
        normal = normal / length
        eye = np.array([0.0, self.canvas.camera.height, 0.0]) - first
        normal = normal if normal @ eye >= 0 else -normal
        return float(np.clip(normal @ self.light.direction, 0, 1))
