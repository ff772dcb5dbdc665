"""A map of a gallery: its photos where they were taken, coloured by a score, a difference or one contribution.

Longitude and latitude are the axes, a degree of longitude as much shorter as it is on the ground in the middle of the
map. Of more than `MOST` photos, squares are drawn that have the mean of the photos in each.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from siam.drawing.coastline import coastline
from siam.drawing.palettes import palette
from siam.drawing.phrases import number, signed
from siam.figures.gallery import CROWD_SCALE
from siam.figures.style import CLEAR, GREY, GRID, literal
from siam.gallery.cases import CONTEXT, Cases
from siam.gallery.means import SCORES, numbers

MOST = 20_000  # points; of more photos, squares are drawn
CELLS = 60  # squares along the longer side of the map
HEIGHT = 520  # px

Box = tuple[float, float, float, float]  # west, south, east, north in degrees; west > east across the antimeridian

_DETAIL = 400  # steps of the coast along the longer side
_WITHOUT_WEBGL = 2000  # points; so many are quick in any browser
_EDGE = "#7A8CA0"  # of points and squares, visible on light and dark
UNSIGNED = {"SIAM": "SIAM’s score", CONTEXT: "Score with context", "crowd": "Mean rating of the crowd"}
_SHADES = 40  # of squares: all of one shade are one shape
_ROOM = 0.08  # of the map's width, around the photos
_LEAST = 0.02  # degrees: the smallest map
_AROUND = 2.8, 1.6  # of the map's width and height: what a page that is wider or higher shows, too


@dataclass(frozen=True)
class View:
    """The part of the world that a map shows, in degrees; `east` may be more than 180, and `west` is less than it."""

    west: float
    south: float
    east: float
    north: float

    @property
    def ratio(self) -> float:
        """The length of a degree of longitude in the middle, in degrees of latitude."""
        return float(max(np.cos(np.radians((self.south + self.north) / 2)), 0.1))

    @property
    def side(self) -> float:
        """The longer side, in degrees of latitude."""
        return max((self.east - self.west) * self.ratio, self.north - self.south)

    @property
    def around(self) -> "View":
        """What a page of another shape shows of the surroundings."""
        wide, high = ((of - 1) / 2 for of in _AROUND)
        wide, high = wide * (self.east - self.west), high * (self.north - self.south)
        west, east = self.west - wide, self.east + wide
        west, east = (west, east) if east - west < 360 else (-180.0, 180.0)
        return View(west, max(self.south - high, -90.0), east, min(self.north + high, 90.0))

    def shaped(self, flattest: float, steepest: float) -> "View":
        """Return what shows this part, with more around it if it is flatter or steeper (height / width) than that."""
        wide, high = (self.east - self.west) * self.ratio, self.north - self.south
        high, wide = max(high, flattest * wide), max(wide, high / steepest)
        across, up = (wide / self.ratio - (self.east - self.west)) / 2, (high - (self.north - self.south)) / 2
        west, east = self.west - across, self.east + across
        west, east = (west, east) if east - west < 360 else (-180.0, 180.0)
        return View(west, max(self.south - up, -90.0), east, min(self.north + up, 90.0))

    def across(self, longitude: np.ndarray) -> np.ndarray:
        """Return longitudes as the map counts them, from `west` on."""
        return (longitude - self.west) % 360 + self.west

    def box(self, x: list[float], y: list[float]) -> Box:
        """Return a rectangle drawn over the map as a box, within the world."""
        west, east = (((of + 180) % 360) - 180 for of in (min(x), max(x)))
        if max(x) - min(x) >= 360:
            west, east = -180.0, 180.0
        elif east == -180:
            east = 180.0
        return west, max(min(y), -90.0), east, min(max(y), 90.0)


@dataclass(frozen=True, eq=False)
class Squares:
    """Means of the photos in the squares of a map.

    Attributes:
        column: (C,) of each square that holds a photo, counted from 0 at `View.west`.
        row: (C,) counted from 0 at `View.south`.
        mean: (C,) of the photos in it whose value is known.
        count: (C,) how many these are.
        size: degrees of latitude.
    """

    column: np.ndarray
    row: np.ndarray
    mean: np.ndarray
    count: np.ndarray
    size: float


def measures(cases: Cases) -> tuple[str, ...]:
    """Return by what a map can be coloured: of `SCORES` what is known, but the baseline, then the contributions."""
    known = [name for name, values in numbers(cases).items() if name != "baseline" and not np.isnan(values).all()]
    return (*(name for name in known if name in SCORES), *sorted(name for name in known if name not in SCORES))


def title(cases: Cases, measure: str) -> str:
    """Return what a measure is and its unit: "SIAM’s score, points from 1 to 7"."""
    about = cases.gallery.about
    if measure in UNSIGNED:
        scale = about.rated_on if measure == "crowd" else about.scale
        unit = "on an unknown scale" if scale is None else f"points from {scale.low:g} to {scale.high:g}"
        return f"{UNSIGNED[measure]}, {unit}"
    return f"{' − '.join(cases.networks)}, points" if measure == "difference" else f"{measure.capitalize()}, points"


def view_of(cases: Cases, rows: np.ndarray, place: Box | None = None) -> View:
    """Return the part of the world to show: some photos, at least one, or else a chosen place, with room around it."""
    if place is not None:
        west, south, east, north = place
        east += 360 * (west > east)
    else:
        x, y = (cases.table[name].to_numpy(dtype=float)[rows] for name in ("longitude", "latitude"))
        (west, east), south, north = _span(x), float(y.min()), float(y.max())
    room = max(_ROOM * max(east - west, north - south), _LEAST / 2)
    west, east = (west - room, east + room) if east - west + 2 * room < 360 else (-180.0, 180.0)
    return View(west, max(south - room, -90.0), east, min(north + room, 90.0))


def seen(cases: Cases, rows: np.ndarray, view: View) -> np.ndarray:
    """Return those of some rows that were taken there."""
    x, y = (cases.table[name].to_numpy()[rows] for name in ("longitude", "latitude"))
    return rows[(view.across(x) <= view.east) & (y >= view.south) & (y <= view.north)]


def squares(x: np.ndarray, y: np.ndarray, values: np.ndarray, view: View, size: float) -> Squares:
    """Return the means of values in the squares of a map.

    Args:
        x: (N,) longitudes as the map counts them.
        y: (N,) latitudes.
        values: (N,) NaN: not known, and not in a mean.
        view: where the squares begin.
        size: of a square, in degrees of latitude.
    """
    known = ~np.isnan(values)
    column = np.floor((x[known] - view.west) * view.ratio / size).astype(int)
    row = np.floor((y[known] - view.south) / size).astype(int)
    wide = int(np.ceil(360 / size)) + 1
    found, place = np.unique(row * wide + column, return_inverse=True)
    count = np.bincount(place, minlength=len(found))
    mean = np.bincount(place, values[known], len(found)) / count
    return Squares(found % wide, found // wide, mean, count, size)


def map_figure(cases: Cases, rows: np.ndarray, measure: str, view: View, place: Box | None = None) -> go.Figure:
    """Return the map of some photos, all of them with coordinates; `customdata` of a point is its row.

    Args:
        cases: of the gallery.
        rows: the photos to draw.
        measure: one of `measures`.
        view: the part of the world to show.
        place: a rectangle to draw over it.
    """
    around = view.around
    rows = seen(cases, rows, around)
    values = numbers(cases)[measure][rows]
    x, y = around.across(cases.table["longitude"].to_numpy()[rows]), cases.table["latitude"].to_numpy()[rows]
    figure = go.Figure()
    coast = coastline(around.west, around.south, around.east, around.north, view.side / _DETAIL)
    figure.add_scatter(x=coast[0], y=coast[1], mode="lines", line={"color": GREY, "width": 1}, hoverinfo="skip")
    if len(rows) > MOST:
        _draw_squares(figure, squares(x, y, values, around, view.side / CELLS), measure, around)
    else:
        _draw_points(figure, cases, rows, x, y, values, measure)
    if place is not None:
        west, south, east, north = place
        figure.add_shape(type="rect", x0=west, x1=east + 360 * (west > east), y0=south, y1=north,
                         line={"color": _EDGE, "width": 2, "dash": "dash"})  # fmt: skip
    axis = {"gridcolor": GRID, "zeroline": False, "automargin": True, "ticksuffix": "°"}
    return figure.update_layout(
        title={"text": literal(title(cases, measure)), "yref": "paper", "y": 1, "yanchor": "bottom", "pad": {"b": 8}},
        height=HEIGHT, margin={"l": 8, "r": 8, "t": 76, "b": 8}, modebar={"bgcolor": CLEAR, "color": GREY},
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, showlegend=False, hovermode="closest", dragmode="pan",
        xaxis={**axis, "range": [view.west, view.east], "title": {"text": "longitude, ° east"}, "constrain": "range"},
        yaxis={**axis, "range": [view.south, view.north], "title": {"text": "latitude, ° north"},
               "scaleanchor": "x", "scaleratio": 1 / view.ratio, "constrain": "range"},
    )  # fmt: skip


def _draw_points(
    figure: go.Figure, cases: Cases, rows: np.ndarray, x: np.ndarray, y: np.ndarray, values: np.ndarray, measure: str
) -> None:
    order = np.argsort(np.where(np.isnan(values), -1, np.abs(values)), kind="stable")  # the largest on top
    rows, x, y, values = (of[order] for of in (rows, x, y, values))
    names = cases.table["identifier"].to_numpy()[rows]
    shown = [f"{literal(name)}: {_text(value, measure)}" for name, value in zip(names, values, strict=True)]
    draw = go.Scatter if len(rows) <= _WITHOUT_WEBGL else go.Scattergl
    marker = {"size": 9 if len(rows) <= 500 else 7 if len(rows) <= 5000 else 5, "color": values,
              "symbol": np.where((measure not in UNSIGNED) & (values < 0), "square", "circle"),
              "line": {"color": _EDGE, "width": 0.7}, **colours_of(values, measure)}  # fmt: skip
    figure.add_trace(
        draw(x=x, y=y, mode="markers", marker=marker, customdata=rows, hovertext=np.array(shown),
             hoverinfo="text", selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})
    )  # fmt: skip


def _draw_squares(figure: go.Figure, means: Squares, measure: str, view: View) -> None:
    """Draw squares, those of one shade as one shape, and in the middle of each a point that tells its mean."""
    wide, high = means.size / view.ratio, means.size
    left, low = view.west + means.column * wide, view.south + means.row * high
    colours = colours_of(means.mean, measure)
    share = np.clip((means.mean - colours["cmin"]) / (colours["cmax"] - colours["cmin"]), 0, 1)
    shade = np.round(share * (_SHADES - 1)).astype(int)
    for of in np.unique(shade):
        at = np.flatnonzero(shade == of)
        gap = np.full(len(at), np.nan)
        corners_x = np.stack([left[at], left[at] + wide, left[at] + wide, left[at], left[at], gap], axis=1)
        corners_y = np.stack([low[at], low[at], low[at] + high, low[at] + high, low[at], gap], axis=1)
        colour = sample_colorscale(colours["colorscale"], float(of) / (_SHADES - 1))[0]
        figure.add_scatter(x=corners_x.ravel(), y=corners_y.ravel(), mode="lines", fill="toself", fillcolor=colour,
                           line={"color": _EDGE, "width": 0.5}, hoverinfo="skip")  # fmt: skip
    if measure not in UNSIGNED:
        lowers = np.flatnonzero(means.mean < 0)
        ends = np.array([0.2, 0.8, np.nan]) * wide
        figure.add_scatter(x=(left[lowers, None] + ends).ravel(), y=np.repeat(low[lowers] + high / 2, len(ends)),
                           mode="lines", line={"color": "#FFFFFF", "width": 1.5}, hoverinfo="skip")  # fmt: skip
    photos = ("1 photo" if n == 1 else f"{n:,} photos" for n in means.count.tolist())
    shown = [f"{of}, mean {_text(mean, measure)}" for of, mean in zip(photos, means.mean, strict=True)]
    figure.add_scatter(x=left + wide / 2, y=low + high / 2, mode="markers", hovertext=shown, hoverinfo="text",
                       marker={"size": 9, "color": means.mean, "opacity": 0, **colours},
                       selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}})  # fmt: skip


def colours_of(values: np.ndarray, measure: str) -> dict[str, Any]:
    """Return plotly's settings of a scale: symmetric about 0 if the measure has signs, else over what is found."""
    known = values[~np.isnan(values)]
    bar = {"orientation": "h", "y": -0.12, "yanchor": "top", "thickness": 10, "len": 1, "outlinewidth": 0}
    if measure in UNSIGNED:
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        ends = (low, high) if low < high else (low - 0.5, high + 0.5)
        steps = np.linspace(0, 1, len(CROWD_SCALE))
        scale = [[float(step), colour] for step, colour in zip(steps, CROWD_SCALE, strict=True)]
        return {"cmin": ends[0], "cmax": ends[1], "colorscale": scale, "showscale": True, "colorbar": bar}
    limit = float(np.abs(known).max(initial=0)) or 1.0
    scale = [[0.0, palette().negative], [0.5, "#FFFFFF"], [1.0, palette().positive]]
    ticks = [-limit, -limit / 2, 0, limit / 2, limit]
    texts = [signed(of, 2 if limit >= 0.1 else 3) for of in ticks]
    return {"cmin": -limit, "cmax": limit, "colorscale": scale, "showscale": True,
            "colorbar": {**bar, "tickvals": ticks, "ticktext": texts}}  # fmt: skip


def legend(cases: Cases, measure: str, count: int) -> str:
    """Say which colour and shape mean what on a map of so many photos."""
    raises, lowers, _ = palette().names
    if measure in UNSIGNED:
        return "Darker: higher."
    up, down = ("disc", "square") if count <= MOST else ("square", "square with a line")
    if measure == "difference":
        first, second = cases.called
        return f"{raises.capitalize()} {up}: {first} is higher; {lowers} {down}: {second} is."
    return f"{raises.capitalize()} {up}: raises SIAM’s score; {lowers} {down}: lowers it."


def _text(value: float, measure: str) -> str:
    if np.isnan(value):
        return "unknown"
    return number(value) if measure in UNSIGNED else signed(value)


def _span(longitudes: np.ndarray) -> tuple[float, float]:
    """Return the ends of some longitudes; across the antimeridian if they are closer together there."""
    low, high = float(longitudes.min()), float(longitudes.max())
    other = longitudes % 360
    if high - low > 180 and other.max() - other.min() < 180:
        return float(other.min()), float(other.max())
    return low, high
