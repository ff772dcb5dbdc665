"""Ruins, towers, temples, pagodas and chapels."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.objects.building import Block, Side, box, opening, sides
from siam.worlds.landscapes.objects.pagodas import pagoda
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Attributes, Surface, face
from siam.worlds.landscapes.paint.noise import mix, smoothstep
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Colour, Grain, Material

_OLD = ("rock_stone", "aged_worn")
_IVY = np.array([0.24, 0.36, 0.13], dtype=np.float32)


def _broken(generator: np.random.Generator, length: float, high: float, bays: int) -> Callable[..., np.ndarray]:
    """Return the opacity (n,) of a wall with a ragged top and arched windows that are open."""
    tops = high * generator.uniform(0.45, 0.9, 7)
    peak = int(generator.integers(1, 6))
    tops[peak - 1 : peak + 2] = high * np.array([0.88, 1.0, 0.92])
    at = generator.uniform(0, 500, 2)
    spring, half = 0.50 * high, min(0.8, 0.22 * length / bays)

    def solid(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        ragged = np.interp(along, np.linspace(0, length, 7), tops) + 0.16 * textures.stain(along, up, at, 1.2)
        ragged = np.floor(ragged / 0.3) * 0.15 + ragged * 0.5
        across = np.abs((along * np.float32(bays / length)) % 1 - np.float32(0.5)) * np.float32(length / bays)
        arch = np.where(up > spring, np.hypot(across, up - spring), across)
        hole = np.clip((half - arch) * grain.along + 0.5, 0, 1) * np.clip((up - 0.24 * high) * grain.up, 0, 1)
        return np.clip((ragged - up) * grain.up + 0.5, 0, 1) * (1 - hole)

    return solid


def _overgrown(wall: Material, generator: np.random.Generator) -> Material:
    """Return a wall with ivy that climbs from below and hangs from above."""
    at, ivy = generator.uniform(0, 500, 2), generator.uniform(-1.1, -0.2)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        fine = textures.stain(along, up, at, 0.4)
        leaves = 0.9 * textures.stain(along, up, at[::-1], 3.0, 6.0) + 0.4 * fine + np.float32(ivy)
        return mix(wall(along, up, grain), _IVY * (0.9 + 0.4 * fine)[:, None], smoothstep(leaves, 0.3, 0.55))

    return material


def ruin(pen: Pen, generator: np.random.Generator) -> None:
    """Draw the broken walls of an old house with empty windows and ivy, 5.5 m."""
    width, depth, high = generator.uniform(9, 13), generator.uniform(6, 8), generator.uniform(5.4, 6.4)
    ring = [(-width / 2, -depth / 2), (width / 2, -depth / 2), (width / 2, depth / 2), (-width / 2, depth / 2)]
    pen.shadow(0.62 * width, 0.62 * depth)
    stone = _overgrown(textures.stone(generator, 0.32, moss=0.6), generator)
    walls = [(side, _broken(generator, side.length, high * tall, bays))
             for side, tall, bays in zip(sides(ring), (0.62, 1.0, 0.9, 0.8), (4, 2, 4, 2), strict=True)]  # fmt: skip
    for side, solid in sorted(walls, key=lambda wall: -pen.place(wall[0].point(wall[0].length / 2, 0))[2]):
        inward = pen.place(side.point(side.length / 2, 0, 1))[2] > pen.place(side.point(side.length / 2, 0))[2]
        slanting = abs(pen.place(side.point(1, 0))[0] - pen.place(side.point(0, 0))[0]) < 0.5 * pen.scale
        layers = np.linspace(-0.6, 0, 9 if slanting else 3)  # the wall is 0.6 m thick
        for number, out in enumerate(layers if inward else layers[::-1]):
            place = ((0, -0.5), (side.length, -0.5), (side.length, high), (0, high))
            face(pen, [side.point(u, v, out) for u, v in place], _cut(_shaded if number else stone, solid), _OLD)


def _shaded(along: np.ndarray, _up: np.ndarray, _grain: Grain) -> np.ndarray:
    return np.full((len(along), 3), 0.34, dtype=np.float32)


def _cut(material: Material, solid: Callable[..., np.ndarray]) -> Material:
    """Return a material that exists only where `solid` says."""
    return lambda along, up, grain: np.column_stack([material(along, up, grain), solid(along, up, grain)])


def castle_tower(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a round tower with battlements and a piece of its wall, 14 m."""
    radius, high = generator.uniform(3.0, 3.8), generator.uniform(12.5, 14.5)
    stone = textures.stone(generator, 0.4, moss=0.4)
    length, side_on = generator.uniform(5, 9), float(generator.choice([-1, 1]))
    pen.shadow(1.5 * radius, 1.5 * radius)
    left, right = sorted((0.0, side_on * (radius + length)))
    box(pen, left, right, -0.8, 0.8, -0.9, 0.38 * high, (stone, _OLD))
    tooth = 2 * np.pi * radius / 14

    def crown(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        cut = (np.abs((along / tooth) % 1 - 0.5) < 0.24) & (up > 1.0)
        return np.column_stack([stone(along, up, grain), 1.0 - cut])

    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    for wide, low, top, material, behind in (
        (radius, -0.9, high - 1.6, stone, False),
        (1.08 * radius, high - 1.9, high, crown, True),
    ):
        ring = sides([(wide * float(np.cos(a)), wide * float(np.sin(a))) for a in angle])
        order = sorted(range(28), key=lambda k: -pen.place(ring[k].point(0, 0))[2])
        for number in order:
            side = ring[number]
            corners = [side.point(u, v) for u, v in ((0, low), (side.length, low), (side.length, top), (0, top))]
            face(pen, corners, material, _OLD, start=number * side.length, both=behind)
            if number % 7 == 3 and not behind:
                for up in (0.35, 0.68):
                    opening(pen, side, side.length / 2, up * high, 0.3, 1.5, ((0.05, 0.05, 0.06), _OLD))


def _column(pen: Pen, place: tuple[float, float], low: float, top: float, radius: float, colour: Colour,
            shows: Attributes) -> None:  # fmt: skip
    """Paint a round column as a face that looks at the camera, shaded as a cylinder, with flutes."""
    (x, _y, z), (x2, _y2, z2) = pen.place((0, 0, 0)), pen.place((1, 0, 0))
    cos, sin = (x2 - x) / pen.scale, (z2 - z) / pen.scale
    sun = pen.light.direction
    base = np.asarray(colour, dtype=np.float32)

    def material(along: np.ndarray, up: np.ndarray, grain: Grain) -> np.ndarray:
        s = np.clip(along / radius - 1, -1, 1)
        facing = np.clip(s * sun[0] - np.sqrt(1 - s * s) * sun[2], 0, 1) * 0.75 + 0.25 * max(0.0, -sun[2])
        flutes = 1 - 0.10 * float(smoothstep(radius * grain.along, 5, 9)) * (1 + np.cos(np.arcsin(s) * 14))
        drums = 1 - 0.12 * (np.abs((up / 1.3) % 1 - 0.5) > 0.47) * float(smoothstep(grain.up, 14, 30))
        return pen.light.lit(base * (flutes * drums * (1 - 0.2 * s**4))[:, None], facing.astype(np.float32))

    right = radius * cos, -radius * sin
    slim = 0.84
    corners = [(place[0] - right[0], low, place[1] - right[1]), (place[0] + right[0], low, place[1] + right[1]),
               (place[0] + slim * right[0], top, place[1] + slim * right[1]),
               (place[0] - slim * right[0], top, place[1] - slim * right[1])]  # fmt: skip
    face(pen, corners, material, shows, glow=True)


def temple(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a Greek temple: steps, columns, entablature and pediment, 9.5 m."""
    shows = ("temple", "rock_stone")
    front, flank, spacing = 6, int(generator.integers(8, 11)), generator.uniform(2.0, 2.3)
    marble = np.array([(0.86, 0.82, 0.74), (0.82, 0.74, 0.62), (0.88, 0.87, 0.84)][int(generator.integers(3))])
    stone = textures.stone(generator, 0.6, 0.0)
    pale = textures.plain(marble, generator, 0.07, 4.0)
    wide, long = (front - 1) * spacing, (flank - 1) * spacing
    low, top = 1.2, 1.2 + generator.uniform(4.8, 5.4)
    pen.shadow(0.62 * wide + 2, 0.62 * long + 2)
    for step in range(3):
        out = 1.0 + 0.45 * (2 - step)
        box(pen, -wide / 2 - out, wide / 2 + out, -long / 2 - out, long / 2 + out, 0.4 * step - 0.9 * (step == 0),
            0.4 * (step + 1), (pale, shows))  # fmt: skip
    inner = wide / 2 - 0.9 * spacing, long / 2 - 1.4 * spacing
    cella = box(pen, -inner[0], inner[0], -inner[1], inner[1], low, top, (stone, shows))
    opening(pen, cella[0], inner[0], low, 1.8, 3.6, ((0.10, 0.09, 0.08), shows))
    places = [(-wide / 2 + k * spacing, end * long / 2) for k in range(front) for end in (-1, 1)]
    places += [(end * wide / 2, -long / 2 + k * spacing) for k in range(1, flank - 1) for end in (-1, 1)]
    for x, z in sorted(places, key=lambda place: -pen.place((place[0], 0, place[1]))[2]):
        _column(pen, (x, z), low, top, 0.46, marble, shows)
    edge = 0.75
    box(pen, -wide / 2 - edge, wide / 2 + edge, -long / 2 - edge, long / 2 + edge, top, top + 1.1, (pale, shows))
    _pediments(pen, wide + 2 * edge, long + 2 * edge, top + 1.1, (pale, shows), 0.7 * marble)


def _pediments(pen: Pen, wide: float, long: float, low: float, surface: Surface, dark: Colour) -> None:
    """Paint the gables in front and behind and the two slopes of a low roof whose ridge runs along z."""
    high, half, end = low + 0.19 * wide, wide / 2, long / 2 + 0.01
    for sign in (-1, 1):
        slope = [(sign * half, low, -sign * end), (sign * half, low, sign * end), (0.0, high, sign * end),
                 (0.0, high, -sign * end)]  # fmt: skip
        face(pen, slope, *surface)
    for sign in (-1, 1):
        gable = [(sign * half, low - 0.1, sign * end), (-sign * half, low - 0.1, sign * end), (0.0, high, sign * end)]
        face(pen, gable, *surface, both=False)
        inner, out = sign * (half - 1.5), sign * (end + 0.05)
        field = [(inner, low + 0.24, out), (-inner, low + 0.24, out), (0.0, high - 0.32, out)]
        face(pen, field, dark, surface[1], both=False)


def chapel(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a chapel of stone with a tower under a pointed roof, 13 m."""
    stone, roof = textures.stone(generator, 0.36, 0.6), textures.shingles(generator)
    width, depth, eaves = generator.uniform(8, 10), generator.uniform(5, 6), generator.uniform(3.6, 4.2)
    nave = Block(width, depth, eaves, eaves + 0.62 * depth, over=0.25)
    end = float(generator.choice([-1, 1]))
    half, high = generator.uniform(1.5, 1.8), generator.uniform(7.6, 8.6)
    wall = (stone, ("rock_stone",))
    pen.shadow(0.7 * width, 0.7 * depth)
    nave.walls(pen, wall)
    for side in nave.sides:
        count = max(1, round(side.length / 2.6))
        for place in range(count):
            _lancet(pen, side, (place + 0.5) * side.length / count, 1.1, 0.75, 1.9)
    nave.roof(pen, (roof, ("shingles",)))
    x = end * (width / 2 + half - 0.3)
    for side in box(pen, x - half, x + half, -half, half, -0.9, high, wall):
        _lancet(pen, side, half, high - 2.2, 0.8, 1.3)
        opening(pen, side, half, 0.05, 1.2, 2.3, ((0.26, 0.17, 0.11), ()))
    reach, tip = half + 0.2, high + generator.uniform(3.6, 4.8)
    ring = sides([(x - reach, -reach), (x + reach, -reach), (x + reach, reach), (x - reach, reach)])
    underside = [(side.begin[0], high, side.begin[1]) for side in reversed(ring)]
    face(pen, underside, (0.45, 0.38, 0.32), (), both=False)
    for side in ring:
        face(pen, [side.point(0, high), side.point(side.length, high), (x, tip, 0.0)], roof, ("shingles",), both=False)


def _lancet(pen: Pen, side: Side, middle: float, low: float, wide: float, high: float) -> None:
    """Paint a narrow dark window with a pointed arch."""
    if wide * pen.pixels_per_metre < 2:
        return
    half = wide / 2
    shape: Sequence[tuple[float, float]] = [
        (-half, 0),
        (half, 0),
        (half, 0.62 * high),
        (0.55 * half, 0.86 * high),
        (0, high),
        (-0.55 * half, 0.86 * high),
        (-half, 0.62 * high),
    ]
    for grow, colour, out in ((1.3, (0.70, 0.66, 0.60), 0.04), (1.0, (0.07, 0.08, 0.11), 0.07)):
        corners = [side.point(middle + grow * u, low + grow * v - (grow - 1) * 0.4 * high, out) for u, v in shape]
        face(pen, corners, colour, ("rock_stone",) if grow > 1 else (), both=False)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "ruin": ruin,
    "castle_tower": castle_tower,
    "temple": temple,
    "pagoda": pagoda,
    "chapel": chapel,
}
SHOWS: dict[str, Attributes] = {
    "ruin": _OLD,
    "castle_tower": _OLD,
    "temple": ("temple", "rock_stone"),
    "pagoda": ("temple", "shingles", "wood"),
    "chapel": ("rock_stone", "shingles"),
}
HEIGHTS = {"ruin": 5.5, "castle_tower": 13.5, "temple": 9.5, "pagoda": 16.5, "chapel": 12.3}
