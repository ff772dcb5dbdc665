"""Stored results as plotly figures in the page's fonts and text colours, on transparent backgrounds."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.stats import rankdata

from siam.drawing.colours import BASELINE_COLOUR, CROWD, SIAM_COLOUR
from siam.drawing.phrases import number, words
from siam.figures.style import GREY, ROW, dress, literal, reach
from siam.gallery.cases import Cases
from siam.results.doubt import Share
from siam.results.scores import Precision, Precisions
from siam.results.truths import Compared

NETWORKS = {"siam": ("SIAM", SIAM_COLOUR), "baseline": ("Baseline", BASELINE_COLOUR)}
_STEP = 40  # px of a row with its label above it
_KINDS = {
    "what": "average precision (0 to 1)",
    "where": "average precision of cells (0 to 1)",
    "people": "average precision of pixels (0 to 1)",
}
_MARKS = {  # of the references, by name
    "ideal": "diamond-open",
    "another scene": "x-thin-open",
    "uniform": "square-open",
    "centre": "circle-open",
    "random": "triangle-up-open",
}


def precisions_figure(precisions: Precisions, title: str, source: str) -> go.Figure:
    """Return a dot with its interval for each attribute, the best at the top, and a tick where chance would be.

    Args:
        precisions: the attributes' figures.
        title: of the figure.
        source: photos, networks and date, for the line below the title.
    """
    rows = precisions.rows[::-1]  # plotly counts from below
    figure = go.Figure()
    known = [row for row in rows if row.chance is not None]
    figure.add_scatter(
        x=[row.chance for row in known],
        y=[literal(words(row.attribute)) for row in known],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 11, "color": GREY, "line": {"width": 2}},
        name="chance",
        hovertemplate="%{y}: chance %{x:.2f}<extra></extra>",
        visible=bool(known),
    )
    figure.add_scatter(
        x=[row.value for row in rows],
        y=[literal(words(row.attribute)) for row in rows],
        error_x=reach([(row.value, row.interval) for row in rows]),
        mode="markers",
        marker={"size": 8, "color": SIAM_COLOUR},
        name="SIAM",
        customdata=[[_hover(row)] for row in rows],
        hovertemplate="%{y}: %{customdata[0]}<extra></extra>",
    )
    if not known and precisions.chance is not None:
        figure.add_vline(precisions.chance, line={"color": GREY, "width": 1.5, "dash": "dot"})
        figure.add_annotation(x=precisions.chance, y=1, yref="paper", yanchor="bottom", text="chance", showarrow=False)
    interval = "<br>lines: 95 % interval" if any(row.interval for row in rows) else ""
    dress(figure, title, source, 190 + ROW * len(rows))
    figure.update_xaxes(title=_KINDS[precisions.kind] + interval, range=[-0.02, 1.03])
    figure.update_yaxes(
        dtick=1,
        automargin=True,
        categoryorder="array",
        categoryarray=[literal(words(row.attribute)) for row in rows],
        range=[-0.8, len(rows) - 0.2],
    )
    return figure


def people_figure(cases: Cases, network: str) -> go.Figure:
    """Return the scores of a network ("siam" or "baseline") against the crowd's ratings, one dot per photo.

    Both are in points if the crowd rated on the networks' scale, else ranks from 0 (lowest) to 100. All axes, including
    those of the other network's figure, have the same ends.
    """
    table, scale = cases.table.dropna(subset=["crowd", network]), cases.gallery.about.scale
    crowd, score = table["crowd"].to_numpy(), table[network].to_numpy()
    name, colour = NETWORKS[network]
    if cases.in_ranks:
        crowd, score, ends, unit = _ranks(crowd), _ranks(score), [0.0, 100.0], "rank, 0 (lowest) to 100"
    else:
        ends, unit = [scale.low, scale.high], f"points, {scale.low:g} to {scale.high:g}"
    room = 0.03 * (ends[1] - ends[0])
    widest = ends if cases.in_ranks else [*ends, *cases.table[list(NETWORKS)].stack()]
    low, high = min(widest) - room, max(widest) + room
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": CROWD, "width": 1.5}, hoverinfo="skip", showlegend=False
    )
    figure.add_scatter(
        x=crowd,
        y=score,
        mode="markers",
        marker={"size": 7, "color": colour, "opacity": 0.6},
        customdata=[
            [literal(of), number(x), number(y)] for of, x, y in zip(table["identifier"], crowd, score, strict=True)
        ],
        hovertemplate=f"%{{customdata[0]}}: crowd %{{customdata[1]}}, {name} %{{customdata[2]}}<extra></extra>",
        showlegend=False,
    )
    dress(figure, name, f"{len(table):,} pictures · line: same as the crowd", 420)
    figure.update_xaxes(title=f"crowd, {unit}", range=[low, high], nticks=10)
    figure.update_yaxes(title=f"{name}, {unit}", range=[low, high], nticks=10)
    return figure


def compared_figure(figures: Sequence[Compared], title: str, source: str) -> go.Figure:
    """Return the figures of what, where and how: SIAM's dots on lines from the lowest to the highest reference."""
    figure = go.Figure()
    x: list[float | None] = []
    y: list[float | None] = []
    for row, of in enumerate(figures):
        if of.references:
            x += [min(of.references.values()), max(of.references.values()), None]
            y += [row, row, None]
    figure.add_scatter(x=x, y=y, mode="lines", line={"color": GREY, "width": 1}, hoverinfo="skip", showlegend=False)
    for name, mark in _MARKS.items():
        places = [(row, of.references[name]) for row, of in enumerate(figures) if name in of.references]
        figure.add_scatter(
            x=[value for _row, value in places],
            y=[row for row, _value in places],
            mode="markers",
            marker={"symbol": mark, "size": 9, "color": GREY, "line": {"width": 1.5}},
            name=name,
            customdata=[[figures[row].label, number(value)] for row, value in places],
            hovertemplate=f"%{{customdata[0]}}: {name} %{{customdata[1]}}<extra></extra>",
        )
    figure.add_scatter(
        x=[of.siam for of in figures],
        y=list(range(len(figures))),
        mode="markers",
        marker={"size": 11, "color": SIAM_COLOUR},
        name="SIAM",
        customdata=[[of.label, number(of.siam)] for of in figures],
        hovertemplate="%{customdata[0]}: SIAM %{customdata[1]}<extra></extra>",
    )
    lowest = min([0.0, *(value for of in figures for value in of.references.values()), *(of.siam for of in figures)])
    for row, of in enumerate(figures):  # above its row, for want of room on narrow pages
        figure.add_annotation(
            x=0, xref="paper", y=row - 0.17, text=f"<b>{of.part}</b> {of.label}", showarrow=False,
            xanchor="left", yanchor="bottom",
        )  # fmt: skip
    dress(figure, title, source, 190 + _STEP * len(figures))
    figure.update_xaxes(title="share, or correlation (−1 to 1)", range=[lowest - 0.04, 1.03])
    figure.update_yaxes(range=[len(figures) - 0.4, -0.85], showticklabels=False, showgrid=False)
    return figure


