"""Why a network errs on a rendered scene: the error split into misread, misplaced, misweighted and outside.

A network predicts y = b^ + sum_k <W_k, A_k>, where A_k is the map of attribute k and W_k its template, both on the
templates' grid. The truth is q = b + sum_k c_k + sum_j nuance_j, where c_k is about <T_k, m_k>, and m_k is the share of
each cell that the attribute covers. A map has no unit, so one scale for each attribute relates its values to shares::

    s_k = sum_n <A_nk, m_nk> / sum_n <m_nk, m_nk>, not below 0          least squares of A_k ~ s_k m_k over the scenes

With the cell means a = mean A_k and u = mean m_k, the error y - q is exactly the sum of four parts::

    misread      sum_k (a / u - s_k) <W_k, m_k>          it sees too much or too little of the attribute
    misplaced    sum_k <W_k, A_k - (a / u) m_k>          it sees the right amount in the wrong place
    misweighted  b^ - b + sum_k (s_k <W_k, m_k> - c_k)   it sees it correctly, but gives it the wrong weight
    outside      - sum_j nuance_j                        no attribute stands for the cause

An attribute that is absent has no right place: where it covers less than `MINIMUM_SHARE` of the picture, the first two
parts are <W_k, A_k - s_k m_k> and 0. The scales are fitted to the scenes being judged; each is one number for hundreds
of scenes, and moves error between the parts, never into or out of their sum. The effect of a network's ReLU that stops
a template counts as misweighted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from siam.datasets.regions import MINIMUM_SHARE
from siam.evaluation.scores import number
from siam.evaluation.what_where_how.scenes import Scenes
from siam.evaluation.what_where_how.verdicts import BOTH_RIGHT, ONLY_SIAM_RIGHT, RIGHT, WRONG, Verdict
from siam.runtime.reprs import brief

PARTS = ("misread", "misplaced", "misweighted", "outside")  # in the order of `verdicts.WRONG`, their names
TOLERANCE = 0.5  # points of the scale from 1 to 10: a score with an error up to this is right


@dataclass(frozen=True, eq=False)
class ErrorSplit:
    """The errors of a network on N scenes, in points, positive where it scores too high.

    Attributes:
        attributes: K names.
        misread: (N, K) error from misreading each attribute.
        misplaced: (N, K) error from misplacing each attribute.
        misweighted: (N, K) error from misweighting each attribute.
        outside: (N, J) error from each cause outside the vocabulary.
        bias: (N,) the difference of the biases, which counts as misweighted.
        nuances: names of the J causes outside the vocabulary.
        scales: (K,) scales of the maps.
    """

    attributes: tuple[str, ...]
    misread: np.ndarray
    misplaced: np.ndarray
    misweighted: np.ndarray
    outside: np.ndarray
    bias: np.ndarray
    nuances: tuple[str, ...]
    scales: np.ndarray

    __repr__ = brief

    def parts(self) -> dict[str, np.ndarray]:
        """Return each of `PARTS` (N,), summed over attributes or nuances."""
        sums = {part: getattr(self, part).sum(axis=1) for part in PARTS}
        return {**sums, "misweighted": sums["misweighted"] + self.bias}

    def total(self) -> np.ndarray:
        """Return the errors (N,): predicted score minus true score."""
        return np.sum(list(self.parts().values()), axis=0)


def split_error(
    maps: np.ndarray, templates: np.ndarray, contributions: np.ndarray, bias: float | np.ndarray, scenes: Scenes
) -> ErrorSplit:
    """Return the parts of a network's errors on scenes.

    Args:
        maps: (N, K, g, g) attribute maps on the templates' grid.
        templates: (K, g, g) effective templates.
        contributions: (N, K) the network's contributions.
        bias: the network's bias, a number or (N,).
        scenes: the truth; K attributes in the same order.
    """
    shares = scenes.on_grid.astype(float)
    scales = map_scales(maps, shares)
    weighed = np.einsum("kij,nkij->nk", templates, shares, dtype=float)  # <W, m>
    read = np.einsum("kij,nkij->nk", templates, maps, dtype=float)  # <W, A>
    amount, covered = maps.mean(axis=(2, 3), dtype=float), shares.mean(axis=(2, 3))
    shown = covered >= MINIMUM_SHARE
    placed = np.divide(amount, covered, out=np.zeros_like(covered), where=shown) * weighed  # (a / u) <W, m>
    return ErrorSplit(
        attributes=scenes.attributes,
        misread=np.where(shown, placed, read) - scales * weighed,
        misplaced=np.where(shown, read - placed, 0.0),
        misweighted=scales * weighed - scenes.contributions + (contributions - read),
        outside=-scenes.nuances,
        bias=bias - scenes.bias,
        nuances=scenes.nuance_names,
        scales=scales,
    )


def map_scales(maps: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return s (K,) >= 0: the value of an attribute's map (N, K, g, g) in a cell it covers; 0 if it occurs nowhere."""
    both = np.einsum("nkij,nkij->k", maps, shares, dtype=float)
    squared = np.einsum("nkij,nkij->k", shares, shares, dtype=float)
    return np.divide(both, squared, out=np.zeros_like(squared), where=squared > 0).clip(min=0)


