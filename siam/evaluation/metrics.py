"""Metrics: RMSE and Kendall's tau-b of scores, average precision of attributes."""

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score

from siam.datasets.base import PRESENT

_MANY = 2500  # photos; beyond, a sort per resample is faster than all pairs


def rmse(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Return the root mean squared error of scores (N,)."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def kendall_tau(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Return Kendall's tau-b of scores (N,): 1 for the same order, 0 for chance, -1 for the reverse.

    Example:
        >>> import numpy as np
        >>> from siam.evaluation.metrics import kendall_tau
        >>> f"{kendall_tau(np.array([3.1, 4.0, 5.2]), np.array([2.0, 5.0, 4.5])):.2f}"  # two of three pairs agree
        '0.33'
    """
    return float(np.asarray(stats.kendalltau(predicted, actual))[0])


def average_precision(predicted: np.ndarray, labels: np.ndarray, minimum: int = 3) -> np.ndarray:
    """Return the average precision of each attribute (K,), NaN where fewer than `minimum` photos show it.

    Args:
        predicted: attribute scores (N, K), on any scale that keeps the order.
        labels: shares of annotators (N, K); photos whose label is NaN do not count.
        minimum: fewest photos that must show the attribute; with fewer, the figure would be a matter of luck.
    """
    present, known = labels > PRESENT, ~np.isnan(labels)
    return np.array(
        [
            average_precision_score(present[of, k], predicted[of, k]) if present[of, k].sum() >= minimum else np.nan
            for k, of in enumerate(known.T)
        ]
    )


def rank_rmse(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Return the root mean squared difference of ranks, as shares of the photos: 0 for the same order, 0.41 for chance.

    For predictions on a different scale from the scores (N,). Chance is sqrt(1/6), the reverse order sqrt(1/3); photos
    with equal values share their mean rank.
    """
    return rmse(stats.rankdata(predicted) / len(actual), stats.rankdata(actual) / len(actual))


def rmse_of_resamples(predicted: np.ndarray, actual: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return `rmse` (R,) of R resamples; `counts` (R, N) says how often each photo is in each."""
    return np.sqrt(counts @ np.square(predicted - actual, dtype=float) / counts.sum(axis=1))


def kendall_tau_of_resamples(predicted: np.ndarray, actual: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return `kendall_tau` (R,) of R resamples; NaN where all photos of one have the same value.

    With s_ij = sign(x_i - x_j), t_ij = sign(y_i - y_j) and counts m, tau-b is a ratio of quadratic forms:
    m'(s t)m / sqrt(m'(s s)m · m'(t t)m), of which the last two only count ties. For N up to some thousands this is far
    faster than a sort for each resample.

    Args:
        predicted: (N,) predicted scores.
        actual: (N,) true scores.
        counts: (R, N), how often each photo is in each resample.
    """
    if len(actual) > _MANY:
        return np.array([kendall_tau(np.repeat(predicted, row), np.repeat(actual, row)) for row in counts])
    together = (_signs(predicted) * _signs(actual)).astype(np.float32)  # (N, N)
    weights = counts.astype(np.float32)  # no sum of a product with signs exceeds 2²⁴, so all are exact
    agreement = ((weights @ together) * counts).sum(axis=1)
    pairs = np.sqrt(_untied(predicted, counts)) * np.sqrt(_untied(actual, counts))
    return np.divide(agreement, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def _signs(values: np.ndarray) -> np.ndarray:
    """Return the signs of all differences (N, N) of values (N,), int8."""
    return (values[:, None] > values).astype(np.int8) - (values[:, None] < values)


def _untied(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how many ordered pairs (R,) differ in their value (N,); photos count as often as `counts` (R, N) says."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=np.nan))
    of_each = np.add.reduceat(counts[:, order], starts, axis=1)  # (R, distinct values)
    return np.square(counts.sum(axis=1)) - np.square(of_each).sum(axis=1)


def average_precision_of_resamples(predicted: np.ndarray, present: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the average precision (R,) of one attribute in R resamples; NaN in those without a photo that shows it.

    Args:
        predicted: (N,) attribute scores.
        present: (N,) bool, whether each photo shows the attribute.
        counts: (R, N), how often each photo is in each resample.
    """
    order = np.argsort(-predicted, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(predicted[order])), len(order) - 1)  # the last photo of each equal score
    drawn = counts[:, order]
    seen = np.cumsum(drawn, axis=1)[:, ends]  # (R, E): photos down to each score
    shown = np.cumsum(drawn * present[order], axis=1)[:, ends]  # those of them that show the attribute
    gained = np.diff(shown, axis=1, prepend=0)
    total = (gained * shown / np.maximum(seen, 1)).sum(axis=1)
    return np.divide(total, shown[:, -1], out=np.full(len(counts), np.nan), where=shown[:, -1] > 0)
