"""The pictures of a comparison of explainers: their maps over the photo, and the curves of their faithfulness."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageColor, ImageOps

from siam.drawing.colours import CROWD
from siam.drawing.maps import overlay, upsampled
from siam.drawing.phrases import at, signed, signed_map_text, where
from siam.explainers.registry import description, title

_PATTERN_COLOUR = "#1558C0"  # CROWD, the colour of what has no sign, is not seen on a photo in grey
_GRID = "rgba(128, 128, 128, 0.18)"
_CLEAR = "rgba(0, 0, 0, 0)"
_LEGEND_ROW = 20  # px
_COARSE = 64 * 64  # cells: larger maps are as fine as the pixels
_OUTLIERS = 0.01  # of their cells
_DIM = 0.3  # of the brightness, outside of a region
_PALE = 0.35  # how far a photo is whitened where a map without direction is 0, and its colour is laid on white


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


def pattern(name: str) -> str | None:
    """Return what the map of a method shows that does not know the direction; None for one that does."""
    return description(name).pattern or None


def pattern_picture(photo: Image.Image, field: np.ndarray, strength: float = 0.75) -> Image.Image:
    """Return a map without direction over the photo, in blue, which is no sign.

    The map is scaled as `map_picture` does it. The photo loses its colours and pales, and the colour covers it by the
    strength times the map: the photo alone at strength 0, blue alone at 1 where the map is highest.
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
    """Return the alternative text of a map: the method, and where it finds the score raised and lowered.

    Of a map without direction: where what it shows is.
    """
    subject = pattern(name)
    if subject is None:
        return f"{title(name)}'s map: {signed_map_text(relative(field, sign))}"
    return f"{title(name)}'s map: {subject} is {at(where(np.maximum(field, 0)))}"


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