def shares_figure(shares: Sequence[Share], title: str, source: str, axis: str, goal: float | None) -> go.Figure:
    """Return a dot with its interval for each share, one below the other.

    Args:
        shares: of photos.
        title: of the figure.
        source: the line below the title.
        axis: title of the axis.
        goal: where a line marks what the shares should be; None for no line.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[of.share for of in shares],
        y=list(range(len(shares))),
        error_x=reach([(of.share, of.interval) for of in shares]),
        mode="markers",
        marker={"size": 10, "color": SIAM_COLOUR},
        customdata=[[literal(of.label), of.text] for of in shares],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        showlegend=False,
    )
    if goal is not None:
        figure.add_vline(goal, line={"color": GREY, "width": 1.5, "dash": "dot"})
    for row, of in enumerate(shares):  # above its row, for want of room on narrow pages
        figure.add_annotation(
            x=0, xref="paper", y=row - 0.17, text=f"{literal(of.label)}: {of.text}", showarrow=False,
            xanchor="left", yanchor="bottom",
        )  # fmt: skip
    dress(figure, title, source, 190 + _STEP * len(shares))
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    figure.update_xaxes(title=axis, range=[-0.02, 1.05], tickvals=ticks, ticktext=[f"{100 * x:.0f} %" for x in ticks])
    figure.update_yaxes(range=[len(shares) - 0.4, -0.85], showticklabels=False, showgrid=False)
    return figure


def _hover(row: Precision) -> str:
    text = f"{row.value:.2f}"
    if row.interval is not None:
        text += f" ({row.interval[0]:.2f} to {row.interval[1]:.2f})"
    return text if row.chance is None else f"{text}, chance {row.chance:.2f}"


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 0 (lowest) to 100; equal values share a rank."""
    return 100 * (rankdata(values) - 1) / max(1, len(values) - 1)
