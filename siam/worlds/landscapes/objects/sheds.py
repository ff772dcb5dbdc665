"""Sheds, halls, greenhouses, offices, silos, and a house behind a scaffold."""

from collections.abc import Callable, Sequence

import numpy as np

from siam.worlds.landscapes.objects.building import Block, box, opening, sides
from siam.worlds.landscapes.objects.houses import brick_house_body
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Attributes, Surface, face
from siam.worlds.landscapes.paint.pen import Pen, Point


def _shed(pen: Pen, generator: np.random.Generator, block: Block, rust: float, shows: Attributes) -> None:
    """Draw a shed of corrugated metal with a wide door in front, and strips of glass or none."""
    wall, roof = textures.corrugated(generator, rust), textures.corrugated(generator, rust)
    gate = textures.corrugated(generator, rust, upright=False)
    place, wide = generator.uniform(0.3, 0.7), generator.uniform(3.2, 4.4)
    pen.shadow(0.62 * block.width, 0.62 * block.depth)
    block.walls(pen, (wall, shows))
    front, right, _back, left = block.sides
    high = 0.78 * block.eaves
    if rust:
        opening(pen, front, place * front.length, 0.0, 0.8 * wide, high, ((0.06, 0.05, 0.05), ()))
        front.patch(pen, (place * front.length + 0.4 * wide, place * front.length + 1.1 * wide, 0.0, high + 0.1),
                    (gate, shows), 0.12)  # fmt: skip
    else:
        opening(pen, front, place * front.length, 0.0, wide, high, (gate, shows), (0.80, 0.80, 0.78))
        opening(pen, front, 0.12 * front.length, 0.0, 1.0, 2.1, ((0.30, 0.34, 0.40), ()), (0.8, 0.8, 0.78))
    for side in (left, right):
        opening(pen, side, side.length / 2, 0.0, 0.5 * side.length, 0.85 * high, (gate, shows))
    block.roof(pen, (roof, shows), edge=(0.55, 0.56, 0.58))


