"""Pictures for comparing explainers: their maps over the photo, and the curves of their faithfulness."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageOps

from siam.drawing.colours import CROWD
from siam.drawing.maps import relative
from siam.drawing.phrases import at, signed, signed_map_text, where
from siam.explainers.registry import description, title
from siam.figures.style import literal

_GRID = "rgba(128, 128, 128, 0.18)"
_CLEAR = "rgba(0, 0, 0, 0)"
_LEGEND_ROW = 20  # px
_DIM = 0.3  # brightness outside a region


def pattern(name: str) -> str | None:
    """Return what the map of an explainer without a direction shows; None for an explainer with one."""
    return description(name).pattern or None


def map_text(name: str, field: np.ndarray, sign: int) -> str:
    """Return the alternative text of a map: the method, and where it says the score is raised and lowered.

    For a map without a direction: what it shows, and where.
    """
    subject = pattern(name)
    if subject is None:
        return f"{title(name)}'s map: {signed_map_text(relative(field, sign))}"
    return f"{title(name)}'s map: {subject} is {at(where(np.maximum(field, 0)))}"


def region_picture(photo: Image.Image, mask: np.ndarray) -> Image.Image:
    """Return the photo unchanged inside a mask (H, W) of bool, and dark and grey elsewhere."""
    inside = Image.fromarray(mask.astype(np.uint8) * 255).resize(photo.size)
    dark = Image.fromarray((np.asarray(ImageOps.grayscale(photo)) * _DIM).astype(np.uint8)).convert("RGB")
    return Image.composite(photo.convert("RGB"), dark, inside)


def waiting_picture(photo: Image.Image) -> Image.Image:
    """Return the photo in pale grey, as the placeholder for a map that is not ready."""
    grey = ImageOps.grayscale(photo).convert("RGB")
    return Image.blend(grey, Image.new("RGB", photo.size, CROWD), 0.6)


def curves_figure(
    curves: Mapping[str, np.ndarray], shares: np.ndarray, heading: str, goal: str, x: str, y: str
) -> go.Figure:
    """Return the curves of several methods, SIAM's the widest and on top.

    Args:
        curves: by method, (S,), in points.
        shares: (S,) shares of the pixels, from 0 to 1, common to all curves.
        heading: title of the figure.
        goal: which curves are better; the line below the title.
        x: title of the horizontal axis.
        y: title of the vertical axis, with its unit.
    """
    figure = go.Figure()
    for name in sorted(curves, key=lambda name: name == "siam"):  # what is drawn last lies on top
        line = description(name)
        figure.add_scatter(
            x=(100 * shares).round(1),
            y=curves[name].round(4),
            mode="lines",
            line={"color": line.colour, "dash": line.dash, "width": 4 if name == "siam" else 2},
            name=literal(title(name)),
            legendrank=1 if name == "siam" else 2,
            customdata=[signed(float(value)) for value in curves[name]],
            hovertemplate=f"{literal(title(name))}, %{{x:.0f}} %: %{{customdata}}<extra></extra>",
        )
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True}
    return figure.update_layout(
        title={"text": heading, "subtitle": {"text": goal}, "x": 0, "xanchor": "left"},
        height=380 + _LEGEND_ROW * -(-len(curves) // 3),
        margin={"l": 8, "r": 20, "t": 64, "b": 8},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
        xaxis={"title": {"text": x}, "range": [0, 100], "dtick": 20, **axis},
        yaxis={"title": {"text": y}, **axis, "zeroline": True, "zerolinecolor": "#8A949E"},
    )
