"""How the presence of each attribute relates to the score, over many photos.

::

    tau_k = Kendall's tau-b of (presence of attribute k, the crowd's score), over the photos

D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps", ICCV Workshops 2019, arXiv:1909.08442,
Figure 3. Presence is the network's attribute score, or the share of annotators who saw the attribute. The figures show
what occurs together in these photos, not what causes a score.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from siam.datasets.base import PRESENT
from siam.evaluation import bootstrap
from siam.evaluation.metrics import kendall_tau, kendall_tau_of_resamples
from siam.evaluation.scores import limits, number

THIRDS = "the third of the photos with the highest predicted presence against the third with the lowest"
MAJORITY = "photos in which more than half of the annotators saw it against the others"


def predicted_presence(presence: np.ndarray, scores: np.ndarray, attributes: Sequence[str]) -> dict[str, Any]:
    """Return, for each attribute, how its predicted presence relates to the score.

    Presence is not calibrated, and a rare attribute may never exceed one half. So the mean scores are those of the
    highest and lowest third of the photos, by quantiles; if many photos share a value, the lowest third may be larger
    and the highest smaller or empty.

    Args:
        presence: (N, K) attribute scores, or anything in the same order, such as logits, which do not saturate.
        scores: (N,) mean ratings.
        attributes: K names.

    Returns:
        "rule" that defines the two groups, "n", and "attributes": name → "kendall_tau", its 95 %
        "kendall_tau_interval" over the photos, the scores "mean_present" and "mean_absent" in points, and the numbers
        of photos "present" and "absent". Undefined figures are None.
    """
    low, high = np.quantile(presence, [1 / 3, 2 / 3], axis=0)  # (K,) each
    return _figures(THIRDS, presence, presence > high, presence <= low, scores, attributes)


def true_presence(labels: np.ndarray, scores: np.ndarray, attributes: Sequence[str]) -> dict[str, Any]:
    """Return the same for the presence that people saw: labels (N, K), shares of annotators, NaN where unknown."""
    return _figures(MAJORITY, labels, labels > PRESENT, labels <= PRESENT, scores, attributes)


def _figures(
    rule: str,
    presence: np.ndarray,
    present: np.ndarray,
    absent: np.ndarray,
    scores: np.ndarray,
    attributes: Sequence[str],
) -> dict[str, Any]:
    progress = tqdm(attributes, desc="presence", unit="attribute", file=sys.stderr, disable=None, leave=False)
    return {
        "rule": rule,
        "n": len(scores),
        "attributes": {
            name: _of_attribute(presence[:, k], present[:, k], absent[:, k], scores) for k, name in enumerate(progress)
        },
    }


def _of_attribute(presence: np.ndarray, present: np.ndarray, absent: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    known = ~np.isnan(presence)
    tau, ends = np.nan, np.full(2, np.nan)
    if known.sum() > 1:
        seen, rated = presence[known], scores[known]
        tau = kendall_tau(seen, rated)
        ends = bootstrap.ends(
            bootstrap.resampled(lambda counts: kendall_tau_of_resamples(seen, rated, counts), len(rated))
        )
    return {
        "kendall_tau": number(tau),
        "kendall_tau_interval": limits(ends),
        "mean_present": _mean(scores[present]),
        "mean_absent": _mean(scores[absent]),
        "present": int(present.sum()),
        "absent": int(absent.sum()),
    }


def _mean(scores: np.ndarray) -> float | None:
    return number(scores.mean(dtype=float)) if len(scores) else None
