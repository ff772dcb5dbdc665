"""People's ratings of photos, in a table with the columns file and score and optionally split."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siam.datasets.base import RatingScale
from siam.datasets.cells import read_cells
from siam.datasets.tables import Finding, Sieve, numbers, read_split, table_of

_COLUMNS = "file", "score"


@dataclass(frozen=True, eq=False)
class Ratings:
    """The good rows of a table of ratings.

    Attributes:
        names: (N,) of the photos, as the table writes them.
        photos: (N,) the photos that they mean.
        scores: (N,) float64.
        split: (N,) of "train", "val" or "test"; None if the table does not say.
    """

    names: tuple[str, ...]
    photos: tuple[str, ...]
    scores: np.ndarray
    split: np.ndarray | None


def read_ratings(
    data: bytes,
    name: str,
    findings: list[Finding] | None = None,
    scale: RatingScale | None = None,
    find: Callable[[str], str] = str,
) -> Ratings:
    """Read a table of ratings, in any form that `siam.datasets.cells` reads.

    Args:
        data: the file's content.
        name: what error messages call it.
        findings: a list that collects bad rows; without it, a bad row is an error.
        scale: of the scores, if it is known.
        find: returns the photo that a name means, or raises a ValueError that says in a few words why there is none.

    Raises:
        DatasetError: it is not such a table, or the message names the first bad row and its column.
    """
    table = table_of(read_cells(data, name, _COLUMNS), name, _COLUMNS)
    names = [cell.strip() for cell in table["file"]]
    sieve = Sieve(name, names, findings, table.attrs["rows"])
    photos = sieve.locate(find)
    scores = numbers(table, ("score",))[:, 0]

    def written(row: int) -> str:
        return f"({table['score'][row][:40]!r})"

    sieve.reject(
        ~np.isfinite(scores),
        "out of range",
        lambda row: f"a score that is not a number {written(row)}",
        "give the score as a number or remove the row",
    )
    if scale is not None:
        sieve.reject(
            ~((scores >= scale.low) & (scores <= scale.high)),
            "out of range",
            lambda row: f"a score outside {scale.low:g} to {scale.high:g} {written(row)}",
            "correct the score or remove the row",
        )
    split = read_split(table, names, sieve, (1, 1, 1)) if "split" in table else None
    rows = np.flatnonzero(sieve.keep).tolist()
    kept, found = (tuple(of[row] for row in rows) for of in (names, photos))
    return Ratings(kept, found, scores[rows], None if split is None else split[rows])
