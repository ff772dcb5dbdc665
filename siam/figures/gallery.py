"""Charts of a gallery: SIAM's score against the baseline's, how far apart they are, and the crowd's votes."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import ImageColor

from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.palettes import palette
from siam.drawing.phrases import number, signed
from siam.gallery.cases import Cases

CROWD_SCALE = ["#E3E9EF", "#7A8CA0", "#16324F"]  # lowest to highest mean rating
MOST = 3000  # points in a chart; of more cases, this many are drawn, evenly spread over their order
AREA = "area"  # the selection of a box; its fields are `second` and `first`
CASE = "case"  # the selection of a point; its field is `identifier`

_EDGE = "#7A8CA0"  # of a point, visible on light and dark
_GRID = "rgba(128, 128, 128, 0.18)"
_BINS = 31
_ROOM = 26  # px inside both ends of an axis, for the labels of the other axis
_HEIGHTS = (330, 120)  # px, of the scores and of their differences


def disagreement_chart(cases: Cases, rows: np.ndarray, area: tuple[float, ...] | None = None) -> alt.VConcatChart:
    """Return the first scores against the second ones, one point per row, above a histogram of the differences.

    Above the diagonal, the first network scores higher. Points have the colour of the crowd's rating, and no filling
    without one; where nobody rated anything, all have the same colour.
    A box drawn over them (the selection `AREA`) colours the bars of the points inside, as signs: positive where
    the first is higher, negative where the second is. A click on a point outside the box is the selection `CASE`.

    Args:
        cases: of a gallery, with both scores.
        rows: to draw, all of them in the bars and at most `MOST` as points.
        area: the initial box: the second network's lowest and highest score, then the first one's.
    """
    table = cases.table.iloc[rows]
    table = table[table["difference"].notna()]
    start: Any = alt.Undefined if area is None else {"x": list(area[:2]), "y": list(area[2:])}
    box = alt.selection_interval(
        name=AREA, encodings=["x", "y"], value=start, mark=alt.BrushConfig(fill=CROWD, fillOpacity=0.15, stroke=CROWD)
    )
    chart = alt.vconcat(_scores(cases, table, box), _differences(cases.networks, table, box), spacing=24)
    return chart.configure_axis(gridColor=_GRID).configure_view(strokeOpacity=0)


def _scores(cases: Cases, table: pd.DataFrame, box: alt.Parameter) -> alt.LayerChart:
    table = _sampled(table)
    scale, ends = cases.gallery.about.scale, _ends(cases, table)
    axis, unit = alt.Scale(domain=ends, nice=False, zero=False, padding=_ROOM), f"{scale.low:g} to {scale.high:g}"
    encoding = {
        "x": alt.X("second:Q", title=f"{cases.scores[1]}, {unit}", scale=axis),
        "y": alt.Y("first:Q", scale=axis, axis=_axis(f"{cases.scores[0]}, {unit}")),
    }
    diagonal = (
        alt.Chart(pd.DataFrame({"second": [scale.low, scale.high], "first": [scale.low, scale.high]}))
        .mark_line(color=CROWD, strokeWidth=1, strokeDash=[2, 3])
        .encode(**encoding)
    )
    low, high = _crowd_ends(cases, table)
    colour = alt.Color(
        "crowd:Q",
        scale=alt.Scale(domain=[low, high], range=CROWD_SCALE),
        legend=alt.Legend(title=f"crowd, {low:g} to {high:g}", orient="top", gradientThickness=10),
    )
    rated = bool(table["crowd"].notna().any())
    texts = {"first": cases.networks[0], "second": cases.networks[1], "difference": "difference"}
    texts |= {"crowd": "crowd"} if rated else {}
    points = (
        alt.Chart(_points(table))
        .mark_circle(size=70, opacity=1, stroke=_EDGE, strokeWidth=1, cursor="pointer", invalid="show")
        .encode(
            **encoding,
            color=alt.when("isValid(datum.crowd)").then(colour).otherwise(alt.value("transparent"))
            if rated
            else alt.value(_EDGE),
            tooltip=[
                alt.Tooltip("identifier:N", title="picture"),
                *(alt.Tooltip(f"{column}_text:N", title=name) for column, name in texts.items()),
            ],
        )
        .add_params(box, alt.selection_point(name=CASE, fields=["identifier"], on="click", toggle=False))
    )
    return alt.LayerChart(layer=[diagonal, points], title=cases.versus, height=_HEIGHTS[0])


def _axis(title: str, **settings: Any) -> alt.Axis:
    """Return an axis inside the chart, with its title above it.

    Streamlit makes the plots of stacked charts as wide as the page, without room for their axes.
    """
    return alt.Axis(
        title=title, titleAngle=0, titleAlign="left", titleAnchor="start", titleX=0, titleY=-12, titleBaseline="bottom",
        labelAlign="left", labelPadding=-2, ticks=False, domain=False, **settings,
    )  # fmt: skip


def _points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values drawn for each case, with its numbers as text."""
    return pd.DataFrame(
        {
            "identifier": table["identifier"].astype(str),
            **{name: table[name].round(3) for name in ("second", "first")},
            "crowd": table["crowd"].round(2),
            **{f"{name}_text": table[name].map(number) for name in ("first", "second")},
            "difference_text": table["difference"].map(signed),
            "crowd_text": ["unknown" if np.isnan(crowd) else number(crowd) for crowd in table["crowd"]],
        }
    )


