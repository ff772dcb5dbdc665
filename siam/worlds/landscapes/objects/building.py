"""What every building is made of: walls, openings, boxes, gable roofs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siam.worlds.landscapes.paint.faces import Surface, face
from siam.worlds.landscapes.paint.pen import Pen, Point
from siam.worlds.landscapes.paint.textures import Colour

BELOW = -0.9  # metres down to which walls reach, in case the ground falls away


@dataclass(frozen=True)
class Side:
    """An upright side of a building from (x, z) `begin` to `end`, left to right as seen from outside."""

    begin: tuple[float, float]
    end: tuple[float, float]

    @property
    def length(self) -> float:
        """In metres."""
        return float(np.hypot(self.end[0] - self.begin[0], self.end[1] - self.begin[1]))

    def point(self, along: float, up: float, out: float = 0.0) -> Point:
        """Return a point `out` metres in front of the side."""
        across, away = ((b - a) / self.length for a, b in zip(self.begin, self.end, strict=True))
        return self.begin[0] + along * across + out * away, up, self.begin[1] + along * away - out * across

    def patch(self, pen: Pen, box: tuple[float, float, float, float], surface: Surface, out: float = 0.0, *,
              glow: bool = False) -> None:  # fmt: skip
        """Paint a rectangle (from along, to along, from up, to up), seen from outside only."""
        left, right, low, high = box
        corners = [self.point(u, v, out) for u, v in ((left, low), (right, low), (right, high), (left, high))]
        face(pen, corners, *surface, start=left, both=False, glow=glow)


def sides(ring: Sequence[tuple[float, float]]) -> list[Side]:
    """Return the sides over a ground plan of corners (x, z), counter-clockwise with z up the page."""
    return [Side(ring[number], ring[(number + 1) % len(ring)]) for number in range(len(ring))]


def box(pen: Pen, left: float, right: float, near: float, far: float, low: float, high: float, surface: Surface,
        top: Surface | None = None) -> list[Side]:  # fmt: skip
    """Paint an upright box, its top and its underside, and return its front, right side, back and left side."""
    walls = sides([(left, near), (right, near), (right, far), (left, far)])
    for side in walls:
        side.patch(pen, (0, side.length, low, high), surface)
    lid = [(left, high, near), (right, high, near), (right, high, far), (left, high, far)]
    face(pen, lid, *(top or surface), both=False)
    face(pen, [(x, low, z) for x, _y, z in (lid[3], lid[2], lid[1], lid[0])], *surface, both=False)
    return walls


@dataclass(frozen=True)
class Block:
    """The body of a building with a gable roof: its ridge runs along x; metres."""

    width: float
    depth: float
    eaves: float
    ridge: float
    x: float = 0.0
    z: float = 0.0
    over: float = 0.4  # of the roof beyond the walls

    @property
    def sides(self) -> list[Side]:
        """Front, right, back and left."""
        left, right, near, far = self.x - self.width / 2, self.x + self.width / 2, self.z - self.depth / 2, 0.0
        far = near + self.depth
        return sides([(left, near), (right, near), (right, far), (left, far)])

    def walls(self, pen: Pen, wall: Surface) -> None:
        """Paint the walls up to the gables."""
        for number, side in enumerate(self.sides):
            long = side.length
            place = [(0.0, BELOW), (long, BELOW), (long, self.eaves), (0.0, self.eaves)]
            if number % 2:
                place.insert(3, (long / 2, self.ridge))
            face(pen, [side.point(u, v) for u, v in place], *wall, both=False)

    def roof(self, pen: Pen, roof: Surface, edge: Colour = (0.75, 0.73, 0.70), thick: float = 0.16) -> None:
        """Paint the roof, and the boards along its edges."""
        half, reach = self.depth / 2, self.width / 2 + self.over
        drop = self.over * (self.ridge - self.eaves) / half
        low = self.eaves - drop
        slopes = []
        for sign in (-1, 1):  # seen from outside, the front slope's left is the back slope's right
            left, right, away = self.x + sign * reach, self.x - sign * reach, self.z + sign * (half + self.over)
            slopes.append(
                [(left, low, away), (right, low, away), (right, self.ridge, self.z), (left, self.ridge, self.z)]
            )
        for slope in sorted(slopes, key=lambda corners: -pen.place((self.x, low, corners[0][2]))[2]):
            face(pen, slope, *roof)
            if thick * pen.pixels_per_metre < 1.5:
                continue
            for first, second in ((0, 1), (1, 2), (3, 0)):
                (x, y, z), (x2, y2, z2) = slope[first], slope[second]
                face(pen, [(x, y - thick, z), (x2, y2 - thick, z2), (x2, y2, z2), (x, y, z)], edge, (), both=False)


def opening(pen: Pen, side: Side, middle: float, low: float, wide: float, high: float, surface: Surface,
            frame: Colour | None = None, *, glow: bool = False) -> None:  # fmt: skip
    """Paint a window or door, in a frame if given; if it takes few pixels, it shows no attribute of its own."""
    left, right, top = middle - wide / 2, middle + wide / 2, low + high
    if wide * pen.pixels_per_metre < 2:
        return
    if frame is not None and 0.1 * pen.pixels_per_metre > 1:
        side.patch(pen, (left - 0.12, right + 0.12, low - 0.16, top + 0.12), (frame, ()), 0.04)
    fair = surface[1] if min(wide, high) * pen.pixels_per_metre > 5 else ()
    side.patch(pen, (left, right, low, top), (surface[0], fair), 0.07, glow=glow)


FRAMES = ((0.92, 0.91, 0.88), (0.90, 0.88, 0.80), (0.34, 0.22, 0.14), (0.86, 0.88, 0.90))
