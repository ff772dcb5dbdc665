"""A gallery as charts: SIAM's score against the baseline's, coloured by the crowd's, and how far the two are apart."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from siam.drawing.colours import CROWD, NEGATIVE, POSITIVE
from siam.drawing.phrases import number, signed
from siam.gallery.cases import Cases

CROWD_SCALE = [(0.0, "#E3E9EF"), (0.5, "#7A8CA0"), (1.0, "#16324F")]  # lowest to highest mean rating
MOST = 3000  # points in a chart; of more cases, so many are drawn, evenly spread in their order

_EDGE = {"width": 1, "color": "#7A8CA0"}  # seen on light and on dark
_GRID = "rgba(128, 128, 128, 0.18)"
_BINS = 31


def scores_figure(cases: Cases, rows: np.ndarray, area: tuple[float, ...] | None = None) -> go.Figure:
    """Return SIAM's score against the baseline's of some rows, a point each; `customdata` begins with the identifier.

    Above the diagonal SIAM scores higher. Colours tell the crowd's mean rating; no colour, that there is none.

    Args:
        cases: of a gallery with a baseline.
        rows: to draw, at most `MOST` of them.
        area: lowest and highest score of the baseline, then of SIAM, to outline.
    """
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, MOST).round().astype(int))] if len(rows) > MOST else rows
    table, scale = cases.table.iloc[rows], cases.gallery.about.scale
    figure = go.Figure()
    diagonal = {"color": CROWD, "width": 1, "dash": "dot"}
    ends = [scale.low, scale.high]
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=diagonal, hoverinfo="skip"))
    known = table["crowd"].notna()
    for part, colours in ((table[~known], {"color": "rgba(0,0,0,0)"}), (table[known], _crowd_colours(cases))):
        if len(part):
            marker = {"size": 9, "line": _EDGE, **colours}
            if "colorscale" in marker:
                marker["color"] = part["crowd"].round(2)
            figure.add_trace(_points(part, marker))
    if area is not None:
        outline = {"color": CROWD, "width": 2, "dash": "dash"}
        figure.add_shape(x0=area[0], x1=area[1], y0=area[2], y1=area[3], line=outline)
    unit = f"{scale.low:g} to {scale.high:g}"
    return _layout(
        figure, "SIAM against the baseline", f"baseline's score, {unit}", f"SIAM's score, {unit}"
    ).update_layout(dragmode="select")


def differences_figure(cases: Cases, rows: np.ndarray) -> go.Figure:
    """Return the histogram of SIAM minus baseline of some rows: green where SIAM is higher, magenta where lower."""
    differences = cases.table["difference"].to_numpy()[rows]
    differences = differences[~np.isnan(differences)]
    limit = float(np.abs(differences).max()) if len(differences) else 1.0
    edges = np.linspace(-limit, limit, _BINS + 1)
    counts, _ = np.histogram(differences, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    colours = [CROWD if abs(x) < limit / _BINS else POSITIVE if x > 0 else NEGATIVE for x in middles]
    told = [f"{count} pictures, {signed(low)} to {signed(high)}" for count, low, high in zip(counts, edges, edges[1:])]  # noqa: B905
    figure = go.Figure(
        go.Bar(
            x=middles, y=counts, width=edges[1] - edges[0], marker={"color": colours, "line": {"width": 0}},
            customdata=told, hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    return _layout(figure, "How far they are apart", "SIAM − baseline, points", "pictures").update_layout(
        dragmode=False
    )


def votes_figure(votes: np.ndarray, low: float, high: float, marks: list[tuple[str, float, str]]) -> go.Figure:
    """Return the crowd's votes as a strip of bars, with marks (name, value, colour) of scores above them."""
    values, counts = np.unique(votes, return_counts=True)
    figure = go.Figure(
        go.Bar(x=values, y=counts, width=0.7, marker={"color": CROWD}, hovertemplate="%{y} voted %{x}<extra></extra>")
    )
    for _, value, colour in marks:
        figure.add_vline(x=value, line={"color": colour, "width": 2})
    figure = _layout(figure, "What people voted", f"vote, {low:g} to {high:g}", "people")
    figure.update_xaxes(range=[low - 0.6, high + 0.6], dtick=1)
    return figure.update_yaxes(dtick=max(1, int(np.ceil(counts.max() / 4)))).update_layout(height=190, dragmode=False)


def _crowd_colours(cases: Cases) -> dict[str, Any]:
    scale = cases.gallery.about.crowd_scale or cases.gallery.about.scale
    bar = {
        "title": {"text": f"crowd, {scale.low:g} to {scale.high:g}", "side": "right"},
        "thickness": 10,
        "outlinewidth": 0,
    }
    return {"colorscale": CROWD_SCALE, "cmin": scale.low, "cmax": scale.high, "colorbar": bar}


def _points(table: pd.DataFrame, marker: dict[str, Any]) -> go.Scatter:
    columns = (table[name] for name in ("identifier", "siam", "baseline", "difference", "crowd"))
    told = [
        (
            identifier,
            number(siam),
            number(baseline),
            signed(difference),
            "unknown" if np.isnan(crowd) else number(crowd),
        )
        for identifier, siam, baseline, difference, crowd in zip(*columns, strict=True)
    ]
    hover = (
        "%{customdata[0]}<br>SIAM %{customdata[1]}, baseline %{customdata[2]} (%{customdata[3]})"
        "<br>crowd %{customdata[4]}<extra></extra>"
    )
    x, y = table["baseline"].round(3), table["siam"].round(3)
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, customdata=told, hovertemplate=hover)


def _layout(figure: go.Figure, title: str, x: str, y: str) -> go.Figure:
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True}
    return figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left"},
        height=400,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        bargap=0,
        xaxis={"title": {"text": x}, **axis},
        yaxis={"title": {"text": y}, **axis},
    )
