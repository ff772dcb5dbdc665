"""The photos of a gallery as cases: how far apart the networks are, and which of them is closer to the crowd."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from siam.drawing.phrases import words
from siam.evaluation.what_where_how.verdicts import RIGHT, WRONG
from siam.explanation.context import ContextExplanation, from_presence, group_members, title
from siam.gallery.store import PLACE, Gallery
from siam.models.csib import CSIB
from siam.runtime.reprs import brief

_DIGITS = 5  # of mean ratings: in single precision, 5.5 may be stored as slightly more and would then exceed 5.5
TOP_CAUSES = 3  # an attribute is a top cause if at most two others moved the score further
SIAM, BASELINE, CONTEXT = "SIAM", "baseline", "with context"  # whose scores are compared
COMPARISONS = ((SIAM, BASELINE), (SIAM, CONTEXT), (CONTEXT, BASELINE))
SIDES = ("overestimated", "underestimated")  # by the first network, against the crowd
KINDS = (RIGHT, *WRONG)  # groups of verdicts on rendered scenes

_COLUMNS = {SIAM: "siam", BASELINE: "baseline", CONTEXT: "context"}  # of `Cases.table`
_SCORES = {SIAM: "SIAM's score", BASELINE: "baseline's score", CONTEXT: "score with context"}
_CALLED = {SIAM: "SIAM", BASELINE: "the baseline", CONTEXT: "the score with context"}

# The orders of cases, named for SIAM and the baseline (`Cases.order_text`): the column to sort by, whether its
# magnitude counts, and whether the largest comes first.
ORDERS: dict[str, tuple[str, bool, bool]] = {
    "disagreement": ("difference", True, True),
    "SIAM higher": ("difference", False, True),
    "baseline higher": ("difference", False, False),
    "error of SIAM": ("first_error", True, True),
    "error of baseline": ("second_error", True, True),
    "crowd: highest": ("crowd", False, True),
    "crowd: lowest": ("crowd", False, False),
    "crowd: of two minds": ("crowd_sd", False, True),
}


@dataclass(frozen=True)
class Filters:
    """Which cases to show; None for a filter means all.

    Attributes:
        closer: one of `Cases.networks`, that with the smaller error.
        side: one of `SIDES`, of the first network.
        crowd: lowest and highest mean rating, both inclusive; cases without a rating are left out.
        cause: an attribute among the `TOP_CAUSES` of SIAM's score; of a first score with context, one that is in them.
        kind: one of `KINDS`, what the truth of a rendered scene says about SIAM's score.
        text: found in the identifier, title, author or the place of a rendered scene; case is ignored.
        area: lowest and highest score of the second network, then of the first, all inclusive.
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
            "crowd_sd", "votes", "siam", "baseline", "context" (unknown without groups); "first" and "second" (the
            scores of `networks`); "difference" (first minus second, in points); "first_error" and "second_error"
            (network minus crowd: in points or, unless the scales are known to be the same, in ranks from 0 to 100
            within the gallery); "closer" (one of `networks`; "" if both errors are equal or one is unknown); "kind"
            (one of `KINDS`, or ""); "place" (of a rendered scene, or ""); "latitude" and "longitude" (in degrees).
        in_ranks: whether errors are differences of ranks.
        networks: one of `COMPARISONS`: whose scores are compared.
        csib: the groups that give the scores with context, or None.
    """

    gallery: Gallery
    table: pd.DataFrame
    in_ranks: bool
    networks: tuple[str, str] = COMPARISONS[0]
    csib: CSIB | None = None

    __repr__ = brief

    @property
    def scores(self) -> tuple[str, str]:
        """What the columns "first" and "second" hold, in words."""
        first, second = (_SCORES[name] for name in self.networks)
        return first, second

    @property
    def called(self) -> tuple[str, str]:
        """Both `networks` within a sentence."""
        first, second = (_CALLED[name] for name in self.networks)
        return first, second

    @property
    def versus(self) -> str:
        """What is compared, in words."""
        first, second = self.called
        return f"{first[0].upper()}{first[1:]} against {second}"

    def order_text(self, order: str) -> str:
        """Return one of `ORDERS` in words that name what is compared."""
        for name, network in zip((SIAM, BASELINE), self.networks, strict=True):
            if name in order:
                return order.replace(name, network).replace("of with", "with")
        return order

    def select(self, filters: Filters, order: str = "disagreement") -> np.ndarray:
        """Return the rows that pass the filters, in one of `ORDERS`; cases without the value to sort by come last."""
        table = self.table
        keep = np.ones(len(table), dtype=bool)
        if filters.closer is not None:
            keep &= (table["closer"] == filters.closer).to_numpy()
        if filters.side is not None:
            error = table["first_error"].to_numpy()
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
            keep &= table["second"].between(*filters.area[:2]).to_numpy()
            keep &= table["first"].between(*filters.area[2:]).to_numpy()
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
            "n"; "median_difference", of magnitudes, None without a second score; "first_closer" and "second_closer", as
            shares of the cases in which one is closer, None if there are none.
        """
        chosen = self.table.iloc[rows]
        difference = chosen["difference"].abs().dropna()
        closer = chosen["closer"][chosen["closer"] != ""]
        shares = {
            f"{column}_closer": float((closer == name).mean()) if len(closer) else None
            for column, name in zip(("first", "second"), self.networks, strict=True)
        }
        return {
            "n": len(chosen),
            "median_difference": float(difference.median()) if len(difference) else None,
            **shares,
        }

    def causes(self, row: int) -> tuple[tuple[str, float] | None, tuple[str, float] | None]:
        """Return what raises and lowers a row's first score most, with its points; None if nothing does.

        Attributes by their names; of a first score with context, causes in words.
        """
        points = self._contributions[row]
        high, low = int(points.argmax()), int(points.argmin())
        return (
            (self._cause(high), float(points[high])) if points[high] > 0 else None,
            (self._cause(low), float(points[low])) if points[low] < 0 else None,
        )

    def together(self, row: int) -> ContextExplanation | None:
        """Return what the groups say of a row, from the presence that the gallery holds; None without groups."""
        if self.csib is None:
            return None
        gallery = self.gallery
        return from_presence(self.csib, gallery.presence[row], float(self.table["siam"].iloc[row]), gallery.about.scale)

    @cached_property
    def _contributions(self) -> np.ndarray:
        """What each attribute (N, K), or each group (N, G), adds to the first score."""
        if self.networks[0] == CONTEXT and self.csib is not None:
            return self.csib.contributions(self.gallery.presence)
        return self.gallery.contributions

    def _cause(self, place: int) -> str:
        if self.networks[0] == CONTEXT and self.csib is not None:
            return title(group_members(self.csib, place))
        return self.gallery.about.attributes[place]

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
        magnitude = np.abs(self._contributions)
        places = [self.gallery.about.attributes.index(attribute)]
        if self.networks[0] == CONTEXT and self.csib is not None:
            groups = range(len(self.csib))
            places = [of for of in groups if places[0] in [index for index, *_ in self.csib.members(of)]]
        found = np.zeros(len(magnitude), dtype=bool)
        for of_it in magnitude[:, places].T:
            found |= (of_it > 0) & ((magnitude > of_it[:, None]).sum(axis=1) < TOP_CAUSES)
        return found


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
            "baseline": baseline,
            "context": np.full(len(gallery), np.nan),
            **_compared(crowd, (siam, baseline), in_ranks, COMPARISONS[0]),
            "kind": kind.astype(str),
            "place": place.astype(str),
            **{name: photos[name].to_numpy(dtype=float) for name in PLACE},
        }
    )
    return Cases(gallery, table, in_ranks)


