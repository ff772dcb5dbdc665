"""A personal SIAM: the crowd's templates, moved towards one person as far as cross-validation likes.

::

    y = s + a + q z + sum_k u_k m_k + sum_kc f_kc p_kc + noise                  the person's rating of a photo

    s    the crowd's score of the photo; z: standardised over the gallery
    m_k  mean of the pooled map of attribute k, centred over the gallery, over its standard deviation
    p_k  what the pooled map, likewise centred and scaled, deviates from that mean in each cell c of the grid
    a, q, u, f   normal, with variances A : 1 : (1 - r) / M : r / P; M and P are the mean sums of squares of m and p

Everything but s is shrunk towards 0 by one strength (noise over signal): if ratings follow nothing that the maps show,
the crowd's scores remain. r is the share of single cells beside whole attributes. This is ridge regression, solved in
its dual form with one unknown for each rated photo; strength and r are those with the smallest leave-one-out error,
which has a closed form (R. M. Rifkin, R. A. Lippert, "Notes on regularized least squares", 2007). All four parts are
linear in the pooled maps, so the result is a SIAM: templates and a bias.

Its τ is out of fold: rated photos are dealt into ten folds, and each is predicted by a fit to the others that chose
strength and r anew. Predictions leave a out, since the mean of all other ratings tells of a fold's own. The interval
draws photos with replacement (`siam.evaluation.bootstrap`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from siam.datasets.base import RatingScale
from siam.drawing.phrases import number
from siam.errors import DatasetError
from siam.evaluation import bootstrap
from siam.evaluation.metrics import kendall_tau, kendall_tau_of_resamples
from siam.models.checkpoint import Pair
from siam.runtime.provenance import provenance
from siam.runtime.reprs import brief
from siam.taste.maps import Maps
from siam.taste.ratings import HIGHEST, LOWEST

FEWEST = 15  # rated photos from which a personal SIAM is fitted
FOLDS = 10
STRENGTHS = (np.inf, *np.geomspace(100, 0.03, 12))
SHARES = (0.0, 0.1, 0.3)  # of single cells
_OFFSET = 10.0  # A: strictness is a person's own and hardly shrunk


@dataclass(frozen=True, eq=False)
class Taste:
    """Templates and a bias: what makes a photo beautiful to somebody, or to the crowd.

    Attributes:
        attributes: K names.
        scale: of the scores.
        templates: (K, g, g), in points per unit of a map.
        bias: in points.
    """

    attributes: tuple[str, ...]
    scale: RatingScale
    templates: np.ndarray
    bias: float

    __repr__ = brief

    def contributions(self, maps: Maps) -> np.ndarray:
        """Return contributions (N, K) in points; with the bias they sum to `scores`. NaN for photos without maps."""
        return maps.contributions(self.templates)

    def scores(self, maps: Maps) -> np.ndarray:
        """Return the scores (N,) in points."""
        return self.bias + self.contributions(maps).sum(axis=1)

    def effects(self, maps: Maps) -> np.ndarray:
        """Return by how many points (K,) a contribution rises with its attribute, over a usual range of the photos.

        It is the slope of contributions on the means of the maps, times the standard deviation of these.
        """
        known = maps.known
        means, contributions = maps.means[known], self.contributions(maps)[known]
        spread = means.std(axis=0)
        together = ((means - means.mean(axis=0)) * contributions).mean(axis=0)
        return np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)


@dataclass(frozen=True, eq=False)
class Personal:
    """A personal SIAM and how far it can be trusted.

    Attributes:
        taste: the person's.
        crowd: that of the networks from which it started.
        rows: (n,) the rated photos, in the order of `Maps`.
        values: (n,) the person's ratings, in points of the scale; repeated ratings of a photo are averaged.
        out_of_fold: (n,) scores of these photos by fits without them, each without the person's offset.
        strength: of the shrinkage towards the crowd; infinite if the ratings follow nothing that the maps show.
        share: r, of single cells.
        tau: Kendall's τ of `out_of_fold` and `values`; NaN if all ratings are the same.
        interval: (2,) the ends of its 95 % interval, or NaN.
        crowd_tau: τ of the crowd's scores and `values`.
        gain: (2,) the ends of the 95 % interval of `tau` − `crowd_tau`.
        folds: (R, K, g, g) templates of the fits without one fold each.
    """

    taste: Taste
    crowd: Taste
    rows: np.ndarray
    values: np.ndarray
    out_of_fold: np.ndarray
    strength: float
    share: float
    tau: float
    interval: np.ndarray
    crowd_tau: float
    gain: np.ndarray
    folds: np.ndarray

    __repr__ = brief

    @property
    def says_something(self) -> bool:
        """Whether the whole interval of τ lies above 0: whether the order of unseen photos is better than chance."""
        return bool(self.interval[0] > 0)

    @property
    def verdict(self) -> str:
        """How far it can be trusted, in one line."""
        begin = f"after {len(self.rows)}: "
        if not self.says_something:
            return begin + "too few to say"
        half = (self.interval[1] - self.interval[0]) / 2
        text = f"{begin}τ {number(self.tau)} ± {number(half)}"
        if self.gain[0] > 0:
            return f"{text}, closer to you than the crowd’s ({number(self.crowd_tau)})"
        if self.gain[1] < 0:
            return f"{text}, not as close to you as the crowd’s ({number(self.crowd_tau)})"
        return f"{text}; the crowd’s is {number(self.crowd_tau)}, and which is closer to you is open"


def crowd(pair: Pair) -> Taste:
    """Return the taste of the crowd from whose ratings a pair learned."""
    config, templates = pair.config, pair.templates[0]
    if pair.files is not None and not pair.built:
        bias = float(pair.files.arrays["siam"]["scenicness_head.bias"])
    else:
        bias = float(pair.siam.scenicness_head.bias.detach())
    return Taste(config.attributes, config.scale, templates.astype(np.float64), bias)


def on_scale(values: Sequence[float] | np.ndarray, scale: RatingScale) -> np.ndarray:
    """Return ratings from 1 to 7 in points of a scale: 1 is its low end, 7 its high end."""
    shares = (np.asarray(values, dtype=float) - LOWEST) / (HIGHEST - LOWEST)
    return scale.low + shares * (scale.high - scale.low)


def like_crowd(design: "Design", rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return scores (n,) of photos without a scale, such as those of comparisons, in points.

    Their mean and spread become those of the crowd's scores of the same photos.
    """
    of_crowd, spread = design.scores[rows], scores.std()
    return of_crowd.mean() + (scores - scores.mean()) * (of_crowd.std() / spread if spread > 0 else 0.0)


