"""People's ratings of photos, in a table with the columns file and score and optionally split, n and sd.

Other usual headings mean the same, such as "Photo" and "Mean rating", as long as only one column can be meant. The
scale of the scores stands in the heading, "score (1 to 5)", or in a column `scale`; else it is not known. A score may
be the mean of n people's ratings, whose standard deviation is sd.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from siam.datasets.base import RatingScale
from siam.datasets.cells import bare, read_cells
from siam.datasets.tables import MOST_VOTES, Finding, Sieve, further, numbers, read_split, table_of
from siam.errors import DatasetError

_COLUMNS = "file", "score"
_USUAL = {
    "file": re.compile("file ?name|(photo|image|picture|file)( ?(file|name))?"),
    "score": re.compile("((mean|average) )?(score|rating)"),
}
_NUMBER = r"([-−]?[0-9]+(?:[.,][0-9]+)?)"
_ENDS = re.compile(rf"{_NUMBER}\s*(?:to|bis|\.\.\.?|[-–—…/:])\s*{_NUMBER}", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Ratings:
    """The good rows of a table of ratings.

    Attributes:
        names: (N,) of the photos, as the table writes them.
        photos: (N,) the photos that they mean.
        scores: (N,) float64.
        split: (N,) of "train", "val" or "test"; None if the table does not say.
        scale: of the scores; None if it is not known.
        counts: (N,) float64, how many people rated each; NaN where unknown, None if the table does not say.
        deviations: (N,) float64, the standard deviations of their ratings; likewise.
    """

    names: tuple[str, ...]
    photos: tuple[str, ...]
    scores: np.ndarray
    split: np.ndarray | None
    scale: RatingScale | None
    counts: np.ndarray | None = None
    deviations: np.ndarray | None = None


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
        scale: of the scores, if it is known; the table may give it, too, but no other.
        find: returns the photo that a name means, or raises a ValueError that says in a few words why there is none.

    Raises:
        DatasetError: it is not such a table, or the message names the first bad row and its column.
    """
    cells = read_cells(data, name, _COLUMNS)
    meant = {column: headings_for(column, cells.columns) for column in _COLUMNS}
    columns = tuple(next((of for of in meant if heading in meant[of]), heading) for heading in cells.columns)
    table, remarks = table_of(replace(cells, columns=columns), name, _COLUMNS, ("scale", "n", "sd")), meant["score"]
    scale = _scale(name, table, remarks, scale)
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
    widest = np.inf if scale is None else scale.high - scale.low
    counts = further(table, "n", (1, MOST_VOTES), "a number of raters", sieve)
    deviations = further(table, "sd", (0, widest), "a standard deviation", sieve)
    rows = np.flatnonzero(sieve.keep).tolist()
    kept, found = (tuple(of[row] for row in rows) for of in (names, photos))
    split, counts, deviations = (None if of is None else of[rows] for of in (split, counts, deviations))
    return Ratings(kept, found, scores[rows], split, scale, counts, deviations)


def headings_for(column: str, headings: Sequence[str]) -> list[str]:
    """Return the headings that mean a column: those that spell it, or else the only one that usually stands for it."""
    spelled = [heading for heading in headings if bare(heading) == column]
    usual = [heading for heading in headings if _USUAL[column].fullmatch(" ".join(re.split(r"[\s_-]+", bare(heading))))]
    return spelled or (usual if len(usual) == 1 else [])


def _scale(name: str, table: pd.DataFrame, remarks: Sequence[str], told: RatingScale | None) -> RatingScale | None:
    """Return the scale that is given: by the caller, in the heading of the scores, or in the column `scale`."""
    scale, source = told, "the scale you gave"
    said = [(remark, f"the heading {remark!r}") for remark in remarks if _ENDS.search(remark)]
    if "scale" in table:
        cells = zip(table["scale"], table.attrs["rows"], strict=True)
        said += [(cell, f"the scale {cell[:40]!r} in row {row}") for cell, row in cells if cell.strip()]
    for text, place in said:
        ends = _ENDS.search(text)
        if ends is None:
            raise DatasetError(f"{name} holds {place}; expected its ends, such as 1 to 5")
        low, high = (float(end.replace(",", ".").replace("\N{MINUS SIGN}", "-")) for end in ends.groups())
        try:
            found = RatingScale.between(low, high)
        except DatasetError as error:
            raise DatasetError(f"{name}, {place}: {error}") from error
        if scale is not None and not scale.same_points(found):
            raise DatasetError(
                f"{name} holds {place}, but {source} is {scale.low:g} to {scale.high:g}: give one scale for all ratings"
            )
        scale, source = scale or found, source if scale else "the scale before"
    return scale
