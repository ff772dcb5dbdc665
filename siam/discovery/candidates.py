"""Which directions explain what SIAM cannot: candidates for attributes that its vocabulary lacks.

::

    r_i = crowd_i − SIAM_i,  or baseline_i − SIAM_i where nobody rated          what is left to explain
    a_ij = mean over the cells of the map of direction j                        its amount
    e_ij = a_ij − ridge(attribute maps of i), out of fold                       the amount that no attribute tells
    s_j  = corr(e_j, r)                                                         its strength

Directions are ranked by how often they are among the strongest of random halves of the photos, then by the size of s_j;
one that mostly repeats a candidate is left out. Where a crowd rated, both rests count, each standardised: the crowd
says what matters, and the baseline, which has less noise, what its features hold.

What a candidate would explain is found by cross-validation: tenths of the photos are scored by SIAM + b e_j, with b and
the ridge from the others. The 95 % intervals draw photos with replacement (`siam.evaluation.bootstrap`). The candidates
were chosen on all photos, which the figures do not correct: `python -m benchmarks.discovery` says how many of them mean
something where the truth is known. N photos, S x S cells.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siam.discovery import directions as parts
from siam.discovery.cells import Cells
from siam.errors import DatasetError
from siam.evaluation import bootstrap
from siam.evaluation.metrics import kendall_tau, kendall_tau_of_resamples, rmse, rmse_of_resamples
from siam.runtime.reprs import brief

FEWEST = 60  # photos
COUNT = 10  # candidates

_FOLDS = 10
_HALVES = 50  # random halves of the photos
_FIRST = 5  # directions of each half that count
_ALIKE = 0.6  # correlation of two candidates, at most
_RIDGE = 0.4  # times the number of photos
_BRIGHTEST = 99.9  # percentile of a map's cells that is shown as 1
_NAMED = 0.3  # correlation with an attribute that is worth a word

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
class Discovery:
    """Candidates of a gallery.

    Attributes:
        candidates: the most stable first.
        rows: (N,) of the photos in the gallery.
        cells: what is in the cells of these photos.
        target: (N,) what SIAM's scores were held against, in points of the scale.
        siam: (N,) SIAM's scores.
        rated: whether the target are a crowd's ratings; else they are the baseline's scores.
        tau: Kendall τ of SIAM's scores and the target.
        explained: share of the rest's variance that all candidates explain together, out of fold; can be below 0.
    """

    candidates: tuple[Candidate, ...]
    rows: np.ndarray
    cells: Cells
    target: np.ndarray
    siam: np.ndarray
    rated: bool
    tau: float
    explained: float

    __repr__ = brief


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
        """(N,) what SIAM leaves, standardised, by which directions are ranked."""
        rests = [self.baseline - self.siam] + ([] if self.crowd is None else [self.crowd - self.siam])
        return np.sum([_standardised(of) for of in rests], axis=0)


def discover(
    cells: Cells,
    scores: Scores,
    attributes: tuple[str, ...],
    rows: np.ndarray | None = None,
    method: str = parts.METHODS[0],
    count: int = COUNT,
    seed: int = 0,
    progress: Progress = lambda _share, _text: None,
) -> Discovery:
    """Return the candidates of photos.

    Args:
        cells: of N photos, all of which could be read.
        scores: of these.
        attributes: K names of SIAM's.
        rows: (N,) of the photos in their gallery; by default 0 to N − 1.
        method: how the features are taken apart, one of `siam.discovery.directions.METHODS`.
        count: of candidates, at most.
        seed: of everything that is drawn.
        progress: called with the share that is done, and a text; what it raises ends the work.

    Raises:
        DatasetError: there are fewer than `FEWEST` photos, or SIAM leaves nothing to explain.
    """
    n = len(cells)
    if n < FEWEST:
        raise DatasetError(f"candidates need {FEWEST} photos with maps and scores, not {n}: choose a larger gallery")
    if not np.ptp(scores.target - scores.siam) > 0:
        raise DatasetError("SIAM leaves nothing to explain here: its scores differ from the others by a constant")
    progress(0.0, "Taking the baseline’s features apart")
    names, maps = _pool(
        cells, method, seed, lambda share: progress(0.6 * share, "Taking the baseline’s features apart")
    )
    progress(0.6, "Removing what the attributes tell")
    amounts = maps.mean(axis=(1, 2), dtype=np.float64)  # (N, D)
    known = _described(cells)
    rest_of_amounts = _unexplained(amounts, known, seed)
    progress(0.7, "Looking for what explains the rest")
    stability = _stability(rest_of_amounts, scores.rest, seed)
    chosen = _distinct(rest_of_amounts, scores.rest, stability, count)
    made = []
    for place, j in enumerate(chosen):
        progress(0.75 + 0.25 * place / len(chosen), f"Judging candidate {place + 1} of {len(chosen)}")
        made.append(_candidate(names[j], maps[..., j], stability[j], cells, scores, attributes, known, seed))
    together = _added(amounts[:, chosen], known, scores, seed)
    rest = scores.target - scores.siam
    explained = 1 - np.square(rest - rest.mean() - together).sum() / np.square(rest - rest.mean()).sum()
    progress(1.0, "Done")
    rows = np.arange(n) if rows is None else rows
    tau = kendall_tau(scores.siam, scores.target)
    is_rated = scores.crowd is not None
    return Discovery(tuple(made), rows, cells, scores.target, scores.siam, is_rated, tau, float(explained))


def _pool(cells: Cells, method: str, seed: int, progress: Callable[[float], object]) -> tuple[list[str], np.ndarray]:
    """Return the names of all directions, and their maps (N, S, S, D)."""
    of_network = parts.directions(cells, method, seed=seed, progress=progress)
    light_names, light = parts.light(cells)
    word = method.removesuffix("s") if method != "random" else "direction"
    names = [f"{word} {number}" for number in range(1, of_network.shape[3] + 1)]
    return [*names, *light_names], np.concatenate([of_network, light], axis=3)


def _described(cells: Cells) -> np.ndarray:
    """Return what the attribute maps tell of each photo, (N, 3 K): their upper and lower means, and their maxima."""
    maps = cells.maps.pooled.astype(np.float32)
    half = maps.shape[2] // 2 or 1
    return np.concatenate(
        [maps[:, :, :half].mean(axis=(2, 3)), maps[:, :, half:].mean(axis=(2, 3)), maps.max(axis=(2, 3))], axis=1
    ).astype(np.float64)


def _unexplained(amounts: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """Return what of amounts (N, D) no ridge regression on `known` (N, P) foresees, out of fold, standardised."""
    left = np.empty_like(amounts)
    for kept, out in _folds(len(amounts), seed):
        left[out] = _ridge_rest(amounts, known, kept, out)
    return _standardised(left)


def _ridge_rest(amounts: np.ndarray, known: np.ndarray, kept: np.ndarray, out: np.ndarray) -> np.ndarray:
    mean, spread = known[kept].mean(axis=0), known[kept].std(axis=0) + 1e-9
    x, centre = (known[kept] - mean) / spread, amounts[kept].mean(axis=0)
    gram = x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x.T @ (amounts[kept] - centre))
    return amounts[out] - centre - (known[out] - mean) / spread @ weights


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


def _candidate(
    name: str,
    maps: np.ndarray,
    stability: float,
    cells: Cells,
    scores: Scores,
    attributes: tuple[str, ...],
    known: np.ndarray,
    seed: int,
) -> Candidate:
    amount = maps.mean(axis=(1, 2), dtype=np.float64)
    rest = scores.target - scores.siam
    left = _unexplained(amount[:, None], known, seed)[:, 0]
    points = float(left @ (rest - rest.mean()) / len(left))
    added = _added(amount[:, None], known, scores, seed)
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    where = _standardised(flat).T @ (rest - rest.mean()) / len(rest)
    low, high = np.percentile(maps, [0.1, _BRIGHTEST])
    shown = ((maps - low) / max(high - low, 1e-9)).clip(0, 1)
    correlations = _standardised(cells.maps.means).T @ _standardised(amount) / len(amount)
    order = np.argsort(-correlations, kind="stable")
    named = [(attributes[k], float(correlations[k])) for k in order]
    return Candidate(
        name,
        shown.astype(np.float16),
        shown.mean(axis=(1, 2), dtype=np.float64),
        points,
        float(stability),
        _gain(kendall_tau, kendall_tau_of_resamples, 1, scores, added, seed),
        _gain(rmse, rmse_of_resamples, -1, scores, added, seed),
        where.reshape(maps.shape[1:]),
        tuple(of for of in named[:3] if of[1] > _NAMED),
        tuple(of for of in named[:-4:-1] if of[1] < -_NAMED),
    )


def _added(amounts: np.ndarray, known: np.ndarray, scores: Scores, seed: int) -> np.ndarray:
    """Return what directions (N, J) add to each photo's score, (N,), in points, out of fold."""
    rest, added = scores.target - scores.siam, np.empty(len(amounts))
    for kept, out in _folds(len(amounts), seed):
        inside, outside = (_ridge_rest(amounts, known, kept, of) for of in (kept, out))
        spread = inside.std(axis=0) + 1e-9
        x, y = inside / spread, rest[kept] - rest[kept].mean()
        weights = np.linalg.solve(x.T @ x + 0.02 * len(x) * np.eye(x.shape[1]), x.T @ y)
        added[out] = (outside / spread) @ weights
    return added


def _gain(
    figure: Callable[[np.ndarray, np.ndarray], float],
    of_resamples: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    sign: int,
    scores: Scores,
    added: np.ndarray,
    seed: int,
) -> Gain:
    """Return by how much a figure improves; an offset between the scores and the target does not count."""
    target = scores.target
    before = scores.siam + (target - scores.siam).mean()
    after = before + added
    drawn = bootstrap.resampled(
        lambda counts: of_resamples(after, target, counts) - of_resamples(before, target, counts),
        len(target),
        seed=seed,
    )
    low, high = sorted(sign * bootstrap.ends(drawn))
    return Gain(sign * (figure(after, target) - figure(before, target)), float(low), float(high))


def _folds(n: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    number = np.random.default_rng(seed).permutation(n) % _FOLDS
    return [(np.flatnonzero(number != fold), np.flatnonzero(number == fold)) for fold in range(_FOLDS)]


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values, dtype=float), where=spread > 0)
