"""What-if: edits of a photo's attribute maps, and the score after them. No network runs, since g is linear.

::

    y = bias + sum_k <W_k, A_k>          so changing a map A_k by D changes y by exactly <W_k, D>

An edit changes the input of g, not the photo: what f would see in a changed photo is another question. Networks with
`SIAMConfig.template_relu` (imported, with negative templates) are linear only while no template response is cut off.

Edits can be written as one short line of text, as in an address (`edits_text`, `read_edits`)::

    trees:scale:0.5,wire:erase:00f0,ocean:paint:0003:1.2,hiking:move:1:-2,grass:misread:trees

There, cells are a bit mask in hexadecimal digits, row by row, with the first cell as the highest bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from siam.drawing.phrases import at, listing, number, where, words
from siam.explanation.inference import Explanation
from siam.models.readout import presence

STRONGEST = 2.0  # the largest factor of a scaling
_LARGEST = 1e4  # value to paint with, in text: far above any map, but too small to sum to infinity


@dataclass(frozen=True)
class Scale:
    """An attribute's map times a factor, from 0 (removed) to `STRONGEST`."""

    attribute: int
    factor: float


@dataclass(frozen=True)
class Erase:
    """An attribute removed from some cells, given as (row, column) of the map."""

    attribute: int
    cells: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Paint:
    """An attribute added to some cells with a value of its map; cells that already have more stay."""

    attribute: int
    cells: frozenset[tuple[int, int]]
    value: float


@dataclass(frozen=True)
class Move:
    """An attribute's map shifted by cells, down and to the right; whatever leaves the picture is lost."""

    attribute: int
    down: int
    right: int


@dataclass(frozen=True)
class Misread:
    """An attribute relabelled as another: the map of the first is added to that of the second."""

    attribute: int
    meant: int


Edit = Scale | Erase | Paint | Move | Misread


class Step(NamedTuple):
    """An edit, the change it makes after the edits before it, and the score then, both in points."""

    edit: Edit
    change: float
    score: float


def edited_maps(maps: np.ndarray, edits: Sequence[Edit]) -> np.ndarray:
    """Return attribute maps (K, h, w) after edits, applied in order.

    Raises:
        ValueError: an edit has an attribute, cell or value out of range.
    """
    maps = np.array(maps, dtype=float)
    for edit in edits:
        _check(edit, maps.shape)
        field = maps[edit.attribute]
        if isinstance(edit, Scale):
            field *= edit.factor
        elif isinstance(edit, Erase):
            field[_mask(edit.cells, field.shape)] = 0
        elif isinstance(edit, Paint):
            inside = _mask(edit.cells, field.shape)
            field[inside] = np.maximum(field[inside], edit.value)
        elif isinstance(edit, Move):
            maps[edit.attribute] = _shifted(field, edit.down, edit.right)
        elif edit.meant != edit.attribute:
            maps[edit.meant] += field
            maps[edit.attribute] = 0
    return maps


def apply(explanation: Explanation, edits: Sequence[Edit]) -> Explanation:
    """Return the explanation after edits: attribute scores follow the edited maps; the baseline's part does not change.

    Raises:
        ValueError: an edit names an attribute, cell or value that cannot be.

    Example:
        >>> import siam
        >>> from siam.explanation.what_if import Scale, apply
        >>> from siam.images import read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/storm-road.jpg")
        >>> before = siam.explain(siam.load("photo", device="cpu"), photo)
        >>> after = apply(before, [Scale(before.attributes.index("clouds"), 0)])  # no clouds at all
        >>> f"{before.scenicness:.1f} to {after.scenicness:.1f}"
        '5.5 to 4.8'
    """
    maps = edited_maps(explanation.attribute_maps, edits)
    contribution_maps = maps * explanation.cell_weights
    contributions = contribution_maps.sum(axis=(1, 2))
    return replace(
        explanation,
        attribute_scores=presence(maps.mean(axis=(1, 2)), explanation.attribute_link),
        attribute_maps=maps,
        contribution_maps=contribution_maps,
        contributions=contributions,
        total_map=contribution_maps.sum(axis=0),
        scenicness=float(explanation.bias + contributions.sum()),
    )


