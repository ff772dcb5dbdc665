"""Houses of brick, wood, shingles and stone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from siam.worlds.landscapes.objects.building import FRAMES, Block, Side, box, opening
from siam.worlds.landscapes.paint import textures
from siam.worlds.landscapes.paint.faces import Attributes
from siam.worlds.landscapes.paint.pen import Pen
from siam.worlds.landscapes.paint.textures import Colour, Material


@dataclass(frozen=True)
class _Style:
    """How a kind of house varies: metres, and what its walls and roof are made of."""

    width: tuple[float, float]
    depth: tuple[float, float]
    eaves: tuple[float, float]
    rise: tuple[float, float]
    wall: Callable[[np.random.Generator], Material]
    shows: Attributes
    roof: Callable[[np.random.Generator], Material]
    roof_shows: Attributes = ("shingles",)
    rows: int = 2
    units: int = 1
    over: float = 0.4
    chimney: bool = True


_DOORS = ((0.20, 0.32, 0.24), (0.50, 0.14, 0.12), (0.16, 0.24, 0.42), (0.30, 0.20, 0.14), (0.62, 0.55, 0.30))


def house(pen: Pen, generator: np.random.Generator, style: _Style) -> Block:
    """Draw a house of a style with windows, doors and chimneys, and return its body."""
    units = style.units if style.units == 1 else int(generator.integers(3, style.units + 1))
    width, depth, eaves, rise = (
        float(generator.uniform(*span)) for span in (style.width, style.depth, style.eaves, style.rise)
    )
    block = Block(width * units, depth, eaves, eaves + rise, over=style.over)
    wall, roof = style.wall(generator), style.roof(generator)
    frame = FRAMES[int(generator.integers(len(FRAMES)))]
    doors = [_DOORS[int(generator.integers(len(_DOORS)))] for unit in range(5)]
    pane = textures.glass(pen.light, generator, (0.55, 0.7), 0.06)
    chimneys = generator.uniform(-0.32, 0.32, 5)
    pen.shadow(0.62 * block.width + 0.5, 0.62 * block.depth + 0.5)
    block.walls(pen, (wall, style.shows))
    for number, side in enumerate(block.sides):
        _openings(pen, side, style, units, number, (pane, frame, doors), eaves)
    for unit in range(units if style.chimney else 0):
        x = (unit + 0.5 - units / 2 + chimneys[unit]) * width
        top = block.ridge + 0.7
        box(pen, x - 0.42, x + 0.42, -0.35, 0.35, block.ridge - 0.8, top, (wall, style.shows))
        box(pen, x - 0.2, x + 0.2, -0.15, 0.15, top, top + 0.25, ((0.55, 0.32, 0.22), ()))
    block.roof(pen, (roof, style.roof_shows))
    return block


def _openings(pen: Pen, side: Side, style: _Style, units: int, number: int,
              look: tuple[Material, Colour, Sequence[Colour]], eaves: float) -> None:  # fmt: skip
    """Paint the windows and doors of one side: 0 is the front, then counter-clockwise."""
    pane, frame, doors = look
    gable = number % 2 == 1
    count = max(1, round(side.length / (4.0 if gable else 2.7)))
    storey = eaves / style.rows
    for place in range(count):
        middle = (place + 0.5) * side.length / count
        for row in range(style.rows):
            if number == 0 and row == 0 and place % max(1, count // units) == count // units // 2:
                door = doors[int(middle / side.length * units)]
                opening(pen, side, middle, 0.05, 1.05, min(2.15, storey - 0.3), (door, ()), frame)
                continue
            high = min(1.45, 0.52 * storey)
            opening(pen, side, middle, row * storey + 0.36 * storey, 1.15, high, (pane, ("glass",)), frame, glow=True)
    if gable:
        opening(pen, side, side.length / 2, eaves + 0.35, 0.9, 0.9, (pane, ("glass",)), frame, glow=True)


def _plaster(generator: np.random.Generator) -> Material:
    colours = ((0.90, 0.88, 0.82), (0.93, 0.92, 0.90), (0.88, 0.80, 0.62), (0.82, 0.66, 0.56), (0.74, 0.80, 0.82))
    return textures.plain(colours[int(generator.integers(len(colours)))], generator)


def _logs(generator: np.random.Generator) -> Material:
    return textures.boards(generator, width=0.28, log=bool(generator.random() < 0.6))


def _shakes(generator: np.random.Generator) -> Material:
    return textures.shingles(generator, ((0.36, 0.30, 0.24), (0.44, 0.40, 0.36), (0.40, 0.26, 0.17)), 0.3)


def _rubble(generator: np.random.Generator) -> Material:
    return textures.stone(generator, 0.3, moss=0.5)


def _slates(generator: np.random.Generator) -> Material:
    return textures.shingles(generator, worn=0.9)


_BRICK_HOUSE = _Style((8.5, 10.5), (6.8, 8.0), (4.9, 5.4), (2.6, 3.2), textures.brick, ("brick",), textures.shingles)
_TERRACE = _Style((4.8, 5.6), (7.4, 8.4), (5.2, 5.6), (2.4, 2.9), textures.brick, ("brick",), textures.shingles,
                  units=5, over=0.25)  # fmt: skip
_COTTAGE = _Style((8.0, 11.0), (7.0, 8.2), (2.5, 2.8), (3.6, 4.3), _plaster, (), textures.shingles, rows=1, over=0.7)
_CABIN = _Style((5.5, 7.5), (4.8, 6.0), (2.3, 2.6), (1.8, 2.4), _logs, ("wood",), _shakes, ("wood", "shingles"), rows=1,
                over=0.7, chimney=False)  # fmt: skip
_STONE = _Style((7.5, 9.5), (5.6, 6.6), (2.7, 3.1), (2.4, 3.0), _rubble, ("rock_stone", "aged_worn"), _slates,
                ("shingles", "aged_worn"), rows=1, over=0.25)  # fmt: skip


def brick_house(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a house of brick with two storeys, 9 m to the top of the chimney."""
    house(pen, generator, _BRICK_HOUSE)


