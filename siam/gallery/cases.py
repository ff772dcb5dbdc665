"""The photos of a gallery as cases: how far the networks are apart, who is closer to the crowd, which to see first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siam.drawing.phrases import words
from siam.evaluation.what_where_how.verdicts import RIGHT, WRONG
from siam.gallery.store import Gallery

_DIGITS = 5  # of mean ratings: stored in single precision, 5.5 may be a little more, and then be above 5.5
TOP_CAUSES = 3  # an attribute is a top cause where no more than two others moved the score farther
CLOSER = ("SIAM", "baseline")
SIDES = ("overestimated", "underestimated")  # by SIAM, against the crowd
KINDS = (RIGHT, *WRONG)  # groups of verdicts on rendered scenes

# What cases can be ordered by: the column, whether its magnitude counts, and whether the largest comes first.
ORDERS: dict[str, tuple[str, bool, bool]] = {
    "disagreement": ("difference", True, True),
    "SIAM higher": ("difference", False, True),
    "baseline higher": ("difference", False, False),
    "error of SIAM": ("siam_error", True, True),
    "error of baseline": ("baseline_error", True, True),
    "crowd: highest": ("crowd", False, True),
    "crowd: lowest": ("crowd", False, False),
    "crowd: of two minds": ("crowd_sd", False, True),
}


@dataclass(frozen=True)
class Filters:
    """Which cases to show; None is all of them.

    Attributes:
        closer: of `CLOSER`, the network whose error is smaller.
        side: of `SIDES`.
        crowd: lowest and highest mean rating, both included; cases without a rating are left out.
        cause: an attribute among the `TOP_CAUSES` of SIAM's score.
        kind: of `KINDS`, what the truth of a rendered scene says about SIAM's score.
        text: in the identifier, title or author, or the place of a rendered scene; upper and lower case are the same.
        area: lowest and highest score of the baseline, then of SIAM.
    """

    closer: str | None = None
    side: str | None = None
    crowd: tuple[float, float] | None = None
    cause: str | None = None
    kind: str | None = None
    text: str | None = None
    area: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Cases:
    """The photos of a gallery, one row each, in its order.

    Attributes:
        gallery: that holds them.
        table: columns "identifier", "title", "author", "crowd", "crowd_sd", "votes", "siam", "baseline"; "difference"
            (SIAM minus baseline, in points); "siam_error" and "baseline_error" (network minus crowd: in points, or in
            hundredths of the gallery's ranks, where the scales differ); "closer" (of `CLOSER`; "" where both errors are
            the same or one is not known); "kind" (of `KINDS`, or ""); "place" (of a rendered scene, or "").
        in_ranks: whether errors are differences of rank.
    """

    gallery: Gallery
    table: pd.DataFrame
    in_ranks: bool

    def select(self, filters: Filters, order: str = "disagreement") -> np.ndarray:
        """Return the rows that filters let through, in an order of `ORDERS`; cases that do not have it come last."""
        table = self.table
        keep = np.ones(len(table), dtype=bool)
        if filters.closer is not None:
            keep &= (table["closer"] == filters.closer).to_numpy()
        if filters.side is not None:
            error = table["siam_error"].to_numpy()
            keep &= error > 0 if filters.side == SIDES[0] else error < 0
        if filters.crowd is not None:
            keep &= table["crowd"].between(*filters.crowd).to_numpy()
        if filters.cause is not None:
            keep &= self._is_top_cause(filters.cause)
        if filters.kind is not None:
            keep &= (table["kind"] == filters.kind).to_numpy()
        if filters.text and filters.text.strip():
            wanted = filters.text.strip().casefold()
            searched = table["identifier"] + "\n" + table["title"] + "\n" + table["author"] + "\n" + table["place"]
            keep &= searched.str.casefold().str.contains(wanted, regex=False).to_numpy()
        if filters.area is not None:
            keep &= table["baseline"].between(*filters.area[:2]).to_numpy()
            keep &= table["siam"].between(*filters.area[2:]).to_numpy()
        column, magnitude, largest = ORDERS[order]
        values = table[column].to_numpy(dtype=float)
        values = np.abs(values) if magnitude else values
        key = np.where(np.isnan(values), np.inf, -values if largest else values)
        ranked = np.argsort(key, kind="stable")
        return ranked[keep[ranked]]

    def summary(self, rows: np.ndarray) -> dict[str, Any]:
        """Return of some rows: "n"; "median_difference" (of magnitudes, None where there is no baseline); "siam_closer"
        and "baseline_closer", shares of the cases where one is closer (None where that is not known of any).
        """
        of = self.table.iloc[rows]
        difference = of["difference"].abs().dropna()
        closer = of["closer"][of["closer"] != ""]
        shares = {f"{name.lower()}_closer": float((closer == name).mean()) if len(closer) else None for name in CLOSER}
        return {"n": len(of), "median_difference": float(difference.median()) if len(difference) else None, **shares}

    def causes(self, row: int) -> tuple[tuple[str, float] | None, tuple[str, float] | None]:
        """Return the attributes that raise and lower SIAM's score of a row most, with their points; None for none."""
        of = self.gallery.contributions[row]
        names = self.gallery.about.attributes
        high, low = int(of.argmax()), int(of.argmin())
        return (
            (names[high], float(of[high])) if of[high] > 0 else None,
            (names[low], float(of[low])) if of[low] < 0 else None,
        )

    def case(self, row: int) -> dict[str, Any]:
        """Return what `table` tells of a row, as plain values; numbers that are not known are NaN, "votes" None."""
        cells = self.table.iloc[row].to_dict()
        return {**cells, "votes": None if pd.isna(cells["votes"]) else int(cells["votes"])}

    def row_of(self, identifier: str | None) -> int | None:
        """Return the row of a photo, None where the gallery does not have it."""
        rows = np.flatnonzero((self.table["identifier"] == identifier).to_numpy())
        return int(rows[0]) if len(rows) else None

    def _is_top_cause(self, attribute: str) -> np.ndarray:
        magnitude = np.abs(self.gallery.contributions)
        of_it = magnitude[:, self.gallery.about.attributes.index(attribute)]
        return (of_it > 0) & ((magnitude > of_it[:, None]).sum(axis=1) < TOP_CAUSES)


