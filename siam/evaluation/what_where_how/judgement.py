"""What, where and how: what a network says about rendered scenes, compared with the truth.

::

    What    average precision of each attribute by the annotators' labels; top 8: of the eight attributes that truly
            move a score most (fewer if fewer do), the share among the eight with the largest |contribution|
    Where   siam.evaluation.what_where_how.places
    How     for the judged attributes, with the true templates T sampled on the grid of the learned ones, W:
            templates      Pearson correlation of W_k and T_k over the cells; mean over attributes
            templates, all the same over all cells of all attributes together, for s_k W_k (s_k: the scale of the maps)
            signs          share of attributes whose W_k and T_k have means of the same sign
            contributions  Pearson correlation of predicted and true contributions over all scenes and attributes
                           whose true one is at least `CAUSE` points; the same for each attribute, and the mean of
                           these; share of the same sign
    Score   Kendall's tau with the mean of the crowd's votes
    Error   siam.evaluation.what_where_how.errors

The references show what the figures are worth. "another scene" is the network's own explanation of another, fixed
random scene: what can be known without looking at the picture. "random" is a random order of attributes, and templates
of independent normal values times the network's own maps. For where, they and the others are those of
`siam.evaluation.what_where_how.places`. The ideal score is the true score without the causes outside the vocabulary:
the best that these attributes can do. A correlation is undefined if one side does not vary; such attributes do not
count.
"""

from typing import Any

import numpy as np

from siam.datasets.rendered.crowd import true_templates
from siam.evaluation.localisation import MINIMUM_PHOTOS
from siam.evaluation.metrics import kendall_tau
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.scores import attribute_figures, number
from siam.evaluation.what_where_how.errors import ErrorSplit, error_figures, map_scales, split_error
from siam.evaluation.what_where_how.places import place_figures
from siam.evaluation.what_where_how.scenes import CAUSE, Scenes

TOP = 8  # attributes: as many as a figure shows
_SEED = 0


def judge(
    predictions: PairPredictions, scenes: Scenes, *, same_scale: bool = True
) -> tuple[dict[str, Any], ErrorSplit | None]:
    """Return the figures of a network on scenes, ready for JSON, and the parts of its errors.

    Args:
        predictions: the network's predictions for the scenes, with maps and the scenes' attributes in their order.
        scenes: the truth.
        same_scale: whether its scores are on the scenes' scale; otherwise points are not comparable, and there are no
            errors.

    Returns:
        "n", "top", "cause"; a dictionary for each column ("siam", and the references "ideal", "another_scene",
        "uniform", "centre", "random") with "what", "where", "how" and "score" as far as they apply; "per_attribute":
        name → SIAM's figures; "error" (`error_figures`, or None). And the errors, or None.

    Raises:
        ValueError: there are no maps, or the attributes differ.
    """
    if predictions.attributes != scenes.attributes:
        raise ValueError(
            f"the attributes are {predictions.attributes}; expected those of the scenes, {scenes.attributes}"
        )
    maps, total, templates = predictions.of_maps()
    count = len(scenes.truths)
    generator = np.random.default_rng(_SEED)
    other = _others(count, generator)
    grid_maps = predictions.maps_on_grid()
    noise = generator.normal(size=templates.shape)
    scales = map_scales(grid_maps, scenes.on_grid)
    what, precision = _what(predictions, scenes, other)
    where = place_figures(maps, total, scenes, other, _SEED)
    how = {
        "siam": _how(templates, predictions.contributions, scales, scenes),
        "another_scene": _contribution_figures(predictions.contributions[other], scenes),
        "random": _how(noise, np.einsum("kij,nkij->nk", noise, grid_maps), scales, scenes),
    }
    score = _score(predictions, scenes, other)
    columns = {}
    for name, places in where.items():
        columns[name] = {"where": {key: value for key, value in places.items() if key != "per_attribute"}}
        groups = {"what": what, "how": how, "score": score}
        columns[name] |= {key: group[name] for key, group in groups.items() if name in group}
    split = errors(predictions, scenes) if same_scale else None
    figures = {
        "n": count,
        "top": TOP,
        "cause": CAUSE,
        **columns,
        "per_attribute": _per_attribute(predictions, scenes, scales, precision, where),
        "error": error_figures(split) if split else None,
    }
    return figures, split


def errors(predictions: PairPredictions, scenes: Scenes) -> ErrorSplit:
    """Return the parts of a network's errors on scenes that share its scale."""
    _maps, _total, templates = predictions.of_maps()
    return split_error(predictions.maps_on_grid(), templates, predictions.contributions, predictions.bias, scenes)


