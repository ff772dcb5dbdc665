"""How far several people agree, and one order out of many comparisons.

::

    W         = 12 S / (m^2 (n^3 - n) - m sum T)    S: sum of squares of the n rank sums around their mean, m raters,
                                                    T = sum over a rater's ties of (t^3 - t)
    ICC(2,1)  = (P - E) / (P + (k - 1) E + k (R - E) / n)       agreement of one rater with another
    ICC(2,k)  = (P - E) / (P + (R - E) / n)                     reliability of the mean of all k
                with the mean squares of photos P, raters R and error E of a two-way analysis of variance
    P(i wins) = p_i / (p_i + p_j)                               Bradley-Terry

M. G. Kendall, B. Babington Smith, "The problem of m rankings", 1939; P. E. Shrout, J. L. Fleiss, "Intraclass
correlations: uses in assessing rater reliability", Psychological Bulletin 86, 1979; D. R. Hunter, "MM algorithms for
generalized Bradley-Terry models", Annals of Statistics 32, 2004.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from siam.errors import DatasetError
from siam.evaluation import bootstrap
from siam.runtime.spreadsheets import defused
from siam.taste.ratings import HIGHEST, LOWEST, Answer

_PRIOR = 0.5  # comparisons won, and lost, by each photo against an imagined one of middling beauty
_STEPS, _CLOSE = 10_000, 1e-10


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on the photos that all of them rated.

    Attributes:
        raters: how many.
        photos: how many all of them rated.
        left_out: how many only some of them rated.
        kendall_w: 0, no agreement, to 1, the same order; intervals are of 95 %, from photos drawn with replacement.
        kendall_w_interval: its ends, or NaN.
        icc_one: ICC(2,1); NaN if all ratings are the same.
        icc_one_interval: its ends, or NaN.
        icc_mean: ICC(2,k).
        icc_mean_interval: its ends, or NaN.
    """

    raters: int
    photos: int
    left_out: int
    kendall_w: float
    kendall_w_interval: tuple[float, float]
    icc_one: float
    icc_one_interval: tuple[float, float]
    icc_mean: float
    icc_mean_interval: tuple[float, float]