def _differences(networks: tuple[str, str], table: pd.DataFrame, box: alt.Parameter) -> alt.LayerChart:
    """Return the histogram of the first scores minus the second ones: all rows pale, those in the box coloured."""
    limit, width, places = _binned(table["difference"].to_numpy())
    # Only numbers, which the browser counts: so tens of thousands of rows are quick to send.
    data = table[["second", "first"]].round(3).astype(np.float32).assign(place=places)
    middle = _BINS // 2
    axis = alt.Scale(domain=[-limit, limit], nice=False, padding=_ROOM)
    bars = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X(
                "low:Q",
                title=f"{' − '.join(networks)}, points",
                scale=axis,
            ).bin("binned"),
            x2="high:Q",
            y=alt.Y("count:Q", stack=False, axis=_axis("pictures", tickMinStep=1, tickCount=4, format="d")),
            tooltip=alt.Tooltip("text:N", title="pictures"),
        )
    )
    lower, higher = palette().negative, palette().positive
    colour = f"datum.place < {middle} ? '{lower}' : datum.place > {middle} ? '{higher}' : '{CROWD}'"
    every = _counted(bars, limit, width).encode(color=alt.value(CROWD), opacity=alt.value(0.25))
    inside = _counted(bars.transform_filter(box), limit, width).transform_calculate(colour=colour)
    inside = inside.encode(color=alt.Color("colour:N", scale=None))
    return alt.LayerChart(layer=[every, inside], title="How far apart they are", height=_HEIGHTS[1])


def _counted(bars: alt.Chart, limit: float, width: float) -> alt.Chart:
    """Return bars with the count and the range of each."""
    return bars.transform_aggregate(count="count()", groupby=["place"]).transform_calculate(
        low=f"{-limit} + datum.place * {width}",
        high=f"{-limit} + (datum.place + 1) * {width}",
        text="format(datum.count, ',') + ', ' + format(datum.low, '+.2f') + ' to ' + format(datum.high, '+.2f')",
    )


