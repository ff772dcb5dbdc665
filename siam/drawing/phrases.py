"""Numbers, dates, names and places in words."""

from datetime import date

import numpy as np

from siam.datasets.base import RatingScale

SIDE_SHARE = 0.55  # of the magnitude: an outer third with this much is enough to say "left"
MIDDLE_SHARE = 0.6  # the middle third needs more, since wide things always fill it
OFF_CENTRE = 0.1  # of the picture's side: a centre of mass this far off centre is also enough

_PLACES = {
    ("top", "left"): "upper left",
    ("top", "right"): "upper right",
    ("bottom", "left"): "lower left",
    ("bottom", "right"): "lower right",
    ("middle", "middle"): "centre",
    ("middle", ""): "across the middle",
    ("", "middle"): "centre",
    ("both", "both"): "towards the edges",
    ("both", ""): "top and bottom",
    ("both", "middle"): "top and bottom",
    ("", "both"): "left and right",
    ("middle", "both"): "left and right",
    ("", ""): "everywhere",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def words(name: str) -> str:
    """Return an attribute's name as words: "still water" for "still_water"."""
    return " ".join(name.replace("_", " ").split())


def date_text(day: str) -> str:
    """Return a date such as "2026-11-28" as "28 November 2026"; other text as it is."""
    try:
        known = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{known.day} {_MONTHS[known.month - 1]} {known.year}"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with so many decimals and its sign, a real minus if negative; "0.00" has no sign."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else "−") + text


def number(value: float) -> str:
    """Return a number with two decimals and no plus sign; a negative one gets a real minus."""
    return signed(value).removeprefix("+")


def score_text(value: float, scale: RatingScale) -> str:
    """Return a score with its scale: "4.97 of 7"."""
    return f"{number(value)} of {scale.high:g}"


def difference_text(first: float, second: float) -> str:
    """Return the signed difference of two scores as shown, so that it agrees with the rounded scores beside it."""
    return signed(round(first, 2) - round(second, 2))


def range_text(limit: float) -> str:
    """Return the range of a scale symmetric about 0, to two significant digits: "−0.021 … +0.021"."""
    end = tick_text(limit)
    return f"−{end} … +{end}"


def tick_text(value: float) -> str:
    """Return the unsigned end of a scale to two significant digits, never in scientific notation."""
    if value <= 0:
        return "0"
    decimals = max(0, 1 - int(np.floor(np.log10(value))))
    return f"{value:.{min(decimals, 9)}f}"


def place_text(west: float, south: float, east: float, north: float, digits: int = 2) -> str:
    """Return a part of the world in words: "5.90° W to 1.20° E, 50.00° N to 52.50° N".

    Example:
        >>> from siam.drawing.phrases import place_text
        >>> place_text(-5.9, 50, 1.2, 52.5)
        '5.90° W to 1.20° E, 50.00° N to 52.50° N'
    """
    across = " to ".join(_degrees(of, "E", "W", digits) for of in (west, east))
    return f"{across}, {' to '.join(_degrees(of, 'N', 'S', digits) for of in (south, north))}"


def _degrees(value: float, positive: str, negative: str, digits: int) -> str:
    return f"{abs(value):.{digits}f}° {negative if value < 0 else positive}"


def where(contribution_map: np.ndarray) -> str:
    """Say where in the picture the magnitude of a map (h, w) lies.

    Each axis is cut into thirds. The middle third names the place if it holds 60 % of the magnitude, an outer third if
    it holds 55 % or the centre of mass lies 10 % of the picture off centre on its side; both ends do if each holds
    40 %. Otherwise the axis has no word. If neither axis has one, the place is "everywhere", or "in places" if a fifth
    of the cells holds more than half of the magnitude. A map of zeros is "nowhere".
    """
    magnitude = np.abs(np.asarray(contribution_map, dtype=float))
    if magnitude.sum() == 0:
        return "nowhere"
    vertical = _place(magnitude.sum(axis=1), "top", "bottom")
    horizontal = _place(magnitude.sum(axis=0), "left", "right")
    place = _PLACES.get((vertical, horizontal))
    if place is None:  # a side on one axis only: "middle" or "both" on the other adds nothing
        place = vertical if vertical in ("top", "bottom") else horizontal
    if place == "everywhere":
        descending = np.sort(magnitude, axis=None)[::-1]
        if descending[: -(-descending.size // 5)].sum() > 0.5 * descending.sum() and descending.size > 1:
            return "in places"
    return place


def at(place: str) -> str:
    """Put a place of `where` into a sentence: "at the top", "in the upper left", "everywhere"."""
    if place in ("top", "bottom"):
        return f"at the {place}"
    if place == "top and bottom":
        return "at the top and bottom"
    if place == "left and right":
        return "on the left and right"
    if place in ("left", "right"):
        return f"on the {place}"
    return f"in the {place}" if place == "centre" or place.startswith(("upper", "lower")) else place


def _place(profile: np.ndarray, low: str, high: str) -> str:
    """Return `low`, `high`, "middle", "both" or "" for the magnitude along one axis."""
    edges = np.linspace(0, 1, len(profile) + 1)
    below = np.concatenate([[0.0], np.cumsum(profile)]) / profile.sum()
    first, second = np.interp([1 / 3, 2 / 3], edges, below)  # a cell on a border is shared between both thirds
    centre = float(((edges[:-1] + edges[1:]) / 2 * profile).sum() / profile.sum())
    if second - first >= MIDDLE_SHARE:
        return "middle"
    if first >= SIDE_SHARE or 0.5 - centre >= OFF_CENTRE:
        return low
    if 1 - second >= SIDE_SHARE or centre - 0.5 >= OFF_CENTRE:
        return high
    return "both" if min(first, 1 - second) >= 0.4 else ""


def listing(items: list[str]) -> str:
    """Join words as in prose: "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def signed_map_text(field: np.ndarray) -> str:
    """Say where a signed map raises and where it lowers the score: the alternative text of a total map."""
    raises, lowers = where(np.maximum(field, 0)), where(np.minimum(field, 0))
    if raises == lowers == "nowhere":
        return "no effect anywhere"
    parts = [f"{verb} {at(place)}" for verb, place in (("raised", raises), ("lowered", lowers)) if place != "nowhere"]
    return ", ".join(parts)
