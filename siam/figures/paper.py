"""One explanation in the paper's layout: photo and total maps on the left, the eight largest contributions beside.

The unit is a point, so that the figure can be printed as it is. Narrow figures have fewer columns, not smaller text.
"""

import io
from math import ceil

from siam.drawing.colours import SOFT_INK
from siam.drawing.maps import display_photo, signed_colours, striped
from siam.drawing.phrases import number, score_text, signed, signed_map_text
from siam.drawing.printing import DPI, PAGE, points
from siam.drawing.shapes import Drawing, Label, Line, render_png, shortened, text_width
from siam.explanation.inference import Explanation
from siam.explanation.recognition import legend, marked
from siam.explanation.wording import attribute_map_text
from siam.figures.maps import attribute_map, comparable_maps, map_limit, shared_limit
from siam.figures.sheet import (
    GAP,
    HAIRLINE,
    LINE,
    MARGIN,
    SMALL,
    TEXT,
    Cell,
    Grid,
    draw_cell,
    draw_grey_scale,
    draw_signed_scale,
    frame_scale,
    grid,
)

COUNT = 8  # attributes shown
SOURCE = "SIAM Explorer, after D. Marcos, S. Lobry and D. Tuia (2019)"

_WIDE = 330  # figures at least this wide have the photo and its maps in a column of their own


def paper_figure_png(explanation: Explanation) -> bytes:
    """Return the figure as a PNG file, as wide as a page at 300 dpi."""
    stream = io.BytesIO()
    render_png(paper_figure(explanation), DPI / 72).save(stream, "PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def paper_figure(explanation: Explanation, width: float = points(PAGE), credit: bool = True) -> Drawing:
    """Return the layout of the figure, from which all files are drawn.

    Args:
        explanation: of one photo.
        width: of the figure in points.
        credit: whether the networks, the scale and the source are written at the bottom.
    """
    shown, maps = explanation.ranking(count=COUNT), 1 + len(comparable_maps(explanation))
    wide = width >= _WIDE
    columns = min(4, max(3, 1 + ceil((len(shown) + 1) / 3))) if wide else 3
    first = grid(width, columns, explanation.image.size)
    texts = [(marked(explanation.recognition, item.attribute), signed(item.value)) for item in shown]
    main = _main_cells(explanation, first)
    fits = all(
        text_width(title, TEXT) + text_width(text, TEXT) + 4 <= first.across
        for title, text in [*texts, *((cell.title, cell.text) for cell in main)]
    )
    of = Grid(first.width, first.columns, first.shape, 1 if fits or wide else 2)
    places = _places(maps, len(shown), of.columns, wide)
    drawing = Drawing(width, 0, f"Explanation of one photo by {explanation.model}")
    limit, scale = map_limit(explanation, shown), frame_scale([item.value for item in shown])
    for place, cell in zip(places, main, strict=False):
        draw_cell(drawing, of, place, cell)
    for place, item, (title, text) in zip(places[maps:], shown, texts, strict=False):
        image = attribute_map(explanation, item.index, limit, of.pixels)
        cell = Cell(title, image, attribute_map_text(explanation, item.index), text, item.value)
        draw_cell(drawing, of, place, cell, scale)
    bottom = of.corner(max(row for row, _column in places) + 1, 0)[1] - GAP
    below = _draw_legend(drawing, of.corner(*places[-1]), min(of.across, 170), explanation, limit)
    drawing.height = max(bottom, below) + MARGIN
    if credit:
        _draw_credit(drawing, explanation)
    return drawing


def _places(maps: int, count: int, columns: int, wide: bool) -> list[tuple[int, int]]:
    """Return (row, column) of photo and maps, of so many attributes, and of the legend."""
    if wide:
        places = [divmod(number, columns - 1) for number in range(count + 1)]
        beside = [(row, column + 1) for row, column in places]
        if maps < 3 and count >= 3:  # the legend has room below the maps
            beside[-1] = (2, 0)
        return [*((row, 0) for row in range(maps)), *beside]
    first = -(-maps // columns)
    below = [divmod(number, columns) for number in range(count + 1)]
    return [*(divmod(number, columns) for number in range(maps)), *((row + first, column) for row, column in below)]


def _main_cells(explanation: Explanation, of: Grid) -> list[Cell]:
    """Return the photo, SIAM's total map and, if there is one, the baseline's."""
    scale, limit = explanation.scale, shared_limit(explanation)
    cells = [Cell("Photo", display_photo(explanation.image, max(of.pixels)), "the photo")]
    scores = [explanation.scenicness, explanation.baseline_scenicness]
    for title, score, field in zip(("SIAM", "Baseline"), scores, comparable_maps(explanation), strict=False):
        text = "" if score is None else score_text(score, scale)
        image = striped(signed_colours(field, limit, of.pixels), field, limit)
        cells.append(Cell(title, image, signed_map_text(field), text, hairline=True))  # white is a value
    return cells


def _draw_legend(
    drawing: Drawing, corner: tuple[float, float], width: float, explanation: Explanation, grey_limit: float
) -> float:
    """Draw both scales, and the sum that leads to the score; return where they end."""
    x, y = corner
    draw_signed_scale(drawing, (x, y + 4, width), shared_limit(explanation))
    draw_grey_scale(drawing, (x, y + 25, width), grey_limit)
    line = y + 54.0
    for text, value in _sum(explanation):
        drawing.items += [Label(x, line, text, SMALL, fill=SOFT_INK), Label(x + width, line, value, SMALL, "end")]
        line += LINE
    drawing.items.append(Line(x, line - 2 * LINE + 2.2, x + width, line - 2 * LINE + 2.2, HAIRLINE, 0.6))
    return line - LINE + 2


def _sum(explanation: Explanation) -> list[tuple[str, str]]:
    """Return the lines that add up to the score."""
    shown = explanation.ranking(count=COUNT)
    others = len(explanation.attributes) - len(shown)
    lines = [("bias", number(explanation.bias)), (f"the {len(shown)} shown", signed(sum(i.value for i in shown)))]
    if others:
        lines.append((f"{others} other{'s' * (others > 1)}", signed(explanation.others(COUNT))))
    return [*lines, ("score", number(explanation.scenicness))]


def _draw_credit(drawing: Drawing, explanation: Explanation) -> None:
    """Write the networks, the scale, what marks beside names mean, and the source at the bottom."""
    names = (item.attribute for item in explanation.ranking(count=COUNT))
    write_credit(drawing, explanation, legend(explanation.recognition, names))


def write_credit(drawing: Drawing, explanation: Explanation, signs: str = "") -> None:
    """Make a drawing higher by one line at the bottom: the networks, the scale, what signs mean, and the source."""
    scale, drawing.height = explanation.scale, drawing.height + 2 * LINE
    room, line = drawing.width - 2 * MARGIN, drawing.height - MARGIN
    rating = f"{scale.name} from {scale.low:g} to {scale.high:g}"
    left = " · ".join(filter(None, (explanation.model, rating, signs)))
    source = SOURCE if text_width(SOURCE, SMALL) < 0.6 * room else ""
    left = shortened(left, SMALL, room - text_width(source, SMALL) - 8)
    drawing.items.append(Label(MARGIN, line, left, SMALL))
    if source:
        drawing.items.append(Label(drawing.width - MARGIN, line, source, SMALL, "end", SOFT_INK))
