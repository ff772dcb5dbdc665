"""Versions of a pair: which one it is, what changed with it, and how good the earlier ones were, as its card says.

::

    version    MAJOR.MINOR: MAJOR grows when networks are built or taught in another way, MINOR when they are trained
               again in the same way
    changes    in one line, what this version has that the one before it had not
    history    the earlier versions, the latest first: each with version, date, changes and metrics

All three may be missing: the version is then unknown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from siam.errors import CheckpointError

FIRST = "1.0"
_NUMBER = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_MOST = 1000  # versions
_LONGEST = 500  # characters of what changed


@dataclass(frozen=True)
class Version:
    """One version of a pair.

    Attributes:
        number: MAJOR.MINOR; None if unknown.
        date: of its training, YYYY-MM-DD; None if unknown.
        changes: what it has that the one before it had not; None if unknown.
        metrics: its figures, as the card's `metrics`.
    """

    number: str | None
    date: str | None
    changes: str | None
    metrics: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def entry(self) -> dict[str, Any]:
        """Return its entry in the history of a card."""
        return {"version": self.number, "date": self.date, "changes": self.changes, "metrics": dict(self.metrics)}


def is_number(text: Any) -> bool:
    """Return whether this is a version: text such as "1.0"."""
    return isinstance(text, str) and _NUMBER.fullmatch(text) is not None


def known(card: Mapping[str, Any]) -> str | None:
    """Return the version on a card, None if it has none that is valid."""
    number = card.get("version")
    return number if is_number(number) else None


def named(name: str, number: str | None) -> str:
    """Return a pair with its version in words: "photo 3.0", or "an unknown version of photo"."""
    return f"an unknown version of {name}" if number is None else f"{name} {number}"


def read(card: Mapping[str, Any], path: Path) -> tuple[Version, ...]:
    """Return the versions that a card tells of, its own first, then the earlier ones, the latest first.

    Args:
        card: as `siam.models.card.read` returns it.
        path: of the card, for messages.

    Raises:
        CheckpointError: one of them is malformed.

    Example:
        >>> from siam.models import card, versions
        >>> from siam.models.checkpoint import BUNDLED
        >>> [of.number for of in versions.read(card.read(BUNDLED / "photo"), BUNDLED / "photo" / "card.json")]
        ['3.0', '2.0', '1.1', '1.0']
    """
    own = {"version": card.get("version"), "changes": card.get("changes"), "date": None, "metrics": {}}
    history = card.get("history", [])
    if not isinstance(history, list) or len(history) > _MOST:
        raise CheckpointError(f"{path}: history is {_short(history)}; expected a list of at most {_MOST} versions")
    _check(own, str(path))
    for place, entry in enumerate(history, 1):
        _check(entry, f"{path}: history, entry {place}")
    metrics, trained = card.get("metrics"), card.get("trained")
    day = trained if _is_date(trained) else None
    present = Version(own["version"], day, own["changes"], metrics if isinstance(metrics, Mapping) else {})
    return present, *(
        Version(*(entry.get(key) for key in ("version", "date", "changes", "metrics"))) for entry in history
    )


def told(
    before: Mapping[str, Any] | None, number: str | None = None, changes: str | None = None, *, same: bool = False
) -> dict[str, Any]:
    """Return what the card of a new pair tells of its version, with the history that it takes over.

    Args:
        before: the card of the pair that it replaces; None if it replaces none.
        number: its version; by default the one before with MINOR + 1, or "1.0".
        changes: what it has that the one before had not.
        same: whether its networks are those of the pair before; that one's version then stands for it.

    A pair with the version of the one before takes its place in the history, too.
    """
    history: list[dict[str, Any]] = []
    if before is not None:
        last, *earlier = read(before, Path("card.json"))
        number = number or (last.number if same else _next(last.number))
        changes = changes or (last.changes if same else None)
        kept = earlier if same or last.number == number else [last, *earlier]
        history = [of.entry() for of in kept]
    line = {} if changes is None else {"changes": " ".join(changes.split())}
    return {"version": number or FIRST, **line, "history": history}


def _next(number: str | None) -> str:
    if number is None:
        return FIRST
    major, minor = number.split(".")
    return f"{major}.{int(minor) + 1}"


def _check(entry: Any, place: str) -> None:
    """Raise a CheckpointError that starts with `place` unless this is an entry of a history."""
    if not _is_object(entry):
        raise CheckpointError(f"{place} is {_short(entry)}; expected an object with version, date, changes and metrics")
    fits = {
        "version": ("text such as '1.0'", is_number),
        "date": ("a date such as '2026-11-28'", _is_date),
        "changes": (f"a line of at most {_LONGEST} characters", is_line),
        "metrics": ("an object", _is_object),
    }
    for key, (expected, good) in fits.items():
        if entry.get(key) is None and key != "metrics":
            continue
        if not good(entry.get(key)):
            raise CheckpointError(f"{place}: {key} is {_short(entry.get(key))}; expected {expected}: correct the card")


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_line(value: Any) -> bool:
    """Return whether this may stand as `changes`: one line of text, not too long."""
    return isinstance(value, str) and len(value) <= _LONGEST and "\n" not in value


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 80 else f"{words[:79]}…"
