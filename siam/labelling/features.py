"""What a pair's backbone makes of photos, computed once and kept in the user's cache.

Of each photo, the features averaged over the cells, and the mean of each attribute map. For a model that learns from a
few answers, the features are standardised and reduced to their principal components. N photos, C channels, K
attributes, D components.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siam.errors import ImageError
from siam.explanation.batch import predict
from siam.explanation.kept import kept
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest
from siam.runtime.reprs import brief

COMPONENTS = 128

_AT_ONCE = 16  # photos that are computed, and kept, together


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of photos before anybody answers.

    Attributes:
        photos: (N,) their names.
        values: (N, D), centred, with a mean square length of 1; NaN where a photo could not be read.
        presence: (N, K) mean of each attribute map; likewise.
        attributes: K names.
    """

    photos: tuple[str, ...]
    values: np.ndarray
    presence: np.ndarray
    attributes: tuple[str, ...]

    __repr__ = brief


def of_photos(
    pair: Pair,
    photos: Mapping[str, Path | bytes],
    lock: AbstractContextManager[object],
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Features:
    """Return the features of photos; those of files are kept, so that the next time, or after a stop, none runs again.

    Args:
        pair: the networks.
        photos: name → file, or the content of one, which leaves no trace on the disk.
        lock: held while they work, some photos at a time.
        progress: called with how many are done, and of how many; raising in it stops the work.

    Raises:
        ImageError: no photo can be read.
        StorageError: they cannot be kept.
        ValueError: there are no photos.
    """
    names, parts = list(photos), []
    attributes = pair.config.attributes
    for start in range(0, len(names), _AT_ONCE):
        progress(start, len(names))
        some = [photos[name] for name in names[start : start + _AT_ONCE]]
        with lock:
            parts.append(kept(pair, "features", [_digest(of) for of in some], lambda some=some: _computed(pair, some)))
    progress(len(names), len(names))
    width = max((part.shape[1] for part in parts), default=0)
    if not names:
        raise ValueError("there are no photos")
    if not width:
        raise ImageError(f"none of the {len(names)} photos can be read: give JPEG or PNG files")
    every = np.concatenate([part if part.shape[1] else np.full((len(part), width), np.nan) for part in parts])
    features, presence = np.split(every.astype(np.float64), [width - len(attributes)], axis=1)
    return Features(tuple(photos), reduced(features), presence, attributes)


def reduced(features: np.ndarray, components: int = COMPONENTS) -> np.ndarray:
    """Return the principal components (N, D) of standardised features (N, C); rows with NaN stay NaN.

    D is `components`, or fewer if the photos do not have as many.
    """
    from sklearn.decomposition import PCA  # imported here, since it takes a while

    known = ~np.isnan(features).any(axis=1)
    some = features[known]
    spread = some.std(axis=0)
    some = np.divide(some - some.mean(axis=0), spread, out=np.zeros_like(some), where=spread > 0)
    count = max(1, min(components, *some.shape))
    found = PCA(count, svd_solver="randomized", random_state=0).fit_transform(some) if some.any() else some[:, :count]
    length = np.sqrt(np.square(found).sum(axis=1).mean()) if len(found) else 0.0
    values = np.full((len(features), found.shape[1]), np.nan)
    values[known] = found / (length or 1.0)
    return values


def _computed(pair: Pair, files: list[Path | bytes]) -> np.ndarray:
    """Return the features and the means of the attribute maps of n photos, (n, C + K); (n, 0) if none can be read."""
    try:
        found = predict(
            pair.siam,
            files,
            lambda output: (output.mean_features, output.attribute_logits),
            batch_size=1,  # with this thread's cores alone: work on all of them would change those of others
            on_error=lambda _place, _error: None,
        )
    except ImageError:
        return np.empty((len(files), 0), dtype=np.float32)
    return np.concatenate(found, axis=1)


def _digest(photo: Path | bytes) -> str:
    """Return a file's SHA-256; "" for content in memory, or a file that is gone."""
    try:
        return digest(photo) if isinstance(photo, Path) else ""
    except OSError:
        return ""
