"""The map of a gallery for print: the data, colours and axes of `siam.figures.geography`, legible in grey.

What lowers the score is a square among discs, and has a level line in its square of means. The unit is a point.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale

from siam.drawing.coastline import coastline
from siam.drawing.colours import PAPER, SOFT_INK
from siam.drawing.phrases import number
from siam.drawing.printing import pixels
from siam.drawing.shapes import Box, Disc, Drawing, Label, Line, Polyline, Shape, text_width
from siam.figures.charts import round_values
from siam.figures.geography import CELLS, MOST, UNSIGNED, View, colours_of, seen, squares, title, view_of
from siam.figures.geography import Box as Place
from siam.figures.sheet import SMALL, TEXT, draw_scale, draw_signed_scale
from siam.gallery.cases import Cases
from siam.gallery.means import numbers

_FLATTEST, _STEEPEST = 0.45, 1.0  # height / width of a map
_COAST, _GRID, _EDGE, _FRAME = "#8A949E", "#E3E6E9", "#5A6B7B", "#8A949E"
_HAIR, _THIN = 0.4, 0.6  # pt
_DETAIL = 800  # steps of the coast along the longer side
_MARGIN, _GAP = 3.0, 4.0  # pt
_SCALE, _BELOW = 200.0, 24.0  # pt: the width of the scale of colours, at most, and the height of what belongs to it
_SHADES = 256
_LARGEST = ((500, 2.6), (5000, 1.9), (MOST, 1.3))  # pt: radius of a point if there are at most so many


class _Sheet:
    """The part of a page that shows a part of the world."""

    def __init__(self, view: View, left: float, top: float, width: float) -> None:
        self.view, self.left, self.top, self.width = view, left, top, width
        self.scale = width / (view.east - view.west)  # pt per degree of longitude
        self.height = (view.north - view.south) * self.scale / view.ratio

    def x(self, longitude: np.ndarray | float) -> np.ndarray:
        return self.left + (np.asarray(longitude) - self.view.west) * self.scale

    def y(self, latitude: np.ndarray | float) -> np.ndarray:
        return self.top + (self.view.north - np.asarray(latitude)) * self.scale / self.view.ratio


def map_drawing(cases: Cases, rows: np.ndarray, measure: str, width: float, place: Place | None = None) -> Drawing:
    """Return the map of some photos, at least one, all of them with coordinates.

    Args:
        cases: of the gallery.
        rows: the photos to draw.
        measure: one of `siam.figures.geography.measures`.
        width: of the drawing in points.
        place: a rectangle to show, with room around it; None: where the photos are.
    """
    view = view_of(cases, rows, place).shaped(_FLATTEST, _STEEPEST)
    rows = seen(cases, rows, view)
    values = numbers(cases)[measure][rows]
    across = view.across(cases.table["longitude"].to_numpy()[rows])
    up = cases.table["latitude"].to_numpy()[rows]
    levels = [(at, f"{text}°") for at, text in round_values(view.south, view.north)]
    left = _MARGIN + max(text_width(text, TEXT) for _at, text in levels) + _GAP
    sheet = _Sheet(view, left, _MARGIN + TEXT + _GAP, width - left - _MARGIN)
    drawing = Drawing(width, 0, title(cases, measure))
    drawing.items += _axes(sheet, levels)
    drawing.items += _coast(sheet)
    if len(rows) > MOST:
        drawing.items += _means(sheet, across, up, values, measure)
    else:
        drawing.items += _points(sheet, across, up, values, measure)
    line = sheet.top + sheet.height + _GAP + TEXT + 9
    drawing.items.append(Label(sheet.left + sheet.width / 2, line, "longitude, ° east", TEXT, "middle", SOFT_INK))
    _draw_scale(drawing, sheet, line + 10, values if len(rows) <= MOST else _shown(sheet, across, up, values), measure)
    drawing.height = line + 10 + _BELOW + _MARGIN
    return drawing


def _axes(sheet: _Sheet, levels: list[tuple[float, str]]) -> Iterator[Shape]:
    """Draw the grid, its degrees, the title of the upright axis and the frame."""
    left, top, right, bottom = sheet.left, sheet.top, sheet.left + sheet.width, sheet.top + sheet.height
    end = 0.0
    for at, text in round_values(sheet.view.west, sheet.view.east):
        x = float(sheet.x(at))
        yield Line(x, top, x, bottom, _GRID, _HAIR)
        if at > 180:
            text = f"{at - 360:.{len(text.partition('.')[2])}f}".replace("-", "−")
        text = f"{text}°"
        half = text_width(text, TEXT) / 2
        if x - half > end + 3 and x + half <= right + _MARGIN:  # else it would run into the one before
            yield Label(x, bottom + _GAP + TEXT, text, TEXT, "middle")
            end = x + half
    for at, text in levels:
        y = float(sheet.y(at))
        yield Line(left, y, right, y, _GRID, _HAIR)
        yield Label(left - _GAP, y + 0.36 * TEXT, text, TEXT, "end")
    yield Label(_MARGIN, _MARGIN + TEXT, "latitude, ° north", TEXT, fill=SOFT_INK)
    frame = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    yield Polyline(frame, _FRAME, _THIN)


def _coast(sheet: _Sheet) -> Iterator[Shape]:
    """Draw the coast, cut off at the frame."""
    view = sheet.view
    room = min(view.east - view.west, 360 - (view.east - view.west)) / 2  # for lines that enter from the west
    x, y = coastline(view.west - room, view.south, view.east + room, view.north, view.side / _DETAIL)
    for xs, ys in clipped(x, y, view):
        yield Polyline(tuple(zip(sheet.x(xs).tolist(), sheet.y(ys).tolist(), strict=True)), _COAST, _THIN)


def clipped(x: np.ndarray, y: np.ndarray, view: View) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return lines, divided by NaN, as far as they lie in a view (Liang and Barsky 1984): x and y of each part.

    Args:
        x: (P,) longitudes as the view counts them.
        y: (P,) latitudes.
        view: what is kept.
    """
    start, end = np.stack([x, y])[:, :-1], np.stack([x, y])[:, 1:]
    step = end - start
    first, last = np.zeros(step.shape[1]), np.ones(step.shape[1])
    for axis, low, high in ((0, view.west, view.east), (1, view.south, view.north)):
        for away, room in ((-step[axis], start[axis] - low), (step[axis], high - start[axis])):
            with np.errstate(divide="ignore", invalid="ignore"):
                at = room / away
            first = np.where(away < 0, np.maximum(first, at), first)
            last = np.where(away > 0, np.minimum(last, at), last)
            last = np.where((away == 0) & (room < 0), -1.0, last)
    kept = np.flatnonzero((first < last) & ~np.isnan(step).any(axis=0))
    if not len(kept):
        return []
    begins, ends = start + first * step, start + last * step
    joined = (np.diff(kept) == 1) & (last[kept[:-1]] == 1) & (first[kept[1:]] == 0)
    parts = np.split(kept, np.flatnonzero(~joined) + 1)
    return [(np.append(begins[0, of], ends[0, of[-1]]), np.append(begins[1, of], ends[1, of[-1]])) for of in parts]


