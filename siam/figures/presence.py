"""The paper's Figure 3 as a plotly figure: how each attribute's presence goes with the ratings, with intervals.

After D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps", ICCV Workshops 2019, arXiv:1909.08442.
"""

import plotly.graph_objects as go

from siam.drawing.colours import sign_colour
from siam.drawing.phrases import signed, words
from siam.evaluation.figures import PresenceFigures, PresenceOfAttribute
from siam.figures.style import literal, reach

_ROW = 20  # px
_ZERO_LINE = "#9AA5B1"  # visible on light and dark pages
_AXIS = "Kendall's τ (−1 to 1), 95 % interval"


def presence_figure(presence: PresenceFigures, title: str, source: str) -> go.Figure:
    """Return the chart in the page's fonts, the attribute with the highest τ at the top.

    Attributes without a τ are left out.

    Args:
        presence: predicted or true.
        title: of the figure, such as "Predicted presence and beauty".
        source: photos, networks and date, for the line below the title.
    """
    known = [(name, of) for name, of in presence.attributes.items()]
    rows = [(name, of, tau) for name, of in known if (tau := of.kendall_tau) is not None]
    ranked = sorted(rows, key=lambda row: row[2])  # plotly counts rows from below
    figure = go.Figure(
        go.Scatter(
            x=[tau for _name, _of, tau in ranked],
            y=[literal(words(name)) for name, _of, _tau in ranked],
            error_x={**reach([(tau, of.kendall_tau_interval) for _name, of, tau in ranked]), "color": _ZERO_LINE},
            mode="markers",
            marker={"size": 8, "color": [sign_colour(tau) for _name, _of, tau in ranked]},
            customdata=[[_hover(of, tau)] for _name, of, tau in ranked],
            hovertemplate="%{y}: %{customdata[0]}<extra></extra>",
        )
    )
    figure.add_vline(0, line={"color": _ZERO_LINE, "width": 1})
    return figure.update_layout(
        title={"text": title, "subtitle": {"text": literal(f"{presence.n:,} photos · {source}")}},
        xaxis={"title": _AXIS, "zeroline": False},
        yaxis={"dtick": 1, "automargin": True, "showgrid": True},
        height=150 + _ROW * len(ranked),
        showlegend=False,
    )


def _hover(of: PresenceOfAttribute, tau: float) -> str:
    """Return one row's figures in words."""
    parts = [f"τ {signed(tau)}"]
    if of.kendall_tau_interval is not None:
        low, high = of.kendall_tau_interval
        parts[0] += f" ({signed(low)} to {signed(high)})"
    for name, mean, count in (("present", of.mean_present, of.present), ("absent", of.mean_absent, of.absent)):
        if mean is not None:
            parts.append(f"mean rating {mean:.2f} where {name} (n = {count})")
    return "<br>".join(parts)
