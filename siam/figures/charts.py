"""The charts of the pages as drawings for print: the same data, symbols and axes, without what only a screen needs.

`chart_drawing` reads a plotly figure and knows what the figures of this project are made of: points with intervals,
lines, boxes with their points, upright bars, lines and areas across the plot, notes, and a legend. Title and subtitle
are left to the caption.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import ImageColor

from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.drawing.shapes import Box, Disc, Drawing, Label, Line, Polyline, Shape, shortened, text_width, wrapped
from siam.figures.sheet import SMALL, TEXT

_PX = 0.6  # pt of a line or mark that has one px on the page
_ROW, _ROW_WITH_NOTE = 11.5, 20.0  # pt of a row with its name beside it, or above it
_GRID, _FRAME = "#E3E6E9", "#8A949E"
_GRID_WIDTH, _THIN = 0.4, 0.6  # pt
_NAMES = 0.42  # of the width, at most, for the names of rows
_SHAPE = 0.62  # height / width of a plot without rows
_GAP = 4.0  # pt between the plot and its labels
_MARGIN = 3.0  # pt around the page
_LEAD = 9.5  # pt from line to line
_DASHES = {"dot": (1, 2), "dash": (4, 2.4), "longdash": (7, 3), "dashdot": (4, 2, 1, 2), "longdashdot": (7, 2, 1, 2)}
_MORE_DASHES = ((2, 1), (9, 2), (9, 2, 1, 2, 1, 2), (2, 4), (6, 1))


@dataclass(frozen=True)
class _Axis:
    """One axis: its ends, its ticks with their labels, its title, and the places of categories."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str
    places: dict[str, int]
    grid: bool = True

    def share(self, value: Any) -> float:
        """Return where a value lies between the ends, from 0 to 1."""
        return (self.number(value) - self.low) / (self.high - self.low)

    def number(self, value: Any) -> float:
        """Return a value as a number: a category's is its place."""
        return float(self.places[value]) if isinstance(value, str) else float(value)


@dataclass(frozen=True)
class _Plot:
    """The rectangle of the data on the page, and both axes."""

    left: float
    top: float
    width: float
    height: float
    across: _Axis
    up: _Axis

    def x(self, value: Any) -> float:
        return self.left + self.across.share(value) * self.width

    def y(self, value: Any) -> float:
        return self.top + (1 - self.up.share(value)) * self.height


def chart_drawing(figure: go.Figure, width: float) -> Drawing:
    """Return a chart as a drawing `width` points wide, as high as its rows or its proportions ask for.

    Raises:
        ValueError: the figure holds something else than points, lines, boxes and upright bars.
    """
    across, up = _axis(figure, "x"), _axis(figure, "y")
    drawing = Drawing(width, 0, plain_text(layout_of(figure).title.text or ""))
    names = [shortened(label, TEXT, _NAMES * width) for _value, label in up.ticks]
    left = _MARGIN + max((text_width(name, TEXT) + _GAP for name in names), default=0.0)
    top = _MARGIN + (TEXT + _GAP if up.title else 0) + (_LEAD if _note_above(figure) else 0)
    right = max((text_width(label, TEXT) / 2 for _value, label in across.ticks), default=0.0)
    room = width - left - right - _MARGIN
    plot = _Plot(left, top, room, _height(figure, room, across, up), across, up)
    drawing.items += _frame(plot, names, width)
    drawing.items += _shapes(figure, plot, below=True)
    traces = _visible(figure)
    strokes = _strokes(traces)
    for trace, dash in zip(traces, strokes, strict=True):
        drawing.items += _trace(trace, plot, dash)
    drawing.items += _shapes(figure, plot, below=False)
    drawing.items += _notes(figure, plot)
    line = plot.top + plot.height + _GAP + TEXT
    for part in [of for whole in across.title.split("\n") for of in wrapped(whole, TEXT, width - 2 * _MARGIN)]:
        line += _LEAD
        half = text_width(part, TEXT) / 2 + _MARGIN
        middle = min(max(plot.left + plot.width / 2, half), width - half)
        drawing.items.append(Label(middle, line, part, TEXT, "middle", SOFT_INK))
    if layout_of(figure).showlegend is not False:
        line = _legend(drawing, list(zip(traces, strokes, strict=True)), line)
    drawing.height = line + _MARGIN + 1
    return drawing


