"""Figure 3 of the paper, our way: how the presence of each attribute goes with the score, ordered by tau."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from siam.drawing import sign_colour
from siam.wording import words

_ROW = 22  # px
_NEUTRAL = "#52606D"  # where the interval holds 0: neither raising nor lowering is shown
_GRID = "#D3DAE1"


class Dot(NamedTuple):
    """One attribute: its name, tau, and the ends of the interval (tau itself where there is none)."""

    label: str
    tau: float
    low: float
    high: float
    hover: str

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def presence_dots(found: dict[str, Any]) -> list[Dot]:
    """Return the attributes whose tau is defined, the highest first; of the same tau, by name.

    Args:
        found: what `siam.presence.predicted_presence` or `true_presence` returns, also as read from a stored result.
    """
    dots = []
    for name, of in found["attributes"].items():
        if of["kendall_tau"] is None:
            continue
        low, high = of["kendall_tau_interval"] or (of["kendall_tau"], of["kendall_tau"])
        dots.append(Dot(words(name), of["kendall_tau"], low, high, _hover(words(name), of)))
    return sorted(dots, key=lambda dot: (-dot.tau, dot.label))


def presence_figure(found: dict[str, Any], source: str, scale: str) -> go.Figure:
    """Return the attributes as dots with their 95 % intervals, the highest tau on top; its fonts are the page's.

    Green and magenta say that the interval leaves out 0, grey that it does not. The axis is symmetric about 0.

    Args:
        found: as in `presence_dots`.
        source: which presence, of which photos, by which model, for the line under the title.
        scale: name of the ratings.
    """
    dots = presence_dots(found)
    colours = [sign_colour(dot.tau) if dot.clear else _NEUTRAL for dot in dots]
    figure = go.Figure()
    for dot, colour in zip(dots, colours, strict=True):
        line = {"color": colour, "width": 2}
        ends = [dot.low, dot.high]
        figure.add_trace(go.Scatter(x=ends, y=[dot.label] * 2, mode="lines", line=line, hoverinfo="skip"))
    figure.add_trace(
        go.Scatter(
            x=[dot.tau for dot in dots],
            y=[dot.label for dot in dots],
            mode="markers",
            marker={"color": colours, "size": 9},
            customdata=[dot.hover for dot in dots],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    return _layout(figure, dots, f"{source}; {found['n']} photos", scale)


def _hover(label: str, of: dict[str, Any]) -> str:
    interval = of["kendall_tau_interval"]
    parts = [f"{label}: tau {of['kendall_tau']:.2f}"]
    if interval is not None:
        parts.append(f"95 % interval {interval[0]:.2f} to {interval[1]:.2f}")
    for group in ("present", "absent"):
        if of[f"mean_{group}"] is not None:
            parts.append(f"mean score {of[f'mean_{group}']:.2f} where {group} ({of[group]} photos)")
    return "<br>".join(parts)


def _layout(figure: go.Figure, dots: list[Dot], source: str, scale: str) -> go.Figure:
    reach = min(1.0, 1.08 * max((max(abs(dot.low), abs(dot.high)) for dot in dots), default=1.0) or 1.0)
    title = f"What goes with a high score<br><sup>{source}</sup>"
    return figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left"},
        height=_ROW * len(dots) + 130,
        margin={"l": 8, "r": 8, "t": 60, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
        xaxis={
            "title": {"text": f"Kendall's tau of presence and {scale}; bars are 95 % intervals"},
            "range": [-reach, reach],
            "gridcolor": _GRID,
            "zerolinecolor": _NEUTRAL,
            "fixedrange": True,
        },
        yaxis={
            "categoryorder": "array",
            "categoryarray": [dot.label for dot in reversed(dots)],
            "range": [-0.7, len(dots) - 0.3],
            "automargin": True,
            "fixedrange": True,
        },
    )
