"""How far to trust a score: an interval for what people would say, and whether a photo is like those learned from.

::

    f      the trunk's features averaged over the photo's cells; negative ones count as 0
    x      square roots of their shares, x_c = sqrt(f_c / sum f)
    d      how much of x lies outside the r main directions of the landscapes that the networks learned from:
           d^2 = |x - centre|^2 - |axes (x - centre)|^2
    usual  d is at most that of 91 % of those landscapes, each measured by a centre and axes found without it

    s      max(1, d / d_usual)
    q      the ceil((m + 1) 0.8)-th smallest of |people - network| / s over m photos that the network never saw
    people say  score - q s  to  score + q s,  for four of five photos like these

The interval is split conformal prediction with residuals scaled by s: of new photos drawn like the m, at least 80 % lie
inside on average, whatever the distribution. Photos unlike the landscapes get wider ones, and no promise.

V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005; J. Lei et al., "Distribution-Free
Predictive Inference for Regression", JASA 113, 2018 (scaled residuals). The distance is the reconstruction error of a
principal component analysis, on the Hellinger scale.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from siam.datasets.base import RatingScale
from siam.errors import CheckpointError
from siam.runtime.files import Write, storage_errors, write_atomically

FILE = "doubt.safetensors"
LEVEL = 0.8  # of the intervals
USUAL = 0.91  # share of the landscapes that are called landscapes
DIRECTIONS = 32
FOLDS = 5
FEWEST = 20  # rated photos, and landscapes, from which anything is said

Network = Literal["siam", "baseline"]
NETWORKS: tuple[Network, ...] = ("siam", "baseline")
_TENSORS = ("centre", "axes", "landscapes", "distances", "residuals")
_ABOUT = "about"  # key of the file's metadata


@dataclass(frozen=True, eq=False)
class Doubt:
    """What a pair's networks leave open, from n landscapes that they learned from and m rated photos unseen by them.

    Attributes:
        centre: (C,) mean of the landscapes' features, as shares.
        axes: (r, C) their main directions, orthonormal.
        landscapes: (n,) distances of the landscapes, each by a centre and axes found without it.
        distances: (m,) of the rated photos.
        residuals: (m, 2) |people - network|, in points, for SIAM and for the baseline; NaN without a baseline.
        about: figures of how it was checked, and where they come from (`siam.gallery.calibration`).
    """

    centre: np.ndarray
    axes: np.ndarray
    landscapes: np.ndarray
    distances: np.ndarray
    residuals: np.ndarray
    about: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Doubt({len(self.residuals)} rated photos, {len(self.landscapes)} landscapes)"

    @cached_property
    def digest(self) -> str:
        """A hash of its numbers."""
        parts = [np.ascontiguousarray(getattr(self, name), dtype=np.float32).tobytes() for name in _TENSORS]
        return sha256(b"".join(parts)).hexdigest()

    def distance(self, mean_features: np.ndarray) -> np.ndarray:
        """Return how far photos are from the landscapes: d (...) of mean features (..., C)."""
        return _distance(shares(mean_features), self.centre, self.axes)

    @property
    def usual(self) -> float:
        """The largest distance that still counts as that of a landscape."""
        return float(np.quantile(self.landscapes, USUAL))

    def are_landscapes(self, distances: np.ndarray) -> np.ndarray:
        """Return which photos at these distances (N,) are like the landscapes, bool."""
        return distances <= self.usual

    def interval(
        self, score: float, distance: float, scale: RatingScale, network: Network = "siam"
    ) -> tuple[float, float] | None:
        """Return between which scores people's mean lies for four of five photos like this one, in points of the scale.

        None if too few photos were rated to say so.
        """
        low, high = self.intervals(np.array([score]), np.array([distance]), scale, network)[0]
        return None if np.isnan(low) else (float(low), float(high))

    def intervals(
        self, scores: np.ndarray, distances: np.ndarray, scale: RatingScale, network: Network = "siam"
    ) -> np.ndarray:
        """Return both ends (N, 2) of the `interval` of N photos; NaN if too few photos were rated to say so."""
        half = half_width(self.residuals[:, NETWORKS.index(network)], self.distances, distances, self.usual)
        ends = np.stack([np.maximum(scale.low, scores - half), np.minimum(scale.high, scores + half)], axis=1)
        return np.where(np.isfinite(half)[:, None], ends, np.nan)


def shares(mean_features: np.ndarray) -> np.ndarray:
    """Return mean features (..., C) as square roots of shares, of length 1; zeros where no feature is positive."""
    positive = np.maximum(mean_features, 0).astype(float)
    total = positive.sum(axis=-1, keepdims=True)
    return np.sqrt(np.divide(positive, total, out=np.zeros_like(positive), where=total > 0))


def _distance(places: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    away = places - centre
    return np.sqrt(np.maximum((away**2).sum(axis=-1) - ((away @ axes.T) ** 2).sum(axis=-1), 0))


def half_width(residuals: np.ndarray, distances: np.ndarray, of: np.ndarray, usual: float) -> np.ndarray:
    """Return half the width (k,) of the intervals of k photos, in points; infinite if too few photos were rated.

    Args:
        residuals: (m,) |people - network| of the rated photos; those that are NaN are left out.
        distances: (m,) theirs.
        of: (k,) distances of the photos.
        usual: distance from which on intervals widen.
    """
    known = np.isfinite(residuals)
    rank = ceil((known.sum() + 1) * LEVEL - 1e-9)
    if known.sum() < FEWEST or rank > known.sum():
        return np.full(len(of), np.inf)
    scaled = np.sort(residuals[known] / np.maximum(1, distances[known] / usual))
    return scaled[rank - 1] * np.maximum(1, of / usual)


def fit(
    landscapes: np.ndarray, rated: np.ndarray, residuals: np.ndarray, rows: np.ndarray | None = None, seed: int = 0
) -> Doubt:
    """Return the doubt of networks.

    Args:
        landscapes: (n, C) mean features of the landscapes that they learned from.
        rated: (m, C) mean features of rated photos.
        residuals: (m, 2) |people - network| of these, by networks that never saw them; NaN without a baseline.
        rows: (m,) where each of them is among the landscapes, -1 where it is not; None if none is.
        seed: of the division of the landscapes into folds.

    Raises:
        ValueError: there are fewer than 20 landscapes, or the shapes do not fit together.
    """
    rows = np.full(len(rated), -1) if rows is None else rows
    if len(landscapes) < FEWEST or residuals.shape != (len(rated), len(NETWORKS)) or rows.shape != (len(rated),):
        raise ValueError(
            f"{len(landscapes)} landscapes, {len(rated)} rated photos, residuals of shape {residuals.shape}, rows of "
            f"shape {rows.shape}: expected at least {FEWEST} landscapes, and residuals of shape (m, {len(NETWORKS)})"
        )
    places = shares(landscapes)
    fold = np.random.default_rng(seed).permutation(len(places)) % FOLDS
    away = np.empty(len(places))
    for number in range(FOLDS):
        away[fold == number] = _distance(places[fold == number], *_directions(places[fold != number]))
    centre, axes = _directions(places)
    distances = np.where(rows >= 0, away[rows], _distance(shares(rated), centre, axes))
    return Doubt(centre, axes, np.sort(away), distances, residuals)


def _directions(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre (C,) and main directions (r, C) of places (n, C)."""
    centre = places.mean(axis=0)
    _left, _sizes, axes = np.linalg.svd(places - centre, full_matrices=False)
    return centre, axes[: min(DIRECTIONS, len(places) - 1)]


