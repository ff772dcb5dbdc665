"""Sheets of pictures for print: cells in columns, frames that show a sign without colours, and scales.

The unit is a point.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from siam.drawing.colours import SOFT_INK
from siam.drawing.maps import CELL_UNIT, frame, signed_colours, striped
from siam.drawing.phrases import signed, tick_text
from siam.drawing.printing import pixels
from siam.drawing.shapes import Drawing, Label, Picture, outline, shortened, text_width

HAIRLINE = "#CBD2D9"
TEXT, SMALL = 7.0, 6.2  # pt
LINE = 9.0  # from line to line
WIDEST_FRAME, THINNEST_FRAME = 3.6, 0.6  # pt
GAP = 2 * WIDEST_FRAME + 4  # between pictures
MARGIN = WIDEST_FRAME + 0.4  # around the page

_TITLE = 14.0  # from a title's top to its picture
_NARROWEST = 68  # of a picture
_SHAPES = 0.6, 1.3  # height / width of the area for a picture


@dataclass(frozen=True)
class Cell:
    """One cell of a sheet: a picture and the line above it, in a frame if it has a value or asks for a hairline.

    The frame shows `value` by its width, its colour and its strokes: unbroken if positive, dashed if negative.
    """

    title: str
    image: Image.Image
    alt: str
    text: str = ""  # on the right of the title
    value: float | None = None
    hairline: bool = False


@dataclass(frozen=True)
class Grid:
    """Columns of equal width across a page, and the size of pictures of one shape in them."""

    width: float
    columns: int
    shape: float  # height / width of the pictures for which there is room
    titles: int = 1  # lines above each picture
    own: float | None = None  # height / width of a picture of another shape

    @property
    def across(self) -> float:
        """The width of a cell."""
        return (self.width - 2 * MARGIN - (self.columns - 1) * GAP) / self.columns

    @property
    def area(self) -> float:
        """The height of the area for a picture."""
        return self.across * min(max(self.shape, _SHAPES[0]), _SHAPES[1])

    @property
    def picture(self) -> tuple[float, float]:
        """The size of a picture."""
        shape = self.own or self.shape
        across = min(self.across, self.area / shape)
        return across, across * shape

    @property
    def row(self) -> float:
        """The height of a row, with the gap below it."""
        return _TITLE + (self.titles - 1) * LINE + self.area + GAP

    @property
    def pixels(self) -> tuple[int, int]:
        """The size at which pictures are computed."""
        return pixels(self.picture[0]), pixels(self.picture[1])

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Return the top left corner of a cell."""
        return MARGIN + column * (self.across + GAP), MARGIN + row * self.row


def grid(width: float, most: int, size: tuple[int, int], titles: int = 1, least: float = _NARROWEST) -> Grid:
    """Return the grid of a page for pictures of a size, with at most so many columns, none narrower than `least`."""
    columns = max(1, min(most, int((width - 2 * MARGIN + GAP) / (least + GAP))))
    return Grid(width, columns, size[1] / size[0], titles)


def frame_scale(values: Sequence[float]) -> float:
    """Return how many points of frame one point of the score gets, so that the largest frame is 3.6 points wide."""
    return WIDEST_FRAME / max((abs(value) for value in values if signed(value) != "0.00"), default=1.0)


