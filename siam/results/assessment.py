"""The figures of `siam.evaluation.assessment.assess` as a table for people."""

from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS = {  # of the table of what, where and how: SIAM and the references that say what its figures are worth
    "siam": "SIAM",
    "ideal": "ideal",
    "another_scene": "another scene",
    "uniform": "uniform",
    "centre": "centre",
    "random": "random",
}
TRUTHS = {
    ("what", "mean_average_precision"): "What: mean average precision",
    ("what", "top_agreement"): "What: share of the true top 8 in its top 8",
    ("where", "pixel_ap"): "Where: pixel average precision",
    ("where", "iou"): "Where: intersection over union",
    ("where", "pointing"): "Where: pointing game",
    ("where", "inside_causes"): "Where: share of activation inside true causes",
    ("how", "templates"): "How: correlation of templates, each",
    ("how", "templates_all"): "How: correlation of templates, together",
    ("how", "template_signs"): "How: sign of templates agrees",
    ("how", "contributions"): "How: correlation of contributions, together",
    ("how", "contributions_of_attributes"): "How: correlation of contributions, each attribute",
    ("how", "contribution_signs"): "How: sign of contributions agrees",
    ("score", "kendall_tau"): "Score: Kendall's tau with the crowd",
}
_OF_ATTRIBUTE = {
    "average_precision": "AP",
    "covered": "covered",
    "pixel_ap": "pixel AP",
    "iou": "IoU",
    "pointing": "pointing",
    "template": "template r",
    "points": "points",
    "true_points": "true points",
    "contribution": "contribution r",
}


def table(answer: dict[str, Any]) -> str:
    """Return the figures as lines in columns, with n, intervals and where they come from."""
    heading = f"{answer['model']} on {answer['folder']}, split {answer['split']}: {answer['n']} photos"
    if skipped := len(answer["skipped"]):
        heading += f", {skipped} skipped"
    body = _attributes(answer["siam"]) if "per_attribute" in answer["siam"] else _scores(answer)
    if found := answer.get("what_where_how"):
        body += _what_where_how(found)
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
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # without the sign of -0.00


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


def truth_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of the table of what, where and how: SIAM beside simple references, the heads first."""
    rows: list[tuple[str, ...]] = [("", *COLUMNS.values())]
    for (part, key), label in TRUTHS.items():
        rows.append((label, *(figure(found[name].get(part, {}).get(key)) for name in COLUMNS)))
    return rows


def error_rows(error: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of the table of what SIAM's errors are made of, the heads first."""
    rows: list[tuple[str, ...]] = [("", "mean size", "RMS", "share of variance", "largest in")]
    for name, of in error["parts"].items():
        label = "outside the vocabulary" if name == "outside" else name
        cells = [figure(of[key], 2) for key in ("mean_absolute", "rms", "share_of_variance")]
        rows.append((label, *cells, "–" if of["largest"] is None else f"{100 * of['largest']:.0f} %"))
    return [*rows, ("together", figure(error["mean_absolute"], 2), figure(error["rms"], 2), "", "")]


def _what_where_how(found: dict[str, Any]) -> list[str]:
    title = f"What, where and how, against the truth of {found['n']} rendered scenes, beside simple references:"
    parts = [f"{title}\n{columns(truth_rows(found))}"]
    if error := found["error"]:
        parts.append(
            f"Why SIAM errs, in points; the parts of each scene sum to its error:\n{columns(error_rows(error))}"
        )
    rows = [("attribute", "scenes", *_OF_ATTRIBUTE.values())]
    for name, of in found["per_attribute"].items():
        rows.append((name, str(of["scenes"]), *(figure(of[key], 2) for key in _OF_ATTRIBUTE)))
    about = "points: what an attribute would add if it covered all of the picture"
    return [*parts, f"Each attribute that at least three scenes show; {about}:\n{columns(rows)}"]


def _tau(found: dict[str, Any]) -> tuple[str, str]:
    return figure(found["kendall_tau"]), _range(found["kendall_tau_interval"])


def _range(pair: list[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"
