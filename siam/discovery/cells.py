"""What both networks, and the eye, find in each cell of a photo: computed once, and kept in the user's cache.

Each photo is cut into S x S cells, S = 7. N photos, K attributes, C channels, grid g x g of the templates.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from siam.errors import DatasetError, ImageError
from siam.explanation.batch import Looking, predict
from siam.explanation.kept import kept
from siam.images.photos import Photo
from siam.images.preprocessing import InputConfig, input_settings
from siam.models.baseline import Baseline
from siam.models.cells import LIGHT, SIDE, cells
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM
from siam.runtime.reprs import brief
from siam.taste.maps import Maps

CHUNK = 200  # photos that are taken apart together

_AT_ONCE = 16  # photos that are computed, and kept, together


@dataclass(frozen=True, eq=False)
class Cells:
    """What is found in the cells of N photos; NaN where a photo could not be read.

    Attributes:
        maps: SIAM's pooled attribute maps.
        siam: (N, S, S, C) features of SIAM's backbone, in half precision.
        baseline: (N, S, S, C') those of the baseline's.
        light: (N, S, S, 4) what the eye sees, in the order of `siam.models.cells.LIGHT`.
    """

    maps: Maps
    siam: np.ndarray
    baseline: np.ndarray
    light: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.maps)

    def some(self, rows: np.ndarray) -> "Cells":
        """Return the cells of some of the photos."""
        maps = Maps(
            tuple(self.maps.identifiers[row] for row in rows),
            tuple(self.maps.sha256[row] for row in rows),
            self.maps.pooled[rows],
        )
        return Cells(maps, self.siam[rows], self.baseline[rows], self.light[rows])

    def chunks(self) -> "Iterator[tuple[slice, Cells]]":
        """Yield some photos at a time: their places, and their cells."""
        for start in range(0, len(self), CHUNK):
            places = slice(start, min(start + CHUNK, len(self)))
            maps = Maps(self.maps.identifiers[places], self.maps.sha256[places], self.maps.pooled[places])
            yield places, Cells(maps, self.siam[places], self.baseline[places], self.light[places])


def joined(*parts: Cells) -> Cells:
    """Return the cells of all photos of several parts."""
    maps = Maps(
        tuple(name for of in parts for name in of.maps.identifiers),
        tuple(sha256 for of in parts for sha256 in of.maps.sha256),
        np.concatenate([of.maps.pooled for of in parts]),
    )
    siam, baseline, light = (
        np.concatenate([getattr(of, name) for of in parts]) for name in ("siam", "baseline", "light")
    )
    return Cells(maps, siam, baseline, light)


class Seen(Protocol):
    """What is found in the cells of N photos, which may be more than memory holds: in memory it is `Cells`."""

    def __len__(self) -> int: ...

    def chunks(self) -> Iterator[tuple[slice, Cells]]:
        """Yield some photos at a time, in order: their places, and their cells."""
        ...

    def some(self, rows: np.ndarray) -> Cells:
        """Return the cells of some of the photos."""
        ...


class _Look(Looking):
    """What networks find in the cells of photos."""

    def __init__(self, siam: SIAM | None, baseline: Baseline | None, config: InputConfig) -> None:
        super().__init__()
        self.siam, self.baseline, self.config = siam, baseline, config

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return what there is of `siam.models.cells.cells`."""
        return list(cells(self.siam, self.baseline, images, self.config).values())


def of_photos(
    pair: Pair,
    photos: Mapping[str, tuple[Photo | None, str]],
    progress: Callable[[int, int], object] = lambda _done, _all: None,
    lock: AbstractContextManager[object] | None = None,
    networks: tuple[Any, Any] | None = None,
) -> Cells:
    """Return the cells of photos; those of files are kept, so that after a stop, or the next time, none runs again.

    Args:
        pair: the networks.
        photos: identifier → the photo (None if it is not here) and its SHA-256, or "", with which nothing is kept.
        progress: called with how many are done, and of how many; what it raises ends the work.
        lock: held while the networks work, some photos at a time.
        networks: copies of the pair's SIAM and baseline that do the work, if others use these at the same time.

    Raises:
        DatasetError: the pair has no baseline, or none of the photos is here.
        ImageError: no photo can be read.
    """
    if pair.baseline_config is None:
        raise DatasetError(f"{pair.name!r} has no baseline, in whose features candidates are looked for")
    names, items = tuple(photos), list(photos.values())
    if all(photo is None for photo, _sha256 in items):
        raise DatasetError("none of the photos is on this machine: download the gallery's pictures first")
    parts = []
    for start in range(0, len(items), _AT_ONCE):
        progress(start, len(items))
        some = [(place, *items[place]) for place in range(start, min(start + _AT_ONCE, len(items)))]
        here = [(place, photo, sha256) for place, photo, sha256 in some if photo is not None]
        if here:
            with lock or nullcontext():
                parts.append(([place for place, *_ in here], _kept(pair, here, networks)))
    progress(len(items), len(items))
    known = next((made for _places, made in parts if made.shape[1]), None)
    if known is None:
        raise ImageError(f"none of the {len(items)} photos can be read: give JPEG or PNG files")
    every = np.full((len(items), known.shape[1]), np.nan, dtype=np.float16)
    for places, made in parts:
        if made.shape[1]:
            every[places] = made
    return _taken_apart(pair, names, tuple(sha256 for _photo, sha256 in items), every)


def _kept(pair: Pair, here: list[tuple[int, Any, str]], networks: tuple[Any, Any] | None) -> np.ndarray:
    """Return what is found in some photos as one row each, in half precision; (n, 0) if none can be read."""
    photos = [photo for _place, photo, _sha256 in here]

    def compute() -> np.ndarray:
        try:
            found = list(_seen(pair, photos, networks or (pair.siam, pair.baseline)))
        except ImageError:
            return np.empty((len(photos), 0), dtype=np.float16)
        rows = np.concatenate([part.reshape(len(photos), -1) for part in found], axis=1)
        return rows.clip(-6e4, 6e4).astype(np.float16)

    return kept(pair, "cells", [sha256 for _place, _photo, sha256 in here], compute)


def _seen(pair: Pair, photos: list[Photo], networks: tuple[Any, Any]) -> Iterator[np.ndarray]:
    siam, baseline = networks
    assert pair.baseline_config is not None
    if input_settings(pair.config) == input_settings(pair.baseline_config):
        looks = [_Look(siam, baseline, pair.config)]
    else:
        looks = [_Look(siam, None, pair.config), _Look(None, baseline, pair.baseline_config)]
    for look in looks:
        # one at a time: with all cores, they would be taken from others in this process
        yield from predict(look.eval(), photos, tuple, batch_size=1, on_error=lambda _place, _error: None)


def _taken_apart(pair: Pair, names: tuple[str, ...], sha256: tuple[str, ...], rows: np.ndarray) -> Cells:
    grid, attributes, count = pair.config.grid, len(pair.config.attributes), len(rows)
    maps, rest = np.split(rows, [attributes * grid**2], axis=1)
    features_of_both, light = np.split(rest, [rest.shape[1] - len(LIGHT) * SIDE**2], axis=1)
    channels = pair.siam.attribute_layer.weight.shape[1]
    siam, baseline = np.split(features_of_both, [channels * SIDE**2], axis=1)
    return Cells(
        Maps(names, sha256, maps.reshape(count, attributes, grid, grid)),
        *(of.reshape(count, SIDE, SIDE, -1) for of in (siam, baseline, light)),
    )