def brick_terrace(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a row of three to five houses of brick, 9 m."""
    house(pen, generator, _TERRACE)


def shingled_cottage(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a plastered cottage under a large roof, 7.5 m."""
    house(pen, generator, _COTTAGE)


def wooden_cabin(pen: Pen, generator: np.random.Generator) -> None:
    """Draw a cabin of logs or boards, roofed with shingles of wood, 4.6 m."""
    house(pen, generator, _CABIN)


def stone_cottage(pen: Pen, generator: np.random.Generator) -> None:
    """Draw an old cottage of rubble under mossy slates, 6.5 m."""
    house(pen, generator, _STONE)


def brick_house_body(pen: Pen, generator: np.random.Generator, shows: Attributes) -> Block:
    """Draw a brick house whose walls show other attributes, and return its body."""
    return house(pen, generator, replace(_BRICK_HOUSE, shows=shows))


OBJECTS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "brick_house": brick_house, "brick_terrace": brick_terrace, "shingled_cottage": shingled_cottage,
    "wooden_cabin": wooden_cabin, "stone_cottage": stone_cottage,
}  # fmt: skip
SHOWS: dict[str, Attributes] = {
    "brick_house": ("brick", "shingles", "glass"), "brick_terrace": ("brick", "shingles", "glass"),
    "shingled_cottage": ("shingles", "glass"), "wooden_cabin": ("wood", "shingles", "glass"),
    "stone_cottage": ("rock_stone", "shingles", "glass", "aged_worn"),
}  # fmt: skip
HEIGHTS = {"brick_house": 9.0, "brick_terrace": 9.0, "shingled_cottage": 7.5, "wooden_cabin": 4.6, "stone_cottage": 6.5}
