"""Means of a gallery's numbers over groups of its photos, such as those of a region, each with its 95 % interval.

The interval is Student's: mean ± t(n − 1) · s / √n, as if the photos were drawn at random; of one photo there is none.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from siam.drawing.phrases import words
from siam.gallery.cases import CONTEXT, Cases

SCORES = {  # in `Cases.table`
    "SIAM": "siam", CONTEXT: "context", "baseline": "baseline", "crowd": "crowd", "difference": "difference",
}  # fmt: skip
CONTRIBUTION = "contribution: "
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Means:
    """Means of M numbers over G groups, all (G, M); NaN where nothing is known.

    Attributes:
        count: how many photos of the group have the number.
        mean: of them.
        low: lower end of the mean's interval, NaN if `count` is less than 2.
        high: upper end.
    """

    count: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def numbers(cases: Cases) -> dict[str, np.ndarray]:
    """Return what means are of, each (N,), NaN where unknown: those of `SCORES`, and "contribution: ATTRIBUTE".

    Scores with context are among them only if the cases have groups.
    """
    known = set(SCORES) - (set() if cases.csib else {CONTEXT})
    contributions = zip(cases.gallery.about.attributes, cases.gallery.contributions.T, strict=True)
    return {
        **{name: cases.table[column].to_numpy(dtype=float) for name, column in SCORES.items() if name in known},
        **{f"{CONTRIBUTION}{words(attribute)}": points for attribute, points in contributions},
    }


def group_means(values: np.ndarray, rows: np.ndarray, groups: np.ndarray, count: int) -> Means:
    """Return the means of numbers over groups, which may share photos.

    Args:
        values: (N, M) the numbers of each photo; NaN: not known.
        rows: (P,) a photo of each pair of photo and group.
        groups: (P,) its group, 0 to `count` − 1.
        count: of groups.
    """
    shape = count, values.shape[1]
    n, mean, spread = (np.zeros(shape) for _ in range(3))
    for place, column in enumerate(values.T):
        chosen = column[rows]
        known = ~np.isnan(chosen)
        of, chosen = groups[known], chosen[known]
        n[:, place] = np.bincount(of, minlength=count)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean[:, place] = np.bincount(of, chosen, count) / n[:, place]
            squares = np.bincount(of, (chosen - mean[of, place]) ** 2, count)
            spread[:, place] = np.sqrt(squares / (n[:, place] - 1) / n[:, place])
    spread[n < 2] = np.nan
    reach = student.ppf((1 + LEVEL) / 2, np.maximum(n - 1, 1)) * spread
    return Means(n.astype(int), mean, mean - reach, mean + reach)
