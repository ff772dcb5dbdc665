"""Trees, bushes, tufts of grass and flowers."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from siam.worlds.landscapes.paint.canvas import Canvas
from siam.worlds.landscapes.paint.light import Colour, Light
from siam.worlds.landscapes.paint.noise import mix, smoothstep

_SIDE = 320  # pixels: height of a sprite
_LEAVES = 150  # in each of a crown's clusters

LEAVES: dict[str, Colour] = {
    "oak": (0.20, 0.34, 0.10), "beech": (0.27, 0.42, 0.12), "birch": (0.36, 0.48, 0.16), "poplar": (0.28, 0.42, 0.14),
    "spruce": (0.10, 0.22, 0.13), "pine": (0.16, 0.29, 0.16), "bush": (0.22, 0.36, 0.12), "autumn": (0.64, 0.34, 0.09),
}  # fmt: skip
_BARK: Colour = (0.26, 0.20, 0.15)
_WHITE_BARK: Colour = (0.78, 0.77, 0.73)
FLOWERS: tuple[Colour, ...] = (
    (0.92, 0.16, 0.14), (0.96, 0.86, 0.16), (0.96, 0.96, 0.94), (0.62, 0.38, 0.80), (0.94, 0.52, 0.72),
    (0.26, 0.36, 0.88),
)  # fmt: skip


def tree_sprite(kind: str, light: Light, generator: np.random.Generator) -> Image.Image:
    """Return a tree or bush, RGBA, its base at the lower edge, lit by the scene's light.

    Args:
        kind: a key of `LEAVES`.
        light: the scene's light.
        generator: random generator, so that no two trees are alike.
    """
    image = Image.new("RGBA", (_SIDE, _SIDE))
    pen = ImageDraw.Draw(image)
    leaves = np.array(LEAVES[kind]) * generator.uniform(0.85, 1.15, 3)
    if kind in ("spruce", "pine"):
        _conifer(pen, kind, leaves, light, generator)
    else:
        _broadleaf(pen, kind, leaves, light, generator)
    box = image.getbbox() or (0, 0, _SIDE, _SIDE)
    return image.crop((box[0], box[1], box[2], _SIDE))


def _broadleaf(
    pen: ImageDraw.ImageDraw, kind: str, leaves: np.ndarray, light: Light, generator: np.random.Generator
) -> None:
    middle = _SIDE / 2
    narrow = {"poplar": 0.34, "birch": 0.62, "bush": 1.05}.get(kind, 1.0)
    foot = 0.02 if kind == "bush" else generator.uniform(0.08, 0.20)
    crown = _SIDE * (1 - foot)
    bark = _WHITE_BARK if kind == "birch" else _BARK
    if kind != "bush":
        _trunk(pen, middle, crown, np.array(bark), light, 0.014 if kind == "birch" else 0.022, generator)
    blobs = []
    for _number in range(13):
        angle, out = generator.uniform(0, 2 * np.pi), generator.uniform(0, 1) ** 0.6
        x = middle + 0.26 * crown * narrow * out * np.cos(angle)
        y = _SIDE * (0.06 if kind != "bush" else 0.25) + crown * (0.42 + 0.29 * out * np.sin(angle))
        blobs.append((x, min(y, _SIDE * 0.97), crown * generator.uniform(0.13, 0.20) * max(narrow, 0.6)))
    blobs.sort(key=lambda blob: -blob[1])
    x, y, radius = (np.repeat(column, _LEAVES) for column in np.array(blobs).T)
    angle, out = generator.uniform(0, 2 * np.pi, len(x)), np.sqrt(generator.random(len(x)))
    across, down = out * np.cos(angle), out * np.sin(angle)
    facing = 0.45 + 0.25 * np.sin(light.azimuth) * across - 0.35 * down + 0.25 * (0.5 - (y + radius * down) / _SIDE)
    facing += generator.uniform(-0.2, 0.2, len(x))
    colours = light.lit(leaves, facing) * generator.uniform(0.85, 1.15, (len(x), 1))
    half = radius * generator.uniform(0.045, 0.11, len(x))
    x, y = x + radius * across, y + radius * down
    boxes = np.stack([x - half, y - 0.8 * half, x + half, y + 0.8 * half], axis=1).tolist()
    for box, colour in zip(boxes, _bytes_of(colours), strict=True):
        pen.ellipse(box, fill=colour)


def _conifer(
    pen: ImageDraw.ImageDraw, kind: str, leaves: np.ndarray, light: Light, generator: np.random.Generator
) -> None:
    middle = _SIDE / 2
    bare = 0.06 if kind == "spruce" else 0.36
    wide = (0.19 if kind == "spruce" else 0.24) * _SIDE
    _trunk(pen, middle, _SIDE * 0.98, np.array(_BARK), light, 0.015, generator)
    level = np.repeat(np.linspace(1 - bare, 0.015, 46), 22)  # from below, so that upper branches hang over lower ones
    reach = wide * (level / (1 - bare)) ** (0.9 if kind == "spruce" else 0.45)
    reach = reach * np.repeat(generator.uniform(0.75, 1.1, 46), 22)
    out = generator.uniform(-1, 1, len(level))
    x, y = middle + reach * out, _SIDE * level + reach * 0.35 * np.abs(out) + generator.uniform(-3, 3, len(level))
    facing = 0.38 + 0.4 * out * np.sin(light.azimuth) + generator.uniform(-0.25, 0.25, len(level))
    colours = light.lit(leaves, facing) * generator.uniform(0.8, 1.2, (len(level), 1))
    half = generator.uniform(3, 7, len(level))
    corners = np.stack([x - half, y - 1, x + half, y - 2, x + 6 * out, y + 6], axis=1).tolist()
    for points, colour in zip(corners, _bytes_of(colours), strict=True):
        pen.polygon(points, fill=colour)


def _trunk(
    pen: ImageDraw.ImageDraw, middle: float, top: float, bark: np.ndarray, light: Light, half: float,
    generator: np.random.Generator,
) -> None:  # fmt: skip
    width = half * _SIDE * generator.uniform(0.8, 1.2)
    lean = generator.uniform(-6, 6)
    end = _SIDE - 0.75 * top
    left, right = (0.2, 0.65) if np.sin(light.azimuth) > 0 else (0.65, 0.2)  # how far its halves face the sun
    for begin, facing in ((-1.0, left), (0.1, right)):
        foot, head = middle + begin * width, middle + lean + 0.6 * begin * width
        points = [(foot, _SIDE), (middle + width, _SIDE), (middle + lean + 0.6 * width, end), (head, end)]
        pen.polygon(points, fill=_bytes(light.lit(bark, facing)))


class Grove:
    """Sprites of a few trees of some kinds, to be placed many times."""

    def __init__(self, kinds: Sequence[str], light: Light, generator: np.random.Generator, each: int = 2) -> None:
        self._sprites: list[Image.Image] = []
        for kind in kinds:
            for _number in range(each):
                sprite = tree_sprite(kind, light, generator)
                self._sprites += [sprite, sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]

    @classmethod
    def of(cls, groves: "Sequence[Grove]") -> "Grove":
        """Return one grove with the trees of several."""
        together = cls.__new__(cls)
        together._sprites = [sprite for grove in groves for sprite in grove._sprites]
        return together

    def set(
        self,
        canvas: Canvas,
        places: Sequence[tuple[float, float, float]],
        height: tuple[float, float],
        generator: np.random.Generator,
        attributes: Sequence[str] = ("trees",),
    ) -> None:
        """Place trees, from far to near.

        Args:
            canvas: the canvas to draw on.
            places: (x, ground, z) in metres.
            height: heights of the smallest and tallest, in metres.
            generator: random generator that chooses among the trees.
            attributes: attributes they show.
        """
        for x, ground, z in sorted(places, key=lambda place: -place[2]):
            metres = generator.uniform(*height)
            sprite = self._sprites[int(generator.integers(len(self._sprites)))]
            tint = generator.uniform(0.85, 1.12) * generator.uniform(0.95, 1.05, 3)
            shadow(canvas, x, ground, z, 0.30 * metres)
            base = canvas.camera.project(x, ground - 0.02 * metres, z)
            canvas.stamp(sprite, base, canvas.camera.focal * metres / z, attributes, z, tint=tint.tolist())


def shadow(canvas: Canvas, x: float, ground: float, z: float, radius: float) -> None:
    """Darken the ground around a place (metres), stretched away from the sun."""
    light = canvas.light
    long = min(1.2 / np.tan(max(light.elevation, 0.15)), 4.0)
    side = -np.sin(light.azimuth) * long * radius * 0.6
    stretched = radius * (1 + 0.3 * long)
    metre = canvas.camera.focal / z
    flat = metre * radius * max(canvas.camera.height - ground, 0.3) / z
    strength = 0.14 + 0.40 * min(1.0, light.sun[0])
    centre = canvas.camera.project(x + side, ground, z)
    canvas.darken(centre, (stretched * metre, flat), strength, z - radius - 0.5)


def paint_tufts(
    canvas: Canvas, where: Callable[[np.ndarray, np.ndarray], np.ndarray], generator: np.random.Generator,
    count: int = 2600, tall: float = 0.28,
) -> None:  # fmt: skip
    """Draw blades of grass over the foreground, in the colours of the ground, where `where` (columns, rows) allows."""
    camera = canvas.camera
    rows = camera.horizon + (camera.size - camera.horizon) * generator.uniform(0.12, 1.02, count) ** 0.8
    columns = generator.uniform(0, camera.size, count)
    order = np.argsort(rows)
    rows, columns = rows[order], columns[order]
    at = np.clip(rows, 0, camera.size - 1).astype(int), columns.astype(int)
    allowed = where(*at)
    colour = canvas.rgb[at] * generator.uniform(0.65, 1.45, (count, 1)).astype(np.float32)
    metre = camera.focal / np.clip(canvas.depth[at], 1.0, 200)
    length, lean = metre * tall * generator.uniform(0.4, 1.0, count), generator.uniform(-0.35, 0.35, count)
    overlay = Image.new("RGBA", (camera.size, camera.size))
    pen = ImageDraw.Draw(overlay)
    wide = np.maximum(1.0, 0.022 * metre)
    blades = np.stack([columns - wide, rows, columns + wide, rows, columns + lean * length, rows - length], axis=1)
    for points, fill in zip(blades[allowed].tolist(), _bytes_of(colour[allowed], 215), strict=True):
        pen.polygon(points, fill=fill)
    _lay_over(canvas, overlay)


def paint_flowers(
    canvas: Canvas, density: np.ndarray, colours: Sequence[Colour], generator: np.random.Generator, count: int = 4200
) -> None:
    """Draw flowers over the ground where `density` (S, S), 0 to 1, allows, in perspective."""
    camera, light = canvas.camera, canvas.light
    rows = camera.horizon + (camera.size - camera.horizon) * generator.uniform(0.0, 1.0, count) ** 0.9
    columns = generator.uniform(0, camera.size - 1, count)
    chance, choice, size = generator.random(count), generator.integers(0, len(colours), count), generator.random(count)
    overlay = Image.new("RGBA", (camera.size, camera.size))
    pen = ImageDraw.Draw(overlay)
    at = np.clip(rows, 0, camera.size - 1).astype(int), columns.astype(int)
    depth = np.clip(canvas.depth[at], 1.0, 1e4)
    grows = chance <= density[at]
    order = np.argsort(rows)
    order = order[grows[order]]
    radius = np.maximum(0.9, (0.018 + 0.022 * size) * camera.focal / depth)
    seen = light.hazed(light.lit(np.array(colours)[choice], 0.6 + 0.4 * size), depth)
    rows = rows - 2.2 * radius
    boxes = np.stack([columns - radius, rows - 0.75 * radius, columns + radius, rows + 0.75 * radius], axis=1)
    for box, fill in zip(boxes[order].tolist(), _bytes_of(seen[order], 240), strict=True):
        pen.ellipse(box, fill=fill)
    _lay_over(canvas, overlay)


def _lay_over(canvas: Canvas, overlay: Image.Image) -> None:
    drawn = np.asarray(overlay, dtype=np.float32) / 255
    canvas.rgb[:] = mix(canvas.rgb, drawn[..., :3], smoothstep(drawn[..., 3], 0, 1))


def _bytes(colour: np.ndarray) -> tuple[int, ...]:
    return _bytes_of(colour[None])[0]


def _bytes_of(colours: np.ndarray, alpha: int = 255) -> list[tuple[int, ...]]:
    """Return colours (n, 3), 0 to 1, as Pillow takes them."""
    values = (np.clip(colours, 0, 1) * 255).astype(int).tolist()
    return [(*value, alpha) for value in values]
