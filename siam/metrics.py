"""Figures of merit: RMSE and Kendall's tau-b of scores, average precision of attributes."""

import numpy as np
from scipy.stats import kendalltau
from sklearn.metrics import average_precision_score

PRESENT = 0.5  # an attribute is present where more than half of the annotators saw it


def rmse(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Return the root mean squared error of scores (N,)."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def kendall_tau(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Return Kendall's tau-b of scores (N,): 1 for the same order, 0 for chance, -1 for the reverse."""
    return float(np.asarray(kendalltau(predicted, actual))[0])


def average_precision(predicted: np.ndarray, labels: np.ndarray, minimum: int = 3) -> np.ndarray:
    """Return the average precision of each attribute (K,), NaN where fewer than `minimum` photos show it.

    Args:
        predicted: attribute scores (N, K), on any scale that keeps the order.
        labels: shares of annotators (N, K).
        minimum: of photos that show the attribute; below it the figure would be a matter of luck.
    """
    present = labels > PRESENT
    return np.array(
        [
            average_precision_score(present[:, k], predicted[:, k]) if present[:, k].sum() >= minimum else np.nan
            for k in range(labels.shape[1])
        ]
    )