def layout_of(figure: go.Figure) -> Any:
    """Return the layout of a figure, whose parts plotly does not declare."""
    return figure.layout


def _visible(figure: go.Figure) -> list[Any]:
    return [trace for trace in list[Any](figure.data) if trace.visible is not False]


def plain_text(text: str) -> str:
    """Return the text of plotly's markup: lines for <br>, nothing for other tags, characters for entities."""
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br\s*/?>", "\n", text)))


def solid(colour: str, opacity: float = 1.0) -> str:
    """Return a colour as it looks on paper, "#RRGGBB"; "" if nothing of it can be seen."""
    found = re.fullmatch(r"rgba\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*([\d.]+)\s*\)", colour)
    rgb = tuple(int(of) for of in found.groups()[:3]) if found else ImageColor.getrgb(colour)[:3]
    opacity *= float(found[4]) if found else 1.0
    if opacity <= 0:
        return ""
    white = ImageColor.getrgb(PAPER)
    return "#" + "".join(f"{round(to + (of - to) * opacity):02X}" for of, to in zip(rgb, white, strict=True))


def _height(figure: go.Figure, width: float, across: _Axis, up: _Axis) -> float:
    """Return the height of the plot: by its rows, square if both axes have the same ends, else landscape."""
    rows = abs(up.high - up.low)
    if up.places:
        return rows * _ROW * (2.5 if any(trace.type == "box" for trace in _visible(figure)) else 1)
    if not up.ticks:
        return rows * _ROW_WITH_NOTE
    if (across.low, across.high) == (up.low, up.high):
        return width
    shape = _SHAPE if (layout_of(figure).height or 400) > 250 else _SHAPE / 2
    return width * shape


def _axis(figure: go.Figure, letter: str) -> _Axis:
    """Return an axis with its ends and ticks: those that the figure states, else ones that suit the data."""
    layout = layout_of(figure)[f"{letter}axis"]
    values = [value for trace in _visible(figure) for value in _values(trace[letter])]
    names = [value for value in (layout.categoryarray if layout.categoryarray is not None else values)
             if isinstance(value, str)]  # fmt: skip
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    if layout.range is not None:
        low, high = (float(end) for end in layout.range)
    elif places:
        low, high = -0.6, len(places) - 0.4
    else:
        low, high = _reach(figure, letter)
    if layout.autorange == "reversed":
        low, high = high, low
    if layout.tickvals is not None:
        ticks = [(float(at), plain_text(text)) for at, text in zip(layout.tickvals, layout.ticktext, strict=True)]
    elif layout.showticklabels is False:
        ticks = []
    elif places:
        ticks = [(float(place), plain_text(name)) for name, place in places.items()]
    else:
        ticks = round_values(low, high, layout.dtick)
    title = plain_text(layout.title.text or "")
    return _Axis(low, high, tuple(ticks), title, places, layout.showgrid is not False)


def _values(values: Any) -> list[Any]:
    """Return the values that a trace has along an axis, without gaps."""
    if values is None:
        return []
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return [value for value in listed if value is not None and not (isinstance(value, float) and math.isnan(value))]


def _reach(figure: go.Figure, letter: str) -> tuple[float, float]:
    """Return the ends of an axis around all values, intervals and lines across the plot, with some room."""
    found: list[float] = []
    for trace in _visible(figure):
        values = _values(trace[letter])
        found += values
        if letter == "x" and trace.type == "scatter" and trace.error_x.array is not None:
            errors = zip(values, trace.error_x.array, trace.error_x.arrayminus, strict=True)
            found += [end for value, more, less in errors for end in (value + more, value - less)]
        if trace.type == "bar" and letter == "y":
            found.append(0.0)
    for shape in layout_of(figure).shapes:
        if shape.type == "line" and str(shape[f"{letter}ref"]) == letter:
            found.append(float(shape[f"{letter}0"]))
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    bars = letter == "y" and any(trace.type == "bar" for trace in _visible(figure))
    return (low if bars else low - room), high + room


