"""Which directions explain what SIAM cannot: candidates for attributes that its vocabulary lacks.

::

    r_i = crowd_i − SIAM_i,  or baseline_i − SIAM_i where nobody rated          what is left to explain
    a_ij = mean over the cells of the map of direction j                        its amount
    e_ij = a_ij − ridge(attribute maps of i), out of fold                       the amount that no attribute tells
    s_j  = corr(e_j, r)                                                         its strength

Directions are ranked by how often they are among the strongest of random halves of the photos, then by the size of s_j;
one that mostly repeats a candidate is left out.

What a candidate would explain is found by cross-validation: tenths of the photos are scored by SIAM + b e_j, with b and
the ridge from the others. The 95 % intervals draw photos with replacement (`siam.evaluation.bootstrap`); of more than
`_DRAWN` photos, from as many, and get narrower with the square root of all (P. Bickel, F. Götze, W. van Zwet,
"Resampling fewer than n observations", Statistica Sinica 1997). The candidates were chosen on all photos, which the
figures do not correct: `python -m benchmarks.discovery` says how many of them mean something where the truth is known.

Photos whose cells no memory would hold are read twice, some at a time: a sample of them to learn the directions, then
each photo for its amounts, of which every figure is made. What is shown and asked about are the sample and the photos
at both ends of each candidate. N photos, S x S cells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from siam.discovery import directions as parts
from siam.discovery.cells import Cells, Seen, joined
from siam.errors import DatasetError
from siam.evaluation import bootstrap
from siam.evaluation.metrics import kendall_tau, kendall_tau_of_resamples, rmse, rmse_of_resamples
from siam.runtime.reprs import brief

FEWEST = 60  # photos
COUNT = 10  # candidates
MOST = 2000  # photos whose cells are held in memory; of more, so many are drawn

_FOLDS = 10
_HALVES = 50  # random halves of the photos
_FIRST = 5  # directions of each half that count
_ALIKE = 0.6  # correlation of two candidates, at most
_RIDGE = 0.4  # times the number of photos
_BRIGHTEST = 99.9  # percentile of a map's cells that is shown as 1
_NAMED = 0.3  # correlation with an attribute that is worth a word
_DRAWN = 2000  # photos from which intervals are drawn
_ENDS = 24, 6  # photos with most and with least of a candidate that are shown in any case

_RESAMPLED = kendall_tau_of_resamples, rmse_of_resamples
_ALL = slice(None)

Progress = Callable[[float, str], object]


@dataclass(frozen=True, eq=False)
class Gain:
    """How much a figure of SIAM's improves, out of fold, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """A direction that explains some of what SIAM cannot.

    Attributes:
        name: what it is, in two words, until somebody names it: "pattern 7", or "warmth".
        maps: (N, S, S) of each photo, 0 to 1, in half precision.
        amount: (N,) their means.
        points: how much higher the rest is for a photo with one standard deviation more of it, in points of the scale;
            negative if it lowers.
        stability: share of the halves in which it was among the strongest.
        tau: what it would add to SIAM's Kendall τ.
        rmse: what it would take from SIAM's RMSE, in points.
        where: (S, S) how the rest changes with each cell of the map, in points for one standard deviation.
        resembles: attributes of whose amount there is more where there is more of it, with the correlation.
        opposes: attributes of which there is less.
    """

    name: str
    maps: np.ndarray
    amount: np.ndarray
    points: float
    stability: float
    tau: Gain
    rmse: Gain
    where: np.ndarray
    resembles: tuple[tuple[str, float], ...]
    opposes: tuple[tuple[str, float], ...]

    __repr__ = brief

    @property
    def believable(self) -> bool:
        """Whether the whole interval of what it would add to τ lies above 0."""
        return self.tau.low > 0

    def most(self, count: int) -> np.ndarray:
        """Return the rows of the photos with most of it."""
        return np.argsort(-self.amount, kind="stable")[:count]

    def least(self, count: int) -> np.ndarray:
        """Return the rows of the photos with least of it."""
        return np.argsort(self.amount, kind="stable")[:count]

    def peak(self, row: int) -> tuple[float, float, float, float]:
        """Return the part of a photo around the brightest cell of its map: left, top, right and bottom, from 0 to 1."""
        side = self.maps.shape[1]
        y, x = divmod(int(self.maps[row].argmax()), side)
        left, top = (min(max(at - 0.5, 0), side - 2) for at in (x, y))  # two cells wide
        return left / side, top / side, (left + 2) / side, (top + 2) / side


@dataclass(frozen=True, eq=False)
class Every:
    """All N photos of which the figures are made, also those that are not shown.

    Attributes:
        rows: (N,) of the photos in the gallery.
        siam: (N,) SIAM's scores.
        target: (N,) what these were held against, in points of the scale.
        amounts: (N, J) of each candidate, 0 to 1.
    """

    rows: np.ndarray
    siam: np.ndarray
    target: np.ndarray
    amounts: np.ndarray

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class Discovery:
    """Candidates of a gallery.

    Attributes:
        candidates: the most stable first.
        rows: (M,) of the photos in the gallery that can be shown: all N, or a sample and those at the candidates' ends.
        cells: what is in the cells of these photos.
        target: (M,) what SIAM's scores were held against, in points of the scale.
        siam: (M,) SIAM's scores.
        rated: whether the target are a crowd's ratings; else they are the baseline's scores.
        tau: Kendall τ of SIAM's scores and the target, for all N photos.
        explained: share of the rest's variance that all candidates explain together, out of fold; can be below 0.
        every: all N photos, if these are more.
    """

    candidates: tuple[Candidate, ...]
    rows: np.ndarray
    cells: Cells
    target: np.ndarray
    siam: np.ndarray
    rated: bool
    tau: float
    explained: float
    every: Every | None = None

    __repr__ = brief

    @property
    def photos(self) -> Every:
        """All photos of which the figures are made."""
        if self.every is not None:
            return self.every
        amounts = [one.amount for one in self.candidates]
        return Every(
            self.rows, self.siam, self.target, np.column_stack(amounts) if amounts else np.empty((len(self.rows), 0))
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of N photos, in points of the scale: SIAM's, the baseline's, and a crowd's ratings, if any."""

    siam: np.ndarray
    baseline: np.ndarray
    crowd: np.ndarray | None = None

    __repr__ = brief

    @property
    def target(self) -> np.ndarray:
        """(N,) the ratings, or else the baseline's scores."""
        return self.baseline if self.crowd is None else self.crowd

    @property
    def rest(self) -> np.ndarray:
        """(N,) what SIAM leaves, in points, around 0."""
        rest = self.target - self.siam
        return rest - rest.mean()


