"""Cells of a photo, selected by box or lasso, or by number."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

Cells = frozenset[tuple[int, int]]  # (row, column) each


def selected(figure: go.Figure, key: str, alt: str) -> Cells:
    """Show a figure of `siam.figures.cells` and return the cells that are selected in it.

    Args:
        figure: a photo under cells.
        key: of the chart.
        alt: says what it shows.
    """
    state: Any = st.plotly_chart(
        figure,
        key=key,
        on_select="rerun",
        selection_mode=("box", "lasso"),
        config={"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d", "zoom2d", "pan2d"]},
        alt=alt,
    )
    points = (item.get("customdata") for item in state["selection"]["points"])
    return frozenset((int(cell[0]), int(cell[1])) for cell in points if cell)


def by_number(shape: tuple[int, int], key: str = "") -> Cells:
    """Let the visitor select a block of cells without a pointer, and return it; none at first.

    Args:
        shape: rows and columns of cells.
        key: of the photo, if another one begins anew.
    """
    if not st.toggle("Select cells by row and column", key=f"by-number{key}"):
        return frozenset()
    height, width = shape
    top, bottom = st.slider("Rows from the top", 1, height, (1, height), key=f"rows-{height}{key}")
    left, right = st.slider("Columns from the left", 1, width, (1, width), key=f"columns-{width}{key}")
    return frozenset((row, column) for row in range(top - 1, bottom) for column in range(left - 1, right))
