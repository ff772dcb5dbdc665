"""A photo under the cells of an attribute's map, which can be selected by box or lasso."""

from collections.abc import Collection

import plotly.graph_objects as go

from siam.drawing.phrases import words
from siam.explanation.inference import Explanation
from siam.figures.cells import under_cells
from siam.figures.maps import presence_image
from siam.figures.style import literal


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
    picture = presence_image(explanation, index, limit or max(float(cells.max()), 1e-9), dim=0.6)
    values = [f"{value:.2f}" for value in cells.ravel()]
    hover = f"{literal(words(explanation.attributes[index]))} %{{customdata[2]}} here<extra></extra>"
    figure = under_cells(picture, cells.shape, values, hover, explanation.image.height / explanation.image.width)
    for row, column in chosen:
        figure.add_shape(
            x0=column, x1=column + 1, y0=row, y1=row + 1, line={"width": 0}, fillcolor="rgba(143, 179, 209, 0.45)"
        )
    return figure