def too_few(count: int) -> str | None:
    """Return what to tell somebody who has rated so many photos, None if a personal SIAM can be fitted."""
    left = FEWEST - count
    if left <= 0:
        return None
    return f"after {count}: too few to say; {left} more {'rating is' if left == 1 else 'ratings are'} needed"


class Design:
    """The photos of a gallery as the fit sees them, for one crowd; made once, it serves any number of fits.

    Args:
        crowd: the taste from which fits start.
        maps: of the photos.
        freedom: (K,) how many times an attribute's variance is that of the others; by default, all are equal.
    """

    def __init__(self, crowd: Taste, maps: Maps, freedom: np.ndarray | None = None) -> None:
        self.crowd, self.maps = crowd, maps
        known = maps.known
        self.scores = crowd.scores(maps)  # (N,)
        self._score_mean, self._score_spread = self.scores[known].mean(), max(self.scores[known].std(), 1e-9)
        spread = maps.means[known].std(axis=0)
        self._spread = np.maximum(spread, 1e-3 * max(spread.max(), 1e-9))  # (K,)
        self._spread /= 1.0 if freedom is None else np.sqrt(freedom)
        self._centre = maps.pooled[known].mean(axis=0, dtype=np.float64)  # (K, g, g)
        whole, cells = self._parts(np.flatnonzero(known)[:: max(1, int(known.sum()) // 300)])  # enough for a mean
        self._whole_size, self._cells_size = (max((of**2).sum(axis=1).mean(), 1e-12) for of in (whole, cells))

    @cached_property
    def whole(self) -> np.ndarray:
        """(N, 2 + K) offset, z and m of all photos, times the square roots of their variances with r = 0."""
        parts = (self.maps.means - self._centre.mean(axis=(1, 2))) / self._spread
        return np.column_stack(
            [np.full(len(self.maps), _OFFSET**0.5), self._standardised(), parts / self._whole_size**0.5]
        )

    def _standardised(self) -> np.ndarray:
        return (self.scores - self._score_mean) / self._score_spread

    def _parts(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return m (n, K) and p (n, K g²) of some photos."""
        maps = (self.maps.pooled[rows] - self._centre) / self._spread[:, None, None]
        means = maps.mean(axis=(2, 3))
        return means, (maps - means[:, :, None, None]).reshape(len(rows), -1)

    def fit(self, rows: np.ndarray, values: np.ndarray) -> "Fit":
        """Return the fit to the ratings (n,), in points, of the photos with these rows (n,), each once."""
        means, cells = self._parts(rows)
        z = self._standardised()[rows]
        grams = (
            _OFFSET + np.outer(z, z),
            means @ means.T / self._whole_size,
            cells @ cells.T / self._cells_size,
        )  # (n, n) each
        residuals = values - self.scores[rows]
        return Fit(self, rows, residuals, z, means, cells, grams)

    def taste(self, fit: "Fit", chosen: np.ndarray, solution: "Solution") -> tuple[Taste, float]:
        """Return the taste that a solution of a fit to some of its photos means, and the offset a in it."""
        weights = solution.weights
        offset, slope = _OFFSET * weights.sum(), weights @ fit.z[chosen] / self._score_spread
        whole = (1 - solution.share) / self._whole_size * (weights @ fit.means[chosen])  # (K,)
        cells = solution.share / self._cells_size * (weights @ fit.cells[chosen])
        cells = cells.reshape(self._centre.shape)  # (K, g, g)
        moved = whole[:, None, None] / cells[0].size + cells - cells.mean(axis=(1, 2), keepdims=True)
        moved /= self._spread[:, None, None]
        bias = self.crowd.bias + offset + slope * (self.crowd.bias - self._score_mean) - (moved * self._centre).sum()
        templates = (1 + slope) * self.crowd.templates + moved
        return replace(self.crowd, templates=templates, bias=float(bias)), float(offset)


@dataclass(frozen=True, eq=False)
class Solution:
    """The dual solution of a fit: weights (n,) of the rated photos, with strength and share r."""

    weights: np.ndarray
    strength: float
    share: float


@dataclass(frozen=True, eq=False)
class Fit:
    """The rated photos of a person, ready to be solved for any of them.

    Attributes:
        design: the gallery.
        rows: (n,) of the photos.
        residuals: (n,) rating − the crowd's score, in points.
        z: (n,) standardised scores of the crowd.
        means: (n, K), m.
        cells: (n, K g²), p.
        grams: three (n, n): of offset and z, of m, of p; weighted by 1, 1 − r and r they sum to the kernel.
    """

    design: Design
    rows: np.ndarray
    residuals: np.ndarray
    z: np.ndarray
    means: np.ndarray
    cells: np.ndarray
    grams: tuple[np.ndarray, np.ndarray, np.ndarray]

    __repr__ = brief

    def solve(self, chosen: np.ndarray, strength: float | None = None, share: float | None = None) -> Solution:
        """Return the solution for some of the photos (places in `rows`); by default, strength and r are chosen.

        Args:
            chosen: (m,) places of the photos.
            strength: of the shrinkage; infinite for none of the person at all.
            share: r, if the strength is given.
        """
        residuals = self.residuals[chosen]
        if strength is not None:
            return self._solution(chosen, residuals, strength, share or 0.0)
        best, smallest = Solution(np.zeros(len(chosen)), np.inf, 0.0), np.square(residuals).mean()
        for r in SHARES:
            values, vectors = np.linalg.eigh(self._kernel(chosen, r))
            turned = vectors.T @ residuals
            for one in STRENGTHS[1:]:
                inverse = 1 / (values.clip(min=0) + one)
                weights = vectors @ (inverse * turned)
                error = np.square(weights / (vectors**2 @ inverse)).mean()  # of each photo, by a fit without it
                if error < smallest:
                    best, smallest = Solution(weights, float(one), r), error
        return best

    def _kernel(self, chosen: np.ndarray, share: float) -> np.ndarray:
        square = np.ix_(chosen, chosen)
        base, means, cells = (gram[square] for gram in self.grams)
        return base + (1 - share) * means + share * cells

    def _solution(self, chosen: np.ndarray, residuals: np.ndarray, strength: float, share: float) -> Solution:
        if np.isinf(strength):
            return Solution(np.zeros(len(chosen)), strength, share)
        kernel = self._kernel(chosen, share)
        return Solution(np.linalg.solve(kernel + strength * np.eye(len(chosen)), residuals), strength, share)


def fit(
    design: Design, rows: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray, *, seed: int = 0
) -> Personal:
    """Return the personal SIAM of somebody who rated photos of a gallery.

    Args:
        design: of the gallery, for the crowd from which to start: `Design(crowd(pair), maps)`.
        rows: (m,) of the rated photos; a photo that was rated again is there again.
        values: (m,) the ratings, in points of the networks' scale (`on_scale`, `like_crowd`).
        seed: deals the photos into folds, and draws those of the interval.

    Raises:
        DatasetError: fewer than `FEWEST` different photos are rated.
        ValueError: a photo has no maps, or rows and values differ in number or are not finite.
    """
    maps = design.maps
    photos, means = _averaged(maps, np.asarray(rows, dtype=int), np.asarray(values, dtype=float))
    if (told := too_few(len(photos))) is not None:
        raise DatasetError(told)
    ready = design.fit(photos, means)
    every = np.arange(len(photos))
    solution = ready.solve(every)
    taste, _offset = design.taste(ready, every, solution)
    out_of_fold, templates = np.empty(len(photos)), []
    fold_of = np.random.default_rng(seed).permutation(every) % FOLDS
    for fold in range(FOLDS):
        kept, left = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        without, offset = design.taste(ready, kept, ready.solve(kept))
        out_of_fold[left] = _scores(without, maps, photos[left]) - offset
        templates.append(without.templates)
    of_crowd = design.scores[photos]
    tau, crowd_tau = _taus(out_of_fold, of_crowd, means)
    drawn = bootstrap.resampled(
        lambda counts: np.stack(
            [kendall_tau_of_resamples(of, means, counts) for of in (out_of_fold, of_crowd)], axis=1
        ),
        len(photos),
        seed=seed,
    )  # (R, 2)
    return Personal(
        taste, design.crowd, photos, means, out_of_fold, solution.strength, solution.share, tau,
        bootstrap.ends(drawn[:, 0]), crowd_tau, bootstrap.ends(drawn[:, 0] - drawn[:, 1]), np.stack(templates),
    )  # fmt: skip


def _averaged(maps: Maps, rows: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each rated photo once, and the mean of its ratings."""
    if rows.shape != values.shape or rows.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"got {rows.shape} photos and {values.shape} ratings; expected a finite rating for each photo")
    if not maps.known[rows].all():
        raise ValueError("a rated photo has no maps")
    photos, place = np.unique(rows, return_inverse=True)
    return photos, np.bincount(place, values) / np.bincount(place)


def _scores(taste: Taste, maps: Maps, rows: np.ndarray) -> np.ndarray:
    return taste.bias + np.einsum("nkij,kij->n", maps.pooled[rows].astype(np.float64), taste.templates)


def _taus(predicted: np.ndarray, of_crowd: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    if np.ptp(values) == 0:
        return float("nan"), float("nan")
    return kendall_tau(predicted, values), kendall_tau(of_crowd, values)


@dataclass(frozen=True)
class Difference:
    """A photo on which person and crowd differ, and why.

    Attributes:
        row: of the photo.
        person: its score for the person.
        crowd: its score for the crowd.
        causes: attribute and points by which its contribution is higher for the person, the largest first.
        rest: points of all other causes, strictness included; `causes` and `rest` sum to person − crowd.
    """

    row: int
    person: float
    crowd: float
    causes: tuple[tuple[str, float], ...]
    rest: float


def differences(personal: Personal, maps: Maps, count: int = 6, causes: int = 3) -> list[Difference]:
    """Return the photos on which person and crowd differ most, strictness aside, the largest difference first."""
    moved = personal.taste.contributions(maps) - personal.crowd.contributions(maps)  # (N, K)
    person, crowd_scores = personal.taste.scores(maps), personal.crowd.scores(maps)
    away = person - crowd_scores
    away = np.abs(away - np.nanmean(away))
    order = [row for row in np.argsort(-np.nan_to_num(away, nan=-1.0), kind="stable") if not np.isnan(away[row])]
    found = []
    for row in order[:count]:
        largest = np.argsort(-np.abs(moved[row]), kind="stable")[:causes]
        named = tuple((personal.taste.attributes[k], float(moved[row, k])) for k in largest)
        difference = float(person[row] - crowd_scores[row])
        rest = difference - sum(points for _name, points in named)
        found.append(Difference(int(row), float(person[row]), float(crowd_scores[row]), named, rest))
    return found


def as_pair(personal: Personal, pair: Pair, name: str) -> Pair:
    """Return a pair whose SIAM has the person's templates, to be saved, explained with and shared as any other.

    It has no baseline, and its folds are those of the personal fit. The card says what it was made from.

    Args:
        personal: the fit.
        pair: the networks from which it started.
        name: of the new pair.
    """
    import torch  # imported here, since fitting does not need it

    from siam.models.siam import SIAM

    config = replace(pair.config, predicts_variance=False)
    siam = SIAM(config)
    siam.load_state_dict({n: of for n, of in pair.siam.state_dict().items() if not n.startswith("variance_head.")})
    siam.scenicness_head.set_effective_templates(torch.from_numpy(personal.taste.templates).float())
    torch.nn.init.constant_(siam.scenicness_head.bias, personal.taste.bias)
    folds = torch.from_numpy(personal.folds).float()
    return Pair(name, siam.eval(), None, _card(personal, pair), folds)


def _card(personal: Personal, pair: Pair) -> dict[str, Any]:
    count, source = len(personal.rows), pair.name if pair.version is None else f"{pair.name} {pair.version}"
    kept = {key: pair.card[key] for key in ("attributes", "folders") if key in pair.card}
    return {
        "summary": f"One person’s taste, from ratings of {count} photos on {datetime.now(UTC).date().isoformat()}.",
        "training_data": f"{count} photos rated by one person, who starts from the crowd of {source}, with its maps.",
        "limits": "It speaks for one person, as far as its τ says. It cannot know what the maps do not show.",
        "metrics": {
            "protocol": "out of fold, ten folds of the rated photos; interval: bootstrap over photos",
            "siam": {
                "own_ratings": {
                    "kendall_tau": personal.tau,
                    "kendall_tau_interval": [float(end) for end in personal.interval],
                    "n": count,
                }
            },
            "crowd": {"own_ratings": {"kendall_tau": personal.crowd_tau, "n": count}},
        },
        **kept,
        **provenance(),
    }
