"""Small things that lie or stand about: rubbish, wood, tents, cloth, scrap, bales and boulders."""

from collections.abc import Callable

import numpy as np

from siam.worlds.landscapes.objects.cloths import flags, parasols, tent, tents_group, washing_line
from siam.worlds.landscapes.objects.lumps import beside, bright_colour, lump, rod, row
from siam.worlds.landscapes.objects.timber import fallen_trunk, log_pile, pallets
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Attributes, Surface, face
from siam.worlds.landscapes.paint.pen import Pen, Point


def _scattered(
    pen: Pen, generator: np.random.Generator, count: int, across: float, away: float
) -> list[tuple[float, float]]:
    """Return places (x, z) in an ellipse, from far to near as the camera sees them."""
    angle, radius = generator.uniform(0, 2 * np.pi, count), np.sqrt(generator.uniform(0, 1, count))
    places = [(float(across * r * np.cos(a)), float(away * r * np.sin(a))) for a, r in zip(angle, radius, strict=True)]
    return sorted(places, key=lambda place: -pen.place((place[0], 0, place[1]))[2])


def tyre(pen: Pen, place: Point, radius: float, shows: Attributes) -> None:
    """Paint a tyre that leans."""
    x, y, z = place[0], place[1], place[-1]
    pen.disc((x, y + radius, z), (radius, radius), (0.08, 0.08, 0.09), shows)
    pen.disc((x, y + radius, z - 0.03), (0.58 * radius, 0.58 * radius), (0.22, 0.21, 0.20), shows)
    pen.disc((x, y + radius, z - 0.06), (0.5 * radius, 0.5 * radius), (0.04, 0.04, 0.04), shows)


def _crate(pen: Pen, generator: np.random.Generator, place: Point, surface: Surface, size: float) -> None:
    """Paint a box of up to `size` metres, turned at random."""
    wide, deep, high = size * generator.uniform(0.6, 1.0, 3)
    turn = generator.uniform(0, np.pi / 2)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    x, y, z = place[0], place[1], place[-1]
    ring = [(x + a * wide * cos - b * deep * sin, z + a * wide * sin + b * deep * cos)
            for a, b in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]  # fmt: skip
    for (x1, z1), (x2, z2) in zip(ring, ring[1:] + ring[:1], strict=True):
        face(pen, [(x1, y, z1), (x2, y, z2), (x2, y + high, z2), (x1, y + high, z1)], *surface, both=False)
    face(pen, [(a, y + high, b) for a, b in ring], *surface, both=False)


