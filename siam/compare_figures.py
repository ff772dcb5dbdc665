"""The pictures of a comparison of explainers: their maps over the photo, and the curves of their faithfulness."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageOps

from siam.drawing import BASELINE_COLOUR, CROWD, SIAM_COLOUR
from siam.explainer_facts import title
from siam.visualization import overlay
from siam.wording import signed, signed_map_text

# Colour and dash of each method's curves: seen on light and on dark pages; neither of the green nor of the magenta of
# signs, and neighbours in the legend differ in the dash, too.
LINES = {
    "siam": (SIAM_COLOUR, "solid"),
    "cam": (BASELINE_COLOUR, "solid"),
    "grad_cam": ("#8E6BBF", "solid"),
    "grad_cam_pp": ("#8E6BBF", "dot"),
    "layer_cam": ("#2A9D8F", "solid"),
    "score_cam": ("#2A9D8F", "dash"),
    "eigen_cam": ("#6E7F8D", "dot"),
    "occlusion": ("#D1495B", "solid"),
    "integrated_gradients": ("#D1495B", "dash"),
    "rise": ("#D69A2D", "solid"),
    "sise": ("#5C6BC0", "dash"),
    "ada_sise": ("#5C6BC0", "dot"),
    "lcam_fm": ("#7F8C3B", "solid"),
    "lcam_img": ("#7F8C3B", "dash"),
    "vebi": ("#4BA3C7", "dashdot"),
}
_GRID = "rgba(128, 128, 128, 0.18)"
_CLEAR = "rgba(0, 0, 0, 0)"
_LEGEND_ROW = 20  # px
_COARSE = 64 * 64  # cells: larger maps are as fine as the pixels
_OUTLIERS = 0.01  # of their cells
_DIM = 0.3  # of the brightness, outside of a region


def relative(field: np.ndarray, sign: int) -> np.ndarray:
    """Return a map (h, w) as shares, -1 to 1, of its own largest magnitude: > 0 where the score itself is raised.

    Of a map as fine as the pixels, single ones would leave all others pale: there the end of the scale is the
    magnitude that one in a hundred exceeds, unless that is 0, and what exceeds it counts as 1.

    Args:
        field: of any unit, as an explainer returns it; one that is 0 everywhere stays so.
        sign: -1 where the map explains minus the score, else 1.
    """
    magnitude = np.abs(field)
    limit = float(np.quantile(magnitude, 1 - _OUTLIERS)) if field.size > _COARSE else 0.0
    limit = limit or float(magnitude.max())
    return sign * np.clip(field / limit, -1, 1) if limit > 0 else np.zeros_like(field)


def map_picture(photo: Image.Image, field: np.ndarray, sign: int, strength: float = 0.75) -> Image.Image:
    """Return a map over the photo, green where the score is raised, magenta where it is lowered.

    Methods have different units, so each map is scaled by its own values (`relative`); otherwise as `overlay` does it.
    """
    return overlay(photo, relative(field, sign), 1.0, strength)


def map_text(name: str, field: np.ndarray, sign: int) -> str:
    """Return the alternative text of a map: the method, and where it finds the score raised and lowered."""
    return f"{title(name)}'s map: {signed_map_text(relative(field, sign))}"


def region_picture(photo: Image.Image, mask: np.ndarray) -> Image.Image:
    """Return the photo as it is within a mask (H, W) of bool, and dark and grey elsewhere."""
    inside = Image.fromarray(mask.astype(np.uint8) * 255).resize(photo.size)
    dark = Image.fromarray((np.asarray(ImageOps.grayscale(photo)) * _DIM).astype(np.uint8)).convert("RGB")
    return Image.composite(photo.convert("RGB"), dark, inside)


def waiting_picture(photo: Image.Image) -> Image.Image:
    """Return the photo in pale grey, in the place of a map that is still to come."""
    grey = ImageOps.grayscale(photo).convert("RGB")
    return Image.blend(grey, Image.new("RGB", photo.size, CROWD), 0.6)


def curves_figure(
    curves: Mapping[str, np.ndarray], shares: np.ndarray, heading: str, goal: str, x: str, y: str
) -> go.Figure:
    """Return the curves of several methods, SIAM's the widest and above all others.

    Args:
        curves: by method, (S,), in points.
        shares: (S,) of the pixels, from 0 to 1, common to all curves.
        heading: title of the figure.
        goal: which curves are good; stands below the title.
        x: what happens to the pixels.
        y: what is measured, with its unit.
    """
    figure = go.Figure()
    for name in sorted(curves, key=lambda name: name == "siam"):  # what is drawn last lies on top
        colour, dash = LINES.get(name, (CROWD, "solid"))
        figure.add_scatter(
            x=(100 * shares).round(1),
            y=curves[name].round(4),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 4 if name == "siam" else 2},
            name=title(name),
            legendrank=1 if name == "siam" else 2,
            customdata=[signed(float(value)) for value in curves[name]],
            hovertemplate=f"{title(name)}, %{{x:.0f}} %: %{{customdata}}<extra></extra>",
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
