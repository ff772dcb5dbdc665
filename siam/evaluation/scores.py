"""Figures for networks on labelled photos: arrays of predictions in, dictionaries for the card out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from siam.datasets.base import PRESENT
from siam.evaluation import bootstrap
from siam.evaluation.metrics import (
    average_precision,
    average_precision_of_resamples,
    kendall_tau,
    kendall_tau_of_resamples,
    rank_rmse,
    rmse,
    rmse_of_resamples,
)

MINIMUM_POSITIVES = 3  # with fewer photos, an average precision means nothing


def score_figures(
    predicted: np.ndarray, scores: np.ndarray, sources: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    """Return tau and RMSE for each source of ratings: mean and standard deviation over repeated runs.

    Args:
        predicted: (runs, N), each run's prediction for every photo, on the scale of the photo's source.
        scores: (N,) mean ratings.
        sources: (N,) indices into `names`.
        names: names of the sources.
    """
    figures = {}
    for index, name in enumerate(names):
        of_source = sources == index
        taus = [kendall_tau(run[of_source], scores[of_source]) for run in predicted]
        errors = [rmse(run[of_source], scores[of_source]) for run in predicted]
        figures[name] = {
            "kendall_tau": _rounded(np.mean(taus)),
            "kendall_tau_sd": _rounded(np.std(taus)),
            "rmse": _rounded(np.mean(errors)),
            "rmse_sd": _rounded(np.std(errors)),
            "n": int(of_source.sum()),
        }
    return figures


def attribute_figures(
    predicted: np.ndarray, labels: np.ndarray, attributes: Sequence[str], minimum: int = MINIMUM_POSITIVES
) -> dict[str, Any]:
    """Return average precision per attribute and its mean, over attributes with at least `minimum` positives.

    Args:
        predicted: (N, K) attribute scores, on any scale that keeps the order.
        labels: (N, K) shares of annotators; those that are NaN do not count.
        attributes: K names.
        minimum: fewest photos that must show an attribute; if no attribute has them, mean and chance are None.
    """
    precision = average_precision(predicted, labels, minimum)
    known = ~np.isnan(precision)
    share = (labels > PRESENT).sum(axis=0) / np.maximum((~np.isnan(labels)).sum(axis=0), 1)
    return {
        "mean_average_precision": _rounded(precision[known].mean()) if known.any() else None,
        "chance": _rounded(share[known].mean()) if known.any() else None,
        "attributes": int(known.sum()),
        "minimum_positives": minimum,
        "n": len(labels),
        "per_attribute": {
            name: _rounded(value) for name, value, judged in zip(attributes, precision, known, strict=True) if judged
        },
    }


def mean_figures(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of several networks' `attribute_figures` on the same photos."""
    first = figures[0]
    names = first["per_attribute"]
    mean = {name: _rounded(np.mean([figure["per_attribute"][name] for figure in figures])) for name in names}
    precisions = [figure["mean_average_precision"] for figure in figures if names]
    return {
        **first,
        "mean_average_precision": _rounded(np.mean(precisions)) if precisions else None,
        "mean_average_precision_sd": _rounded(np.std(precisions)) if precisions else None,
        "per_attribute": mean,
    }


def score_figures_with_intervals(
    predicted: np.ndarray, scores: np.ndarray, *, same_scale: bool = True
) -> dict[str, Any]:
    """Return one network's RMSE and Kendall's tau with 95 % intervals over the photos; None if undefined.

    Args:
        predicted: (N,) predicted scores.
        scores: (N,) mean ratings.
        same_scale: whether both are on one scale. If not, an RMSE in points is meaningless: it is None, and
            "rank_rmse", the RMSE of the ranks as shares of the photos, is given instead.
    """
    figures = {
        "rmse": number(rmse(predicted, scores)) if same_scale else None,
        "rmse_interval": None,
        "kendall_tau": number(kendall_tau(predicted, scores)),
        "kendall_tau_interval": limits(bootstrap.ends(_taus(predicted, scores))),
        "n": len(scores),
    }
    if same_scale:
        figures["rmse_interval"] = limits(bootstrap.ends(_errors(predicted, scores)))
    else:
        figures["rank_rmse"] = number(rank_rmse(predicted, scores))
    return figures


