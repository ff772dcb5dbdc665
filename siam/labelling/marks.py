"""Where a photo shows a word, as somebody marked it: some of 24 x 24 cells, as text in an answer.

The text has a hexadecimal digit for each four cells, row by row from the top left.
"""

from collections.abc import Iterable

import numpy as np

SIDE = 24  # rows, and columns, of cells

_DIGITS = SIDE * SIDE // 4


def written(cells: Iterable[tuple[int, int]]) -> str:
    """Return marked cells, (row, column) each, as text; "" if there are none.

    Example:
        >>> from siam.labelling.marks import cells_in, written
        >>> [place.tolist() for place in cells_in(written([(0, 0), (23, 5)])).nonzero()]
        [[0, 23], [0, 5]]
    """
    marked = np.zeros((SIDE, SIDE), dtype=bool)
    for row, column in cells:
        marked[row, column] = True
    return np.packbits(marked).tobytes().hex() if marked.any() else ""


def cells_in(text: str) -> np.ndarray:
    """Return which cells (24, 24) a text of `written` marks, none for "".

    Raises:
        ValueError: it is no such text.
    """
    if not text:
        return np.zeros((SIDE, SIDE), dtype=bool)
    if len(text) != _DIGITS or not text.isalnum():
        raise ValueError(f"a mark has {len(text)} characters, not {_DIGITS} hexadecimal digits")
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8)).reshape(SIDE, SIDE).astype(bool)