def fits(gallery: Gallery, csib: CSIB | None) -> bool:
    """Return whether a gallery has scores with context: of groups of its attributes that read whole photos.

    The spatial variant reads maps, which a gallery does not hold.
    """
    return csib is not None and csib.grid is None and csib.attributes == gallery.about.attributes


def with_groups(cases: Cases, csib: CSIB) -> Cases:
    """Return the same cases with scores with context, from the presence that the gallery holds.

    Raises:
        ValueError: the groups do not fit the gallery (`fits`).
    """
    if not fits(cases.gallery, csib):
        raise ValueError(f"the groups of {len(csib.attributes)} attributes do not fit those of the gallery")
    scores = csib.scores(cases.gallery.presence, cases.table["siam"].to_numpy(dtype=float))
    return replace(cases, table=cases.table.assign(context=scores), csib=csib)


def compared(cases: Cases, networks: tuple[str, str]) -> Cases:
    """Return the same cases with two networks compared, one of `COMPARISONS`; context needs `with_groups` before.

    Raises:
        ValueError: the scores with context are to be compared, but there are none.
    """
    if CONTEXT in networks and cases.csib is None:
        raise ValueError("these cases have no scores with context: add groups first")
    first, second = (cases.table[_COLUMNS[name]].to_numpy(dtype=float) for name in networks)
    columns = _compared(cases.table["crowd"].to_numpy(dtype=float), (first, second), cases.in_ranks, networks)
    return replace(cases, table=cases.table.assign(**columns), networks=networks)


def _compared(
    crowd: np.ndarray, scores: tuple[np.ndarray, np.ndarray], in_ranks: bool, networks: tuple[str, str]
) -> dict[str, Any]:
    """Return the columns of `Cases.table` that compare the scores of two networks."""
    errors = [(_ranks(of, crowd) - _ranks(crowd, of)) if in_ranks else of - crowd for of in scores]
    sizes = np.abs(np.stack(errors))
    closer = np.where(sizes[0] < sizes[1], networks[0], np.where(sizes[1] < sizes[0], networks[1], ""))
    return {
        "first": scores[0],
        "second": scores[1],
        "difference": scores[0] - scores[1],
        "first_error": errors[0],
        "second_error": errors[1],
        "closer": closer,
    }


def _ranks(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the ranks of values, 0 (lowest) to 100, among rows where both are known; ties share a rank; else NaN."""
    known = pd.Series(np.where(np.isnan(others), np.nan, values))
    count = known.notna().sum()
    return (100 * (known.rank() - 1) / max(1, count - 1)).to_numpy()