def difference_figures(
    first: np.ndarray, second: np.ndarray, scores: np.ndarray, *, same_scale: bool = True
) -> dict[str, Any]:
    """Return the first network's figures minus the second's, with paired intervals over the same photos.

    Args:
        first: (N,) predictions of the first network.
        second: (N,) predictions of the second network.
        scores: (N,) mean ratings.
        same_scale: as in `score_figures_with_intervals`.
    """
    figures: dict[str, Any] = {"rmse": None, "rmse_interval": None}
    if same_scale:
        figures["rmse"] = number(rmse(first, scores) - rmse(second, scores))
        figures["rmse_interval"] = limits(bootstrap.ends(_errors(first, scores) - _errors(second, scores)))
    figures["kendall_tau"] = number(kendall_tau(first, scores) - kendall_tau(second, scores))
    figures["kendall_tau_interval"] = limits(bootstrap.ends(_taus(first, scores) - _taus(second, scores)))
    return {**figures, "n": len(scores)}


def attribute_figures_with_intervals(
    predicted: np.ndarray, labels: np.ndarray, attributes: Sequence[str]
) -> dict[str, Any]:
    """Return `attribute_figures` over all attributes with positives, with 95 % intervals over the photos.

    In a resample, the mean is over the attributes that at least one of its photos shows.
    "mean_average_precision_of_three" is the mean over the attributes with at least three positives, as on the cards:
    the others are a matter of luck. "labelled" says how many photos have a label, unless all have all.

    Args:
        predicted: (N, K) attribute scores, on any scale that keeps the order.
        labels: (N, K) shares of annotators; those that are NaN do not count.
        attributes: K names.
    """
    figures = attribute_figures(predicted, labels, attributes, minimum=1)
    present, labelled = labels > PRESENT, ~np.isnan(labels)
    judged = np.flatnonzero(present.any(axis=0)).tolist()
    sure = attribute_figures(predicted, labels, attributes)
    figures["mean_average_precision_of_three"] = sure["mean_average_precision"]
    figures["attributes_of_three"] = sure["attributes"]
    if len(judged) == 0:
        return {**figures, "mean_average_precision_interval": None, "per_attribute_interval": {}, "positives": {}}

    def precisions(counts: np.ndarray) -> np.ndarray:
        columns = [
            average_precision_of_resamples(predicted[of, k], present[of, k], counts[:, of])
            for k, of in ((k, labelled[:, k]) for k in judged)
        ]
        return np.stack(columns, axis=1)

    drawn = bootstrap.resampled(precisions, len(labels))  # (R, judged)
    some = ~np.isnan(drawn).all(axis=1)
    means = np.full(len(drawn), np.nan)
    means[some] = np.nanmean(drawn[some], axis=1)
    names = [attributes[k] for k in judged]
    pairs = bootstrap.ends(drawn).T
    figures["mean_average_precision_interval"] = limits(bootstrap.ends(means))
    figures["per_attribute_interval"] = {name: limits(pair) for name, pair in zip(names, pairs, strict=True)}
    figures["positives"] = {name: int(present[:, k].sum()) for name, k in zip(names, judged, strict=True)}
    if not labelled.all():
        figures["labelled"] = {name: int(labelled[:, k].sum()) for name, k in zip(names, judged, strict=True)}
    return figures


def number(value: float | np.floating) -> float | None:
    """Return a figure with four digits, or None if undefined: JSON has no NaN."""
    return _rounded(value) if np.isfinite(value) else None


def limits(pair: np.ndarray) -> list[float] | None:
    """Return the ends of an interval with four digits, or None if there is none."""
    return [_rounded(end) for end in pair] if np.isfinite(pair).all() else None


def _taus(predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return bootstrap.resampled(lambda counts: kendall_tau_of_resamples(predicted, scores, counts), len(scores))


def _errors(predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return bootstrap.resampled(lambda counts: rmse_of_resamples(predicted, scores, counts), len(scores))


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
