"""The figures of `siam.assessment.assess` as a table for people."""

from collections.abc import Iterable, Sequence
from typing import Any


def table(answer: dict[str, Any]) -> str:
    """Return the figures as lines in columns, with n, intervals and where they come from."""
    heading = f"{answer['model']} on {answer['folder']}, split {answer['split']}: {answer['n']} photos"
    if skipped := len(answer["skipped"]):
        heading += f", {skipped} skipped"
    body = _attributes(answer["siam"]) if "per_attribute" in answer["siam"] else _scores(answer)
    return "\n\n".join([heading, *body, answer["method"]]) + "\n"


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as lines, the first column to the left, the others to the right."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(f"{cell:<{width}}" if not place else f"{cell:>{width}}" for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure as it is shown; "–" where it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def _scores(answer: dict[str, Any]) -> list[str]:
    scale = answer["data_scale"]
    error = "RMSE" if answer["same_scale"] else "RMSE of ranks"
    rows = [("", error, "95 %", "Kendall's tau", "95 %", "n")]
    for name in ("siam", "baseline", "difference"):
        found = answer[name]
        if found is not None:
            shown = found["rmse"] if answer["same_scale"] else found.get("rank_rmse")
            label = {"siam": "SIAM", "baseline": "baseline", "difference": "SIAM − baseline"}[name]
            rows.append((label, figure(shown), _range(found["rmse_interval"]), *_tau(found), str(found["n"])))
    if answer["same_scale"]:
        parts = [columns(rows), f"RMSE in points of {scale['name']}, {scale['low']:g} to {scale['high']:g}"]
    else:
        parts = [columns(rows), "RMSE of ranks as shares of the photos: 0 for the same order, 0.41 for chance"]
    titles = {"predicted": "Predicted presence", "true": "Presence that annotators saw"}
    for kind, found in answer["presence"].items():
        parts += [f"{titles[kind]} and the score; mean scores:\n{found['rule']}", _presence(found)]
    return parts


def _presence(found: dict[str, Any]) -> str:
    rows = [("attribute", "tau", "95 %", "present", "absent")]
    ranked = sorted(found["attributes"].items(), key=lambda item: -(item[1]["kendall_tau"] or 0))
    for name, of in ranked:
        rows.append((name, *_tau(of), figure(of["mean_present"], 2), figure(of["mean_absent"], 2)))
    return columns(rows)


def _attributes(found: dict[str, Any]) -> list[str]:
    interval = _range(found["mean_average_precision_interval"])
    mean = [
        f"mean average precision {figure(found['mean_average_precision'])} ({interval}) over the "
        f"{found['attributes']} attributes with positives, by chance {figure(found['chance'])}",
        f"{figure(found['mean_average_precision_of_three'])} over the {found['attributes_of_three']} with at least 3",
    ]
    rows = [("attribute", "average precision", "95 %", "positives")]
    for name, precision in found["per_attribute"].items():
        interval = _range(found["per_attribute_interval"][name])
        rows.append((name, figure(precision), interval, str(found["positives"][name])))
    return ["\n".join(mean), columns(rows)]


def _tau(found: dict[str, Any]) -> tuple[str, str]:
    return figure(found["kendall_tau"]), _range(found["kendall_tau_interval"])


def _range(pair: list[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"
