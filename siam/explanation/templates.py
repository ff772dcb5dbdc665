"""Effective templates: how much each attribute counts, where, and in words.

W_k holds what one unit of attribute k adds to the score in each cell of a g x g grid over the picture
(`siam.models.networks`).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from siam.drawing.phrases import at, where

TemplateOrder = Literal["net effect", "name", "depends on place"]
TEMPLATE_ORDERS: tuple[TemplateOrder, ...] = ("net effect", "name", "depends on place")

_ONE_SIDED = 0.08  # of the magnitude: below this, the weaker sign is not mentioned
_SHOWS, _FEWEST = 0.5, 5  # a photo with this presence shows the attribute; the fewest photos to judge by
_SATURATED = 1e-6  # presence is cut off this close to 1
_EVEN = 0.35  # standard deviation / mean of the cells: below this, an effect is the same everywhere


def net_effects(templates: np.ndarray) -> np.ndarray:
    """Return the sum (K,) of each template (K, g, g): the points that one unit of the attribute in every cell adds."""
    return templates.sum(axis=(1, 2))


def spreads(templates: np.ndarray) -> np.ndarray:
    """Return how strongly each template (K, g, g) depends on place (K,).

    This is the standard deviation of its cells times g², on the scale of the net effect.
    """
    return templates.std(axis=(1, 2)) * templates[0].size


def template_order(templates: np.ndarray, names: Sequence[str], order: TemplateOrder = "net effect") -> list[int]:
    """Return the indices of templates (K, g, g), largest net effect or spread first, or by name."""
    if order == "name":
        return sorted(range(len(names)), key=lambda k: names[k])
    values = net_effects(templates) if order == "net effect" else spreads(templates)
    return [int(k) for k in np.argsort(-values, kind="stable")]


def template_text(template: np.ndarray) -> str:
    """Say where an attribute helps and hurts, given its template (g, g): "helps at the bottom, hurts at the top".

    A sign with less than 8 % of the template's magnitude is not mentioned.
    """
    magnitude = float(np.abs(template).sum())
    if magnitude == 0:
        return "has no effect"
    raises, lowers = np.maximum(template, 0), np.minimum(template, 0)
    effects = []
    for verb, part in (("helps", raises), ("hurts", lowers)):
        if np.abs(part).sum() > _ONE_SIDED * magnitude:
            effects.append((verb, part))
    if len(effects) == 1:
        verb, part = effects[0]
        if part.std() < _EVEN * np.abs(part.mean()):
            return f"{verb} equally everywhere"
        place = where(part)
        return f"{verb} everywhere, more in some places" if place == "everywhere" else f"{verb} most {at(place)}"
    return ", ".join(f"{verb} {at(where(part))}" for verb, part in effects)


def stamp(grid: int, row: int, column: int, size: int) -> np.ndarray:
    """Return the cells (grid, grid) bool of a square of size x size cells around a cell, cut off at the edges.

    Raises:
        ValueError: the cell is outside the grid, or the size below 1.
    """
    if not (0 <= row < grid and 0 <= column < grid) or size < 1:
        raise ValueError(
            f"cell ({row}, {column}), size {size}; expected a cell of 0 … {grid - 1} and a size of at least 1"
        )
    cells = np.zeros((grid, grid), dtype=bool)
    before = (size - 1) // 2
    top, left = max(0, row - before), max(0, column - before)
    cells[top : row - before + size, left : column - before + size] = True
    return cells


def usual_amount(presence: np.ndarray, link: Literal["tanh", "sigmoid"] = "tanh") -> float:
    """Return the usual amount of an attribute in photos that show it: the median, over photos, of its map's mean.

    Args:
        presence: (N,) of the attribute in N photos. Those with 0.5 or more count, or the five highest if fewer have as
            much. Without photos the result is 1.
        link: the function that turned the mean of a map into presence (`SIAMConfig.attribute_link`).
    """
    if not len(presence):
        return 1.0
    ranked = -np.sort(-presence.astype(float))
    shown = np.clip(ranked[: max(_FEWEST, int((ranked >= _SHOWS).sum()))], 0, 1 - _SATURATED)
    logits = np.arctanh(shown) if link == "tanh" else np.log(np.maximum(shown, _SATURATED) / (1 - shown))
    return float(np.maximum(0, np.median(logits)))


def stamp_effect(template: np.ndarray, cells: np.ndarray, amount: float = 1.0) -> float:
    """Return the points that an attribute adds when it appears in some cells (g, g) of a picture and nowhere else.

    Args:
        template: (g, g) effective template.
        cells: (g, g) bool, at least one.
        amount: mean of the attribute's map over the whole picture, all of it in those cells.
    """
    return float(amount * template.size * template[cells].mean())