def write(folder: Path, doubt: Doubt, store: Write = write_atomically) -> None:
    """Store the doubt of a pair in its folder, atomically, in single precision.

    Raises:
        StorageError: the file cannot be written.
    """
    tensors = {name: np.ascontiguousarray(getattr(doubt, name), dtype=np.float32) for name in _TENSORS}
    about = json.dumps(dict(doubt.about), ensure_ascii=False, allow_nan=False)
    store(folder / FILE, to_bytes(tensors, {_ABOUT: about}))


def keep(folder: Path, doubt: Doubt | None, store: Write = write_atomically) -> None:
    """Store the doubt of a pair, or remove what an earlier pair left, if there is none.

    Raises:
        StorageError: the file cannot be written or removed.
    """
    if doubt is not None:
        write(folder, doubt, store)
        return
    with storage_errors(folder / FILE):
        (folder / FILE).unlink(missing_ok=True)


def read(folder: Path) -> Doubt | None:
    """Return the doubt of the pair in a folder; None without the file.

    Raises:
        CheckpointError: the file is damaged, or its tensors do not fit together.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, "np") as stored:
            names = set(stored.keys())
            if missing := [name for name in _TENSORS if name not in names]:
                raise CheckpointError(f"{path} lacks the tensor {missing[0]}: calibrate the pair again")
            tensors = {name: stored.get_tensor(name).astype(float) for name in _TENSORS}
            about = json.loads((stored.metadata() or {}).get(_ABOUT, "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file ({error}): copy it again") from error
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    channels, rated = shapes["centre"][-1:], shapes["distances"][:1]
    fits = (
        [len(shapes[name]) for name in _TENSORS] == [1, 2, 1, 1, 2]
        and shapes["axes"][1:] == channels
        and shapes["residuals"] == (*rated, len(NETWORKS))
        and shapes["landscapes"][0] >= FEWEST
        and isinstance(about, dict)
    )
    finite = all(np.isfinite(tensors[name]).all() for name in _TENSORS if name != "residuals")
    if not fits or not finite or tensors["landscapes"].max() <= 0:
        sizes = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise CheckpointError(f"{path} holds tensors that do not fit together ({sizes}): calibrate the pair again")
    return Doubt(**tensors, about=about)
