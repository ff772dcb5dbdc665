"""What frozen networks say about photos that nobody labelled or rated, from pooled features of several of them.

::

    x         pooled features of the frozen backbones, side by side
    score     mean of ridge regression on x and of kernel ridge regression with exp(-gamma |x - x'|^2)
    labels    mean of ridge regression on x, fitted to the labelled photos, and of the prior of the kind of scene
    references  whitened principal components of x: what the late stages must still be able to say after training
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from tqdm import tqdm

from siam.images.preprocessing import InputConfig, input_settings, preprocess
from siam.images.reading import read_image
from siam.models.identity import take_weights
from siam.runtime.digests import digest
from siam.runtime.files import whole_file

_RIDGE, _KERNEL, _WIDTH = 60.0, 0.05, 0.2  # penalties of both regressions, and gamma relative to the spread of x
_LABEL_RIDGE = 1.0


def pooled_features(backbone: nn.Module, config: InputConfig, files: Sequence[Path], cache: Path) -> np.ndarray:
    """Return the mean of a backbone's features over each photo, float32 (N, C); they are cached on disk.

    Raises:
        ImageError: a photo cannot be read.
        StorageError: the features cannot be stored.
    """
    key = hashlib.sha256()
    take_weights(key, backbone)
    key.update(repr(input_settings(config)).encode())
    for path in files:
        key.update(bytes.fromhex(digest(path)) if path.is_file() else bytes(path))
    stored = cache / f"pooled-{key.hexdigest()[:16]}.npy"
    if not stored.is_file():
        with torch.inference_mode():
            photos = tqdm(files, desc="pooled features", unit="photo", file=sys.stderr)
            found = [backbone(preprocess(read_image(path), config)).mean(dim=(2, 3))[0].numpy() for path in photos]
        with whole_file(stored) as part, part.open("wb") as file:
            np.save(file, np.stack(found))
    return np.load(stored)


class ScoreTeacher:
    """Scores photos as the raters of some photos would."""

    def __init__(self, features: np.ndarray, scores: np.ndarray, sources: np.ndarray) -> None:
        """Learn from rated photos.

        Args:
            features: (m, C) pooled features.
            scores: (m,) mean ratings.
            sources: (m,) the source of each rating; centring within each source gives each an unpenalised intercept.
        """
        groups = range(int(sources.max()) + 1)
        self._means = np.stack([features[sources == group].mean(axis=0) for group in groups])  # of features
        self._levels = np.array([scores[sources == group].mean() for group in groups])
        centred, wanted = features - self._means[sources], scores - self._levels[sources]
        self._gamma = _WIDTH / (features.std(axis=0).mean() ** 2 * features.shape[1])
        self._linear = Ridge(alpha=_RIDGE, fit_intercept=False).fit(centred, wanted)
        self._kernel = KernelRidge(
            alpha=_KERNEL,  # pyright: ignore[reportArgumentType] - the stub asks for an int
            kernel="rbf",
            gamma=self._gamma,
        ).fit(centred, wanted)
        intercepts = self._levels - self._means @ self._linear.coef_
        self.offsets = intercepts - intercepts[0]  # (S,) points that each source's ratings lie above the first's

    def __call__(self, features: np.ndarray) -> Tensor:
        """Return the scores (n,) of photos with features (n, C), on the scale of the first source."""
        centred = features - self._means[0]
        mean = (self._linear.predict(centred) + self._kernel.predict(centred)) / 2 + self._levels[0]
        return torch.from_numpy(mean.astype(np.float32))


def label_teacher(features: np.ndarray, labels: np.ndarray, others: np.ndarray, prior: np.ndarray) -> Tensor:
    """Return labels (n, K) of photos with features `others` (n, C) and, for their kind of scene, prior (n, K) labels.

    Args:
        features: (m, C) of photos with labels of their own.
        labels: (m, K) shares of annotators.
        others: (n, C) of the other photos.
        prior: (n, K) average labels of each one's kind of scene.
    """
    mean, spread = features.mean(axis=0), (features.std(axis=0) + 1e-3) * features.shape[1] ** 0.5
    ridge = Ridge(alpha=_LABEL_RIDGE).fit((features - mean) / spread, labels)
    seen = ridge.predict((others - mean) / spread)
    return torch.from_numpy(((seen + prior) / 2).clip(0, 1).astype(np.float32))


def references(features: np.ndarray, count: int, seen: np.ndarray) -> Tensor:
    """Return `count` principal components of features (N, C), float32 (N, count), the large ones damped.

    Each feature is standardised first; component i has variance s_i instead of s_i^2, its standard deviation.

    Args:
        features: (N, C) of all photos.
        count: components to keep.
        seen: rows of the photos from which they are computed.
    """
    known = features[seen]
    mean, spread = known.mean(axis=0), known.std(axis=0) + 1e-3
    _left, sizes, axes = np.linalg.svd((known - mean) / spread, full_matrices=False)
    damped = axes[:count].T / np.sqrt(sizes[:count] / len(known) ** 0.5)
    return torch.from_numpy(((features - mean) / spread @ damped).astype(np.float32))