def top_agreement(predicted: np.ndarray, true: np.ndarray) -> float:
    """Return the mean share of the true top 8 that is in the predicted top 8, by magnitude of contributions (N, K).

    The true top 8 has fewer attributes if fewer have a true contribution; scenes without any do not count.
    """
    ours = np.argsort(-np.abs(predicted), axis=1, kind="stable")[:, :TOP]
    theirs = np.argsort(-np.abs(true), axis=1, kind="stable")[:, :TOP]
    named = np.zeros(true.shape, dtype=bool)
    np.put_along_axis(named, ours, True, axis=1)
    counts = np.take_along_axis(true, theirs, axis=1) != 0
    common = (np.take_along_axis(named, theirs, axis=1) & counts).sum(axis=1)
    some = counts.any(axis=1)
    return float((common[some] / counts[some].sum(axis=1)).mean()) if some.any() else float("nan")


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation of two arrays of the same shape; NaN if one of them does not vary."""
    first, second = (values.astype(float).ravel() for values in (first, second))
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _others(count: int, generator: np.random.Generator) -> np.ndarray:
    """Return for each scene the row of another, random one, each used once."""
    order = generator.permutation(count)
    other = np.empty(count, dtype=int)
    other[order] = np.roll(order, 1)
    return other


def _what(
    predictions: PairPredictions, scenes: Scenes, other: np.ndarray
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """Return the figures by column, and SIAM's average precision for each attribute."""
    logits = predictions.logits if predictions.logits is not None else predictions.presence
    matched, shifted = (attribute_figures(each, scenes.labels, scenes.attributes) for each in (logits, logits[other]))
    columns = {
        "siam": (matched["mean_average_precision"], top_agreement(predictions.contributions, scenes.contributions)),
        "another_scene": (
            shifted["mean_average_precision"],
            top_agreement(predictions.contributions[other], scenes.contributions),
        ),
        "random": (matched["chance"], TOP / len(scenes.attributes)),
    }
    figures = {
        name: {"mean_average_precision": precision, "attributes": matched["attributes"], "top_agreement": number(top)}
        for name, (precision, top) in columns.items()
    }
    return figures, matched["per_attribute"]


def _score(predictions: PairPredictions, scenes: Scenes, other: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return by column how far the scores rank the scenes as the crowd does."""
    crowd = np.array([np.mean(truth.votes) for truth in scenes.truths])
    totals = predictions.contributions.sum(axis=1)
    scores = {"siam": totals, "ideal": scenes.bias + scenes.contributions.sum(axis=1), "another_scene": totals[other]}
    return {name: {"kendall_tau": number(kendall_tau(values, crowd))} for name, values in scores.items()}


def _how(templates: np.ndarray, contributions: np.ndarray, scales: np.ndarray, scenes: Scenes) -> dict[str, Any]:
    true, judged = true_weights(templates.shape[1]), scenes.judged
    alike = [correlation(templates[k], true[k]) for k in judged]
    signs = [np.sign(templates[k].mean()) == np.sign(true[k].mean()) for k in judged]
    return {
        "templates": _mean(alike),
        "templates_all": number(correlation(scales[judged, None, None] * templates[judged], true[judged])),
        "template_signs": _mean(signs),
        **_contribution_figures(contributions, scenes),
    }


def true_weights(grid: int) -> np.ndarray:
    """Return the true templates (K, g, g) as cell weights: what an attribute adds to the score by covering a cell."""
    return true_templates(grid) / grid**2


def _contribution_figures(contributions: np.ndarray, scenes: Scenes) -> dict[str, Any]:
    counts = np.abs(scenes.contributions) >= CAUSE
    by_attribute = [_of_attribute(contributions, scenes, k)[0] for k in range(len(scenes.attributes))]
    predicted, true = contributions[counts], scenes.contributions[counts]
    return {
        "contributions": number(correlation(predicted, true)),
        "contributions_of_attributes": _mean(by_attribute),
        "contribution_signs": _mean(np.sign(predicted) == np.sign(true)),
    }


def _of_attribute(contributions: np.ndarray, scenes: Scenes, k: int) -> tuple[float, float]:
    """Return the correlation of an attribute's contributions with the true ones, and the share with the same sign."""
    counts = np.abs(scenes.contributions[:, k]) >= CAUSE
    if counts.sum() < MINIMUM_PHOTOS:
        return float("nan"), float("nan")
    predicted, true = contributions[counts, k], scenes.contributions[counts, k]
    return correlation(predicted, true), float((np.sign(predicted) == np.sign(true)).mean())


def _per_attribute(
    predictions: PairPredictions,
    scenes: Scenes,
    scales: np.ndarray,
    precision: dict[str, float],
    where: dict[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return SIAM's figures for every judged attribute; points are for an attribute that covers the whole picture."""
    _maps, _total, templates = predictions.of_maps()
    true = true_weights(templates.shape[1])
    figures = {}
    for k in scenes.judged:
        name = scenes.attributes[k]
        together, signs = _of_attribute(predictions.contributions, scenes, k)
        figures[name] = {
            "average_precision": precision.get(name),
            **where["siam"]["per_attribute"][name],
            "covered": where["uniform"]["per_attribute"][name]["pixel_ap"],
            "template": number(correlation(templates[k], true[k])),
            "points": number(scales[k] * templates[k].sum()),
            "true_points": number(true[k].sum()),
            "contribution": number(together),
            "contribution_signs": number(signs),
        }
    return figures


def _mean(values: Any) -> float | None:
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return number(known.mean()) if len(known) else None
