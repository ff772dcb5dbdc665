"""Judge a pair of networks on a dataset: photos in, figures with intervals out, as `evaluate` prints them."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from siam import bootstrap
from siam.checkpoint import Pair
from siam.datasets import reader, sun_attributes
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.errors import DatasetError
from siam.evaluation import attribute_figures_with_intervals, difference_figures, score_figures_with_intervals
from siam.judged_photos import attribute_logits, columns, judge, scores_and_logits
from siam.model import SIAM, RatingScale
from siam.presence import predicted_presence, true_presence

_METHOD = (
    f"intervals: {100 * bootstrap.LEVEL:.0f} %, percentile bootstrap over photos, "
    f"{bootstrap.RESAMPLES} resamples, seed 0"
)


def assess(pair: Pair, data: str, root: Path, split: str | None = None) -> dict[str, Any]:
    """Return the figures of a pair on a dataset, ready for JSON: nothing in them is NaN.

    Args:
        pair: the networks.
        data: name of the layout, a key of `siam.datasets.DATASETS`.
        root: the dataset's folder.
        split: "train", "val", "test" or "all"; by default test where the dataset has one of its own, else all.

    Returns:
        "siam", "baseline" (None where there is none) and, on rated photos, their "difference" and "presence"; further
        "model", "data", "folder", "split", "n", "skipped" files, "method" of the intervals, "notes" for the reader.

    Raises:
        DatasetError: the dataset is not as its layout says, has no scores, or no photos in the split.
        ImageError: none of the photos can be read.
    """
    photos: AttributePhotos | ScoredPhotos = reader(data).read(root)
    if isinstance(photos, AttributePhotos):
        answer = _attributes(pair, photos, data, root, split)
    else:
        answer = _scores(pair, photos, data, root, split)
    described = {"model": pair.name, "data": data, "folder": root.resolve().name, "method": _METHOD}
    return {**answer, **described}


def _attributes(pair: Pair, photos: AttributePhotos, data: str, root: Path, split: str | None) -> dict[str, Any]:
    names, own, labels_of = _common(pair.siam)
    chosen = judge(photos, data, root, split, np.ones(len(photos.files), dtype=bool), partial(attribute_logits, pair))
    logits, labels = chosen.found[0][:, own], photos.labels[chosen.places][:, labels_of]
    figures = attribute_figures_with_intervals(logits, labels, names)
    notes = _seen(pair, attributes=True, split=chosen.split)
    told = {"split": chosen.split, "n": len(labels), "skipped": chosen.skipped, "notes": notes}
    return {"siam": figures, "seen_in_training": bool(notes), **told}


def _scores(pair: Pair, photos: ScoredPhotos, data: str, root: Path, split: str | None) -> dict[str, Any]:
    known = ~np.isnan(photos.scores)
    if not known.any():
        raise DatasetError(f"{root} holds no scores: add a ratings.csv with file and score, or take another dataset")
    chosen = judge(photos, data, root, split, known, partial(scores_and_logits, pair))
    scores = photos.scores[chosen.places].astype(float)
    scale = pair.siam.config.scale
    same, notes = _same_scale(scale, photos, data, scores)
    found, logits, *others = chosen.found
    predicted = {"siam": found, "baseline": others[0] if others else None}
    figures: dict[str, Any] = {
        name: None if of is None else score_figures_with_intervals(of, scores, same_scale=same)
        for name, of in predicted.items()
    }
    presence = {"predicted": predicted_presence(logits, scores, pair.siam.config.attributes)}
    labelled, labels = _labels_beside(root, chosen.files)
    if len(labelled):
        presence["true"] = true_presence(labels, scores[labelled], sun_attributes.ATTRIBUTES)
        for name, of in predicted.items():
            if of is not None:
                own = logits[labelled] if name == "siam" else None
                figures[name]["annotated"] = _annotated(pair.siam, of[labelled], scores[labelled], same, own, labels)
    other = predicted["baseline"]
    seen = _seen(pair, attributes=False, split=chosen.split)
    return {
        **figures,
        "difference": None if other is None else difference_figures(found, other, scores, same_scale=same),
        "presence": presence,
        "split": chosen.split,
        "n": len(scores),
        "skipped": chosen.skipped,
        "without_score": int((~known).sum()),
        "scale": _described(scale),
        "data_scale": _described(photos.scale),
        "same_scale": same,
        "seen_in_training": bool(seen),
        "notes": [*notes, *seen],
    }


def _annotated(
    network: SIAM, predicted: np.ndarray, scores: np.ndarray, same: bool, logits: np.ndarray | None, labels: np.ndarray
) -> dict[str, Any]:
    """Return the figures of the photos that carry both scores and attribute labels, as in the paper's Table 3."""
    figures = score_figures_with_intervals(predicted, scores, same_scale=same)
    if logits is None:
        return figures
    names, own, labels_of = _common(network)
    return {**figures, **attribute_figures_with_intervals(logits[:, own], labels[:, labels_of], names)}


def _common(network: SIAM) -> tuple[list[str], list[int], list[int]]:
    """Return the attributes that both network and labels know: names, and their places in either."""
    own, labelled = network.config.attributes, sun_attributes.ATTRIBUTES
    names = [name for name in labelled if name in own]
    if not names:
        raise DatasetError(f"the model knows none of the attributes that were labelled, such as {labelled[0]}")
    return names, [own.index(name) for name in names], [labelled.index(name) for name in names]


def _labels_beside(root: Path, files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return which photos (n,) have attribute labels too, in a labels.csv beside the ratings, and the labels (n, K)."""
    empty = np.empty(0, dtype=int), np.empty((0, len(sun_attributes.ATTRIBUTES)))
    if not {"file", *sun_attributes.ATTRIBUTES} <= set(columns(root / "labels.csv")):
        return empty
    labelled = sun_attributes.read(root)
    rows = {path: row for row, path in enumerate(labelled.files)}
    places = [place for place, path in enumerate(files) if path in rows]
    return np.array(places, dtype=int), labelled.labels[[rows[files[place]] for place in places]]


def _same_scale(scale: RatingScale, photos: ScoredPhotos, data: str, scores: np.ndarray) -> tuple[bool, list[str]]:
    """Return whether an RMSE in points means something, and what is to be said about it."""
    own = f"{scale.name} ({scale.low:g} to {scale.high:g})"
    if data == "folder":
        if scale.low <= scores.min() and scores.max() <= scale.high:
            return True, [f"ratings.csv names no scale: its scores are taken to be on the model's, {own}"]
        return False, [f"scores lie outside the model's scale, {own}: no RMSE in points; rank_rmse compares ranks"]
    if photos.scale == scale:
        return True, []
    other = f"{photos.scale.name} ({photos.scale.low:g} to {photos.scale.high:g})"
    return False, [f"the model predicts {own}, these are {other}: no RMSE in points; rank_rmse compares ranks"]


def _seen(pair: Pair, *, attributes: bool, split: str) -> list[str]:
    """Return a warning where photos of this split may have taught the pair, by what its card tells."""
    metrics = pair.card.get("metrics")
    if not isinstance(metrics, dict) or not pair.card.get("training_data"):
        return []
    crossed = "cross-validation" in str(metrics.get("protocol")) and not attributes  # trained on all rated photos
    if split == "test" and not crossed:
        return []
    kept = "cross-validated ones" if crossed else "those of photos kept apart"
    return [f"figures on photos that {pair.name!r} saw in training flatter; its card tells which, and holds {kept}"]


def _described(scale: RatingScale) -> dict[str, Any]:
    return {"name": scale.name, "low": scale.low, "high": scale.high}
