"""The common style of plotly figures: the page's fonts and text colours, transparent backgrounds."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

GREY = "#8A949E"  # lines and marks of no network
GRID = "rgba(128, 128, 128, 0.18)"
CLEAR = "rgba(0, 0, 0, 0)"
ROW = 20  # px


def dress(figure: go.Figure, title: str, source: str, height: int) -> None:
    """Give a figure its title, the line below it (`source`), its height in px and the common style."""
    figure.update_layout(
        title={"text": literal(title), "subtitle": {"text": literal(source)}},
        height=height,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        dragmode=False,
        legend={
            "orientation": "h",
            "x": 0,
            "y": -70 / max(1, height - 190),
            "yanchor": "top",
            "traceorder": "reversed",
        },
    )
    figure.update_xaxes(zeroline=False, showgrid=True, gridcolor=GRID)
    figure.update_yaxes(zeroline=False, showgrid=True, gridcolor=GRID)


def literal(text: str) -> str:
    """Return text as plotly shows it unchanged: its labels know tags, links, entities and %{…}."""
    return escape(text, quote=False).replace("{", "&#123;")


def reach(rows: Sequence[tuple[float, Sequence[float] | None]]) -> dict[str, object]:
    """Return plotly's error bars for rows of (value, interval); a row without an interval gets none."""
    ends = [interval or (value, value) for value, interval in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - value) for (value, _), (_low, high) in zip(rows, ends, strict=True)],
        "arrayminus": [max(0.0, value - low) for (value, _), (low, _high) in zip(rows, ends, strict=True)],
        "thickness": 1.5,
        "width": 0,
    }
