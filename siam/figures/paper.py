"""One explanation in the paper's layout: photo and total maps on the left, the eight largest contributions beside."""

import io
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from PIL import Image

from siam.drawing.colours import SOFT_INK
from siam.drawing.maps import CELL_UNIT, display_photo, end_texts, frame, frame_factor, frame_width, signed_colours
from siam.drawing.phrases import number, score_text, signed, signed_map_text, tick_text
from siam.drawing.shapes import Box, Drawing, Label, Line, Picture, render_png, render_svg, shortened, text_width
from siam.explanation.inference import Explanation
from siam.explanation.recognition import legend, marked
from siam.explanation.wording import attribute_map_text
from siam.figures.maps import attribute_map, comparable_maps, map_limit, shared_limit

COUNT = 8  # attributes shown
SOURCE = "SIAM Explorer, after D. Marcos, S. Lobry and D. Tuia (2019)"
HAIRLINE = "#CBD2D9"

_MARGIN, _GAP, _TITLE = 28, 30, 32  # around the page, between cells, and for the title above each picture
_AREA = 42_000  # of a cell's picture
_MOST, _LEAST = (400, 260), (216, 110)  # largest and smallest (width, height) of that area
_TEXT, _SMALL, _LINE = 13, 11.5, 13
_PIXELS = 2  # per unit, in embedded maps


