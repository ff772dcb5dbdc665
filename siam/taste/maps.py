"""What a SIAM sees in the photos of a gallery: attribute maps pooled to the grid of the templates, computed once.

::

    P_k = pool(A_k),  c_k = <W_k, P_k>,  y = b + sum_k c_k        (`siam.models.siam`)

So any templates W, the crowd's or a person's, score all photos without a network. N photos, K attributes, grid g x g.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np

from siam.errors import DatasetError, ImageError
from siam.explanation.batch import predict
from siam.explanation.kept import kept
from siam.gallery.pictures import path_here
from siam.gallery.store import Gallery
from siam.images.photos import Photo
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM, SIAMOutput, pooled
from siam.runtime.reprs import brief

Progress = Callable[[int, int], object]

_AT_ONCE = 64  # photos whose maps are in single precision at a time


@dataclass(frozen=True, eq=False)
class Maps:
    """The pooled maps of N photos; those of a photo that could not be read are NaN.

    Attributes:
        identifiers: (N,) names of the photos, each once.
        sha256: (N,) of their pictures, in hexadecimal digits, or "".
        pooled: (N, K, g, g), in half precision.
    """

    identifiers: tuple[str, ...]
    sha256: tuple[str, ...]
    pooled: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.identifiers)

    @cached_property
    def known(self) -> np.ndarray:
        """(N,) whether the photo could be read, bool."""
        return ~np.isnan(self.pooled[:, 0, 0, 0])

    @cached_property
    def means(self) -> np.ndarray:
        """How much of each attribute there is, (N, K) of float64, the average of each map over its cells."""
        return self.pooled.mean(axis=(2, 3), dtype=np.float64)

    def contributions(self, templates: np.ndarray) -> np.ndarray:
        """Return what templates (K, g, g) make of each attribute: contributions (N, K), in points; NaN if unknown."""
        weights = templates.reshape(len(templates), -1).astype(np.float32)  # (K, g²)
        starts = range(0, len(self), _AT_ONCE)
        some = (self.pooled[start : start + _AT_ONCE].astype(np.float32) for start in starts)  # (n, K, g, g)
        parts = [np.einsum("nkc,kc->nk", maps.reshape(-1, *weights.shape), weights) for maps in some]
        return np.concatenate(parts).astype(np.float64)

    def rows(self, photos: Mapping[str, str]) -> dict[str, int]:
        """Return the rows of photos by identifier: those with the same SHA-256, or the same identifier if one has none.

        Args:
            photos: identifier → SHA-256, or "".
        """
        by_content = {sha256: row for row, sha256 in enumerate(self.sha256) if sha256}
        by_name = {name: row for row, name in enumerate(self.identifiers)}
        found = {}
        for name, sha256 in photos.items():
            row = by_name.get(name)
            if row is None or (sha256 and self.sha256[row] not in ("", sha256)):
                row = by_content.get(sha256)
            if row is not None and self.known[row]:
                found[name] = row
        return found


def of_photos(
    pair: Pair,
    photos: Mapping[str, tuple[Photo | None, str]],
    on_error: Callable[[str, ImageError], None] | None = None,
    description: str | None = None,
    progress: Progress | None = None,
    network: SIAM | None = None,
    batch_size: int | None = None,
) -> Maps:
    """Return the maps of photos; they are kept in the user's cache, by the networks and the SHA-256 of all photos.

    Args:
        pair: the networks.
        photos: identifier → the photo (None if it is not here) and its SHA-256, or "", with which nothing is kept.
        on_error: called with the identifier and the error of a photo that cannot be read; None raises the first.
        description: of a progress bar on stderr; None for no bar.
        progress: called with the number of photos that are done and that of all; what it raises ends the work.
        network: a copy of the pair's SIAM that does the work, if others use that at the same time.
        batch_size: as in `siam.explanation.batch.predict`.

    Raises:
        DatasetError: the networks block negative template responses, so that no template alone makes a contribution;
            or no photo is here.
        ImageError: a photo cannot be read and `on_error` is None, or none can be.
    """
    config = pair.config
    if config.template_relu:
        raise DatasetError(
            f"{pair.name!r} blocks negative template responses, from which nothing can be learned: use other networks"
        )
    here = {name: photo for name, (photo, _sha256) in photos.items() if photo is not None}
    if not here:
        raise DatasetError("none of the photos is on this machine: download the gallery's pictures first")
    names, hashes = tuple(photos), tuple(sha256 for _photo, sha256 in photos.values())
    places, done = list(here), count(1)
    report = None if on_error is None else lambda place, error: on_error(places[place], error)

    def compute() -> np.ndarray:
        def take(output: SIAMOutput) -> tuple[Any, ...]:
            if progress is not None:
                progress(max(next(done) for _map in output.attribute_maps), len(here))
            return (pooled(output.attribute_maps, config.grid, config.pooling),)

        (found,) = predict(
            network or pair.siam,
            list(here.values()),
            take,
            batch_size=batch_size,
            description=description,
            on_error=report,
        )
        return found.astype(np.float16)

    stored = kept(pair, "maps", [photos[name][1] for name in here], compute)
    every = np.full((len(photos), *stored.shape[1:]), np.nan, dtype=np.float16)
    every[[row for row, name in enumerate(names) if name in here]] = stored
    return Maps(names, hashes, every)


def of_gallery(
    pair: Pair,
    gallery: Gallery,
    on_error: Callable[[str, ImageError], None] | None = None,
    description: str | None = None,
) -> Maps:
    """Return the maps of a gallery's photos that are on this machine; arguments and errors are those of `of_photos`."""
    return of_photos(pair, of_rows(gallery, range(len(gallery))), on_error, description)


def of_rows(gallery: Gallery, rows: Iterable[int]) -> dict[str, tuple[Photo | None, str]]:
    """Return photos of a gallery as `of_photos` takes them: identifier → the copy that was scored, or else its picture,
    and the picture's SHA-256.
    """
    names, hashes = gallery.photos["identifier"], gallery.photos["sha256"]
    known = [of if isinstance(of, str) else "" for of in hashes]
    return {str(names[row]): (_photo(gallery, row), known[row]) for row in rows}


def _photo(gallery: Gallery, row: int) -> Photo | None:
    held = gallery.inputs or gallery.contents
    if held is not None:
        return held[row]
    scored = gallery.scored(row)
    return scored if scored is not None and scored.is_file() else path_here(gallery, row)
