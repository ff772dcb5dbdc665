"""Features taken apart into a few directions, each with a map of every photo.

::

    X ≈ H F,   H, F >= 0      non-negative matrix factorisation (Lee, Seung, Nature 1999) of the cells' features

X holds one cell of one photo in each row. A row of F is a pattern of channels, and H says how much of it each cell
shows. Non-negative parts add up and cannot cancel, so most are compact things, such as water or a wall. H and F are
found in turn, column by column (A. Cichocki, A.-H. Phan, "Fast local algorithms for large scale nonnegative matrix and
tensor factorizations", IEICE Transactions 2009), from the singular vectors.

Others can be compared: single channels, as VEBI selects them (J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation
by Interpretation", ICLR 2019), a sparse dictionary, which also makes Σ H small while no row of F is longer than 1,
principal components, and random directions as a control. `python -m benchmarks.discovery` judges them where the truth
is known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from siam.discovery.cells import Cells, Seen
from siam.models.cells import LIGHT
from siam.runtime.reprs import brief
from siam.runtime.silence import without_warnings

COUNT = 30  # patterns
METHODS = ("patterns", "channels", "dictionary", "components", "random")

_CHANNELS = 400  # those that vary most
_LEARNED = 12_000  # cells from which patterns are learned
_ROUNDS, _ROUNDS_OF_MAPS = 110, 25  # beyond, nothing changes that anybody sees
_SPARSITY = {"patterns": 0.0, "dictionary": 0.1}


@dataclass(frozen=True, eq=False)
class Directions:
    """What features are taken apart into, and what the eye sees without any network.

    Attributes:
        names: of D directions: "pattern 7", or "warmth".
        apart: takes apart a chunk of cells; returns their maps (n, S, S, D), float32.
    """

    names: tuple[str, ...]
    apart: Callable[[Cells], np.ndarray]

    __repr__ = brief

    def maps(self, seen: Seen, chosen: list[int] | slice = slice(None)) -> np.ndarray:
        """Return the maps (N, S, S, J) of photos along some directions, by default along all, float32."""
        return np.concatenate([self.apart(some)[..., chosen] for _places, some in seen.chunks()])


def learned(
    cells: Cells,
    method: str = METHODS[0],
    count: int = COUNT,
    seed: int = 0,
    progress: Callable[[float], object] = lambda _share: None,
) -> Directions:
    """Return directions in the baseline's features; their maps are >= 0 for patterns, channels and dictionary.

    Args:
        cells: of photos, all of which could be read.
        method: one of `METHODS`.
        count: of directions, at most, beside those of the light.
        seed: draws the cells from which they are learned, and the random directions.
        progress: called with the share that is done; what it raises ends the work.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
    varying = _varying(cells)
    if method == "channels":
        count, along = len(varying), None
    else:
        count, along = _along(cells, varying, method, count, seed, progress)

    def apart(some: Cells) -> np.ndarray:
        x = some.baseline[..., varying].astype(np.float32)
        made = x if along is None else along(x.reshape(-1, len(varying))).reshape(*x.shape[:3], count)
        return np.concatenate([made, some.light.astype(np.float32)], axis=3)

    word = method.removesuffix("s") if method != "random" else "direction"
    return Directions((*(f"{word} {number}" for number in range(1, count + 1)), *LIGHT), apart)


def _along(
    cells: Cells, varying: np.ndarray, method: str, count: int, seed: int, progress: Callable[[float], object]
) -> tuple[int, Callable[[np.ndarray], np.ndarray]]:
    """Return how many directions there are, and what takes cells' features (n, C) apart into these (n, D)."""
    random = np.random.default_rng(seed)
    total = len(cells) * cells.baseline.shape[1] ** 2
    drawn = np.sort(random.choice(total, min(total, _LEARNED), replace=False))
    some = cells.baseline.reshape(total, -1)[drawn][:, varying].astype(np.float32)
    count = min(count, *some.shape)
    if method in _SPARSITY:
        sparsity = _SPARSITY[method]
        parts = _parts(some.clip(0), count, sparsity, seed, progress)
        return count, lambda x: _codes(x.clip(0), parts, sparsity)
    mean, spread = some.mean(axis=0), some.std(axis=0) + 1e-6
    if method == "random":
        axes = random.normal(size=(len(varying), count)).astype(np.float32)
    else:
        axes = np.linalg.svd((some - mean) / spread, full_matrices=False)[2][:count].T
    return count, lambda x: (x - mean) / spread @ axes


def _varying(cells: Cells) -> np.ndarray:
    """Return the channels of the baseline's features that vary most."""
    every = cells.baseline[:: max(1, len(cells) // 500)].astype(np.float32).clip(0)
    return np.argsort(-every.reshape(-1, every.shape[3]).var(axis=0), kind="stable")[:_CHANNELS]


def _parts(x: np.ndarray, count: int, sparsity: float, seed: int, progress: Callable[[float], object]) -> np.ndarray:
    """Return the parts F (D, C) of cells' features x (n, C) >= 0."""
    from sklearn.decomposition import NMF

    start = NMF(cast(Any, count), init="nndsvda", max_iter=1, random_state=seed)  # whose stubs are too narrow
    with without_warnings():  # that one round is too few: the others follow
        codes = np.ascontiguousarray(start.fit_transform(x).T)  # (D, n)
    parts = start.components_.copy()
    for done in range(_ROUNDS):
        progress(done / _ROUNDS)
        _descend(codes, parts @ x.T, parts @ parts.T, sparsity)
        _descend(parts, codes @ x, codes @ codes.T)
        if sparsity:
            parts /= np.linalg.norm(parts, axis=1, keepdims=True).clip(1)
    return parts


def _codes(x: np.ndarray, parts: np.ndarray, sparsity: float) -> np.ndarray:
    """Return how much of each part (D, C) features x (n, C) hold, (n, D)."""
    codes, cross, gram = np.zeros((len(parts), len(x)), dtype=np.float32), parts @ x.T, parts @ parts.T
    for _round in range(_ROUNDS_OF_MAPS):
        _descend(codes, cross, gram, sparsity)
    return codes.T


def _descend(codes: np.ndarray, cross: np.ndarray, gram: np.ndarray, sparsity: float = 0.0) -> None:
    """Make each row of codes H' (D, n) in turn what fits best, given the others: the least half of the squared error of
    X − H F plus the sparsity times the sum of H.

    Args:
        codes: changed in place.
        cross: F X', (D, n).
        gram: F F', (D, D).
        sparsity: how much a code costs.
    """
    for row, of in enumerate(gram):
        if of[row] > 0:
            np.maximum(codes[row] + (cross[row] - sparsity - of @ codes) / of[row], 0, out=codes[row])
