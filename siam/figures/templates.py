"""Effective templates as pictures: small tiles for a grid, and a large chart to point at."""

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from siam.drawing.colours import INK, ZERO
from siam.drawing.maps import HATCH, PALE, signed_cells
from siam.drawing.palettes import palette
from siam.drawing.phrases import words
from siam.figures.style import literal
from siam.models.agreement import agreed


def template_tile(
    template: np.ndarray, limit: float, side: int = 168, agreement: np.ndarray | None = None
) -> Image.Image:
    """Return a template (g, g) cell by cell in the colours from -limit over white (0) to +limit, in `side` px or less.

    Where fewer than 4 of 5 folds have the same sign by `agreement` (g, g), cells are paler and hatched.
    """
    cells = len(template)
    size = max(1, side // cells) * cells
    return signed_cells(template, limit, (size, size), None if agreement is None else ~agreed(agreement))


def template_figure(
    template: np.ndarray,
    limit: float,
    name: str,
    marked: np.ndarray | None = None,
    agreement: np.ndarray | None = None,
) -> go.Figure:
    """Return a template (g, g) as a chart that shows each cell's value and place; its points can be selected.

    Args:
        template: points that one unit of the attribute adds in each cell.
        limit: the end of the colour scale, in points.
        name: of the attribute.
        marked: (g, g) bool, a rectangle of cells to outline.
        agreement: (g, g) share of the folds with the same sign; cells with fewer than 4 of 5 are paler and hatched.
    """
    grid = len(template)
    rows, columns = (of.ravel() for of in np.mgrid[:grid, :grid])
    colours = [(0.0, palette().negative), (0.5, ZERO), (1.0, palette().positive)]
    doubtful = np.zeros(template.shape, dtype=bool) if agreement is None else ~agreed(agreement)
    hover = [
        (
            int(r) + 1,
            int(c) + 1,
            f"{template[r, c]:+.4f}".replace("-", "−"),
            "" if agreement is None else f"<br>{agreement[r, c]:.0%} of the folds agree on the sign",
        )
        for r, c in zip(rows, columns, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(doubtful, PALE * template, template),
            zmin=-limit, zmax=limit, colorscale=colours, xgap=1, ygap=1, hoverinfo="skip",
            colorbar={"thickness": 12, "outlinewidth": 0},
        )
    )  # fmt: skip
    if doubtful.any():
        figure.add_trace(_hatching(doubtful))
    figure.add_trace(
        go.Scatter(
            x=columns, y=rows, mode="markers", customdata=hover,
            marker={"symbol": "square", "size": max(8, 300 // grid), "color": "rgba(0,0,0,0)"},
            hovertemplate=f"{literal(words(name))}, row %{{customdata[0]}} from the top, column %{{customdata[1]}}"
            "<br>%{customdata[2]} points%{customdata[3]}<extra></extra>",
        )
    )  # fmt: skip
    if marked is not None and marked.any():
        inside = np.argwhere(marked)
        (top, left), (bottom, right) = inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5
        figure.add_shape(x0=left, x1=right, y0=top, y1=bottom, line={"color": INK, "width": 2.5})
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "range": [-0.5, grid - 0.5]}
    return figure.update_layout(
        title={"text": "Points that one unit adds at each place", "x": 0, "xanchor": "left"},
        height=440,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
        clickmode="event+select",
        xaxis=bare,
        yaxis={**bare, "range": [grid - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain"},
    )


def _hatching(cells: np.ndarray) -> go.Scatter:
    """Draw two diagonal lines through each of some cells (g, g) bool."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, column in np.argwhere(cells):
        for start, end in (((-0.45, 0.0), (0.0, -0.45)), ((0.0, 0.45), (0.45, 0.0))):  # (x, y) from the middle
            x += [column + start[0], column + end[0], None]
            y += [row + start[1], row + end[1], None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": f"rgba(0, 0, 0, {HATCH})", "width": 1}, hoverinfo="skip")
