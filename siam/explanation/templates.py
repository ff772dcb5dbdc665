"""Effective templates: how much each attribute counts, where, and in words.

W_k holds what one unit of attribute k adds to the score in each cell of a g x g grid over the picture
(`siam.models.networks`).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from siam.drawing.phrases import at, where, words
from siam.models.agreement import agreed, agreement

TemplateOrder = Literal["net effect", "name", "depends on place"]
TEMPLATE_ORDERS: tuple[TemplateOrder, ...] = ("net effect", "name", "depends on place")

_ONE_SIDED = 0.08  # of the magnitude: below this, the weaker sign is not mentioned
_SHOWS, _FEWEST = 0.5, 5  # a photo with this presence shows the attribute; the fewest photos to judge by
_SATURATED = 1e-6  # presence is cut off this close to 1
_FIRM = 0.75  # of a sign's magnitude: this much must lie in cells on which the folds agree
_EVEN = 0.35  # standard deviation / mean of the cells: below this, an effect is the same everywhere


def net_effects(templates: np.ndarray) -> np.ndarray:
    """Return the sum (K,) of each template (K, g, g): the points that one unit of the attribute in every cell adds."""
    return templates.sum(axis=(1, 2))


def what_if_question(templates: np.ndarray, names: Sequence[str]) -> str:
    """Return a question in the networks' own words: what if SIAM saw less of what lowers scores most, or more of …?

    Args:
        templates: (K, g, g) of some attributes, K > 0.
        names: their K names.

    Example:
        >>> import numpy as np
        >>> from siam.explanation.templates import what_if_question
        >>> what_if_question(np.array([[[-1.0]], [[0.5]], [[-0.1]]]), ["road", "still_water", "wood"])
        'What if SIAM saw less road, or more still water?'
    """
    effects = net_effects(templates)
    least, most = (words(names[int(place)]) for place in (effects.argmin(), effects.argmax()))
    return f"What if SIAM saw less {least}, or more {'of it' if least == most else most}?"


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


def template_text(template: np.ndarray, folds: np.ndarray | None = None) -> str:
    """Say where an attribute helps and hurts, given its template (g, g): "helps at the bottom, hurts at the top".

    A sign with less than 8 % of the template's magnitude is not mentioned. With the templates of the cross-validation,
    only what at least 4 of 5 of them share is said:

    - Cells on whose sign fewer agree count as 0. A sign is mentioned if the other cells hold at least three quarters of
      its magnitude; of templates of pure noise, whose mean is shown, five agree on half of it, fifteen on a tenth.
    - The place is mentioned if 4 of 5 templates are, on the whole, stronger where this one is: if they covary with it.

    Args:
        template: effective template.
        folds: (R, g, g) templates of the same attribute, of the R networks of the cross-validation; None if unknown.
    """
    if not np.abs(template).sum():
        return "has no effect"
    sure = np.ones(template.shape, dtype=bool) if folds is None else agreed(agreement(template, folds))
    magnitude = float(np.abs(template[sure]).sum())
    effects = []
    for verb, part in (("helps", np.maximum(template, 0)), ("hurts", np.minimum(template, 0))):
        certain, whole = np.where(sure, part, 0), np.abs(part).sum()
        if np.abs(certain).sum() >= max(_FIRM * whole, _ONE_SIDED * magnitude, np.finfo(float).tiny):
            effects.append((verb, certain))
    if not effects:
        return "has no effect that the folds agree on"
    placed = [folds is None or _same_place(part, folds) for _verb, part in effects]
    if len(effects) == 1:
        return _one_sided(*effects[0], placed=placed[0])
    return ", ".join(
        f"{verb} {at(where(part))}" if known else f"{verb} in places"
        for (verb, part), known in zip(effects, placed, strict=True)
    )


def _one_sided(verb: str, part: np.ndarray, *, placed: bool) -> str:
    """Say where a template of one sign acts; without `placed`, where it acts most is unknown."""
    if part.std() < _EVEN * np.abs(part.mean()):
        return f"{verb} equally everywhere"
    place = where(part)
    if not placed:
        return f"{verb} everywhere" if part.all() else f"{verb} in places"
    return f"{verb} everywhere, more in some places" if place == "everywhere" else f"{verb} most {at(place)}"


def _same_place(part: np.ndarray, folds: np.ndarray) -> bool:
    """Return whether at least 4 of 5 templates (R, g, g) covary with a part (g, g) of the shown one."""
    centred = part - part.mean()
    covariances = np.tensordot(folds, centred, axes=2)  # (R,), times the number of cells
    return bool(agreed(np.asarray((covariances > 0).mean())))


def net_agreement(template: np.ndarray, folds: np.ndarray) -> int:
    """Return how many of the templates (R, g, g) have a net effect of the same sign as the shown one (g, g)."""
    return int((np.sign(folds.sum(axis=(1, 2))) == np.sign(template.sum())).sum())


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