def rubbish_heap(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a heap of bags, boxes, planks and tyres, 1.6 m high and 5 m wide."""
    shows = ("dirty", "cluttered_space")
    wide, away = generator.uniform(2.1, 2.8), generator.uniform(1.2, 1.6)
    pen.shadow(1.3 * wide, 1.4 * away)
    for x, z in _scattered(pen, generator, 46, wide, away):
        up = 1.25 * max(0.0, 1 - (x / wide) ** 2 - 0.6 * (z / away) ** 2) * generator.uniform(0.2, 1.0)
        kind, size, colour = generator.random(), generator.uniform(0.28, 0.5), bright_colour(generator)
        lean = generator.uniform(-0.9, 0.9)
        surface = textures.plain((0.58, 0.44, 0.28) if kind < 0.65 else colour, generator, 0.12, 0.5), shows
        if kind < 0.45:
            dull = [(0.10, 0.10, 0.12), (0.14, 0.16, 0.20), (0.86, 0.86, 0.84), (0.30, 0.42, 0.62)][int(kind * 8.8)]
            lump(pen, generator, (x, up + 0.55 * size, z), (size, 0.75 * size, size), dull, shows, 0.16)
        elif kind < 0.80:
            _crate(pen, generator, (x, up, z), surface, 1.7 * size)
        elif kind < 0.90:
            tyre(pen, (x, up, z), 0.34, shows)
        else:
            rod(pen, (x - 0.9, up, z), (x + 0.9, up + lean, z - 0.2), 0.12, (0.55, 0.42, 0.28), shows)


def scrap_metal(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a heap of rusty sheets, drums and girders, 1.6 m high and 6 m wide."""
    shows = ("rusty", "metal", "cluttered_space")
    wide, away = generator.uniform(2.6, 3.2), generator.uniform(1.3, 1.7)
    pen.shadow(1.25 * wide, 1.3 * away)
    for x, z in _scattered(pen, generator, 34, wide, away):
        up = 1.0 * max(0.0, 1 - (x / wide) ** 2 - 0.6 * (z / away) ** 2) * generator.uniform(0.2, 1.0)
        kind, size = generator.random(), generator.uniform(0.6, 1.2)
        metal = textures.rust(generator) if generator.random() < 0.6 else textures.corrugated(generator, 0.6)
        lean, turn = generator.uniform(0.2, 0.9), generator.uniform(-0.7, 0.7)
        if kind < 0.45:
            corners = [(x - size, up, z), (x + size, up + 0.2 * turn, z + turn), (x + size, up + lean, z + turn + 0.5),
                       (x - size, up + lean, z + 0.5)]  # fmt: skip
            face(pen, corners, metal, shows)
        elif kind < 0.65:
            _crate(pen, generator, (x, up, z), (metal, shows), 0.8 * size)
        elif kind < 0.80:
            drum(pen, (x, up, z), 0.32, 0.85, (metal, shows))
        else:
            rod(pen, (x - size, up, z), (x + size, up + lean, z + turn), 0.14, (0.40, 0.21, 0.11), shows)


def drum(pen: Pen, place: Point, radius: float, high: float, surface: Surface) -> None:
    """Paint an upright drum."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    x, y, z = place[0], place[1], place[-1]
    ring = [(x + radius * float(np.cos(a)), z + radius * float(np.sin(a))) for a in angle]
    for number, ((x1, z1), (x2, z2)) in enumerate(zip(ring, ring[1:] + ring[:1], strict=True)):
        corners = [(x1, y, z1), (x2, y, z2), (x2, y + high, z2), (x1, y + high, z1)]
        face(pen, corners, *surface, both=False, start=0.6 * number * radius)
    face(pen, [(a, y + high, b) for a, b in ring], *surface, both=False)


def litter(pen: Pen, generator: np.random.Generator) -> None:
    """Draw cans, bottles, bags and paper scattered over 4 x 2 m; no attribute stands for them."""
    pen.shadow(2.2, 1.1, 0.06)
    for x, z in _scattered(pen, generator, 16, 2.0, 1.0):
        kind, size, turn = generator.random(), generator.uniform(0.10, 0.2), generator.uniform(0, 3)
        colour = bright_colour(generator)
        cos, sin = float(np.cos(turn)) * size, float(np.sin(turn)) * size
        if kind < 0.4:
            sheet = [
                (x - cos, 0.03, z - sin),
                (x + sin, 0.03, z - cos),
                (x + cos, 0.10, z + sin),
                (x - sin, 0.05, z + cos),
            ]
            pen.polygon(sheet, (0.93, 0.92, 0.88), (), facing=0.8)
        elif kind < 0.75:
            rod(pen, (x - 0.6 * cos, 0.06, z - 0.6 * sin), (x + 0.6 * cos, 0.06, z + 0.6 * sin), 0.11, colour, ())
        else:
            lump(pen, generator, (x, 0.5 * size, z), (1.1 * size, 0.8 * size, size), (0.90, 0.92, 0.95), (), 0.2)


def hay_bales(pen: Pen, generator: np.random.Generator) -> None:
    """Draw three to six round bales of hay, 1.4 m high, over 14 x 8 m."""
    for x, z in row(pen, generator, int(generator.integers(3, 7)), 12.0, 4.0):
        _bale(beside(pen, x, z), generator)


def _bale(pen: Pen, generator: np.random.Generator) -> None:
    radius, half, turn = generator.uniform(0.62, 0.74), 0.62, generator.uniform(0, np.pi)
    straw = np.array([0.80, 0.66, 0.36]) * generator.uniform(0.9, 1.08)
    hay, shows = textures.boards(generator, width=0.06, colours=(straw,)), ("farming",)
    pen.shadow(1.1, 0.9)
    angle = np.linspace(2 * np.pi, 0, 15)[:-1]

    def rim(along: float, share: float = 1.0) -> list[Point]:
        across = share * radius * np.cos(angle)
        points = zip(across.tolist(), (radius + share * radius * np.sin(angle)).tolist(), strict=True)
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        return [(along * cos - u * sin, up, along * sin + u * cos) for u, up in points]

    left, right = rim(-half), rim(half)
    for number in range(14):
        after = (number + 1) % 14
        face(pen, [left[number], right[number], right[after], left[after]], hay, shows, both=False)
    for out, share, tone in ((0.0, 1.0, 0.92), (0.01, 0.72, 0.78), (0.02, 0.40, 0.98)):
        face(pen, rim(-half - out, share), straw * tone, shows, both=False)
        face(pen, rim(half + out, share)[::-1], straw * tone, shows, both=False)


_ROCKS = ((0.66, 0.64, 0.60), (0.58, 0.58, 0.60), (0.70, 0.62, 0.53))


def boulder(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a boulder, 2 m high."""
    high = generator.uniform(1.75, 2.3)
    wide = high * generator.uniform(0.75, 1.1)
    pen.shadow(1.25 * wide, 0.9 * wide)
    lump(
        pen,
        generator,
        (0.0, 0.40 * high, 0.0),
        (wide, 0.60 * high, wide),
        bright_colour(generator, _ROCKS),
        ("rock_stone",),
        0.3,
    )


def boulders(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a group of five to nine boulders, up to 1.7 m high, over 8 x 4 m."""
    count, colour = int(generator.integers(5, 10)), bright_colour(generator, _ROCKS)
    pen.shadow(4.2, 2.2, 0.15)
    sizes = generator.uniform(0.35, 1.1, count)
    sizes[count // 2] = 1.65
    for size, (x, z) in zip(sizes, _scattered(pen, generator, count, 3.6, 1.6), strict=True):
        tone = np.array(colour) * generator.uniform(0.88, 1.1)
        lump(pen, generator, (x, 0.4 * size, z), (0.8 * size, 0.6 * size, 0.8 * size), tone, ("rock_stone",), 0.3)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "rubbish_heap": rubbish_heap, "scrap_metal": scrap_metal, "litter": litter, "log_pile": log_pile,
    "pallets": pallets, "tent": tent, "tents_group": tents_group, "washing_line": washing_line, "flags": flags,
    "parasols": parasols, "hay_bales": hay_bales, "boulder": boulder, "boulders": boulders,
    "fallen_trunk": fallen_trunk,
}  # fmt: skip
SHOWS: dict[str, Attributes] = {
    "rubbish_heap": ("dirty", "cluttered_space"), "scrap_metal": ("rusty", "metal", "cluttered_space"), "litter": (),
    "log_pile": ("wood",), "pallets": ("wood", "cluttered_space"), "tent": ("cloth",), "tents_group": ("cloth",),
    "washing_line": ("cloth",), "flags": ("cloth",), "parasols": ("cloth",), "hay_bales": ("farming",),
    "boulder": ("rock_stone",), "boulders": ("rock_stone",), "fallen_trunk": ("wood",),
}  # fmt: skip
HEIGHTS = {
    "rubbish_heap": 1.6, "scrap_metal": 1.6, "litter": 0.25, "log_pile": 1.9, "pallets": 1.7, "tent": 1.4,
    "tents_group": 1.4, "washing_line": 2.1, "flags": 6.6, "parasols": 2.3, "hay_bales": 1.4, "boulder": 2.0,
    "boulders": 1.65, "fallen_trunk": 0.85,
}  # fmt: skip