def metal_shed(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a large shed of corrugated metal, 5.5 m."""
    width, depth, eaves = generator.uniform(12, 18), generator.uniform(8, 11), generator.uniform(3.7, 4.3)
    _shed(pen, generator, Block(width, depth, eaves, eaves + 0.15 * depth), 0.0, ("metal",))


def rusty_barn(pen: Pen, generator: np.random.Generator) -> None:
    """Draw an old barn of rusty sheets, 5 m."""
    width, depth, eaves = generator.uniform(8, 11), generator.uniform(6, 8), generator.uniform(3.0, 3.5)
    block = Block(width, depth, eaves, eaves + 0.25 * depth)
    _shed(pen, generator, block, float(generator.uniform(0.55, 0.8)), ("metal", "rusty", "aged_worn"))


def _flat(pen: Pen, width: float, depth: float, high: float, surface: Surface) -> None:
    """Paint a slab that juts out a little over walls, as the edge of a flat roof."""
    box(pen, -width / 2 - 0.3, width / 2 + 0.3, -depth / 2 - 0.3, depth / 2 + 0.3, high, high + 0.5, surface)


def glass_hall(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a hall with fronts of glass in metal frames, 7 m."""
    width, depth, high = generator.uniform(15, 22), generator.uniform(9, 13), generator.uniform(6.0, 7.0)
    pane = textures.glass(pen.light, generator, (1.8, high / 3), 0.14)
    sheet = textures.corrugated(generator)
    pen.shadow(0.6 * width, 0.6 * depth)
    for number, side in enumerate(Block(width, depth, high, high).sides):
        if number == 2:
            side.patch(pen, (0, side.length, -0.9, high), (sheet, ("metal",)))
            continue
        side.patch(pen, (0, side.length, 0.0, high), (pane, ("glass",)), glow=True)
        side.patch(pen, (0, side.length, -0.9, 0.5), (sheet, ("metal",)), 0.05)
        side.patch(pen, (0, 0.4, 0.0, high), (sheet, ("metal",)), 0.05)
        side.patch(pen, (side.length - 0.4, side.length, 0.0, high), (sheet, ("metal",)), 0.05)
    _flat(pen, width, depth, high, (sheet, ("metal",)))


def greenhouse(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a greenhouse with green rows behind its panes, 3.6 m."""
    width, depth, eaves = generator.uniform(11, 18), generator.uniform(4.5, 6), generator.uniform(1.9, 2.2)
    block = Block(width, depth, eaves, eaves + generator.uniform(1.3, 1.6), over=0.05)
    pane = textures.glass(pen.light, generator, (0.9, 1.0), 0.08, inside=(0.20, 0.34, 0.12))
    roof = textures.glass(pen.light, generator, (0.9, 1.5), 0.08, inside=(0.24, 0.36, 0.18))
    shows = ("glass", "farming")
    pen.shadow(0.58 * width, 0.62 * depth)
    for number, side in enumerate(block.sides):
        place = [(0.0, 0.0), (side.length, 0.0), (side.length, eaves), (0.0, eaves)]
        if number % 2:
            place.insert(3, (side.length / 2, block.ridge))
        face(pen, [side.point(u, v) for u, v in place], pane, shows, both=False, glow=True)
        side.patch(pen, (0, side.length, -0.9, 0.35), ((0.55, 0.54, 0.52), ()), 0.05)
    for sign in (-1, 1):
        end, near = sign * width / 2, sign * depth / 2
        slope = [(end, eaves, near), (-end, eaves, near), (-end, block.ridge, 0.0), (end, block.ridge, 0.0)]
        face(pen, slope, roof, shows, both=False, glow=True)
    pen.line([(-width / 2, block.ridge, 0.0), (width / 2, block.ridge, 0.0)], 0.12, (0.8, 0.8, 0.8), shows)


def _offices(pen: Pen, generator: np.random.Generator, wall: textures.Material, shows: Attributes) -> None:
    """Draw storeys of windows in bands between walls."""
    width, depth, storeys = generator.uniform(15, 21), generator.uniform(10, 13), int(generator.integers(4, 6))
    tall = 16.5 / storeys
    pane = textures.glass(pen.light, generator, (generator.uniform(1.2, 2.2), tall), 0.12)
    split = bool(generator.random() < 0.5)
    high = storeys * tall
    pen.shadow(0.6 * width, 0.6 * depth)
    for side in box(
        pen, -width / 2, width / 2, -depth / 2, depth / 2, -0.9, high, (wall, shows), ((0.4, 0.4, 0.4), ())
    ):
        for storey in range(storeys):
            low, top = storey * tall + 0.32 * tall, storey * tall + 0.86 * tall
            ends = [(0.6, side.length / 2 - 0.5), (side.length / 2 + 0.5, side.length - 0.6)] if split else [
                (0.6, side.length - 0.6)]  # fmt: skip
            for left, right in ends:
                side.patch(pen, (left, right, low, top), (pane, ("glass",)), 0.06, glow=True)
    _flat(pen, width, depth, high, (wall, shows))


def office_block(pen: Pen, generator: np.random.Generator) -> None:
    """Draw offices clad with metal, 17 m."""
    _offices(pen, generator, textures.corrugated(generator, upright=False), ("metal",))


def brick_office(pen: Pen, generator: np.random.Generator) -> None:
    """Draw offices of brick, 17 m."""
    _offices(pen, generator, textures.brick(generator), ("brick",))


def scaffolded_house(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a house of brick behind a scaffold of poles and boards, 9 m."""
    body = brick_house_body(pen, generator, ("brick", "cluttered_space"))
    deck = textures.boards(generator, colours=((0.72, 0.56, 0.34),))
    left, right = -body.width / 2 - 1.3, body.width / 2 + 1.3
    near, inner = -body.depth / 2 - 1.6, -body.depth / 2 - 0.7
    steel, metal = (0.70, 0.72, 0.74), ("metal", "cluttered_space")
    columns = np.linspace(left, right, 7)
    top = body.eaves + 1.2
    for away in (inner, near):
        for x in columns:
            pen.line([(x, 0, away), (x, top, away)], 0.09, steel, metal, least=1.4)
    for level in np.arange(1.9, body.eaves + 0.5, 1.9):
        box(pen, left, right, near - 0.02, inner, level - 0.08, level + 0.14, (deck, ("wood", "cluttered_space")))
        for rail in (0.6, 1.1):
            _bar(pen, (left, level + rail, near - 0.05), (right, level + rail, near - 0.05), 0.08, steel, metal)
    for first, second in zip(columns[:-1:2], columns[1::2], strict=False):
        _bar(pen, (first, 0.0, near - 0.06), (second, top, near - 0.06), 0.07, steel, metal)


def _bar(pen: Pen, first: Point, second: Point, width: float, colour: Sequence[float], shows: Attributes) -> None:
    """Draw a bar in short pieces, each with its own depth."""
    steps = np.linspace(first, second, 9)
    pen.line([(x, y, z) for x, y, z in steps.tolist()], width, colour, shows, least=1.3)


def silo(pen: Pen, generator: np.random.Generator) -> None:
    """Draw one to three silos of ribbed metal, 11 m."""
    count, radius, high = int(generator.integers(1, 4)), generator.uniform(2.0, 2.7), generator.uniform(8.4, 9.6)
    sheets = [textures.corrugated(generator, upright=False) for _number in range(3)]
    shows = ("metal", "farming")
    for number in sorted(range(count), key=lambda k: -pen.place(((k - (count - 1) / 2) * 2.3 * radius, 0, 0))[2]):
        x = (number - (count - 1) / 2) * 2.3 * radius
        if number == 0:
            pen.shadow(1.3 * radius * count, 1.6 * radius)
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        ring = [(x + radius * float(np.cos(a)), radius * float(np.sin(a))) for a in angle]
        start = 0.0
        for side in sides(ring):
            corners = [side.point(u, v) for u, v in ((0, -0.9), (side.length, -0.9), (side.length, high), (0, high))]
            face(pen, corners, sheets[0], shows, start=start, both=False)
            start += side.length
        for side in sides(ring):
            a, b = side.point(0, high - 0.1, 0.15), side.point(side.length, high - 0.1, 0.15)
            face(pen, [a, b, (x, high + 0.8 * radius, 0.0)], sheets[1], shows, both=False)


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "metal_shed": metal_shed, "rusty_barn": rusty_barn, "glass_hall": glass_hall, "greenhouse": greenhouse,
    "office_block": office_block, "brick_office": brick_office, "scaffolded_house": scaffolded_house, "silo": silo,
}  # fmt: skip
SHOWS: dict[str, Attributes] = {
    "metal_shed": ("metal",), "rusty_barn": ("metal", "rusty", "aged_worn"), "glass_hall": ("glass", "metal"),
    "greenhouse": ("glass", "farming"), "office_block": ("glass", "metal"), "brick_office": ("glass", "brick"),
    "scaffolded_house": ("brick", "shingles", "glass", "metal", "wood", "cluttered_space"),
    "silo": ("metal", "farming"),
}  # fmt: skip
HEIGHTS = {
    "metal_shed": 5.5, "rusty_barn": 5.0, "glass_hall": 7.0, "greenhouse": 3.6, "office_block": 17.0,
    "brick_office": 17.0, "scaffolded_house": 9.0, "silo": 11.0,
}  # fmt: skip
