"""Wood lying about: logs, pallets, a fallen trunk."""

import numpy as np

from siam.worlds.landscapes.objects.building import box
from siam.worlds.landscapes.objects.lumps import rod
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import face
from siam.worlds.landscapes.paint.noise import smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Grain


def log_pile(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a stack of logs whose ends look ahead and back, 1.9 m high."""
    rows, long = int(generator.integers(4, 6)), generator.uniform(2.5, 4.0)
    radius, count = generator.uniform(1.75, 2.05) / (1.74 * rows + 0.26), int(generator.integers(9, 14))
    bark, ends = textures.boards(generator, width=0.3, colours=((0.42, 0.33, 0.26),)), _log_ends(radius, rows, count)
    shows, low, high = ("wood",), count * radius, radius * (1.74 * rows + 0.26)
    top = low - (rows - 1) * radius
    pen.shadow(1.15 * low, 0.75 * long)
    lid = [(-top, 0.97 * high, -long / 2), (top, 0.97 * high, -long / 2), (top, 0.97 * high, long / 2),
           (-top, 0.97 * high, long / 2)]  # fmt: skip
    face(pen, lid, bark, shows, both=False)
    for sign in (-1, 1):
        x, x2, z = sign * low, sign * top, sign * long / 2
        face(pen, [(x, 0.0, -z), (x, 0.0, z), (x2, high, z), (x2, high, -z)], bark, shows, both=False)
        out = z + 0.05 * sign
        face(pen, [(x, 0.0, out), (-x, 0.0, out), (-x, high, out), (x, high, out)], ends, shows, both=False)


def _log_ends(radius: float, rows: int, count: int) -> textures.Material:
    """Return the sawn ends of logs, `count` in the lowest row and one less in each row above."""
    rings = np.array([0.0, 0.40, 0.46, 0.84, 0.90, 1.0])
    tones = [(0.70, 0.50, 0.30), (0.70, 0.50, 0.30), (0.80, 0.62, 0.40), (0.80, 0.62, 0.40), (0.36, 0.25, 0.16),
             (0.16, 0.11, 0.08)]  # fmt: skip

    def material(along: np.ndarray, up: np.ndarray, _grain: Grain) -> np.ndarray:
        row = np.clip(np.floor(up / (1.74 * radius) - 0.07), 0, rows - 1)
        place = along / (2 * radius) - row / 2
        number = np.clip(np.floor(place), 0, count - row - 1)
        share = np.hypot(place - number - 0.5, (up - radius - row * 1.74 * radius) / (2 * radius)) * 2
        tone = 1 + 0.09 * textures.each(row, number)
        colour = np.stack([np.interp(share, rings, channel) for channel in zip(*tones, strict=True)], axis=-1)
        solid = (share < 1) | ((place > 0.3) & (place < count - row - 0.3) & (up < (1.74 * rows - 0.6) * radius))
        return np.column_stack([colour * tone[:, None], solid])

    return material


def pallets(pen: Pen, generator: np.random.Generator) -> None:
    """Draw two or three stacks of wooden pallets, 1.7 m high."""
    shows = ("wood", "cluttered_space")
    count = int(generator.integers(2, 4))
    boards = textures.boards(generator, width=0.14, colours=((0.70, 0.56, 0.38), (0.62, 0.52, 0.40)))
    pen.shadow(0.95 * count, 1.1)
    heights, shifts = generator.integers(5, 11, count), generator.uniform(-0.06, 0.06, (count, 11, 2))
    heights[0] = 11
    places = [((number - (count - 1) / 2) * 1.6, generator.uniform(-0.3, 0.3)) for number in range(count)]
    for number in sorted(range(count), key=lambda k: -pen.place((places[k][0], 0, places[k][1]))[2]):
        x, z = places[number]
        if 0.155 * pen.pixels_per_metre < 5:
            box(
                pen,
                x - 0.6,
                x + 0.6,
                z - 0.5,
                z + 0.5,
                0.0,
                0.155 * heights[number],
                (_stacked, shows),
                (boards, shows),
            )
            continue
        for level in range(int(heights[number])):
            u, v, low = x + shifts[number, level, 0], z + shifts[number, level, 1], 0.155 * level
            box(pen, u - 0.57, u + 0.57, v - 0.46, v + 0.46, low, low + 0.105, ((0.13, 0.10, 0.07), shows))
            box(pen, u - 0.6, u + 0.6, v - 0.5, v + 0.5, low + 0.10, low + 0.15, (boards, shows))


def _stacked(_along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
    """Return the sides of stacked pallets from afar: boards with dark gaps between, as far as pixels can show them."""
    gaps = smoothstep(np.abs(up / 0.155 % 1 - 0.4), 0.3, 0.2) * float(smoothstep(0.155 * grain.up, 1.2, 3.0))
    return np.array([(0.50, 0.40, 0.28)], dtype=np.float32) * (1 - 0.7 * gaps)[:, None]


def fallen_trunk(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a fallen trunk with the stumps of its branches, 0.7 m thick and 6 m long."""
    half, radius = generator.uniform(2.4, 3.6), generator.uniform(0.30, 0.36)
    bark = textures.boards(generator, width=0.12, colours=((0.42, 0.33, 0.25), (0.50, 0.44, 0.37)))
    pen.shadow(1.05 * half, 1.0)
    angle = np.linspace(2 * np.pi, 0, 13)[:-1]
    rims = [
        [(end * half, slim * radius * (1 + float(np.sin(a))), slim * radius * float(np.cos(a))) for a in angle]
        for end, slim in ((-1, 1.0), (1, 0.72))
    ]
    for place in generator.uniform(-0.4, 0.8, 4):
        reach, lean = generator.uniform(0.4, 1.0), generator.uniform(-0.5, 0.5)
        rod(pen, (place * half, radius, 0.0), (place * half + 0.5 * reach, radius + 0.25 + 0.4 * reach, lean), 0.12,
            (0.38, 0.30, 0.23), ("wood",))  # fmt: skip
    for k in range(12):
        n = (k + 1) % 12
        face(pen, [rims[0][k], rims[1][k], rims[1][n], rims[0][n]], bark, ("wood",), both=False)
    for rim, out, slim in ((rims[0], -1, 1.0), (rims[1][::-1], 1, 0.72)):
        face(pen, rim, (0.74, 0.58, 0.38), ("wood",), both=False)
        core = [(x + 0.02 * out, slim * radius + 0.55 * (y - slim * radius), 0.55 * z) for x, y, z in rim]
        face(pen, core, (0.62, 0.45, 0.28), ("wood",), both=False)
