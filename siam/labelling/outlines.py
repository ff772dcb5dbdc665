"""Marks as `regions.npz` beside attributes.csv, with which networks learn where a word is (`siam.datasets.regions`).

A column of the table is a group of the file. What else is in the file stays as it is: groups, photos, and cells of
photos that nobody marked. A mark replaces what the file said of its photo and word; once it is withdrawn, nothing is
known of them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from siam.datasets.region_files import NAME, RegionFile, read_file
from siam.labelling.answers import Answers
from siam.labelling.marks import SIDE, cells_in


def merged(answers: Answers, column_of: Mapping[str, str], root: Path | None = None) -> bytes | None:
    """Return the file of a folder with the marks; None if there are none.

    Args:
        answers: of all words.
        column_of: word → the column of the table that holds it.
        root: the folder of the photos, whose file is kept; None: there is none.

    Raises:
        DatasetError: the file cannot be read.
    """
    marked = {word: of for word in column_of if (of := answers.marked(word))}
    if not marked:
        return None
    path = None if root is None else root / NAME
    known = read_file(path) if path is not None and path.is_file() else None
    if known is None:
        known = RegionFile((), (), np.zeros((0, 0, SIDE, SIDE), dtype=np.uint8), partial=True)
    files = tuple(dict.fromkeys((*known.files, *sorted({photo for of in marked.values() for photo in of}))))
    groups = tuple(dict.fromkeys((*known.groups, *(column_of[word] for word in marked))))
    side = known.share.shape[-1]
    share = np.zeros((len(files), len(groups), side, side), dtype=np.uint8)
    share[: len(known.files), : len(known.groups)] = known.share
    row_of = {name: row for row, name in enumerate(files)}
    for word, of in marked.items():
        column = groups.index(column_of[word])
        for photo, text in of.items():
            share[row_of[photo], column] = _shares(cells_in(text), side)
    return RegionFile(files, groups, share, known.partial).content()


def _shares(cells: np.ndarray, side: int) -> np.ndarray:
    """Return 255 x the share of each of s x s cells, uint8, that marked cells (n, n) cover."""
    ends = np.linspace(0, 1, side + 1), np.linspace(0, 1, len(cells) + 1)
    low = np.maximum(ends[0][:-1, None], ends[1][None, :-1])
    high = np.minimum(ends[0][1:, None], ends[1][None, 1:])
    overlap = side * (high - low).clip(min=0)  # (s, n), each row sums to 1
    return np.rint(255 * overlap @ cells @ overlap.T).astype(np.uint8)