def draw_cell(
    drawing: Drawing, of: Grid, place: tuple[int, int], cell: Cell, scale: float = 1.0, top: float = 0.0
) -> None:
    """Draw a cell of a grid whose first row starts `top` below its place; `scale` is that of frames."""
    x, y = of.corner(*place)
    y += top
    width, height = of.picture
    room = of.across - (text_width(cell.text, TEXT) + 4 if cell.text and of.titles == 1 else 0)
    drawing.items.append(Label(x, y + TEXT, shortened(cell.title, TEXT, room), TEXT))
    if cell.text:
        line = y + TEXT + (of.titles - 1) * LINE
        anchor, at = ("end", x + of.across) if of.titles == 1 else ("start", x)
        drawing.items.append(Label(at, line, shortened(cell.text, TEXT, of.across), TEXT, anchor))
    left = x + (of.across - width) / 2 if of.titles == 1 else x
    place_of = left, y + of.row - GAP - of.area, width, height
    if cell.value is not None:
        thick = max(THINNEST_FRAME, min(WIDEST_FRAME, abs(cell.value) * scale))
        drawing.items += frame(place_of, thick, cell.value)
    elif cell.hairline:
        drawing.items.append(outline(place_of, 0.4, HAIRLINE))
    drawing.items.append(Picture(*place_of, cell.image, cell.alt))


def draw_signed_scale(drawing: Drawing, place: tuple[float, float, float], limit: float, unit: str = CELL_UNIT) -> None:
    """Draw the scale of signed maps at (x, y, width), its negative half with the lines that `striped` draws."""
    end, ramp = tick_text(limit), np.linspace(-limit, limit, 256)[None]
    size = pixels(place[2]), pixels(6)
    bar = striped(signed_colours(ramp, limit, size), ramp, limit)
    draw_scale(drawing, place, bar, (f"−{end}", unit, f"+{end}"))


def draw_grey_scale(drawing: Drawing, place: tuple[float, float, float], limit: float) -> None:
    """Draw the scale of attribute maps at (x, y, width): from black to white."""
    grey = Image.linear_gradient("L").rotate(90)
    draw_scale(drawing, place, grey, ("0", "attribute maps", tick_text(limit)))


def draw_scale(
    drawing: Drawing, place: tuple[float, float, float], bar: Image.Image, texts: tuple[str, str, str]
) -> None:
    """Draw a colour bar at (x, y, width) with texts for its low end, its unit and its high end; the unit if it fits."""
    x, y, width = place
    drawing.items += [
        outline((x, y, width, 6), 0.4, HAIRLINE),
        Picture(x, y, width, 6, bar, f"{texts[1]}, from {texts[0]} to {texts[2]}"),
        Label(x, y + 14, texts[0], SMALL),
        Label(x + width, y + 14, texts[2], SMALL, "end"),
    ]
    ends = max(text_width(texts[0], SMALL), text_width(texts[2], SMALL))
    if text_width(texts[1], SMALL) + 2 * ends + 6 <= width:
        drawing.items.append(Label(x + width / 2, y + 14, texts[1], SMALL, "middle", SOFT_INK))


def sheet(
    title: str,
    width: float,
    cells: Sequence[Cell],
    most: int,
    size: tuple[int, int] | None = None,
    least: float = _NARROWEST,
) -> Drawing:
    """Return a page of cells, row by row.

    Args:
        title: of the drawing.
        width: of the page in points.
        cells: their pictures keep their shapes.
        most: columns, at most; fewer on a narrow page.
        size: for whose shape there is room, (width, height); None: the first picture's.
        least: width of a picture.
    """
    of = grid(width, most, size or cells[0].image.size, least=least)
    if any(text_width(cell.title, TEXT) + text_width(cell.text, TEXT) + 4 > of.across for cell in cells if cell.text):
        of = replace(of, titles=2)
    drawing = Drawing(width, 2 * MARGIN - GAP + -(-len(cells) // of.columns) * of.row, title)
    for place, cell in enumerate(cells):
        own = replace(of, own=cell.image.height / cell.image.width)
        draw_cell(drawing, own, divmod(place, of.columns), cell)
    return drawing


def extended(drawing: Drawing, limit: float, unit: str = CELL_UNIT) -> Drawing:
    """Return a drawing with the scale of its signed maps added at the bottom."""
    across = min(150.0, drawing.width - 2 * MARGIN)
    draw_signed_scale(drawing, (MARGIN, drawing.height + 2, across), limit, unit)
    drawing.height += 22
    return drawing
