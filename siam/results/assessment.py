"""The figures of `siam.evaluation.assessment.assess` as plain-text tables."""

from collections.abc import Iterable, Sequence
from typing import Any

from siam.datasets.human_masks import HEADLINE, OUTLINED
from siam.drawing.phrases import words
from siam.evaluation.figures import (
    AttributeFigures,
    ErrorFigures,
    Interval,
    MaskFigures,
    OutlineFigures,
    PresenceFigures,
    PresenceOfAttribute,
    ScoreFigures,
    TruthFigures,
)

COLUMNS = {  # of the what-where-how table: SIAM and its references
    "siam": "SIAM",
    "ideal": "ideal",
    "another_scene": "another scene",
    "uniform": "uniform",
    "centre": "centre",
    "random": "random",
}
TRUTHS = {
    ("what", "mean_average_precision"): "What: mean average precision",
    ("what", "top_agreement"): "What: share of the true top 8 in the predicted top 8",
    ("where", "pixel_ap"): "Where: pixel average precision",
    ("where", "iou"): "Where: intersection over union",
    ("where", "pointing"): "Where: pointing game",
    ("where", "inside_causes"): "Where: share of the total map inside the true causes",
    ("how", "templates"): "How: correlation of templates, per attribute",
    ("how", "templates_all"): "How: correlation of templates, all attributes",
    ("how", "template_signs"): "How: share of templates with the right sign",
    ("how", "contributions"): "How: correlation of contributions, all attributes",
    ("how", "contributions_of_attributes"): "How: correlation of contributions, per attribute",
    ("how", "contribution_signs"): "How: share of contributions with the right sign",
    ("score", "kendall_tau"): "Score: Kendall's τ with the crowd",
}
OUTLINES = (
    "Pixel AP, IoU and pointing game are means over the photos in which the region covers 3 to 90 % of the labelled "
    "pixels. IoU is that of the map above one threshold, chosen on other photos.",
    "Chance is the share of the region: what a constant map gets in these three.",
    "Pooled AP ranks the pixels of all these photos together, as for the segmenter.",
)
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
    """Return the figures as text in columns, with n, intervals and their source."""
    heading = f"{answer['model']} on {answer['folder']}, split {answer['split']}: {answer['n']} photos"
    if skipped := len(answer["skipped"]):
        heading += f", {skipped} skipped"
    if "masks" in answer["siam"]:
        body = _masks(MaskFigures.from_json(answer["siam"]["masks"], "masks"))
    else:
        body = _attributes(answer["siam"]) if "per_attribute" in answer["siam"] else _scores(answer)
    if answer.get("what_where_how"):
        body += _what_where_how(TruthFigures.from_json(answer["what_where_how"], "what_where_how"))
    return "\n\n".join([heading, *body, answer["method"]]) + "\n"


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as lines, the first column left-aligned, the others right-aligned."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(f"{cell:<{width}}" if not place else f"{cell:>{width}}" for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure as shown; "–" if undefined."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # no -0.00


def _scores(answer: dict[str, Any]) -> list[str]:
    scale = answer["data_scale"]
    error = "RMSE" if answer["same_scale"] else "RMSE of ranks"
    rows = [("", error, "95 %", "Kendall's τ", "95 %", "n")]
    for name in ("siam", "baseline", "difference"):
        if answer[name] is not None:
            scores = ScoreFigures.from_json(answer[name], name)
            shown = scores.rmse if answer["same_scale"] else scores.rank_rmse
            label = {"siam": "SIAM", "baseline": "baseline", "difference": "SIAM − baseline"}[name]
            rows.append((label, figure(shown), _range(scores.rmse_interval), *_tau(scores), str(scores.n)))
    if answer["same_scale"]:
        parts = [columns(rows), f"RMSE in points of {scale['name']}, {scale['low']:g} to {scale['high']:g}"]
    else:
        parts = [columns(rows), "RMSE of ranks as shares of the photos: 0 for the same order, 0.41 for chance"]
    titles = {"predicted": "Predicted presence", "true": "Presence seen by annotators"}
    for kind, value in answer["presence"].items():
        presence = PresenceFigures.from_json(value, f"presence · {kind}")
        parts += [f"{titles[kind]} and the score; mean scores:\n{presence.rule}", _presence(presence)]
    return parts


def _presence(presence: PresenceFigures) -> str:
    rows = [("attribute", "tau", "95 %", "present", "absent")]
    ranked = sorted(presence.attributes.items(), key=lambda item: -(item[1].kendall_tau or 0))
    for name, found in ranked:
        rows.append((name, *_tau(found), figure(found.mean_present, 2), figure(found.mean_absent, 2)))
    return columns(rows)


