"""Waterfall charts: from the bias to the score, one attribute after the other."""

from typing import NamedTuple

import plotly.graph_objects as go

from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.phrases import number, signed
from siam.drawing.shapes import Box, Drawing, Label, Line, text_width
from siam.explanation.inference import Explanation, Order
from siam.explanation.recognition import marked, recognition_text

_CONNECTOR = "#9AA5B1"
_ROW = 30  # px
_STEP, _SIZE = 27, 13  # row and text of the drawing


class Step(NamedTuple):
    """One row: the running sum before and after it; bias and score start where they end."""

    label: str
    start: float
    end: float
    text: str  # the value as shown
    note: str = ""  # how well the attribute is recognised

    @property
    def value(self) -> float:
        """What the step adds."""
        return self.end - self.start


def waterfall_steps(explanation: Explanation, count: int = 8, order: Order = "magnitude") -> list[Step]:
    """Return the bias, the `count` largest contributions, the sum of all others, and the score.

    Every step starts exactly where the previous one ended. Names that are hard to believe have a mark
    (`siam.explanation.recognition`).
    """
    at, known = explanation.bias, explanation.recognition
    steps = [Step("bias", at, at, number(at))]
    shown = explanation.ranking(order, count)
    rows = [
        (
            marked(known, item.attribute),
            item.value,
            recognition_text(known[item.attribute]) if item.attribute in known else "",
        )
        for item in shown
    ]
    others = len(explanation.attributes) - len(rows)
    if others > 0:
        rows.append((f"{others} others" if others > 1 else "1 other", explanation.others(count), ""))
    for label, value, note in rows:
        steps.append(Step(label, at, at + value, signed(value), note))
        at += value
    return [*steps, Step("SIAM score", explanation.scenicness, explanation.scenicness, number(explanation.scenicness))]


def waterfall(explanation: Explanation, count: int = 8, order: Order = "magnitude") -> go.Figure:
    """Return the steps from the bias to the score as a chart, top to bottom, in the page's fonts."""
    steps = waterfall_steps(explanation, count, order)
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
                [step.label, step.text, number(step.end), f"<br>{step.note}" if step.note else ""]
                for step in steps[1:-1]
            ],
            hovertemplate="%{customdata[0]} %{customdata[1]}, to %{customdata[2]}%{customdata[3]}<extra></extra>",
        )
    )
    figure.add_trace(_ends(steps))
    return _layout(figure, steps, explanation)


def _connectors(steps: list[Step]) -> go.Scatter:
    """Draw thin lines from the end of each row to the start of the next."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, step in enumerate(steps[:-1]):
        x += [step.end, step.end, None]
        y += [row, row + 1, None]
    line = {"color": _CONNECTOR, "width": 1}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _ends(steps: list[Step]) -> go.Scatter:
    """Mark bias and score: points, not bars, because the axis does not start at 0."""
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


def _layout(figure: go.Figure, steps: list[Step], explanation: Explanation) -> go.Figure:
    scale = explanation.scale
    low, high = span(steps)
    return figure.update_layout(
        title={"text": "From bias to score", "x": 0, "xanchor": "left"},
        height=_ROW * len(steps) + 110,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
        xaxis={
            "title": {"text": f"{scale.name}, points on a scale from {scale.low:g} to {scale.high:g}"},
            "range": [low, high],
            "automargin": True,
            "zeroline": False,
            "nticks": 6,
            "gridcolor": "rgba(128, 128, 128, 0.18)",
        },
        yaxis={
            "tickvals": list(range(len(steps))),
            "ticktext": [step.label for step in steps],
            "range": [len(steps) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
    )


def span(steps: list[Step]) -> tuple[float, float]:
    """Return the ends of an axis with room for the values beside the outermost bars."""
    ends = [step.end for step in steps]
    low, high = min(ends), max(ends)
    room = max(0.27 * (high - low), 0.05)
    return low - room, high + room


def waterfall_drawing(
    explanation: Explanation, count: int = 8, order: Order = "magnitude", width: int = 400
) -> Drawing:
    """Return the same chart as a drawing, `width` px wide, for pages without scripts."""
    steps = waterfall_steps(explanation, count, order)
    low, high = span(steps)
    left = max(text_width(step.label, _SIZE) for step in steps) + 12
    drawing = Drawing(width, _STEP * len(steps) + 8, "From bias to score")

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left)

    for row, step in enumerate(steps):
        middle = _STEP * (row + 0.5) + 4
        start, end = across(step.start), across(step.end)
        if row < len(steps) - 1:
            drawing.items.append(Line(end, middle, end, middle + _STEP, _CONNECTOR))
        drawing.items.append(Label(left - 12, middle + 4.5, step.label, _SIZE, "end"))
        falls = step.end < step.start
        if row in (0, len(steps) - 1):
            drawing.items.append(Box(end - 2.5, middle - 10, 5, 20, CROWD))
            end += 2.5
        else:
            length = max(abs(end - start), 1)
            drawing.items.append(Box(min(start, end), middle - 8, length, 16, sign_colour(step.value)))
        drawing.items.append(
            Label(end + (-6 if falls else 6), middle + 4.5, step.text, _SIZE, "end" if falls else "start")
        )
    return drawing
