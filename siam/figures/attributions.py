"""Pictures for comparing explainers: their maps over the photo, and the curves of their faithfulness."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageColor, ImageOps

from siam.drawing.colours import CROWD
from siam.drawing.maps import overlay, upsampled
from siam.drawing.phrases import at, signed, signed_map_text, where
from siam.explainers.registry import description, title

_PATTERN_COLOUR = "#1558C0"  # CROWD, the colour without a sign, is invisible on a grey photo
_GRID = "rgba(128, 128, 128, 0.18)"
_CLEAR = "rgba(0, 0, 0, 0)"
_LEGEND_ROW = 20  # px
_COARSE = 64 * 64  # cells: larger maps are as fine as the pixels
_OUTLIERS = 0.01  # share of their cells
_DIM = 0.3  # brightness outside a region
_PALE = 0.35  # how far a photo is whitened under a map without a direction


def relative(field: np.ndarray, sign: int) -> np.ndarray:
    """Return a map (h, w) relative to its own largest magnitude, from -1 to 1; > 0 where the score is raised.

    In a map as fine as the pixels, single ones would leave all others pale: there the scale ends at the magnitude that
    one pixel in a hundred exceeds, unless that is 0, and larger values are cut off.

    Args:
        field: a map in any unit, as an explainer returns it; a map of zeros stays as it is.
        sign: -1 if the map explains minus the score, else 1.
    """
    magnitude = np.abs(field)
    limit = float(np.quantile(magnitude, 1 - _OUTLIERS)) if field.size > _COARSE else 0.0
    limit = limit or float(magnitude.max())
    return sign * np.clip(field / limit, -1, 1) if limit > 0 else np.zeros_like(field)


def map_picture(photo: Image.Image, field: np.ndarray, sign: int, strength: float = 0.75) -> Image.Image:
    """Return a map over the photo, green where the score is raised, magenta where it is lowered.

    Explainers use different units, so each map is scaled to its own values (`relative`) before `overlay` draws it.
    """
    return overlay(photo, relative(field, sign), 1.0, strength)


def pattern(name: str) -> str | None:
    """Return what the map of an explainer without a direction shows; None for an explainer with one."""
    return description(name).pattern or None


def pattern_picture(photo: Image.Image, field: np.ndarray, strength: float = 0.75) -> Image.Image:
    """Return a map without a direction over the photo, in blue, the colour without a sign.

    The map is scaled as in `map_picture`. The photo turns grey and pale, and blue covers it with the opacity strength
    times map: the photo alone at strength 0, blue alone at strength 1 where the map is highest.
    """
    if strength <= 0:
        return photo.convert("RGB")
    cover = min(1, strength) * np.clip(upsampled(relative(field, 1), photo.size), 0, 1)[..., None]
    colours = np.asarray(photo.convert("RGB"), dtype=np.float32)
    grey = np.asarray(ImageOps.grayscale(photo), dtype=np.float32)[..., None]
    pale = colours + (grey - colours) * min(1, 1.5 * strength)
    pale += (255 - pale) * _PALE * min(1, strength)
    return Image.fromarray(
        np.round(pale * (1 - cover) + np.array(ImageColor.getrgb(_PATTERN_COLOUR)) * cover).astype(np.uint8)
    )


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