def read_cases(gallery: Gallery) -> Cases:
    """Return the photos of a gallery as cases."""
    photos, about = gallery.photos, gallery.about
    crowd, siam, baseline = (photos[name].to_numpy(dtype=float) for name in ("crowd_mean", "siam", "baseline"))
    crowd = crowd.round(_DIGITS)
    in_ranks = about.crowd_scale is not None
    errors = [(_ranks(of, crowd) - _ranks(crowd, of)) if in_ranks else of - crowd for of in (siam, baseline)]
    sizes = np.abs(np.stack(errors))
    closer = np.where(sizes[0] < sizes[1], CLOSER[0], np.where(sizes[1] < sizes[0], CLOSER[1], ""))
    truths = [truth or {} for truth in gallery.truths]
    table = pd.DataFrame(
        {
            "identifier": photos["identifier"].astype(str),
            "title": photos["title"].fillna("").astype(str),
            "author": photos["author"].fillna("").astype(str),
            "crowd": crowd,
            "crowd_sd": photos["crowd_sd"].to_numpy(dtype=float),
            "votes": photos["vote_count"],
            "siam": siam,
            "baseline": baseline,
            "difference": siam - baseline,
            "siam_error": errors[0],
            "baseline_error": errors[1],
            "closer": closer,
            "kind": ["" if verdict is None else verdict.group for verdict in map(gallery.verdict, range(len(gallery)))],
            "place": [words(str(truth.get("place", ""))) for truth in truths],
        }
    )
    return Cases(gallery, table, in_ranks)


def _ranks(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the ranks of values, 0 (lowest) to 100, among those known of both; ties share theirs, NaN elsewhere."""
    known = pd.Series(np.where(np.isnan(others), np.nan, values))
    count = known.notna().sum()
    return (100 * (known.rank() - 1) / max(1, count - 1)).to_numpy()