def round_values(low: float, high: float, step: float | None = None) -> list[tuple[float, str]]:
    """Return round values between two ends, four to nine of them, with as many decimals as they need."""
    least, most = min(low, high), max(low, high)
    if step is None or (most - least) / step > 12:
        rough = (most - least) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(of * power for of in (1, 2, 2.5, 5, 10) if of * power >= rough * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    decimals += round(step * 10**decimals, 9) != round(step * 10**decimals)
    values = [number * step for number in range(math.ceil(least / step - 1e-9), math.floor(most / step + 1e-9) + 1)]
    return [(value, f"{value:.{decimals}f}".replace("-", "−") if round(value, 9) else "0") for value in values]


def _frame(plot: _Plot, names: Sequence[str], width: float) -> Iterator[Shape]:
    """Draw the grid, both axes' labels, and the title of the upright axis, which lies above it."""
    across, up, bottom = plot.across, plot.up, plot.top + plot.height
    end = -1.0
    for value, label in across.ticks:
        x = plot.x(value)
        if across.grid:
            yield Line(x, plot.top, x, bottom, _GRID, _GRID_WIDTH)
        half = text_width(label, TEXT) / 2
        if x - half > end + 3 and x + half <= width:  # else it would run into the one before
            yield Label(x, bottom + _GAP + TEXT, label, TEXT, "middle")
            end = x + half
    least = 0.0
    for (value, _label), name in zip(up.ticks, names, strict=True):
        y = plot.y(value)
        if up.grid:
            yield Line(plot.left, y, plot.left + plot.width, y, _GRID, _GRID_WIDTH)
        if not least or abs(y - least) >= TEXT:
            yield Label(plot.left - _GAP, y + 0.36 * TEXT, name, TEXT, "end")
            least = y
    yield Line(plot.left, bottom, plot.left + plot.width, bottom, _FRAME, _THIN)
    if up.title:
        text = shortened(up.title.replace("\n", ", "), TEXT, width - 2 * _MARGIN)
        yield Label(_MARGIN, _MARGIN + TEXT, text, TEXT, fill=SOFT_INK)


def _strokes(traces: Sequence[Any]) -> list[tuple[float, ...]]:
    """Return the dashes of each trace's line; no two named lines of one width have the same, so that grey suffices."""
    taken: set[tuple[float, tuple[float, ...]]] = set()
    dashes = []
    for trace in traces:
        dash: tuple[float, ...] = ()
        if trace.type == "scatter" and "lines" in (trace.mode or ""):
            width, dash = trace.line.width or 2, _dash(trace.line.dash)
            if trace.name:
                free = (of for of in ((), *_DASHES.values(), *_MORE_DASHES) if (width, of) not in taken)
                dash = dash if (width, dash) not in taken else next(free, dash)
                taken.add((width, dash))
        dashes.append(dash)
    return dashes


def _trace(trace: Any, plot: _Plot, dash: tuple[float, ...]) -> list[Shape]:
    if trace.type == "scatter":
        return list(_scatter(trace, plot, dash))
    drawn = {"box": _box, "bar": _bars}.get(trace.type)
    if drawn is None:
        raise ValueError(f"charts for print hold points, lines, boxes and bars, not {trace.type!r}")
    return list(drawn(trace, plot))


def _scatter(trace: Any, plot: _Plot, dash: tuple[float, ...]) -> Iterator[Shape]:
    """Draw lines, intervals and marks, in this order."""
    mode = trace.mode or "markers"
    xs, ys = (list(of.tolist() if isinstance(of, np.ndarray) else of or []) for of in (trace.x, trace.y))
    points = [None if x is None or y is None else (plot.x(x), plot.y(y)) for x, y in zip(xs, ys, strict=True)]
    if "lines" in mode:
        part: list[tuple[float, float]] = []
        stroke = solid(trace.line.color or INK, trace.opacity or 1)
        for point in [*points, None]:
            if point is not None:
                part.append(point)
            elif part:
                yield Polyline(tuple(part), stroke, _PX * (trace.line.width or 2), dash)
                part = []
    if trace.error_x.array is not None:
        colours = _each(trace.error_x.color or trace.marker.color, len(points))
        for x, y, more, less, colour in zip(
            xs, ys, trace.error_x.array, trace.error_x.arrayminus, colours, strict=True
        ):
            number, level = plot.across.number(x), plot.y(y)
            ends = plot.x(number - less), plot.x(number + more)
            yield Line(ends[0], level, ends[1], level, solid(colour), _PX * (trace.error_x.thickness or 2))
    if "markers" in mode:
        marker = trace.marker
        colours, symbols = _each(marker.color or INK, len(points)), _each(marker.symbol or "circle", len(points))
        for point, colour, symbol in zip(points, colours, symbols, strict=True):
            ink, line = solid(colour, marker.opacity or 1), marker.line.color
            if point is not None and (ink or line):
                edge = solid(line) if isinstance(line, str) else ""
                yield mark(point, symbol, _PX * (marker.size or 6), ink, edge)


def mark(point: tuple[float, float], symbol: str, size: float, colour: str, edge: str = "") -> Shape:
    """Return one of plotly's symbols at a point, `size` across: filled, or open if its name says so.

    Raises:
        ValueError: the symbol is none of circle, square, diamond, triangle-up, x-thin and line-ns.
    """
    x, y = point
    name, half, thin = symbol.removesuffix("-open"), size / 2, 0.8
    filled = name == symbol
    if name == "circle":
        return Disc(x, y, half, colour if filled else PAPER, edge if filled else colour, 0.4 if filled else thin)
    corners = {
        "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        "triangle-up": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
        "x-thin": ((-1, -1), (1, 1), (0, 0), (1, -1), (-1, 1)),
        "line-ns": ((0, -1.3), (0, 1.3)),
    }.get(name)
    if corners is None:
        raise ValueError(f"charts for print have no mark {symbol!r}")
    points = tuple((x + right * half, y + down * half) for right, down in corners)
    if name in ("x-thin", "line-ns"):
        return Polyline(points, colour, thin)
    return Polyline(points, "" if filled else colour, thin, fill=colour if filled else PAPER)


def _each(values: Any, count: int) -> list[Any]:
    """Return one value for each of so many marks: those given, or the one given for all."""
    return [values] * count if values is None or isinstance(values, str) else list(values)


def _dash(dash: str | None) -> tuple[float, ...]:
    """Return one of plotly's dashes in points: by name, or as lengths in px."""
    if not dash or dash == "solid":
        return ()
    return _DASHES[dash] if dash in _DASHES else tuple(_PX * float(of) for of in re.findall(r"[\d.]+", dash))


def _box(trace: Any, plot: _Plot) -> Iterator[Shape]:
    """Draw quartiles, the median, whiskers to the outermost values within 1.5 interquartile ranges, and all values."""
    values = np.array(_values(trace.x), dtype=float)
    if not len(values):
        return
    level, colour = plot.y(trace.y[0]), solid(trace.line.color)
    row = abs(plot.y(1) - plot.y(0)) if len(plot.up.places) > 1 else plot.height
    half = 0.28 * row
    jitter = np.random.default_rng(0).uniform(-0.6, 0.6, len(values)) * half
    ink = solid(trace.marker.color, trace.marker.opacity or 1)
    for value, by in zip(values, jitter, strict=True):
        yield Disc(plot.x(value), level + by, _PX * (trace.marker.size or 4) / 2, ink)
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    inside = values[(values >= low - 1.5 * (high - low)) & (values <= high + 1.5 * (high - low))]
    x1, x2 = plot.x(low), plot.x(high)
    outline = ((x1, level - half), (x2, level - half), (x2, level + half), (x1, level + half), (x1, level - half))
    yield Polyline(outline, colour, 0.8)
    yield Line(plot.x(middle), level - half, plot.x(middle), level + half, colour, 1.2)
    for inner, outer in ((x1, inside.min()), (x2, inside.max())):
        yield Line(inner, level, plot.x(outer), level, colour, 0.8)


def _bars(trace: Any, plot: _Plot) -> Iterator[Shape]:
    """Draw upright bars from 0."""
    xs, ys = _values(trace.x), _values(trace.y)
    colours = _each(trace.marker.color or INK, len(xs))
    width = abs(plot.x(trace.width or 0.8) - plot.x(0))
    for x, y, colour in zip(xs, ys, colours, strict=True):
        top = plot.y(y)
        height = plot.y(0) - top
        if height > 0:
            yield Box(plot.x(x) - width / 2, top, width, height, solid(colour, trace.opacity or 1))


def _shapes(figure: go.Figure, plot: _Plot, below: bool) -> Iterator[Shape]:
    """Draw what lies below the data, or over it: lines and areas across the plot."""
    bottom, right = plot.top + plot.height, plot.left + plot.width
    for shape in layout_of(figure).shapes:
        if (shape.layer == "below") != below:
            continue
        if shape.type == "rect":
            y0, y1 = (min(max(plot.y(end), plot.top), bottom) for end in (shape.y0, shape.y1))
            yield Box(plot.left, min(y0, y1), right - plot.left, abs(y1 - y0), solid(shape.fillcolor))
        elif shape.type == "line":
            stroke, width, dash = solid(shape.line.color), _PX * (shape.line.width or 2), _dash(shape.line.dash)
            x = plot.x(shape.x0)
            yield Line(x, plot.top, x, bottom, stroke, width, dash)
        else:
            raise ValueError(f"charts for print hold lines and areas, not {shape.type!r}")


def _note_above(figure: go.Figure) -> bool:
    return any(note.yref == "paper" for note in layout_of(figure).annotations)


def _notes(figure: go.Figure, plot: _Plot) -> Iterator[Shape]:
    """Draw notes: above the plot at a value, or above a row at its left end."""
    for note in layout_of(figure).annotations:
        text = plain_text(note.text)
        if note.yref == "paper":
            half = text_width(text, TEXT) / 2
            x = min(max(plot.x(note.x), plot.left + half), plot.left + plot.width - half)
            yield Label(x, plot.top - 3, text, TEXT, "middle", SOFT_INK)
        else:
            yield Label(plot.left, plot.y(note.y) - 1, shortened(text, TEXT, plot.width), TEXT)


def _legend(drawing: Drawing, traces: Sequence[tuple[Any, tuple[float, ...]]], line: float) -> float:
    """Draw the names of the traces with their marks or strokes below the plot; return where they end."""
    named = [(trace, dash) for trace, dash in traces if trace.name and trace.showlegend is not False]
    if len(named) < 2:
        return line
    x, line, right = _MARGIN, line + 1.4 * _LEAD, drawing.width - _MARGIN
    for trace, dash in named:
        room = 18.0 if "lines" in (trace.mode or "") else 10.0
        name = shortened(plain_text(trace.name), SMALL, right - _MARGIN - room)
        if x + room + text_width(name, SMALL) > right and x > _MARGIN:
            x, line = _MARGIN, line + _LEAD
        level = line - 0.36 * SMALL
        if "lines" in (trace.mode or ""):
            stroke = solid(trace.line.color or INK)
            drawing.items.append(Line(x, level, x + 15, level, stroke, _PX * (trace.line.width or 2), dash))
        else:
            colour = _each(trace.marker.color or INK, 1)[0]
            symbol = _each(trace.marker.symbol or "circle", 1)[0]
            drawing.items.append(mark((x + 4, level), symbol, _PX * (trace.marker.size or 6), solid(colour)))
        drawing.items.append(Label(x + room, line, name, SMALL))
        x += room + text_width(name, SMALL) + 10
    return line