def discover(
    seen: Seen,
    scores: Scores,
    attributes: tuple[str, ...],
    rows: np.ndarray | None = None,
    method: str = parts.METHODS[0],
    count: int = COUNT,
    seed: int = 0,
    progress: Progress = lambda _share, _text: None,
    most: int = MOST,
) -> Discovery:
    """Return the candidates of photos.

    Args:
        seen: the cells of N photos, all of which could be read.
        scores: of these.
        attributes: K names of SIAM's.
        rows: (N,) of the photos in their gallery; by default 0 to N − 1.
        method: how the features are taken apart, one of `siam.discovery.directions.METHODS`.
        count: of candidates, at most.
        seed: of everything that is drawn.
        progress: called with the share that is done, and a text; what it raises ends the work.
        most: photos whose cells are held in memory, at least `FEWEST`.

    Raises:
        DatasetError: there are fewer than `FEWEST` photos, or SIAM leaves nothing to explain.
    """
    n = len(seen)
    if min(n, most) < FEWEST:
        raise DatasetError(
            f"candidates need {FEWEST} photos with maps and scores, not {min(n, most)}: choose a larger gallery"
        )
    if not np.ptp(scores.target - scores.siam) > 0:
        raise DatasetError("SIAM leaves nothing to explain here: its scores differ from the others by a constant")
    text = "Taking the baseline’s features apart"
    progress(0.0, text)
    places = np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    held = seen if isinstance(seen, Cells) and n <= most else seen.some(places)
    directions = parts.learned(held, method, seed=seed, progress=lambda share: progress(0.3 * share, text))
    apart = _taken_apart(
        seen, directions, scores, lambda done: progress(0.3 + 0.3 * done / n, f"Taking {done:,} of {n:,} photos apart")
    )
    progress(0.6, "Removing what the attributes tell")
    rests = _Rests(apart.amounts, apart.known, seed)
    left = rests.out_of_fold()
    progress(0.65, "Looking for what explains the rest")
    stability = _stability(left, scores.rest, seed)
    chosen = _distinct(left, scores.rest, stability, count)
    progress(0.7, "Looking again at what is shown")
    if len(places) < n:
        further = np.setdiff1d(_ends(apart.amounts[:, chosen]), places)
        if len(further):
            places, held = np.concatenate([places, further]), joined(held, seen.some(further))
    maps = directions.maps(held, chosen)  # (M, S, S, J)
    judge, made, amounts = _Judge(scores, rests, seed), [], []
    for place, j in enumerate(chosen):
        progress(0.75 + 0.25 * place / len(chosen), f"Judging candidate {place + 1} of {len(chosen)}")
        low, high = np.percentile(maps[..., place], [0.1, _BRIGHTEST])
        scale = max(high - low, 1e-9)
        shown = ((maps[..., place] - low) / scale).clip(0, 1)
        amounts.append(((apart.amounts[:, j] - low) / scale).clip(0, 1))
        tau, gain = judge.gains([j])
        like, unlike = _resemblances(apart.means, apart.amounts[:, j], attributes)
        made.append(
            Candidate(
                directions.names[j], shown.astype(np.float16), shown.mean(axis=(1, 2), dtype=np.float64),
                float(left[:, j] @ scores.rest / n), float(stability[j]), tau, gain, apart.where[..., j], like, unlike,
            )
        )  # fmt: skip
    progress(1.0, "Done")
    rows = np.arange(n) if rows is None else rows
    every = None if len(places) == n else Every(rows, scores.siam, scores.target, np.column_stack(amounts))
    return Discovery(
        tuple(made), rows[places], held, scores.target[places], scores.siam[places], scores.crowd is not None,
        kendall_tau(scores.siam, scores.target), judge.explained(chosen), every,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Apart:
    """What N photos hold of D directions and of K attributes: amounts (N, D), the means of the attribute maps (N, K),
    what these maps tell, `known` (N, 3 K), and for each direction how the rest changes with each cell, where (S, S, D).
    """

    amounts: np.ndarray
    means: np.ndarray
    known: np.ndarray
    where: np.ndarray


def _taken_apart(seen: Seen, directions: parts.Directions, scores: Scores, progress: Callable[[int], object]) -> _Apart:
    """Take all photos apart, some at a time; half a kilobyte of each is kept."""
    rest = scores.rest
    kept: list[list[np.ndarray]] = [[], [], []]
    sums: list[np.ndarray] = []
    for places, some in seen.chunks():
        maps = directions.apart(some)  # (n, S, S, D)
        amounts, means = maps.mean(axis=(1, 2), dtype=np.float64), some.maps.means
        for of, values in zip(kept, (amounts, means, _described(some)), strict=True):
            of.append(values.astype(np.float32))
        exact = maps.astype(np.float64)
        added = [exact.sum(axis=0), np.square(exact).sum(axis=0), np.tensordot(rest[places], exact, axes=1)]
        sums = [one + other for one, other in zip(sums, added, strict=True)] if sums else added
        progress(places.stop)
    mean, square, product = (of / len(rest) for of in sums)  # (S, S, D)
    spread = np.sqrt((square - mean**2).clip(0))
    where = np.divide(product, spread, out=np.zeros_like(product), where=spread > 1e-6)
    amounts, means, known = map(np.concatenate, kept)
    return _Apart(amounts, means, known, where)


def _ends(amounts: np.ndarray) -> np.ndarray:
    """Return the photos with most and with least of each candidate, amounts (N, J)."""
    most, least = _ENDS
    order = np.argsort(amounts, axis=0, kind="stable")
    return np.unique(np.concatenate([order[:least], order[-most:]]))


def _described(cells: Cells) -> np.ndarray:
    """Return what the attribute maps tell of each photo, (n, 3 K): their upper and lower means, and their maxima."""
    maps = cells.maps.pooled.astype(np.float32)
    half = maps.shape[2] // 2 or 1
    return np.concatenate(
        [maps[:, :, :half].mean(axis=(2, 3)), maps[:, :, half:].mean(axis=(2, 3)), maps.max(axis=(2, 3))], axis=1
    )


class _Rests:
    """What of amounts no ridge regression on `known` foresees, each fold's from the other photos.

    Sums over the photos of each fold make all of the regressions, so every photo is looked at once.

    Args:
        amounts: (N, D) of directions.
        known: (N, P) what attribute maps tell.
        seed: of the folds.
    """

    def __init__(self, amounts: np.ndarray, known: np.ndarray, seed: int) -> None:
        self.folds = _folds(len(amounts), seed)
        self._amounts, self._known = amounts, known
        self._middle = known.mean(axis=0, dtype=np.float64), amounts.mean(axis=0, dtype=np.float64)
        sums = [self._sums(out) for _kept, out in self.folds]
        whole = [np.sum(of, axis=0) for of in zip(*sums, strict=True)]
        self._fits = [self._fit(*(of - part for of, part in zip(whole, one, strict=True))) for one in sums]

    def out_of_fold(self) -> np.ndarray:
        """Return the rests of all photos (N, D), standardised."""
        every = np.empty(self._amounts.shape)
        for fold, (_kept, out) in enumerate(self.folds):
            every[out] = self.left(fold, out)
        return _standardised(every)

    def left(self, fold: int, rows: np.ndarray, columns: "list[int] | slice" = _ALL) -> np.ndarray:
        """Return the rests of some photos and directions by the regression of a fold, which has not seen its photos."""
        weights, offset = self._fits[fold]
        return self._amounts[rows][:, columns] - self._known[rows] @ weights[:, columns] - offset[columns]

    def _sums(self, rows: np.ndarray) -> list[Any]:
        x, y = self._known[rows] - self._middle[0], self._amounts[rows] - self._middle[1]
        return [len(rows), x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y]

    def _fit(
        self, count: int, known: np.ndarray, amounts: np.ndarray, squares: np.ndarray, products: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (P, D) and offset (D,) of the ridge regression whose sums these are."""
        mean, centre = known / count, amounts / count
        covariance = squares / count - np.outer(mean, mean)
        spread = np.sqrt(covariance.diagonal().clip(1e-20)) + 1e-9
        weights = np.linalg.solve(
            covariance / np.outer(spread, spread) + _RIDGE * np.eye(len(spread)),
            (products / count - np.outer(mean, centre)) / spread[:, None],
        )
        weights /= spread[:, None]
        return weights, centre + self._middle[1] - (mean + self._middle[0]) @ weights


def _stability(left: np.ndarray, rest: np.ndarray, seed: int) -> np.ndarray:
    """Return the share of random halves in which each direction is among the strongest, (D,)."""
    random, found = np.random.default_rng(seed), np.zeros(left.shape[1])
    for _half in range(_HALVES):
        some = random.choice(len(rest), len(rest) // 2, replace=False)
        found[np.argsort(-np.abs(_standardised(left[some]).T @ _standardised(rest[some])))[:_FIRST]] += 1
    return found / _HALVES


def _distinct(left: np.ndarray, rest: np.ndarray, stability: np.ndarray, count: int) -> list[int]:
    """Return the most stable directions, then the strongest, none of which repeats another."""
    strength = np.abs(left.T @ _standardised(rest)) / len(rest)
    chosen: list[int] = []
    for j in np.lexsort([-strength, -stability]):
        if all(abs(left[:, j] @ left[:, i]) / len(left) < _ALIKE for i in chosen):
            chosen.append(int(j))
        if len(chosen) == count:
            break
    return chosen


def _resemblances(
    means: np.ndarray, amount: np.ndarray, attributes: tuple[str, ...]
) -> tuple[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    """Return the attributes, means (N, K), that go with an amount (N,), and those that go against it."""
    correlations = _standardised(means).T @ _standardised(amount) / len(amount)
    named = [(attributes[k], float(correlations[k])) for k in np.argsort(-correlations, kind="stable")]
    return tuple(of for of in named[:3] if of[1] > _NAMED), tuple(of for of in named[:-4:-1] if of[1] < -_NAMED)


class _Judge:
    """What directions would add to scores, out of fold.

    Args:
        scores: of N photos.
        rests: of the amounts.
        seed: of what is drawn.
    """

    def __init__(self, scores: Scores, rests: _Rests, seed: int) -> None:
        self._scores, self._rests, self._seed = scores, rests, seed
        # an offset between the scores and the target does not count
        self._before, self._target = scores.target - scores.rest, scores.target
        self._drawn = np.sort(np.random.default_rng(seed).permutation(len(self._target))[:_DRAWN])
        self._of_before = [self._resampled(of, self._before) for of in _RESAMPLED]

    def gains(self, columns: list[int]) -> tuple[Gain, Gain]:
        """Return by how much τ rises, and RMSE falls."""
        after = self._before + self._added(columns)
        drawn = after[self._drawn], self._before[self._drawn], self._target[self._drawn]
        narrower, made = np.sqrt(len(drawn[0]) / len(after)), []
        for sign, figure, of_resamples, of_before in zip(
            (1, -1), (kendall_tau, rmse), _RESAMPLED, self._of_before, strict=True
        ):
            value = sign * (figure(after, self._target) - figure(self._before, self._target))
            of_drawn = sign * (figure(drawn[0], drawn[2]) - figure(drawn[1], drawn[2]))
            ends = bootstrap.ends(sign * (self._resampled(of_resamples, after) - of_before))
            low, high = value + narrower * (ends - of_drawn)
            made.append(Gain(value, float(low), float(high)))
        return made[0], made[1]

    def explained(self, columns: list[int]) -> float:
        """Return the share of the rest's variance."""
        rest = self._scores.rest
        return float(1 - np.square(rest - self._added(columns)).sum() / np.square(rest).sum())

    def _added(self, columns: list[int]) -> np.ndarray:
        """Return what directions add to each photo's score, (N,), in points."""
        rest = self._scores.rest
        added = np.empty(len(rest))
        for fold, (kept, out) in enumerate(self._rests.folds):
            inside, outside = (self._rests.left(fold, of, columns) for of in (kept, out))
            spread = inside.std(axis=0) + 1e-9
            x, y = inside / spread, rest[kept] - rest[kept].mean()
            weights = np.linalg.solve(x.T @ x + 0.02 * len(x) * np.eye(x.shape[1]), x.T @ y)
            added[out] = (outside / spread) @ weights
        return added

    def _resampled(self, of_resamples: Callable[..., np.ndarray], scores: np.ndarray) -> np.ndarray:
        """Return a figure of resamples, (R,); the same photos are drawn each time."""
        scores, target = scores[self._drawn], self._target[self._drawn]
        return bootstrap.resampled(lambda counts: of_resamples(scores, target, counts), len(target), seed=self._seed)


def _folds(n: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    number = np.random.default_rng(seed).permutation(n) % _FOLDS
    return [(np.flatnonzero(number != fold), np.flatnonzero(number == fold)) for fold in range(_FOLDS)]


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values, dtype=float), where=spread > 0)