def error_figures(split: ErrorSplit) -> dict[str, Any]:
    """Return the size of each part over all scenes.

    Returns:
        A dictionary of "n", "mean_absolute" and "rms" of the whole error, "bias_difference" (mean of b^ - b), and
        "parts", which maps a part's name to its "mean", "mean_absolute", "rms", "share_of_variance" (covariance with
        the whole error divided by its variance; the shares sum to 1) and "largest" (the share of scenes in which this
        part moves the score farthest in the direction of the error). Undefined figures are None.
    """
    parts, total = split.parts(), split.total()
    spread = float(np.var(total))
    largest = largest_parts(split)
    return {
        "n": len(total),
        "mean_absolute": number(np.abs(total).mean()),
        "rms": number(np.sqrt(np.mean(total**2))),
        "bias_difference": number(split.bias.mean()),
        "parts": {
            name: {
                "mean": number(part.mean()),
                "mean_absolute": number(np.abs(part).mean()),
                "rms": number(np.sqrt(np.mean(part**2))),
                "share_of_variance": number(_covariance(part, total) / spread) if spread > 0 else None,
                "largest": number(np.mean([part_of_scene == name for part_of_scene in largest])),
            }
            for name, part in parts.items()
        },
    }


def largest_parts(split: ErrorSplit) -> list[str]:
    """Return for each scene the part (of `PARTS`) that moves its score farthest in the direction of its error."""
    parts = np.stack(list(split.parts().values()))  # (parts, N)
    towards = parts * np.where(split.total() >= 0, 1, -1)
    return [PARTS[row] for row in towards.argmax(axis=0)]


def verdicts(split: ErrorSplit, baseline: np.ndarray | None) -> list[Verdict]:
    """Return what happened on each scene, judged by its true score, not the noisy mean of few votes.

    Args:
        split: SIAM's errors.
        baseline: (N,) errors of the baseline, or None.

    Returns:
        `BOTH_RIGHT` if neither is off by more than `TOLERANCE` points (`RIGHT` without a baseline); `ONLY_SIAM_RIGHT`
        if only the baseline is; otherwise the largest of `PARTS` in the direction of SIAM's error, and as its cause
        the attribute, the nuance or "bias" that adds most in that direction.
    """
    errors, largest = split.total(), largest_parts(split)
    judged = []
    for n, error in enumerate(errors):
        if abs(error) > TOLERANCE:
            judged.append(_wrong(split, n, largest[n], 1 if error >= 0 else -1))
        elif baseline is None:
            judged.append(Verdict(RIGHT))
        else:
            judged.append(Verdict(BOTH_RIGHT if abs(baseline[n]) <= TOLERANCE else ONLY_SIAM_RIGHT))
    return judged


def _wrong(split: ErrorSplit, scene: int, part: str, direction: int) -> Verdict:
    values, names = getattr(split, part)[scene], split.attributes if part != "outside" else split.nuances
    if part == "misweighted":
        values, names = np.append(values, split.bias[scene]), (*names, "bias")
    return Verdict(WRONG[PARTS.index(part)], names[int((values * direction).argmax())])


def _covariance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean((first - first.mean()) * (second - second.mean())))