def steps(explanation: Explanation, edits: Sequence[Edit]) -> list[Step]:
    """Return the change that each edit makes, after the edits before it."""
    scores = [score(explanation, edits[:count]) for count in range(len(edits) + 1)]
    changes = zip(edits, scores, scores[1:], strict=False)
    return [Step(edit, after - before, after) for edit, before, after in changes]


def score(explanation: Explanation, edits: Sequence[Edit]) -> float:
    """Return the score after edits, in points."""
    maps = edited_maps(explanation.attribute_maps, edits)
    return float(explanation.bias + (maps * explanation.cell_weights).sum())


class Reach(NamedTuple):
    """Edits that bring the score to `score`, whether that is the target, and the lowest and highest score in reach."""

    edits: tuple[Scale, ...]
    score: float
    reached: bool
    lowest: float
    highest: float


def edits_to_reach(explanation: Explanation, target: float) -> Reach:
    """Return the fewest scalings of attributes, 0 to `STRONGEST`, that bring the score to a target.

    Attributes move the score independently, so taking those that move it farthest first needs the fewest; the last one
    is scaled only as far as needed. Whether the edits are plausible is not considered.

    Args:
        explanation: to start from, possibly after edits.
        target: score to reach, in points.
    """
    contributions = explanation.contributions.astype(float)
    begin = float(explanation.bias + contributions.sum())
    up = np.maximum(contributions * (STRONGEST - 1), -contributions)  # the most that each attribute can add
    down = np.minimum(contributions * (STRONGEST - 1), -contributions)
    lowest, highest = begin + float(down.sum()), begin + float(up.sum())
    missing = target - begin
    reach = up if missing > 0 else down
    edits: list[Scale] = []
    for attribute in np.argsort(-np.abs(reach), kind="stable"):
        if abs(missing) < 1e-9 or reach[attribute] == 0:
            break
        farthest = float(reach[attribute])  # has the sign of `missing`
        step = min(missing, farthest) if farthest > 0 else max(missing, farthest)
        edits.append(Scale(int(attribute), 1 + step / float(contributions[attribute])))
        missing -= step
    return Reach(tuple(edits), target - missing, abs(missing) < 1e-6, lowest, highest)


def edit_text(explanation: Explanation, edit: Edit) -> str:
    """Say in words what an edit does: "still water × 1.50", "wire erased in the upper left"."""
    name = words(explanation.attributes[edit.attribute])
    if isinstance(edit, Scale):
        return f"{name} removed" if edit.factor == 0 else f"{name} × {number(edit.factor)}"
    if isinstance(edit, Misread):
        return f"{name} relabelled as {words(explanation.attributes[edit.meant])}"
    if isinstance(edit, Move):
        ways = ((edit.down, "down", "up"), (edit.right, "right", "left"))
        parts = [f"{abs(by)} {on if by > 0 else back}" for by, on, back in ways if by]
        return f"{name} moved {listing(parts)}" if parts else f"{name} not moved"
    mask = _mask(edit.cells, explanation.attribute_maps.shape[1:])
    return f"{name} {'erased' if isinstance(edit, Erase) else 'painted'} {at(where(mask.astype(float)))}"