def table(answers: Sequence[Answer]) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Return the photos (n), the raters (k) and the ratings (n, k) in standing answers.

    Repeated ratings are averaged; NaN where a rater did not rate a photo.
    """
    rated = [answer for answer in answers if answer.kind == "rating" and answer.value is not None]
    photos = tuple(dict.fromkeys(answer.photo for answer in rated))
    raters = tuple(dict.fromkeys(answer.rater for answer in rated))
    row, column = ({name: place for place, name in enumerate(names)} for names in (photos, raters))
    totals, counts = np.zeros((2, len(photos), len(raters)))
    for answer in rated:
        place = row[answer.photo], column[answer.rater]
        totals[place] += answer.value or 0
        counts[place] += 1
    return photos, raters, np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)


def means_csv(answers: Sequence[Answer]) -> bytes:
    """Return the mean rating of each photo as ratings.csv, which `siam train` reads: file, score, n and sd."""
    photos, _raters, ratings = table(answers)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["file", f"score ({LOWEST} to {HIGHEST})", "n", "sd"])
    for name, of in zip(photos, ratings, strict=True):
        known = of[~np.isnan(of)]
        spread = f"{known.std(ddof=1):.4g}" if len(known) > 1 else ""
        writer.writerow([defused(name), f"{known.mean():.4g}", len(known), spread])
    return text.getvalue().encode()


def agreement(ratings: np.ndarray, seed: int = 0) -> Agreement:
    """Return how far k raters agree on n photos, from those that all of them rated.

    Args:
        ratings: (n, k), NaN where a rater did not rate a photo.
        seed: of the photos that are drawn for the intervals.

    Raises:
        DatasetError: there are fewer than two raters, or fewer than three photos that all of them rated.
    """
    complete = ratings[~np.isnan(ratings).any(axis=1)]
    if ratings.shape[1] < 2:
        raise DatasetError("agreement needs ratings of two people or more: ask another person to rate the same photos")
    if len(complete) < 3:
        raise DatasetError(
            f"{len(complete)} photos were rated by all {ratings.shape[1]} people; agreement needs 3: let all rate the "
            "same photos, or leave out who rated few"
        )
    found = _figures(complete)
    ends = bootstrap.interval(_figures, complete, seed=seed)  # (2, 3)
    intervals = [(float(low), float(high)) for low, high in ends.T]
    return Agreement(
        ratings.shape[1], len(complete), len(ratings) - len(complete),
        float(found[0]), intervals[0], float(found[1]), intervals[1], float(found[2]), intervals[2],
    )  # fmt: skip


def kendall_w(ratings: np.ndarray) -> float:
    """Return Kendall's W, corrected for ties, of k raters' complete ratings (n, k); NaN if no rater tells photos apart.

    Example:
        >>> import numpy as np
        >>> from siam.taste.agreement import kendall_w
        >>> kendall_w(np.array([[1, 2], [3, 5], [6, 7]]))  # two raters, three photos, one order
        1.0
    """
    n, k = ratings.shape
    ranks = rankdata(ratings, axis=0)
    sums = ranks.sum(axis=1)
    # n different ranks have a sum of squares of (n^3 - n) / 12, which t equal ones lower by (t^3 - t) / 12
    spread = ((ranks - (n + 1) / 2) ** 2).sum()
    return float(((sums - sums.mean()) ** 2).sum() / (k * spread)) if spread > 0 else float("nan")


def icc(ratings: np.ndarray) -> tuple[float, float]:
    """Return ICC(2,1) and ICC(2,k) of k raters' complete ratings (n, k); NaN if all ratings are the same."""
    n, k = ratings.shape
    mean, of_photos, of_raters = ratings.mean(), ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * ((of_photos - mean) ** 2).sum() / (n - 1)
    raters = n * ((of_raters - mean) ** 2).sum() / (k - 1)
    error = ((ratings - of_photos[:, None] - of_raters + mean) ** 2).sum() / ((n - 1) * (k - 1))
    one, together = between + (k - 1) * error + k * (raters - error) / n, between + (raters - error) / n
    small = 1e-12 * max(1.0, float(np.square(ratings).mean()))
    found = [float((between - error) / of) if of > small else float("nan") for of in (one, together)]
    return found[0], found[1]


def _figures(ratings: np.ndarray) -> np.ndarray:
    return np.array([kendall_w(ratings), *icc(ratings)])


def bradley_terry(photos: Sequence[str], answers: Sequence[Answer], prior: float = _PRIOR) -> np.ndarray:
    """Return how beautiful photos are by comparisons: log p (n,), with mean 0.

    Args:
        photos: identifiers.
        answers: standing ones; pairs with another photo do not count.
        prior: so many comparisons each photo wins, and loses, against an imagined photo with p = 1; without any, the
            scores of a photo that always won would be infinite.

    Raises:
        ValueError: the prior is not positive.
    """
    if prior <= 0:
        raise ValueError(f"the prior is {prior:g}; expected a positive number of comparisons")
    place = {name: number for number, name in enumerate(photos)}
    wins = np.zeros((len(photos), len(photos)))  # of the row against the column
    for answer in answers:
        if answer.kind == "pair" and answer.photo in place and answer.other in place:
            first, second = place[answer.photo], place[answer.other]
            wins[(first, second) if answer.value == 1 else (second, first)] += 1
    met, won = wins + wins.T, wins.sum(axis=1) + prior
    p = np.ones(len(photos))
    for _step in range(_STEPS):
        new = won / ((met / (p[:, None] + p)).sum(axis=1) + 2 * prior / (p + 1))
        if np.abs(np.log(new / p)).max(initial=0) < _CLOSE:
            break
        p = new
    scores = np.log(p)
    return scores - scores.mean() if len(scores) else scores
