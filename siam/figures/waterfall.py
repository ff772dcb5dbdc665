"""Waterfall charts: from the bias to the score, or from one score to another, one attribute after the other."""

import plotly.graph_objects as go

from siam.datasets.base import RatingScale
from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.phrases import number
from siam.explanation.context import ContextExplanation
from siam.explanation.difference import Difference
from siam.explanation.inference import Explanation, Order
from siam.explanation.waterfall import CONNECTOR, Step, context_steps, difference_steps
from siam.explanation.waterfall import span as span
from siam.explanation.waterfall import waterfall_drawing as waterfall_drawing
from siam.explanation.waterfall import waterfall_steps as waterfall_steps
from siam.figures.style import literal

_ROW = 30  # px


def waterfall(explanation: Explanation, count: int = 8, order: Order = "magnitude") -> go.Figure:
    """Return the steps from the bias to the score as a chart, top to bottom, in the page's fonts."""
    return _chart(waterfall_steps(explanation, count, order), "From bias to score", explanation.scale)


def context_waterfall(context: ContextExplanation, causes: int | None = None) -> go.Figure:
    """Return the steps from the base to the score with context, or with so few causes, as a chart."""
    return _chart(context_steps(context, causes), "From base to score", context.scale)


def difference_waterfall(
    difference: Difference,
    count: int = 8,
    order: Order = "magnitude",
    names: tuple[str, str] = ("first photo", "second photo"),
) -> go.Figure:
    """Return the steps from the first photo's score to the second's as a chart."""
    steps = difference_steps(difference, count, order, names)
    return _chart(steps, f"From {steps[0].label} to {steps[-1].label}", difference.before.scale)


def _chart(steps: list[Step], title: str, scale: RatingScale) -> go.Figure:
    rows = list(range(len(steps)))
    figure = go.Figure()
    figure.add_trace(_connectors(steps))
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=rows[1:-1],
            base=[step.start for step in steps[1:-1]],
            x=[step.value for step in steps[1:-1]],
            marker={"color": [sign_colour(step.value) for step in steps[1:-1]], "line": {"width": 0}},
            text=[step.text for step in steps[1:-1]],
            textposition="outside",
            cliponaxis=False,
            width=0.62,
            customdata=[
                [literal(step.label), step.text, number(step.end), f"<br>{literal(step.note)}" if step.note else ""]
                for step in steps[1:-1]
            ],
            hovertemplate="%{customdata[0]} %{customdata[1]}, to %{customdata[2]}%{customdata[3]}<extra></extra>",
        )
    )
    figure.add_trace(_ends(steps))
    return _layout(figure, steps, title, scale)


def _connectors(steps: list[Step]) -> go.Scatter:
    """Draw thin lines from the end of each row to the start of the next."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, step in enumerate(steps[:-1]):
        x += [step.end, step.end, None]
        y += [row, row + 1, None]
    line = {"color": CONNECTOR, "width": 1}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _ends(steps: list[Step]) -> go.Scatter:
    """Mark both ends, such as bias and score: points, not bars, because the axis does not start at 0."""
    return go.Scatter(
        x=[steps[0].end, steps[-1].end],
        y=[0, len(steps) - 1],
        mode="markers+text",
        marker={"color": CROWD, "size": 13, "symbol": "diamond"},
        text=[f"  {steps[0].text}", f"  {steps[-1].text}"],
        textposition="middle right",
        cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
    )


def _layout(figure: go.Figure, steps: list[Step], title: str, scale: RatingScale) -> go.Figure:
    low, high = span(steps)
    return figure.update_layout(
        title={"text": literal(title), "x": 0, "xanchor": "left"},
        height=_ROW * len(steps) + 110,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
        xaxis={
            "title": {"text": f"{literal(scale.name)}, points on a scale from {scale.low:g} to {scale.high:g}"},
            "range": [low, high],
            "automargin": True,
            "zeroline": False,
            "nticks": 6,
            "gridcolor": "rgba(128, 128, 128, 0.18)",
        },
        yaxis={
            "tickvals": list(range(len(steps))),
            "ticktext": [literal(step.label) for step in steps],
            "range": [len(steps) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
