"""What a stored result tells of presence, and of what, where and how on scenes whose truth is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from siam.evaluation.stored import Result
from siam.results.assessment import COLUMNS, TRUTHS, error_rows, truth_rows
from siam.results.scores import checked, pair

_OF_PRESENCE = {"kendall_tau", "mean_present", "mean_absent", "present", "absent"}
_OF_ATTRIBUTE = {"scenes", "average_precision", "pixel_ap", "iou", "pointing", "template", "points", "true_points"}


@dataclass(frozen=True)
class Compared:
    """One figure of what, where and how: SIAM's, and those of references (in words) that it can be held against."""

    part: str
    label: str
    siam: float
    references: Mapping[str, float]


def presences(result: Result) -> list[dict[str, Any]]:
    """Return how the presence of attributes goes with the score (`siam.evaluation.presence`), for each network that
    tells it.

    Raises:
        ResultError: the figures are not as they should be.
    """
    found = [of["presence"] for of in result.figures.values() if of.get("presence")]
    with checked(result):
        for of in (of for kinds in found for of in kinds.values()):
            int(of["n"])
            for row in of["attributes"].values():
                pair(row["kendall_tau_interval"])
                _want(_OF_PRESENCE, row)
    return found


def truths(result: Result) -> list[dict[str, Any]]:
    """Return the figures of what, where and how (`siam.evaluation.assessment`), for each network that tells them.

    Raises:
        ResultError: the figures are not as they should be.
    """
    found = [of["what_where_how"] for of in result.figures.values() if of.get("what_where_how")]
    with checked(result):
        for of in found:
            int(of["n"])
            truth_rows(of)
            if not compared(of):
                raise KeyError("siam")
            if of["error"]:
                error_rows(of["error"])
            for row in of["per_attribute"].values():
                _want(_OF_ATTRIBUTE, row)
    return found


def compared(found: Mapping[str, Any]) -> list[Compared]:
    """Return the figures of what, where and how (`siam.evaluation.assessment`) that are defined, with the references
    that are.
    """
    shown = []
    for (part, key), label in TRUTHS.items():
        values = {words: found[name].get(part, {}).get(key) for name, words in COLUMNS.items()}
        known = {words: value for words, value in values.items() if value is not None}
        siam = known.pop(COLUMNS["siam"], None)
        if siam is not None:
            shown.append(Compared(*label.split(": ", 1), siam=siam, references=known))
    return shown


def _want(names: set[str], row: Mapping[str, Any]) -> None:
    if lacking := names - row.keys():
        raise KeyError(", ".join(sorted(lacking)))
