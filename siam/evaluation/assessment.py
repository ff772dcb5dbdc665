"""Judge a pair on a dataset: photos in, figures with intervals out, as `evaluate` prints them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets import labels_beside, layout, layout_name, read_rated, rendered
from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos
from siam.datasets.human_masks import OutlinedPhotos
from siam.errors import DatasetError
from siam.evaluation import bootstrap, outlines
from siam.evaluation.predictions import JudgedPhotos, PairPredictions, judge, predictions, predictions_and_maps
from siam.evaluation.presence import predicted_presence, true_presence
from siam.evaluation.scores import attribute_figures_with_intervals, difference_figures, score_figures_with_intervals
from siam.evaluation.what_where_how import judgement, scenes
from siam.evaluation.what_where_how.errors import ErrorSplit
from siam.evaluation.what_where_how.scenes import Scenes
from siam.explanation.batch import OnError
from siam.models.card import training_folders
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM
from siam.runtime.reprs import brief

_METHOD = (
    f"intervals: {100 * bootstrap.LEVEL:.0f} %, percentile bootstrap over photos, "
    f"{bootstrap.RESAMPLES} resamples, seed 0"
)


@dataclass(frozen=True, eq=False)
class Assessment:
    """A pair judged on a dataset.

    Attributes:
        figures: the figures of `assess`, ready for JSON, without NaN.
        data: name of the layout.
        root: the dataset's folder.
        photos: photos of the whole dataset.
        judged: the judged photos, and the networks' predictions for them.
        scenes: the truth of each judged photo, if they are rendered.
        errors: why SIAM errs on each judged photo, if known.
    """

    figures: dict[str, Any]
    data: str
    root: Path
    photos: AttributePhotos | ScoredPhotos | OutlinedPhotos
    judged: JudgedPhotos
    scenes: Scenes | None = None
    errors: ErrorSplit | None = None

    __repr__ = brief


def assess(
    pair: Pair,
    data: str,
    root: Path,
    split: str | None = None,
    *,
    score_labelled_photos: bool = False,
    scale: RatingScale | None = None,
) -> Assessment:
    """Judge a pair on a dataset; each photo goes through the networks once.

    Args:
        pair: the networks.
        data: name of the layout, a key of `siam.datasets.DATASETS`.
        root: the dataset's folder.
        split: "train", "val", "test" or "all"; by default test if the dataset has its own test split, otherwise all.
        score_labelled_photos: whether the baseline also scores photos without ratings.
        scale: of the ratings, for layouts that do not name it.

    Returns:
        An assessment with the figures "siam", "baseline" (None without one) and, on rated photos, their "difference"
        and "presence"; on photos that people outlined, "siam" holds "masks" (`siam.evaluation.outlines.judge`); on
        rendered ones "what_where_how" (`siam.evaluation.what_where_how.judgement.judge`); also "model", "data",
        "folder", "split", "n", "skipped" files, the "method" of the intervals, and "notes" for the reader.

    Raises:
        DatasetError: the dataset does not match its layout, has no scores, or has no photos in the split.
        ImageError: none of the photos can be read.
    """
    photos: AttributePhotos | ScoredPhotos | OutlinedPhotos = read_rated(data, root, scale)
    truth = errors = None
    if isinstance(photos, ScoredPhotos) and np.isnan(photos.scores).all():
        photos = labels_beside(root) or photos
    if isinstance(photos, AttributePhotos):
        _common(pair.config.attributes, photos.attributes)  # tells before any photo is scored
        known = np.ones(len(photos.files), dtype=bool)
        networks = partial(predictions, pair, baseline=score_labelled_photos)
        judged = judge(photos, data, root, split, known, networks)
        figures = _attributes(pair, photos, judged, data, root)
    elif isinstance(photos, OutlinedPhotos):
        figures, judged = _outlines(pair, photos, data, root, split, baseline=score_labelled_photos)
    else:
        known = ~np.isnan(photos.scores)
        if not known.any():
            raise DatasetError(f"{root} holds no scores: add a ratings.csv with file and score, or an attributes.csv")
        true = data == "rendered" and set(pair.config.attributes) == set(rendered.ATTRIBUTES)
        judged = judge(photos, data, root, split, known, partial(predictions, pair, maps=true))
        figures = _scores(pair, photos, judged, data, root, int((~known).sum()))
        if true:
            ordered, truth = judged.predictions.in_order_of(rendered.ATTRIBUTES), _truth(pair.siam, judged, root)
            same = figures["same_scale"]
            figures["what_where_how"], errors = judgement.judge(ordered, truth, same_scale=same)
        elif data == "rendered":
            figures["notes"].append("no what-where-how: the model's attributes are not those of the scenes")
    described = {"model": pair.name, "data": data, "folder": root.resolve().name}
    return Assessment({"method": _METHOD, **figures, **described}, data, root, photos, judged, truth, errors)


def _attributes(pair: Pair, photos: AttributePhotos, judged: JudgedPhotos, data: str, root: Path) -> dict[str, Any]:
    names, logits_of, labels_of = _common(pair.config.attributes, photos.attributes)
    labels = photos.labels[judged.places][:, labels_of]
    figures = attribute_figures_with_intervals(_logits(judged)[:, logits_of], labels, names)
    seen, notes = _seen(pair, data, root, attributes=True, split=judged.split)
    photos_of = {"split": judged.split, "n": len(labels), "skipped": judged.skipped}
    return {"siam": figures, "seen_in_training": seen, **photos_of, "notes": notes}


def _outlines(
    pair: Pair, photos: OutlinedPhotos, data: str, root: Path, split: str | None, *, baseline: bool
) -> tuple[dict[str, Any], JudgedPhotos]:
    maps: dict[Path, np.ndarray] = {}
    outlines.refuse_others(photos, pair.config.attributes)

    def networks(files: list[Path], on_error: OnError) -> PairPredictions:
        numbers, found = predictions_and_maps(pair, files, on_error, baseline=baseline)
        maps.update(found)
        return numbers

    judged = judge(photos, data, root, split, np.ones(len(photos.files), dtype=bool), networks)
    masks = outlines.judge([maps[path] for path in judged.files], photos.rows(judged.places), pair.config.attributes)
    seen, notes = False, []
    if "masks" in (pair.card.get("metrics") or {}):
        seen, notes = _seen_by_name(pair, data, root, "cross-validated ones")
    method = f"{_METHOD}, each frame of a film like a photo"
    described = {"split": judged.split, "n": masks["n"], "skipped": judged.skipped, "method": method, "notes": notes}
    return {"siam": {"masks": masks}, "seen_in_training": seen, **described}, judged


def _scores(
    pair: Pair, photos: ScoredPhotos, judged: JudgedPhotos, data: str, root: Path, without_score: int
) -> dict[str, Any]:
    scores = photos.scores[judged.places].astype(float)
    scale = pair.config.scale
    same, notes = _same_scale(scale, photos, own=not layout(data).names_scale)
    siam, logits, baseline = judged.predictions.siam, _logits(judged), judged.predictions.baseline
    predicted = {"siam": siam, "baseline": baseline}
    figures: dict[str, Any] = {
        name: None if scored is None else score_figures_with_intervals(scored, scores, same_scale=same)
        for name, scored in predicted.items()
    }
    presence = {"predicted": predicted_presence(logits, scores, pair.config.attributes)}
    labelled, labels, labelled_names = _labels_beside(root, judged.files)
    if len(labelled):
        presence["true"] = true_presence(labels, scores[labelled], labelled_names)
        for name, scored in predicted.items():
            if scored is not None:
                known = name == "siam" and not set(labelled_names).isdisjoint(pair.config.attributes)
                labelled_logits = logits[labelled] if known else None
                figures[name]["annotated"] = _annotated(
                    pair.siam, scored[labelled], scores[labelled], same, labelled_logits, labels, labelled_names
                )
    seen, seen_notes = _seen(pair, data, root, attributes=False, split=judged.split)
    return {
        **figures,
        "difference": None if baseline is None else difference_figures(siam, baseline, scores, same_scale=same),
        "presence": presence,
        "split": judged.split,
        "n": len(scores),
        "skipped": judged.skipped,
        "without_score": without_score,
        "scale": _described(scale),
        "data_scale": None if photos.scale is None else _described(photos.scale),
        "same_scale": same,
        "seen_in_training": seen,
        "notes": [*notes, *seen_notes, *(f"left out: {left}" for left in photos.left_out)],
    }


def _logits(judged: JudgedPhotos) -> np.ndarray:
    assert judged.predictions.logits is not None  # `predictions` always returns them
    return judged.predictions.logits


def _truth(network: SIAM, judged: JudgedPhotos, root: Path) -> Scenes:
    assert judged.predictions.maps is not None  # they were requested
    height, width = judged.predictions.maps.shape[2:]
    identifiers = [int(path.stem) for path in judged.files]
    return scenes.read(root, identifiers, network.config.grid, (height, width))


def _annotated(
    network: SIAM,
    predicted: np.ndarray,
    scores: np.ndarray,
    same: bool,
    logits: np.ndarray | None,
    labels: np.ndarray,
    labelled: tuple[str, ...],
) -> dict[str, Any]:
    """Return the figures for the photos with both scores and attribute labels, as in the paper's Table 3."""
    figures = score_figures_with_intervals(predicted, scores, same_scale=same)
    if logits is None:
        return figures
    names, logits_of, labels_of = _common(network.config.attributes, labelled)
    return {**figures, **attribute_figures_with_intervals(logits[:, logits_of], labels[:, labels_of], names)}


