"""Figures of networks on labelled photos: arrays of predictions in, dictionaries for the card out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from siam.metrics import PRESENT, average_precision, kendall_tau, rmse

MINIMUM_POSITIVES = 3  # an average precision over fewer photos says nothing


def score_figures(
    predicted: np.ndarray, scores: np.ndarray, sources: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    """Return tau and RMSE for each source of ratings: mean and standard deviation over repeated runs.

    Args:
        predicted: (runs, N), each run's prediction of every photo, on that photo's own source's scale.
        scores: (N,) mean ratings.
        sources: (N,) index into `names`.
        names: of the sources.
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


def attribute_figures(predicted: np.ndarray, labels: np.ndarray, attributes: Sequence[str]) -> dict[str, Any]:
    """Return average precision per attribute and its mean, over attributes with at least three positives.

    Args:
        predicted: (N, K) attribute scores, on any scale that keeps the order.
        labels: (N, K) shares of annotators.
        attributes: K names.
    """
    precision = average_precision(predicted, labels, MINIMUM_POSITIVES)
    known = ~np.isnan(precision)
    share = (labels > PRESENT).mean(axis=0)
    return {
        "mean_average_precision": _rounded(precision[known].mean()),
        "chance": _rounded(share[known].mean()),
        "attributes": int(known.sum()),
        "minimum_positives": MINIMUM_POSITIVES,
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
    precisions = [figure["mean_average_precision"] for figure in figures]
    return {
        **first,
        "mean_average_precision": _rounded(np.mean(precisions)),
        "mean_average_precision_sd": _rounded(np.std(precisions)),
        "per_attribute": mean,
    }


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