@dataclass(frozen=True)
class _Grid:
    """The cells of the figure; the first column holds photo and total maps, the others the attributes."""

    rows: int
    columns: int
    cell: tuple[float, float]  # of the area for a picture
    picture: tuple[float, float]  # of the picture in it

    @property
    def width(self) -> float:
        return 2 * _MARGIN + self.columns * self.cell[0] + (self.columns - 1) * _GAP

    @property
    def height(self) -> float:
        return 2 * _MARGIN + self.rows * (self.cell[1] + _TITLE) + (self.rows - 1) * _GAP + 30

    @property
    def pixels(self) -> tuple[int, int]:
        """Return the size at which maps are computed."""
        return max(1, round(self.picture[0] * _PIXELS)), max(1, round(self.picture[1] * _PIXELS))

    def place(self, position: int) -> tuple[int, int]:
        """Return row and column of the attribute at a position of the ranking."""
        row, column = divmod(position, self.columns - 1)
        return row, column + 1

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Return the top left corner of a cell."""
        return _MARGIN + column * (self.cell[0] + _GAP), _MARGIN + row * (self.cell[1] + _TITLE + _GAP)


@dataclass(frozen=True)
class _Cell:
    """One cell: a picture, framed or not, and the line above it; the frame of a contribution shows its sign."""

    title: str
    value: str
    image: Image.Image
    text: str
    frame: int = 0
    contribution: float | None = None


def paper_figure_png(explanation: Explanation) -> bytes:
    """Return the figure as a PNG file."""
    stream = io.BytesIO()
    render_png(paper_figure(explanation)).save(stream, "PNG")
    return stream.getvalue()


def paper_figure_svg(explanation: Explanation) -> str:
    """Return the figure as an SVG file with real text and embedded pictures."""
    return render_svg(paper_figure(explanation))


def paper_figure(explanation: Explanation) -> Drawing:
    """Return the layout of the figure, from which both files are drawn."""
    shown = explanation.ranking(count=COUNT)
    rows = 2 if explanation.baseline_map is None else 3
    grid = _grid(explanation.image.size, rows, 1 + ceil((len(shown) + 1) / rows))  # one more cell for the legend
    drawing = Drawing(grid.width, grid.height, f"Explanation of one photo by {explanation.model}")
    for row, cell in enumerate(_left_column(explanation, grid)):
        _draw_cell(drawing, grid, (row, 0), cell)
    limit, factor = map_limit(explanation, shown), frame_factor(item.value for item in shown)
    for position, item in enumerate(shown):
        cell = _Cell(
            marked(explanation.recognition, item.attribute),
            signed(item.value),
            attribute_map(explanation, item.index, limit, grid.pixels),
            attribute_map_text(explanation, item.index),
            frame_width(item.value, factor),
            item.value,
        )
        _draw_cell(drawing, grid, grid.place(position), cell)
    legend = grid.corner(*grid.place(len(shown)))
    _draw_legend(drawing, legend, min(grid.cell[0], 260), explanation, limit)
    _draw_caption(drawing, explanation)
    return drawing


def _grid(size: tuple[int, int], rows: int, columns: int) -> _Grid:
    aspect = size[0] / size[1]
    width = min(max(sqrt(_AREA * aspect), _LEAST[0]), _MOST[0])
    height = min(max(width / aspect, _LEAST[1]), _MOST[1])
    ratio = min(width / size[0], height / size[1])
    return _Grid(rows, columns, (round(width), round(height)), (size[0] * ratio, size[1] * ratio))


def _left_column(explanation: Explanation, grid: _Grid) -> list[_Cell]:
    """Return the photo, SIAM's total map and, if there is one, the baseline's."""
    scale, limit = explanation.scale, shared_limit(explanation)
    cells = [_Cell("Photo", "", display_photo(explanation.image, 800), "the photo")]
    maps = comparable_maps(explanation)
    scores = [explanation.scenicness, explanation.baseline_scenicness]
    for title, score, field in zip(("SIAM", "Baseline"), scores, maps, strict=False):
        value = "" if score is None else score_text(score, scale)
        image = signed_colours(field, limit, grid.pixels)
        cells.append(_Cell(title, value, image, signed_map_text(field), 1))  # white is a value, so outline the map
    return cells


def _draw_cell(drawing: Drawing, grid: _Grid, place: tuple[int, int], cell: _Cell) -> None:
    """Draw a cell: title on the left and value on the right, above the picture."""
    x, y = grid.corner(*place)
    room = grid.cell[0] - text_width(cell.value, _TEXT) - 8
    drawing.items.append(Label(x, y + 12, shortened(cell.title, _TEXT, room), _TEXT))
    if cell.value:
        drawing.items.append(Label(x + grid.cell[0], y + 12, cell.value, _TEXT, "end"))
    width, height = grid.picture
    area = (x + (grid.cell[0] - width) / 2, y + _TITLE, width, height)
    drawing.items += framing(area, cell.frame, cell.contribution)
    drawing.items.append(Picture(*area, cell.image, cell.text))


def framing(area: tuple[float, float, float, float], width: int, contribution: float | None) -> list[Box]:
    """Return what is drawn around a picture: the frame of its contribution, or a line of a given width."""
    if contribution is not None:
        return frame(area, width, contribution)
    x, y, across, down = area
    return [Box(x - width, y - width, across + 2 * width, down + 2 * width, HAIRLINE)] if width else []


def _draw_legend(
    drawing: Drawing, corner: tuple[float, float], width: float, explanation: Explanation, grey_limit: float
) -> None:
    """Draw both scales, and the sum that leads to the score."""
    x, y = corner
    limit = shared_limit(explanation)
    low, high = end_texts(limit)
    bar = signed_colours(np.linspace(-limit, limit, 256)[None], limit)
    grey = Image.linear_gradient("L").rotate(90)  # from black to white
    end = draw_scale(drawing, (x, y + 4, width), bar, (low, CELL_UNIT, high))
    end = draw_scale(drawing, (x, end + 13, width), grey, ("0", "attribute maps", tick_text(grey_limit)))
    line = end + 29
    for text, value in _sum(explanation):
        drawing.items += [Label(x, line, text, _SMALL, fill=SOFT_INK), Label(x + width, line, value, _SMALL, "end")]
        line += 16
    drawing.items.append(Line(x, line - 28, x + width, line - 28, HAIRLINE))


def draw_scale(
    drawing: Drawing, place: tuple[float, float, float], bar: Image.Image, texts: tuple[str, str, str]
) -> float:
    """Draw a colour bar at (x, y, width) with texts for its low end, its unit and its high end; return where it ends.

    The unit has a line of its own if all three are too wide.
    """
    x, y, width = place
    below = 0 if text_width("  ".join(texts), _SMALL) <= width else _LINE
    drawing.items += [
        Box(x - 1, y - 1, width + 2, 10, HAIRLINE),
        Picture(x, y, width, 8, bar, f"{texts[1]}, from {texts[0]} to {texts[2]}"),
        Label(x, y + 21, texts[0], _SMALL),
        Label(x + width / 2, y + 21 + below, texts[1], _SMALL, "middle", SOFT_INK),
        Label(x + width, y + 21, texts[2], _SMALL, "end"),
    ]
    return y + 21 + below


def _sum(explanation: Explanation) -> list[tuple[str, str]]:
    """Return the lines that add up to the score."""
    shown = explanation.ranking(count=COUNT)
    others = len(explanation.attributes) - len(shown)
    lines = [("bias", number(explanation.bias)), (f"the {len(shown)} shown", signed(sum(i.value for i in shown)))]
    if others:
        lines.append((f"{others} other{'s' * (others > 1)}", signed(explanation.others(COUNT))))
    return [*lines, ("score", number(explanation.scenicness))]


def _draw_caption(drawing: Drawing, explanation: Explanation) -> None:
    """Write the networks, the scale, what marks beside names mean, and the source at the bottom."""
    scale = explanation.scale
    rating = f"{scale.name} from {scale.low:g} to {scale.high:g}"
    room = drawing.width - 2 * _MARGIN
    source = SOURCE if text_width(SOURCE, _SMALL) < 0.6 * room else ""
    signs = legend(explanation.recognition, (item.attribute for item in explanation.ranking(count=COUNT)))
    parts = [explanation.model, rating, signs] if signs else [explanation.model, rating]
    left = shortened(" · ".join(parts), _SMALL, room - text_width(source, _SMALL) - 16)
    drawing.items.append(Label(_MARGIN, drawing.height - _MARGIN + 4, left, _SMALL))
    if source:
        drawing.items.append(
            Label(drawing.width - _MARGIN, drawing.height - _MARGIN + 4, source, _SMALL, "end", SOFT_INK)
        )