def _points(sheet: _Sheet, x: np.ndarray, y: np.ndarray, values: np.ndarray, measure: str) -> Iterator[Shape]:
    """Draw a disc for each photo, or a square if its value is negative."""
    radius = next(size for most, size in _LARGEST if len(values) <= most)
    colours = _colours(values, measure)
    places = list(zip(sheet.x(x).tolist(), sheet.y(y).tolist(), strict=True))
    order = np.argsort(np.where(np.isnan(values), -1, np.abs(values)), kind="stable")  # the largest on top
    for at in order.tolist():
        if measure not in UNSIGNED and values[at] < 0:
            right, down = places[at]
            corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
            square = tuple((right + 0.9 * radius * x, down + 0.9 * radius * y) for x, y in corners)
            yield Polyline(square, _EDGE, _HAIR, fill=colours[at])
        else:
            yield Disc(places[at][0], places[at][1], radius, colours[at], _EDGE, _HAIR)


def _means(sheet: _Sheet, x: np.ndarray, y: np.ndarray, values: np.ndarray, measure: str) -> Iterator[Shape]:
    """Draw squares of means, cut off at the frame, with a level line where a mean is negative."""
    found = squares(x, y, values, sheet.view, sheet.view.side / CELLS)
    side = found.size * sheet.scale / sheet.view.ratio
    bottom, right = sheet.top + sheet.height, sheet.left + sheet.width
    for column, row, mean, colour in zip(
        found.column.tolist(), found.row.tolist(), found.mean.tolist(), _colours(found.mean, measure), strict=True
    ):
        left, low = sheet.left + column * side, bottom - row * side
        across, high = min(side, right - left), min(side, low - sheet.top)
        yield Box(left, low - high, across, high, colour)
        if measure not in UNSIGNED and mean < 0:
            yield Line(left + side / 5, low - side / 2, left + across - side / 5, low - side / 2, PAPER, side / 6)


def _shown(sheet: _Sheet, x: np.ndarray, y: np.ndarray, values: np.ndarray) -> np.ndarray:
    return squares(x, y, values, sheet.view, sheet.view.side / CELLS).mean


def _colours(values: np.ndarray, measure: str) -> list[str]:
    """Return each value's colour, "#RRGGBB"; that of paper if it is not known."""
    scale = colours_of(values, measure)
    shades = _ramp(scale["colorscale"])
    share = (values - scale["cmin"]) / (scale["cmax"] - scale["cmin"])
    place = np.round(np.clip(np.nan_to_num(share), 0, 1) * (_SHADES - 1)).astype(int)
    return [PAPER if np.isnan(of) else shades[at] for of, at in zip(values, place, strict=True)]


def _ramp(scale: list[list[float | str]]) -> list[str]:
    """Return the colours of a scale, from its low end to its high one."""
    shades: Any = sample_colorscale(scale, np.linspace(0, 1, _SHADES).tolist(), colortype="tuple")
    return ["#" + "".join(f"{round(255 * of):02X}" for of in shade) for shade in shades]


def _draw_scale(drawing: Drawing, sheet: _Sheet, top: float, values: np.ndarray, measure: str) -> None:
    """Draw what colours mean."""
    scale, width = colours_of(values, measure), min(_SCALE, sheet.width)
    place = sheet.left, top, width
    if measure in UNSIGNED:
        bar = Image.new("RGB", (_SHADES, 1))
        bar.putdata([tuple(bytes.fromhex(of[1:])) for of in _ramp(scale["colorscale"])])
        ends = number(scale["cmin"]), "points", number(scale["cmax"])
        draw_scale(drawing, place, bar.resize((pixels(width), pixels(6))), ends)
    else:
        draw_signed_scale(drawing, place, scale["cmax"], "points")
    drawing.items.append(Label(sheet.left, top + 22, drawing.title, SMALL, fill=SOFT_INK))