def _attributes(answer: dict[str, Any]) -> list[str]:
    figures = AttributeFigures.from_json(answer, "siam")
    interval = _range(figures.mean_average_precision_interval)
    mean = [
        f"mean average precision {figure(figures.mean_average_precision)} ({interval}) over the "
        f"{figures.attributes} attributes with positives, chance {figure(figures.chance)}",
        f"{figure(answer['mean_average_precision_of_three'])} over the {answer['attributes_of_three']} with at least 3",
    ]
    intervals, positives = figures.per_attribute_interval or {}, figures.positives or {}
    rows = [("attribute", "average precision", "95 %", "positives")]
    for name, precision in (figures.per_attribute or {}).items():
        rows.append((name, figure(precision), _range(intervals[name]), str(positives[name])))
    return ["\n".join(mean), columns(rows)]


def _masks(masks: MaskFigures) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("", "photos", "pixel AP", "95 %", "IoU", "95 %", "pointing", "95 %", "chance", "pooled AP", "95 %")
    ]
    for name, of in outline_rows(masks):
        cells = [(of.pixel_ap, of.pixel_ap_interval), (of.iou, of.iou_interval), (of.pointing, of.pointing_interval)]
        shown = [text for value, ends in cells for text in (figure(value), _range(ends))]
        count = "" if of.photos is None else str(of.photos)
        rows.append((name, count, *shown, figure(of.chance), figure(of.pooled_ap), _range(of.pooled_ap_interval)))
    return [columns(rows), "\n".join(OUTLINES)]


def outline_rows(masks: MaskFigures) -> list[tuple[str, OutlineFigures]]:
    """Return each attribute and both means by name: those of the headline, best first, their mean, the others, all."""
    ranked = sorted(masks.per_attribute.items(), key=lambda item: -(item[1].pixel_ap or 0))
    first, others = (
        [(outline_label(name), of) for name, of in ranked if (name in HEADLINE) is it] for it in (True, False)
    )
    if not first or not others:
        return [*first, *others, (f"mean of all {len(ranked)}", masks.all)]
    return [*first, (f"mean of these {len(first)}", masks), *others, (f"mean of all {len(ranked)}", masks.all)]


def outline_label(name: str) -> str:
    """Return an attribute with what people outlined for it, where that is something else: "clouds (sky)"."""
    said = OUTLINED[name].said if name in OUTLINED else ""
    return f"{words(name)} ({said})" if said else words(name)


def truth_rows(figures: TruthFigures) -> list[tuple[str, ...]]:
    """Return the cells of the what-where-how table, SIAM beside simple references, headings first."""
    rows: list[tuple[str, ...]] = [("", *COLUMNS.values())]
    for (part, key), label in TRUTHS.items():
        rows.append((label, *(figure(getattr(figures, name).figure(part, key)) for name in COLUMNS)))
    return rows


def error_rows(error: ErrorFigures) -> list[tuple[str, ...]]:
    """Return the cells of the table of the parts of SIAM's errors, headings first."""
    rows: list[tuple[str, ...]] = [("", "mean size", "RMS", "share of variance", "largest in")]
    for name, part in error.parts.items():
        label = "outside the vocabulary" if name == "outside" else name
        cells = [figure(value, 2) for value in (part.mean_absolute, part.rms, part.share_of_variance)]
        rows.append((label, *cells, "–" if part.largest is None else f"{100 * part.largest:.0f} %"))
    return [*rows, ("together", figure(error.mean_absolute, 2), figure(error.rms, 2), "", "")]


def _what_where_how(figures: TruthFigures) -> list[str]:
    title = f"What, where and how, against the truth of {figures.n} rendered scenes, beside simple references:"
    parts = [f"{title}\n{columns(truth_rows(figures))}"]
    if error := figures.error:
        parts.append(f"Why SIAM errs, in points; each scene's parts add up to its error:\n{columns(error_rows(error))}")
    rows = [("attribute", "scenes", *_OF_ATTRIBUTE.values())]
    for name, found in figures.per_attribute.items():
        rows.append((name, str(found.scenes), *(figure(getattr(found, key), 2) for key in _OF_ATTRIBUTE)))
    about = "points: what an attribute would add if it covered the whole picture"
    return [*parts, f"Each attribute that at least three scenes show; {about}:\n{columns(rows)}"]


def _tau(figures: ScoreFigures | PresenceOfAttribute) -> tuple[str, str]:
    return figure(figures.kendall_tau), _range(figures.kendall_tau_interval)


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
