"""A picture under cells, which can be selected by box or lasso."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from siam.drawing.phrases import words
from siam.figures.style import literal

_EDGE = "rgba(255, 255, 255, 0.22)"


def mark_figure(picture: Image.Image, word: str, shape: tuple[int, int]) -> go.Figure:
    """Return a photo on which cells can be marked that show a word; `customdata` of a cell is (row, column, "").

    Args:
        picture: the photo.
        word: that it shows.
        shape: rows and columns of cells.
    """
    hover = f"{literal(words(word))} here?<extra></extra>"
    return under_cells(picture, shape, [""] * (shape[0] * shape[1]), hover, picture.height / picture.width)


def under_cells(
    picture: Image.Image, shape: Sequence[int], values: Sequence[str], hover: str, ratio: float
) -> go.Figure:
    """Return a picture under cells, each with a value; `ratio` is the picture's height over its width."""
    height, width = shape
    rows, columns = (of.ravel() for of in np.mgrid[:height, :width])
    data = [(int(r), int(c), value) for r, c, value in zip(rows, columns, values, strict=True)]
    marker = {"symbol": "square", "size": 11, "color": "rgba(255,255,255,0.06)", "line": {"width": 1, "color": _EDGE}}
    figure = go.Figure(
        go.Scatter(
            x=columns + 0.5, y=rows + 0.5, mode="markers", customdata=data, marker=marker,
            selected={"marker": {"color": "rgba(143, 179, 209, 0.9)"}}, unselected={"marker": {"opacity": 0.3}},
            hovertemplate=hover,
        )
    )  # fmt: skip
    figure.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
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
