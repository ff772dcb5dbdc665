"""Figure 3 as a plotly figure: a dot and an interval for each attribute, ordered by how it goes with the score.

After D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps", ICCV Workshops 2019, arXiv:1909.08442.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from siam.drawing.colours import sign_colour
from siam.drawing.phrases import signed, words

_ROW = 20  # px
_ZERO_LINE = "#9AA5B1"
_AXIS = "Kendall's tau (−1 to 1), 95 % interval"


def presence_figure(presence: Mapping[str, Any], title: str, source: str) -> go.Figure:
    """Return the chart, the attribute that goes best with the score at the top; its fonts are the page's.

    Attributes without a tau are left out.

    Args:
        presence: of `siam.evaluation.presence`, predicted or true.
        title: what is shown, such as "Predicted presence and beauty".
        source: photos, networks and date, for the line below the title.
    """
    known = [(name, of) for name, of in presence["attributes"].items() if of["kendall_tau"] is not None]
    ranked = sorted(known, key=lambda item: item[1]["kendall_tau"])  # plotly counts rows from below
    figure = go.Figure(
        go.Scatter(
            x=[of["kendall_tau"] for _name, of in ranked],
            y=[words(name) for name, _of in ranked],
            error_x=_intervals([of for _name, of in ranked]),
            mode="markers",
            marker={"size": 8, "color": [sign_colour(of["kendall_tau"]) for _name, of in ranked]},
            customdata=[[_hover(of)] for _name, of in ranked],
            hovertemplate="%{y}: %{customdata[0]}<extra></extra>",
        )
    )
    figure.add_vline(0, line={"color": _ZERO_LINE, "width": 1})
    return figure.update_layout(
        title={"text": title, "subtitle": {"text": f"{presence['n']:,} photos · {source}"}},
        xaxis={"title": _AXIS, "zeroline": False},
        yaxis={"dtick": 1, "automargin": True, "showgrid": True},
        height=150 + _ROW * len(ranked),
        showlegend=False,
    )


def _intervals(figures: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how far each interval reaches to either side of its dot; nowhere where there is none."""
    pairs = [(of["kendall_tau"], of["kendall_tau_interval"] or [of["kendall_tau"]] * 2) for of in figures]
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - tau) for tau, (_low, high) in pairs],
        "arrayminus": [max(0.0, tau - low) for tau, (low, _high) in pairs],
        "color": _ZERO_LINE,  # seen on light and on dark pages
        "thickness": 1.5,
        "width": 0,
    }


def _hover(of: Mapping[str, Any]) -> str:
    """Return a row's figures as people read them."""
    parts = [f"tau {signed(of['kendall_tau'])}"]
    if of["kendall_tau_interval"] is not None:
        low, high = of["kendall_tau_interval"]
        parts[0] += f" ({signed(low)} to {signed(high)})"
    for name in ("present", "absent"):
        if of[f"mean_{name}"] is not None:
            parts.append(f"mean score {of[f'mean_{name}']:.2f} where {name} (n = {of[name]})")
    return "<br>".join(parts)
