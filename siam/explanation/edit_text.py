"""Edits (`siam.explanation.what_if`) as one short line of text, such as that of an address, and back.

    trees:scale:0.5,wire:erase:00f0,ocean:paint:0003:1.2,hiking:move:1:-2,grass:misread:trees

Cells are a bit mask in hexadecimal digits, row by row, the first cell the highest bit.
"""

import math
from collections.abc import Sequence

from siam.explanation.what_if import STRONGEST, Edit, Erase, Misread, Move, Paint, Scale

_LARGEST = 1e4  # value to paint with: far more than maps hold, and it adds up to no infinity


def edits_text(edits: Sequence[Edit], attributes: Sequence[str], shape: tuple[int, int]) -> str:
    """Return edits of maps (h, w) = `shape` as text; numbers with four significant digits."""
    return ",".join(":".join([attributes[edit.attribute], *_words(edit, attributes, shape)]) for edit in edits)


def read_edits(text: str, attributes: Sequence[str], shape: tuple[int, int]) -> list[Edit]:
    """Return the edits that a text tells.

    Raises:
        ValueError: it does not tell edits of maps of this shape and these attributes.
    """
    edits: list[Edit] = []
    for part in filter(None, text.split(",")):
        try:
            name, kind, *values = part.split(":")
            edits.append(_edit(attributes.index(name), kind, values, attributes, shape))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{part!r} is no edit of these networks' maps ({error}); begin without it") from error
    return edits


def _words(edit: Edit, attributes: Sequence[str], shape: tuple[int, int]) -> list[str]:
    if isinstance(edit, Scale):
        return ["scale", f"{edit.factor:.4g}"]
    if isinstance(edit, Move):
        return ["move", str(edit.down), str(edit.right)]
    if isinstance(edit, Misread):
        return ["misread", attributes[edit.meant]]
    cells = _mask(edit.cells, shape)
    return ["erase", cells] if isinstance(edit, Erase) else ["paint", cells, f"{edit.value:.4g}"]


def _edit(index: int, kind: str, values: list[str], attributes: Sequence[str], shape: tuple[int, int]) -> Edit:
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
        return Erase(index, _cells(cells, shape))
    if kind == "paint":
        cells, value = values
        return Paint(index, _cells(cells, shape), _between(value, _LARGEST))
    raise ValueError(f"{kind!r} is none of scale, erase, paint, move, misread")


def _between(text: str, most: float) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value <= most):
        raise ValueError(f"{text} is not between 0 and {most:g}")
    return value


def _mask(cells: frozenset[tuple[int, int]], shape: tuple[int, int]) -> str:
    height, width = shape
    bits = sum(1 << (height * width - 1 - (row * width + column)) for row, column in cells)
    return f"{bits:0{-(-height * width // 4)}x}"


def _cells(text: str, shape: tuple[int, int]) -> frozenset[tuple[int, int]]:
    height, width = shape
    count = height * width
    if len(text) != -(-count // 4) or int(text, 16) >> count:
        raise ValueError(f"its cells are not those of a map of {height} x {width}")
    bits = int(text, 16)
    return frozenset(divmod(place, width) for place in range(count) if bits >> (count - 1 - place) & 1)
