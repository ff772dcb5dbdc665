"""The photos of a gallery as cases: how far apart the networks are, and which of them is closer to the crowd."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from siam.drawing.phrases import words
from siam.evaluation.what_where_how.verdicts import RIGHT, WRONG
from siam.gallery.store import PLACE, Gallery
from siam.models.csib import CSIB
from siam.runtime.reprs import brief

_DIGITS = 5  # of mean ratings: in single precision, 5.5 may be stored as slightly more and would then exceed 5.5
TOP_CAUSES = 3  # an attribute is a top cause if at most two others moved the score further
BASELINE, CONTEXT = "baseline", "with context"  # what SIAM's scores are compared with
SIDES = ("overestimated", "underestimated")  # by SIAM, against the crowd
KINDS = (RIGHT, *WRONG)  # groups of verdicts on rendered scenes

# The orders of cases: the column to sort by, whether its magnitude counts, and whether the largest comes first.
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
    """Which cases to show; None for a filter means all.

    Attributes:
        closer: one of `Cases.networks`, that with the smaller error.
        side: one of `SIDES`.
        crowd: lowest and highest mean rating, both inclusive; cases without a rating are left out.
        cause: an attribute among the `TOP_CAUSES` of SIAM's score.
        kind: one of `KINDS`, what the truth of a rendered scene says about SIAM's score.
        text: found in the identifier, title, author or the place of a rendered scene; case is ignored.
        area: lowest and highest score of the baseline, then of SIAM, all inclusive.
        place: where photos were taken: west, south, east and north in degrees, all inclusive; if west is larger than
            east, the antimeridian lies between.
    """

    closer: str | None = None
    side: str | None = None
    crowd: tuple[float, float] | None = None
    cause: str | None = None
    kind: str | None = None
    text: str | None = None
    area: tuple[float, float, float, float] | None = None
    place: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Cases:
    """The photos of a gallery, one row each, in its order.

    Attributes:
        gallery: the gallery that holds them.
        table: columns "identifier", "file" (the photo's name as its owner wrote it, or ""), "title", "author", "crowd",
            "crowd_sd", "votes", "siam", "baseline"; "difference" (SIAM minus baseline, in points); "siam_error" and
            "baseline_error" (network minus crowd: in points or, unless the scales are known to be the same, in ranks
            from 0 to 100 within the gallery); "closer" (one of `networks`; "" if both errors are equal or one is
            unknown); "kind" (one of `KINDS`, or ""); "place" (of a rendered scene, or ""); "latitude"
            and "longitude" (in degrees).
        in_ranks: whether errors are differences of ranks.
        other: whose scores the columns "baseline", "difference", "baseline_error" and "closer" are about: `BASELINE`,
            or `CONTEXT` (`against`).
    """

    gallery: Gallery
    table: pd.DataFrame
    in_ranks: bool
    other: str = BASELINE

    __repr__ = brief

    @property
    def networks(self) -> tuple[str, str]:
        """The names of what is compared: SIAM, and `other`."""
        return "SIAM", self.other

    @property
    def other_score(self) -> str:
        """What the column "baseline" holds, in words."""
        return "score with context" if self.other == CONTEXT else "baseline's score"

    @property
    def versus(self) -> str:
        """What is compared, in words."""
        return f"SIAM against the {'score with context' if self.other == CONTEXT else 'baseline'}"

    def order_text(self, order: str) -> str:
        """Return one of `ORDERS` in words that name what SIAM is compared with."""
        return order.replace(BASELINE, self.other)

    def select(self, filters: Filters, order: str = "disagreement") -> np.ndarray:
        """Return the rows that pass the filters, in one of `ORDERS`; cases without the value to sort by come last."""
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
            keep &= self._searched.str.contains(filters.text.strip().casefold(), regex=False).to_numpy()
        if filters.area is not None:
            keep &= table["baseline"].between(*filters.area[:2]).to_numpy()
            keep &= table["siam"].between(*filters.area[2:]).to_numpy()
        if filters.place is not None:
            keep &= self._is_in(*filters.place)
        column, magnitude, largest = ORDERS[order]
        values = table[column].to_numpy(dtype=float)
        values = np.abs(values) if magnitude else values
        key = np.where(np.isnan(values), np.inf, -values if largest else values)
        ranked = np.argsort(key, kind="stable")
        return ranked[keep[ranked]]

    @cached_property
    def _searched(self) -> pd.Series:
        table = self.table
        joined = table["identifier"] + "\n" + table["title"] + "\n" + table["author"] + "\n" + table["place"]
        return joined.str.casefold()

    def orders(self) -> tuple[str, ...]:
        """Return those of `ORDERS` by which the cases can be sorted: without ratings, none that needs them."""
        columns = {column for column, _magnitude, _largest in ORDERS.values()}
        known = {column for column in columns if not np.isnan(self.table[column].to_numpy(dtype=float)).all()}
        return tuple(name for name, (column, *_how) in ORDERS.items() if column in known) or tuple(ORDERS)[:1]

    @property
    def rated(self) -> bool:
        """Whether anybody rated one of the photos."""
        return bool(self.table["crowd"].notna().any())

    def summary(self, rows: np.ndarray) -> dict[str, Any]:
        """Return a summary of some rows.

        Returns:
            "n"; "median_difference", of magnitudes, None without a baseline; "siam_closer" and "baseline_closer", as
            shares of the cases in which one is closer, None if there are none.
        """
        chosen = self.table.iloc[rows]
        difference = chosen["difference"].abs().dropna()
        closer = chosen["closer"][chosen["closer"] != ""]
        shares = {
            f"{column}_closer": float((closer == name).mean()) if len(closer) else None
            for column, name in zip(("siam", "baseline"), self.networks, strict=True)
        }
        return {
            "n": len(chosen),
            "median_difference": float(difference.median()) if len(difference) else None,
            **shares,
        }

    def causes(self, row: int) -> tuple[tuple[str, float] | None, tuple[str, float] | None]:
        """Return the attributes that raise and lower a row's SIAM score most, with their points; None if none does."""
        points = self.gallery.contributions[row]
        names = self.gallery.about.attributes
        high, low = int(points.argmax()), int(points.argmin())
        return (
            (names[high], float(points[high])) if points[high] > 0 else None,
            (names[low], float(points[low])) if points[low] < 0 else None,
        )

    def case(self, row: int) -> dict[str, Any]:
        """Return a row of `table` as plain values; unknown numbers are NaN, unknown "votes" None."""
        cells = self.table.iloc[row].to_dict()
        return {**cells, "votes": None if pd.isna(cells["votes"]) else int(cells["votes"])}

    def row_of(self, identifier: str | None) -> int | None:
        """Return the row of a photo, or None if it is not in the gallery."""
        rows = np.flatnonzero((self.table["identifier"] == identifier).to_numpy())
        return int(rows[0]) if len(rows) else None

    @property
    def placed(self) -> np.ndarray:
        """(N,) whether it is known where a photo was taken."""
        return self.table["latitude"].notna().to_numpy()

    def _is_in(self, west: float, south: float, east: float, north: float) -> np.ndarray:
        longitude = self.table["longitude"]
        ways = [longitude.between(west, east)] if west <= east else [longitude >= west, longitude <= east]
        return (self.table["latitude"].between(south, north) & np.logical_or.reduce(ways)).to_numpy()

    def _is_top_cause(self, attribute: str) -> np.ndarray:
        magnitude = np.abs(self.gallery.contributions)
        of_it = magnitude[:, self.gallery.about.attributes.index(attribute)]
        return (of_it > 0) & ((magnitude > of_it[:, None]).sum(axis=1) < TOP_CAUSES)


def read_cases(gallery: Gallery) -> Cases:
    """Return the photos of a gallery as cases."""
    photos, about = gallery.photos, gallery.about
    crowd, siam, baseline = (photos[name].to_numpy(dtype=float) for name in ("crowd_mean", "siam", "baseline"))
    crowd = crowd.round(_DIGITS)
    in_ranks = about.rated_on != about.scale
    kind, place = np.full(len(gallery), "", dtype=object), np.full(len(gallery), "", dtype=object)
    for row in (row for row, truth in enumerate(gallery.truths) if truth):
        verdict = gallery.verdict(row)
        kind[row] = "" if verdict is None else verdict.group
        place[row] = words(str((gallery.truths[row] or {}).get("place", "")))
    table = pd.DataFrame(
        {
            "identifier": photos["identifier"].astype(str),
            "file": photos["file"].fillna("").astype(str),
            "title": photos["title"].fillna("").astype(str),
            "author": photos["author"].fillna("").astype(str),
            "crowd": crowd,
            "crowd_sd": photos["crowd_sd"].to_numpy(dtype=float),
            "votes": photos["vote_count"],
            "siam": siam,
            **_compared(crowd, siam, baseline, in_ranks, BASELINE),
            "kind": kind.astype(str),
            "place": place.astype(str),
            **{name: photos[name].to_numpy(dtype=float) for name in PLACE},
        }
    )
    return Cases(gallery, table, in_ranks)


def against(cases: Cases, csib: CSIB) -> Cases:
    """Return the same cases with the scores with context, from the presence that the gallery holds, as the other ones.

    Raises:
        ValueError: the groups know other attributes than the gallery.
    """
    about, table = cases.gallery.about, cases.table
    if csib.attributes != about.attributes:
        raise ValueError(f"the groups of {len(csib.attributes)} attributes do not fit those of the gallery")
    siam, crowd = (table[name].to_numpy(dtype=float) for name in ("siam", "crowd"))
    scores = csib.scores(cases.gallery.presence, siam)
    return replace(cases, table=table.assign(**_compared(crowd, siam, scores, cases.in_ranks, CONTEXT)), other=CONTEXT)


def _compared(crowd: np.ndarray, siam: np.ndarray, other: np.ndarray, in_ranks: bool, name: str) -> dict[str, Any]:
    """Return the columns of `Cases.table` that compare SIAM's scores with other ones, of that name."""
    errors = [(_ranks(of, crowd) - _ranks(crowd, of)) if in_ranks else of - crowd for of in (siam, other)]
    sizes = np.abs(np.stack(errors))
    closer = np.where(sizes[0] < sizes[1], "SIAM", np.where(sizes[1] < sizes[0], name, ""))
    return {
        "baseline": other,
        "difference": siam - other,
        "siam_error": errors[0],
        "baseline_error": errors[1],
        "closer": closer,
    }


def _ranks(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the ranks of values, 0 (lowest) to 100, among rows where both are known; ties share a rank; else NaN."""
    known = pd.Series(np.where(np.isnan(others), np.nan, values))
    count = known.notna().sum()
    return (100 * (known.rank() - 1) / max(1, count - 1)).to_numpy()
