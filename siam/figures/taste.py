"""What a person's beauty is made of, beside the crowd's."""

import numpy as np
import plotly.graph_objects as go

from siam.drawing.colours import CROWD, INK
from siam.drawing.phrases import signed, words
from siam.figures.style import GREY, ROW, dress, literal
from siam.taste.maps import Maps
from siam.taste.personal import Personal

YOU = "#3F7CB0"
COUNT = 10


def effects_figure(personal: Personal, maps: Maps, whose: str = "you", count: int = COUNT) -> go.Figure:
    """Return the attributes that move a person's scores most, or most otherwise than the crowd's, as pairs of points.

    Args:
        personal: the fit.
        maps: of the gallery's photos.
        whose: name of the person in the legend.
        count: attributes at most.
    """
    yours, crowds = personal.taste.effects(maps), personal.crowd.effects(maps)
    largest = np.argsort(-np.maximum(np.abs(yours), np.abs(yours - crowds)), kind="stable")[:count]
    ranked = largest[np.argsort(yours[largest], kind="stable")]  # plotly begins at the bottom
    names = [literal(words(personal.taste.attributes[k])) for k in ranked]
    figure = go.Figure()
    for name, k in zip(names, ranked, strict=True):
        figure.add_trace(
            go.Scatter(
                x=[crowds[k], yours[k]], y=[name, name], mode="lines", line={"color": GREY, "width": 1.5},
                hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    for values, label, colour, symbol in (
        (crowds, "the crowd", CROWD, "circle-open"),
        (yours, whose, YOU, "circle"),
    ):
        figure.add_trace(
            go.Scatter(
                x=values[ranked], y=names, mode="markers", name=label,
                marker={"color": colour, "size": 11, "symbol": symbol, "line": {"width": 2, "color": colour}},
                customdata=[signed(value) for value in values[ranked]],
                hovertemplate=f"{label}: %{{customdata}}<extra>%{{y}}</extra>",
            )
        )  # fmt: skip
    scale = personal.taste.scale
    dress(
        figure,
        "What raises and lowers the score",
        f"points of {scale.low:g} to {scale.high:g} from a usual increase (one standard deviation) of each attribute",
        190 + ROW * len(names) + 40,
    )
    figure.add_vline(x=0, line={"color": INK, "width": 1}, opacity=0.4)
    return figure.update_layout(margin={"l": 10, "r": 20}, hovermode="closest").update_yaxes(automargin=True)