def _common(known: tuple[str, ...], labelled: tuple[str, ...]) -> tuple[list[str], list[int], list[int]]:
    """Return the attributes that both a network and labels know: names, and their indices in each."""
    names = [name for name in labelled if name in known]
    if not names:
        raise DatasetError(
            f"the model knows none of the labelled attributes, such as {labelled[0]}: "
            "use a pair that was trained on them"
        )
    return names, [known.index(name) for name in names], [labelled.index(name) for name in names]


def _labels_beside(root: Path, files: list[Path]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return which photos (n,) also have attribute labels, in a table beside the ratings; labels (n, K); names."""
    labelled = labels_beside(root)
    if labelled is None:
        return np.empty(0, dtype=int), np.empty((0, 0)), ()
    rows = {path: row for row, path in enumerate(labelled.files)}
    places = [place for place, path in enumerate(files) if path in rows]
    return np.array(places, dtype=int), labelled.labels[[rows[files[place]] for place in places]], labelled.attributes


def _same_scale(scale: RatingScale, photos: ScoredPhotos, own: bool) -> tuple[bool, list[str]]:
    """Return whether an RMSE in points is meaningful, and the notes on it; of an `own` scale only the ends count."""
    expected = f"{scale.name} ({scale.low:g} to {scale.high:g})"
    ranks = "no RMSE in points; rank_rmse compares ranks"
    if photos.scale is None:
        return False, [f"the scale of the ratings is not known, so {ranks}: give --scale LOW HIGH"]
    if photos.scale == scale or (own and photos.scale.same_points(scale)):
        return True, []
    other = f"{photos.scale.name} ({photos.scale.low:g} to {photos.scale.high:g})"
    return False, [f"the model predicts {expected}, these are {other}: {ranks}"]


def _seen(pair: Pair, data: str, root: Path, *, attributes: bool, split: str) -> tuple[bool, list[str]]:
    """Return whether, by its card, the pair may have been trained on photos of this split, and the notes on it.

    It may if the card names this dataset, or names none. Other photos in the layout of a dataset that it names may be
    new or copies; the note says how they would be told apart.
    """
    metrics = pair.card.get("metrics")
    if not isinstance(metrics, dict) or not pair.card.get("training_data"):
        return False, []
    crossed = "cross-validation" in str(metrics.get("protocol")) and not attributes  # trained on all rated photos
    if split == "test" and not crossed:
        return False, []
    others = "cross-validated figures" if crossed else "figures for held-out photos"
    return _seen_by_name(pair, data, root, others)


def _seen_by_name(pair: Pair, data: str, root: Path, others: str) -> tuple[bool, list[str]]:
    """Return whether a card names a dataset or none at all, and the notes on it; `others` are the figures it has."""
    known, folder = training_folders(pair.card), root.resolve().name
    if not known or folder in known:
        why = "these photos in training, which flatters the figures"
        return True, [f"{pair.name!r} may have seen {why}; its card has {others}"]
    alike = sorted(name for name in known if layout_name(name) == data)
    if alike:
        of = f"{pair.name!r} learned from {', '.join(alike)}, in the same layout"
        return False, [f"{of}: if these are the same photos, the figures are flattered; its card has {others}"]
    return False, []


def _described(scale: RatingScale) -> dict[str, Any]:
    return {"name": scale.name, "low": scale.low, "high": scale.high}