def _check(edit: Edit, shape: tuple[int, ...]) -> None:
    attributes, height, width = shape
    named = (edit.attribute, edit.meant) if isinstance(edit, Misread) else (edit.attribute,)
    if not all(0 <= index < attributes for index in named):
        raise ValueError(f"{edit} names an attribute outside 0 … {attributes - 1}")
    if isinstance(edit, Scale) and not 0 <= edit.factor <= STRONGEST:
        raise ValueError(f"{edit} scales by {edit.factor}; expected 0 to {STRONGEST}")
    if isinstance(edit, Paint) and not (np.isfinite(edit.value) and edit.value >= 0):
        raise ValueError(f"{edit} paints with {edit.value}; expected a number of at least 0")
    cells = edit.cells if isinstance(edit, Erase | Paint) else frozenset()
    if not all(0 <= row < height and 0 <= column < width for row, column in cells):
        raise ValueError(f"{edit} names cells outside the map of {height} x {width}")


def _mask(cells: frozenset[tuple[int, int]], shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    for row, column in cells:
        mask[row, column] = True
    return mask


def _shifted(values: np.ndarray, down: int, right: int) -> np.ndarray:
    height, width = values.shape
    moved = np.zeros_like(values)
    if abs(down) < height and abs(right) < width:
        part = values[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
        moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = part
    return moved


def edits_text(edits: Sequence[Edit], attributes: Sequence[str], shape: tuple[int, int]) -> str:
    """Return edits of maps of `shape` (h, w) as text, numbers with four significant digits."""
    return ",".join(":".join([attributes[edit.attribute], *_edit_words(edit, attributes, shape)]) for edit in edits)


def read_edits(text: str, attributes: Sequence[str], shape: tuple[int, int]) -> list[Edit]:
    """Return the edits written in a text.

    Raises:
        ValueError: the text is not a list of edits of these attributes and maps of `shape` (h, w).
    """
    edits: list[Edit] = []
    for part in filter(None, text.split(",")):
        try:
            name, kind, *values = part.split(":")
            edits.append(_edit_of(attributes.index(name), kind, values, attributes, shape))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{part!r} is not an edit of these networks' maps ({error}); remove it") from error
    return edits


def _edit_words(edit: Edit, attributes: Sequence[str], shape: tuple[int, int]) -> list[str]:
    if isinstance(edit, Scale):
        return ["scale", f"{edit.factor:.4g}"]
    if isinstance(edit, Move):
        return ["move", str(edit.down), str(edit.right)]
    if isinstance(edit, Misread):
        return ["misread", attributes[edit.meant]]
    cells = _cells_text(edit.cells, shape)
    return ["erase", cells] if isinstance(edit, Erase) else ["paint", cells, f"{edit.value:.4g}"]


def _edit_of(index: int, kind: str, values: list[str], attributes: Sequence[str], shape: tuple[int, int]) -> Edit:
    if kind == "scale":
        (factor,) = values
        return Scale(index, _between(factor, STRONGEST))
    if kind == "move":
        down, right = values
        return Move(index, int(down), int(right))
    if kind == "misread":
        (meant,) = values
        return Misread(index, attributes.index(meant))
    if kind == "erase":
        (cells,) = values
        return Erase(index, _cells_of(cells, shape))
    if kind == "paint":
        cells, value = values
        return Paint(index, _cells_of(cells, shape), _between(value, _LARGEST))
    raise ValueError(f"{kind!r} is not one of scale, erase, paint, move or misread")


def _between(text: str, most: float) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value <= most):
        raise ValueError(f"{text} is not between 0 and {most:g}")
    return value


def _cells_text(cells: frozenset[tuple[int, int]], shape: tuple[int, int]) -> str:
    height, width = shape
    bits = sum(1 << (height * width - 1 - (row * width + column)) for row, column in cells)
    return f"{bits:0{-(-height * width // 4)}x}"


def _cells_of(text: str, shape: tuple[int, int]) -> frozenset[tuple[int, int]]:
    height, width = shape
    count = height * width
    if len(text) != -(-count // 4) or int(text, 16) >> count:
        raise ValueError(f"its cells do not fit a map of {height} x {width}")
    bits = int(text, 16)
    return frozenset(divmod(place, width) for place in range(count) if bits >> (count - 1 - place) & 1)
