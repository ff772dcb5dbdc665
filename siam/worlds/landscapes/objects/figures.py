"""Human figures, drawn in a few shapes, from 15 to 200 pixels tall."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from siam.worlds.landscapes.objects.looks import TALL, Look, Pose, Spot
from siam.worlds.landscapes.paint.pen import Pen


class Shapes:
    """Flat shapes in a plane that faces the camera, painted together: later ones over earlier ones."""

    def __init__(self, pen: Pen, attributes: Sequence[str]) -> None:
        self.pen, self.attributes = pen, attributes
        self.fine = pen.pixels_per_metre > 20
        sun = pen.light.direction
        self.facing, self.sun_side = float(np.clip(0.4 - 0.45 * sun[2], 0.12, 0.9)), float(np.sign(sun[0]) or 1)
        self._parts: list[tuple[np.ndarray, np.ndarray, float]] = []  # corners, colour, how far it faces the sun

    def fill(self, points: Sequence[Spot], colour: np.ndarray | Sequence[float], shade: float = 1.0) -> None:
        """Add a polygon of places in the plane of the figure."""
        self._parts.append((np.array(points), np.asarray(colour), self.facing * shade))

    def paint(self) -> None:
        """Paint what was filled."""
        pen, light = self.pen, self.pen.light
        column, row = pen.canvas.camera.project(pen.x, pen.ground, pen.z)
        metre = pen.pixels_per_metre
        spots = [(column, row) + metre * points * (1, -1) for points, _colour, _shade in self._parts]
        low, high = np.min([s.min(axis=0) for s in spots], axis=0), np.max([s.max(axis=0) for s in spots], axis=0)
        left, top = np.floor(low).astype(int) - 1
        wide, tall = (np.ceil(high).astype(int) - (left, top) + 1).tolist()
        size = pen.canvas.camera.size
        if left >= size or top >= size or left + wide <= 0 or top + tall <= 0 or max(wide, tall) > 4 * size:
            return
        lit = light.lit(
            np.array([c for _p, c, _s in self._parts], np.float32), np.array([s for _p, _c, s in self._parts])
        )
        seen = (light.hazed(lit, pen.z).clip(0, 1) * 255).round().astype(int)
        colour, mask = Image.new("RGB", (2 * wide, 2 * tall)), Image.new("L", (2 * wide, 2 * tall))
        on_colour, on_mask = ImageDraw.Draw(colour), ImageDraw.Draw(mask)
        for spot, tone in zip(spots, seen.tolist(), strict=True):
            corners = [(float(x), float(y)) for x, y in 2 * (spot - (left, top))]
            on_colour.polygon(corners, fill=tuple(tone))
            on_mask.polygon(corners, fill=255)
        alpha = np.asarray(mask.reduce(2), dtype=np.float32) / 255
        shown = np.asarray(colour.reduce(2), dtype=np.float32) / 255 / np.maximum(alpha, 1 / 255)[..., None]
        pen.canvas.paint((int(left), int(top)), alpha, shown, self.attributes, pen.z)

    def limb(
        self, first: Spot, second: Spot, wide: float, narrow: float, colour: np.ndarray, shade: float = 1.0
    ) -> None:
        """Fill an arm or leg from one joint to the next, rounded at both ends."""
        along = np.array(second) - np.array(first)
        along = along / max(float(np.hypot(*along)), 1e-6)
        side = np.array([-along[1], along[0]]) / 2
        a, b = np.array(first), np.array(second)
        points = [a + side * wide, b + side * narrow, b + along * narrow * 0.35 + side * narrow * 0.5,
                  b + along * narrow * 0.35 - side * narrow * 0.5, b - side * narrow, a - side * wide,
                  a - along * wide * 0.35]  # fmt: skip
        self.fill([(float(x), float(y)) for x, y in points], colour, shade)

    def oval(
        self, centre: Spot, across: float, up: float, colour: np.ndarray, begin: float = 0.0, end: float = 2.0
    ) -> None:
        """Fill an ellipse, or its part between two angles in half turns."""
        angles = np.pi * np.linspace(begin, end, 15 if self.fine else 9)
        self.fill([(centre[0] + across * float(np.cos(a)), centre[1] + up * float(np.sin(a))) for a in angles], colour)


def figure(
    pen: Pen, point: tuple[float, float], look: Look, pose: Pose, attributes: Sequence[str], *, hiker: bool = False
) -> None:
    """Draw a person.

    Args:
        pen: the pen; `point` is relative to its place and turn, but figures face the camera whatever its turn.
        point: metres to the right and away.
        look: the figure's look.
        pose: the figure's pose.
        attributes: attributes it shows.
        hiker: whether it carries a rucksack and sticks.
    """
    x, y, z = pen.place((point[0], 0.0, point[1]))
    scaled = Pen(pen.canvas, x, z, y, scale=pen.scale * look.height / TALL)
    scaled.shadow(0.42, 0.3)
    shapes = Shapes(scaled, attributes)
    if hiker and pose.view == 1:
        _pack(shapes, look, pose)
    _legs(shapes, look, pose)
    if hiker and pose.view == 0:
        _pack(shapes, look, pose)
    _arm(shapes, look, pose, 0, hiker)
    _torso(shapes, look, pose)
    if hiker and pose.view == -1:
        _pack(shapes, look, pose)
    _arm(shapes, look, pose, 1, hiker)
    _head(shapes, look, pose)
    shapes.paint()


def _legs(shapes: Shapes, look: Look, pose: Pose) -> None:
    hips = 0.0 if pose.view == 0 else 0.08
    bare = look.skirt and pose.down == 0
    for number, (knee, foot) in enumerate(pose.legs):
        sign = -1 if number == 0 else 1
        hip, tone = (sign * hips, 0.92 - pose.down), 0.75 if number == 0 and pose.view == 0 else 1.0
        colour = look.skin if bare else look.trousers
        shapes.limb(hip, knee, 0.17, 0.125, colour, tone)
        shapes.limb(knee, foot, 0.125, 0.085, colour * (0.96 if shapes.fine else 1), tone)
        if shapes.fine:
            toe = 0.15 * pose.side if pose.view == 0 else 0.02 * sign
            shapes.limb(
                (foot[0] - 0.02, foot[1] - 0.005),
                (foot[0] + toe, foot[1] - 0.02),
                0.10,
                0.08,
                np.array((0.13, 0.10, 0.09)),
            )
    if bare:
        shapes.fill([(-0.15, 1.0), (0.15, 1.0), (0.24, 0.52), (-0.24, 0.52)], look.trousers)


def _torso(shapes: Shapes, look: Look, pose: Pose) -> None:
    wide = look.broad * (0.68 if pose.view == 0 else 1.0)
    shift = -pose.down
    right = [(0.155, 0.88), (0.145, 1.06), (0.19, 1.22), (0.215, 1.38), (0.16, 1.455), (0.05, 1.50)]
    outline = [(x * wide, y + shift) for x, y in right]
    shapes.fill([*outline, *[(-x, y) for x, y in reversed(outline)]], look.top)
    if shapes.fine:  # the half that the sun does not reach
        sign = -shapes.sun_side
        inner = [(sign * 0.35 * x, y) for x, y in outline]
        shapes.fill([*[(sign * x, y) for x, y in outline], *reversed(inner)], look.top * 0.86, 0.7)


def _arm(shapes: Shapes, look: Look, pose: Pose, number: int, hiker: bool) -> None:
    elbow, hand = ((x, y - pose.down) for x, y in pose.arms[number])
    sign = -1 if number == 0 else 1
    shoulder = (0.03 * sign if pose.view == 0 else 0.185 * sign * look.broad, 1.40 - pose.down)
    tone = 0.8 if sign == -shapes.sun_side else 1.0
    if hiker:
        ahead = 0.28 * pose.side if pose.view == 0 else 0.12 * sign
        stick = np.array((0.16, 0.16, 0.18))
        shapes.limb((hand[0] - 0.03 * ahead, hand[1] + 0.12), (hand[0] + ahead, 0.0), 0.03, 0.03, stick)
    shapes.limb(shoulder, elbow, 0.115, 0.09, look.top * 0.94, tone)
    shapes.limb(elbow, hand, 0.09, 0.07, look.skin if look.bare_arms else look.top * 0.94, tone)
    if shapes.fine:
        shapes.oval(hand, 0.042, 0.05, look.skin)


def _head(shapes: Shapes, look: Look, pose: Pose) -> None:
    y = 1.635 - pose.down
    if pose.view == 1 and look.long_hair:
        shapes.oval((0, y - 0.04), 0.125, 0.17, look.hair)
    if shapes.fine:
        shapes.limb((0, y - 0.09), (0, y - 0.16), 0.095, 0.11, look.skin * 0.9)
    shapes.oval((0, y), 0.092, 0.122, look.skin)
    if pose.view == -1:
        shapes.oval((0, y + 0.02), 0.105, 0.122, look.hair)
        if look.long_hair:
            shapes.fill([(-0.1, y + 0.03), (0.1, y + 0.03), (0.09, y - 0.22), (-0.09, y - 0.22)], look.hair)
    elif pose.view == 0:
        tail = 0.20 if look.long_hair else 0.05
        back = -pose.side
        shapes.fill([(-back * 0.07, y + 0.09), (0, y + 0.135), (back * 0.09, y + 0.09), (back * 0.115, y),
                     (back * 0.10, y - tail), (back * 0.03, y - 0.03), (back * 0.01, y + 0.05)], look.hair)  # fmt: skip
    else:
        shapes.oval((0, y + 0.035), 0.103, 0.105, look.hair, 0.03, 0.97)
    if look.hat:
        brim = 0.13 * (pose.side if pose.view == 0 else 0)
        shapes.oval((0, y + 0.06), 0.11, 0.09, look.pack, 0.0, 1.0)
        shapes.fill([(-0.12 + min(brim, 0), y + 0.05), (0.12 + max(brim, 0), y + 0.05),
                     (0.12 + max(brim, 0), y + 0.08), (-0.12 + min(brim, 0), y + 0.08)], look.pack * 0.85)  # fmt: skip


def _pack(shapes: Shapes, look: Look, pose: Pose) -> None:
    """Draw a rucksack: on the back, beside it, or the part visible from the front."""
    if pose.view == 0:
        back = -pose.side
        outline = [(0.05, 0.98), (0.28, 0.96), (0.33, 1.10), (0.32, 1.38), (0.24, 1.52), (0.06, 1.50)]
        shapes.fill([(back * x, y) for x, y in outline], look.pack)
        if shapes.fine:
            shapes.fill(
                [(back * x, y) for x, y in ((0.27, 1.0), (0.40, 1.02), (0.40, 1.2), (0.30, 1.24))], look.pack * 0.75
            )
        return
    wide = 0.215 if pose.view == -1 else 0.25
    outline = [(wide * 0.9, 0.95), (wide, 1.05), (wide, 1.40), (wide * 0.75, 1.52)]
    shapes.fill([*outline, *[(-x, y) for x, y in reversed(outline)]], look.pack)
    if shapes.fine and pose.view == -1:
        shapes.fill([(-0.17, 1.53), (0.17, 1.53), (0.19, 1.34), (-0.19, 1.34)], look.pack * 0.78)
        shapes.fill([(-0.13, 1.0), (0.13, 1.0), (0.12, 1.22), (-0.12, 1.22)], look.pack * 0.86)
        shapes.limb((-0.22, 0.98), (0.22, 0.98), 0.10, 0.10, look.trousers * 0.8 + 0.1)
