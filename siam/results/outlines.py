"""How well maps agree with people's outlines, in stored results: rows of tables, and what their columns mean."""

from collections.abc import Callable, Iterable

from siam.evaluation.figures import Interval, MaskFigures
from siam.evaluation.stored import Result
from siam.results.assessment import outline_label, outline_rows
from siam.results.scores import Precision, Precisions, precisions

_Text = Callable[[float | None, Interval | None, float | None], str]


def of_pair(results: Iterable[Result], model: str) -> tuple[Result, MaskFigures] | None:
    """Return such figures of a pair, by its name, with their result; those of cross-validation if there are several."""
    judged = [
        (result, figures.masks)
        for result in results
        if result.model == model
        for figures in result.figures.values()
        if figures.masks is not None
    ]
    return min(judged, key=lambda one: "cross-validation" not in one[0].split, default=None)


def segmenter(results: Iterable[Result], model: str) -> Precisions | None:
    """Return how well an outside segmenter finds the same pair's maps placed, if a result says so."""
    everything = (found for result in results if result.model == model for found in precisions(result))
    return next((found for found in everything if found.kind == "where"), None)


def taught(result: Result) -> str:
    """Say whether the judged networks learned from such outlines."""
    if "cross-validation" in result.split:
        return "Such outlines taught the maps, so each photo was judged by networks that had not seen it."
    return (
        "These networks never saw such outlines. Networks that learn from them are judged by cross-validation, each "
        "photo by networks that had not seen it."
    )


def as_precisions(masks: MaskFigures, photos: str) -> Precisions:
    """Return the pixel average precisions, and their mean over the headline, for a chart; `photos` names the set."""
    each = [
        Precision(outline_label(name), of.pixel_ap, of.pixel_ap_interval, of.chance)
        for name, of in masks.per_attribute.items()
        if of.pixel_ap is not None
    ]
    mean = masks.all if masks.pixel_ap is None else masks
    ranked = tuple(sorted(each, key=lambda row: -row.value))
    value, interval = mean.pixel_ap or 0.0, mean.pixel_ap_interval
    return Precisions("people", photos, masks.n, value, interval, mean.chance, mean.pixel_ap_sd, ranked)


def table(
    masks: MaskFigures, other: Precisions | None, text: _Text, *, brief: bool = False
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return the heads of a table's columns but the first, each with its group, and its rows.

    Args:
        masks: people's figures.
        other: the segmenter's figures of the same pair, beside; or None.
        text: writes a figure with its interval and its standard deviation, where known.
        brief: whether the table is to be narrow: intervals of the pixel average precision alone, and the segmenter's
            figures in one column.
    """
    columns = ("photos", "pixel AP", "chance", "IoU", "pointing game", "pooled AP")
    heads = [("people’s outlines", column) for column in columns]
    seen = {}
    if other is not None:
        names = ("pooled AP / chance",) if brief else ("pooled AP", "chance")
        heads += [("segmenter", name) for name in names]
        seen = {outline_label(row.attribute): row for row in other.rows}
    body = []
    for name, of in outline_rows(masks):
        cells = [
            name,
            "" if of.photos is None else str(of.photos),
            text(of.pixel_ap, of.pixel_ap_interval, of.pixel_ap_sd),
            text(of.chance, None, None),
            text(of.iou, None if brief else of.iou_interval, None),
            text(of.pointing, None if brief else of.pointing_interval, None),
            text(of.pooled_ap, None if brief else of.pooled_ap_interval, None),
        ]
        if other is not None:
            row = seen.get(name)
            pair = [] if row is None else [text(row.value, row.interval, None), text(row.chance, None, None)]
            cells += [" / ".join(pair) or "–"] if brief else pair or ["–", "–"]
        body.append(cells)
    return heads, body
