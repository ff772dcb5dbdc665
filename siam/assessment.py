"""Judge a pair of networks on a dataset: photos in, figures with intervals out, as `evaluate` prints them."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siam import bootstrap
from siam.checkpoint import Pair
from siam.datasets import reader, sun_attributes
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.datasets.check import usable
from siam.datasets.tables import SPLITS
from siam.errors import DatasetError
from siam.evaluation import attribute_figures_with_intervals, difference_figures, score_figures_with_intervals
from siam.model import SIAM, Baseline, RatingScale
from siam.presence import predicted_presence, true_presence
from siam.scoring import predict

ALL = "all"
_METHOD = f"intervals: {100 * bootstrap.LEVEL:.0f} %, percentile bootstrap over photos, {bootstrap.RESAMPLES} resamples, seed 0"


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The photos that are judged: their split, places in the dataset, and the names of those that cannot be read."""

    split: str
    places: np.ndarray
    skipped: list[str]


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
        DatasetError: the dataset is not as its layout says, has no scores, no such split, or no photo can be read.
        ImageError: a photo went away meanwhile.
    """
    photos: AttributePhotos | ScoredPhotos = reader(data).read(root)
    if isinstance(photos, AttributePhotos):
        answer = _attributes(pair, photos, data, root, split)
    else:
        answer = _scores(pair, photos, data, root, split)
    described = {"model": pair.name, "data": data, "folder": root.resolve().name, "method": _METHOD}
    return {**answer, **described}


def _attributes(pair: Pair, photos: AttributePhotos, data: str, root: Path, split: str | None) -> dict[str, Any]:
    chosen = _choose(photos, data, root, split, np.ones(len(photos.files), dtype=bool))
    names, columns, labels_of = _common(pair.siam)
    files = [photos.files[place] for place in chosen.places]
    (logits,) = predict(pair.siam, files, lambda output: (output.attribute_logits,), description="siam")
    figures = attribute_figures_with_intervals(logits[:, columns], photos.labels[chosen.places][:, labels_of], names)
    notes = _seen(pair, attributes=True, split=chosen.split)
    return {"siam": figures, "split": chosen.split, "n": len(files), "skipped": chosen.skipped, "notes": notes}


def _scores(pair: Pair, photos: ScoredPhotos, data: str, root: Path, split: str | None) -> dict[str, Any]:
    known = ~np.isnan(photos.scores)
    if not known.any():
        raise DatasetError(f"{root} holds no scores: add a ratings.csv with file and score, or take another dataset")
    chosen = _choose(photos, data, root, split, known)
    files, scores = [photos.files[place] for place in chosen.places], photos.scores[chosen.places].astype(float)
    scale = pair.siam.config.scale
    same, notes = _same_scale(scale, photos, data, scores)
    found, logits = predict(
        pair.siam, files, lambda output: (output.scenicness, output.attribute_logits), description="siam"
    )
    predicted = {"siam": found, "baseline": _baseline_scores(pair.baseline, files)}
    figures: dict[str, Any] = {
        name: None if of is None else score_figures_with_intervals(of, scores, same_scale=same)
        for name, of in predicted.items()
    }
    presence = {"predicted": predicted_presence(logits, scores, pair.siam.config.attributes)}
    labelled, labels = _labels_beside(root, files)
    if len(labelled):
        presence["true"] = true_presence(labels, scores[labelled], sun_attributes.ATTRIBUTES)
        for name, of in predicted.items():
            if of is not None:
                own = logits[labelled] if name == "siam" else None
                figures[name]["annotated"] = _annotated(pair.siam, of[labelled], scores[labelled], same, own, labels)
    other = predicted["baseline"]
    return {
        **figures,
        "difference": None if other is None else difference_figures(found, other, scores, same_scale=same),
        "presence": presence,
        "split": chosen.split,
        "n": len(files),
        "skipped": chosen.skipped,
        "without_score": int((~known).sum()),
        "scale": _described(scale),
        "data_scale": _described(photos.scale),
        "same_scale": same,
        "notes": [*notes, *_seen(pair, attributes=False, split=chosen.split)],
    }


def _baseline_scores(baseline: Baseline | None, files: list[Path]) -> np.ndarray | None:
    if baseline is None:
        return None
    return predict(baseline, files, lambda output: (output.scenicness,), description="baseline")[0]


def _annotated(
    network: SIAM, predicted: np.ndarray, scores: np.ndarray, same: bool, logits: np.ndarray | None, labels: np.ndarray
) -> dict[str, Any]:
    """Return the figures of the photos that carry both scores and attribute labels, as in the paper's Table 3."""
    figures = score_figures_with_intervals(predicted, scores, same_scale=same)
    if logits is None:
        return figures
    names, columns, labels_of = _common(network)
    return {**figures, **attribute_figures_with_intervals(logits[:, columns], labels[:, labels_of], names)}


def _common(network: SIAM) -> tuple[list[str], list[int], list[int]]:
    """Return the attributes that both network and labels know: names, and their places in either."""
    own, labelled = network.config.attributes, sun_attributes.ATTRIBUTES
    names = [name for name in labelled if name in own]
    if not names:
        raise DatasetError(f"the model knows none of the attributes that were labelled, such as {labelled[0]}")
    return names, [own.index(name) for name in names], [labelled.index(name) for name in names]


def _choose(
    photos: AttributePhotos | ScoredPhotos, data: str, root: Path, split: str | None, known: np.ndarray
) -> _Chosen:
    if split is None:
        split = "test" if _has_split(data, root) and (known & (photos.split == "test")).any() else ALL
    if split not in (*SPLITS, ALL):
        raise DatasetError(f"no split is called {split!r}: choose one of {', '.join((*SPLITS, ALL))}")
    places = np.flatnonzero(known & ((split == ALL) | (photos.split == split)))
    if len(places) == 0:
        raise DatasetError(f"{root} has no labelled photos in the split {split!r}: choose another, or all")
    good = usable([photos.files[place] for place in places])
    if not good.any():
        raise DatasetError(f"{root}: none of the {len(places)} photos can be read: see siam data check")
    skipped = [photos.files[place].relative_to(root).as_posix() for place in places[~good]]
    return _Chosen(split, places[good], skipped)


def _has_split(data: str, root: Path) -> bool:
    """Return whether the dataset says itself which photos are for testing; a hash of names is only a makeshift."""
    return data in ("sun", "scenicornot") or "split" in _columns(root / "ratings.csv")


def _columns(path: Path) -> list[str]:
    """Return the first row of a table, nothing where there is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        return []


def _labels_beside(root: Path, files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return which photos (n,) have attribute labels too, in a labels.csv beside the ratings, and the labels (n, K)."""
    empty = np.empty(0, dtype=int), np.empty((0, len(sun_attributes.ATTRIBUTES)))
    if not {"file", *sun_attributes.ATTRIBUTES} <= set(_columns(root / "labels.csv")):
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
