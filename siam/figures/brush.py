"""A photo under the cells of an attribute's map, which can be selected by box or lasso."""

from collections.abc import Collection

import numpy as np
import plotly.graph_objects as go

from siam.drawing.phrases import words
from siam.explanation.inference import Explanation
from siam.figures.maps import presence_image
from siam.figures.style import literal

_EDGE = "rgba(255, 255, 255, 0.22)"


def brush_figure(
    explanation: Explanation, index: int, limit: float | None = None, chosen: Collection[tuple[int, int]] = ()
) -> go.Figure:
    """Return the photo lit where SIAM sees an attribute, with a point per cell; `customdata` is (row, column, value).

    Args:
        explanation: of the photo, possibly after edits.
        index: of the attribute.
        limit: the value of the map that lights the photo fully; by default its largest.
        chosen: cells, as (row, column), to highlight.
    """
    cells = explanation.attribute_maps[index]
    height, width = cells.shape
    picture = presence_image(explanation, index, limit or max(float(cells.max()), 1e-9), dim=0.6)
    rows, columns = (of.ravel() for of in np.mgrid[:height, :width])
    hover = [(int(r), int(c), f"{cells[r, c]:.2f}") for r, c in zip(rows, columns, strict=True)]
    marker = {"symbol": "square", "size": 11, "color": "rgba(255,255,255,0.06)", "line": {"width": 1, "color": _EDGE}}
    figure = go.Figure(
        go.Scatter(
            x=columns + 0.5, y=rows + 0.5, mode="markers", customdata=hover, marker=marker,
            selected={"marker": {"color": "rgba(143, 179, 209, 0.9)"}}, unselected={"marker": {"opacity": 0.3}},
            hovertemplate=f"{literal(words(explanation.attributes[index]))} %{{customdata[2]}} here<extra></extra>",
        )
    )  # fmt: skip
    for row, column in chosen:
        figure.add_shape(
            x0=column, x1=column + 1, y0=row, y1=row + 1, line={"width": 0}, fillcolor="rgba(143, 179, 209, 0.45)"
        )
    figure.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
    ratio = explanation.image.height / explanation.image.width
    return figure.update_layout(
        height=int(np.clip(440 * ratio + 32, 240, 480)),
        margin={"l": 0, "r": 0, "t": 32, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode="select",
        xaxis={**bare, "range": [0, width]},
        yaxis={**bare, "range": [height, 0], "scaleanchor": "x", "scaleratio": ratio * width / height,
               "constrain": "domain"},
    )  # fmt: skip