def disagreement_figures(cases: Cases, rows: np.ndarray) -> tuple[go.Figure, go.Figure]:
    """Return the two parts of `disagreement_chart` for print: the scores, and the histogram of their differences."""
    table = cases.table.iloc[rows]
    table = table[table["difference"].notna()]
    scale, shown = cases.gallery.about.scale, _sampled(table)
    ends = _ends(cases, shown)
    crowd, (low, high) = shown["crowd"].to_numpy(dtype=float), _crowd_ends(cases, shown)
    points = go.Scatter(
        x=shown["second"], y=shown["first"], mode="markers",
        marker={"size": 7, "color": [_crowd_colour((value - low) / (high - low)) for value in crowd],
                "line": {"color": _EDGE}},
    )  # fmt: skip
    diagonal = go.Scatter(x=[scale.low, scale.high], y=[scale.low, scale.high], mode="lines",
                          line={"color": CROWD, "width": 1.5, "dash": "dot"})  # fmt: skip
    scores = _layout(go.Figure([diagonal, points]), cases.versus,
                     f"{cases.scores[1]}, {scale.low:g} to {scale.high:g}",
                     f"{cases.scores[0]}, {scale.low:g} to {scale.high:g}")  # fmt: skip
    room = 0.03 * (ends[1] - ends[0])
    around = [ends[0] - room, ends[1] + room]
    scores.update_xaxes(range=around)
    scores.update_yaxes(range=around)
    limit, width, places = _binned(table["difference"].to_numpy())
    counts, middle = np.bincount(places, minlength=_BINS), _BINS // 2
    colours = [sign_colour(place - middle) for place in range(_BINS)]
    bars = go.Bar(x=-limit + (np.arange(_BINS) + 0.5) * width, y=counts, width=width, marker={"color": colours})
    apart = _layout(
        go.Figure(bars), "How far they are apart", f"{cases.networks[0]} − {cases.networks[1]}, points", "pictures"
    )
    return scores, apart.update_layout(height=190)


def _crowd_colour(share: float) -> str:
    """Return the colour of a rating by its place on the crowd's scale, 0 to 1; white without one."""
    if np.isnan(share):
        return "#FFFFFF"
    low, high = (CROWD_SCALE[0], CROWD_SCALE[1]) if share < 0.5 else (CROWD_SCALE[1], CROWD_SCALE[2])
    within = min(max(2 * share - (share >= 0.5), 0.0), 1.0)
    ends = zip(ImageColor.getrgb(low), ImageColor.getrgb(high), strict=True)
    return "#" + "".join(f"{round(start + (end - start) * within):02X}" for start, end in ends)


def _sampled(table: pd.DataFrame) -> pd.DataFrame:
    """Return at most `MOST` rows, evenly spread over their order."""
    if len(table) <= MOST:
        return table
    return table.iloc[np.unique(np.linspace(0, len(table) - 1, MOST).round().astype(int))]


def _ends(cases: Cases, table: pd.DataFrame) -> list[float]:
    """Return the ends of both axes: those of the scale, or of the scores where these lie outside."""
    scale = cases.gallery.about.scale
    if not len(table):
        return [scale.low, scale.high]
    found = table[["first", "second"]]
    return [min(scale.low, found.min(axis=None)), max(scale.high, found.max(axis=None))]


def _crowd_ends(cases: Cases, table: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the crowd's scale, of its ratings if that is not known, 0 and 1 if nobody rated."""
    crowd, ratings = cases.gallery.about.rated_on, table["crowd"].dropna().to_numpy(dtype=float)
    low, high = (crowd.low, crowd.high) if crowd else (ratings.min(initial=np.inf), ratings.max(initial=-np.inf))
    return (float(low), float(high)) if low <= high else (0.0, 1.0)


def _binned(differences: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return the end of the histogram's axis, the width of its bars, and the bar of each difference."""
    limit = float(np.abs(differences).max(initial=0)) or 1.0
    width = 2 * limit / _BINS
    return limit, width, np.clip((differences + limit) // width, 0, _BINS - 1).astype(np.int8)


def votes_figure(votes: np.ndarray, low: float, high: float, marks: list[tuple[str, float, str]]) -> go.Figure:
    """Return the crowd's votes as bars, with a vertical line for each mark (name, value, colour)."""
    values, counts = np.unique(votes, return_counts=True)
    figure = go.Figure(
        go.Bar(x=values, y=counts, width=0.7, marker={"color": CROWD}, hovertemplate="%{y} voted %{x}<extra></extra>")
    )
    for _, value, colour in marks:
        figure.add_vline(x=value, line={"color": colour, "width": 2})
    figure = _layout(figure, "How people voted", f"vote, {low:g} to {high:g}", "people")
    figure.update_xaxes(range=[low - 0.6, high + 0.6], dtick=1)
    return figure.update_yaxes(dtick=max(1, int(np.ceil(counts.max() / 4)))).update_layout(height=190, dragmode=False)


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
