"""Features taken apart into a few directions, each with a map of every photo.

::

    X ≈ H F,   H, F >= 0      non-negative matrix factorisation (Lee, Seung, Nature 1999) of the cells' features

X holds one cell of one photo in each row. A row of F is a pattern of channels, and H says how much of it each cell
shows. Non-negative parts add up and cannot cancel, so most are compact things, such as water or a wall.

Others can be compared: single channels, as VEBI selects them (J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation
by Interpretation", ICLR 2019), a sparse dictionary, principal components, and random directions as a control.
`python -m benchmarks.discovery` judges them where the truth is known.
"""

import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from siam.discovery.cells import LIGHT, Cells

COUNT = 30  # patterns
METHODS = ("patterns", "channels", "dictionary", "components", "random")

_CHANNELS = 400  # those that vary most
_LEARNED = 12_000  # cells from which patterns are learned
_ROUNDS = 150
_AT_ONCE = 200  # photos


def directions(
    cells: Cells,
    method: str = METHODS[0],
    count: int = COUNT,
    seed: int = 0,
    progress: Callable[[float], object] = lambda _share: None,
) -> np.ndarray:
    """Return maps (N, S, S, D) of the baseline's features along D directions, float32; >= 0 for patterns and channels.

    Args:
        cells: of N photos, all of which could be read.
        method: one of `METHODS`.
        count: D, at most.
        seed: draws the cells from which they are learned, and the random directions.
        progress: called with the share that is done.
    """
    varying = _varying(cells)
    if method == "channels":
        return cells.baseline[..., varying].astype(np.float32)
    random = np.random.default_rng(seed)
    total = len(cells) * cells.baseline.shape[1] ** 2
    drawn = np.sort(random.choice(total, min(total, _LEARNED), replace=False))
    flat = cells.baseline.reshape(total, -1)
    learned = flat[drawn][:, varying].astype(np.float32)
    count = min(count, *learned.shape)
    if method in ("components", "random"):
        mean, spread = learned.mean(axis=0), learned.std(axis=0) + 1e-6
        if method == "random":
            along = random.normal(size=(len(varying), count)).astype(np.float32)
        else:
            along = np.linalg.svd((learned - mean) / spread, full_matrices=False)[2][:count].T
        transform: Callable[[np.ndarray], np.ndarray] = lambda some: (some - mean) / spread @ along  # noqa: E731
    else:
        model = _model(method, count, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounds: more change nothing that anybody sees
            model.fit(learned.clip(0))
        transform = lambda some: model.transform(some.clip(0))  # noqa: E731
    maps = np.empty((len(cells), *cells.baseline.shape[1:3], count), dtype=np.float32)
    for start in range(0, len(cells), _AT_ONCE):
        progress(start / len(cells))
        some = cells.baseline[start : start + _AT_ONCE][..., varying].astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = transform(some.reshape(-1, len(varying)))
        maps[start : start + _AT_ONCE] = made.reshape(*some.shape[:3], count)
    progress(1.0)
    return maps


def light(cells: Cells) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of what the eye sees without any network, and its maps (N, S, S, 4), float32."""
    return LIGHT, cells.light.astype(np.float32)


def _varying(cells: Cells) -> np.ndarray:
    """Return the channels of the baseline's features that vary most."""
    every = cells.baseline[:: max(1, len(cells) // 500)].astype(np.float32).clip(0)
    return np.argsort(-every.reshape(-1, every.shape[3]).var(axis=0), kind="stable")[:_CHANNELS]


def _model(method: str, number: int, seed: int) -> Any:
    from sklearn.decomposition import NMF, MiniBatchDictionaryLearning

    count, alpha = cast(Any, (number, 0.1))  # whose types the stubs declare too narrowly
    if method == "patterns":
        return NMF(count, init="nndsvda", max_iter=_ROUNDS, random_state=seed)
    if method == "dictionary":
        return MiniBatchDictionaryLearning(
            count, positive_code=True, positive_dict=True, fit_algorithm="cd", transform_algorithm="lasso_cd",
            transform_alpha=alpha, alpha=alpha, max_iter=20, batch_size=256, random_state=seed,
        )  # fmt: skip
    raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
