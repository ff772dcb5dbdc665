"""What was found in the cells of an archive's photos when they were scored (`siam score --features`): read some at a
time, so that memory does not grow with the number of photos.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from siam.archive import store
from siam.discovery.cells import Cells
from siam.gallery.store import Gallery, is_archive
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.taste.maps import Maps

_TOLD = "maps", "baseline", "light"  # what figures are made of


class Stored:
    """The cells of N photos of an archive, on disk.

    Args:
        folder: of the archive.
        rows: (N,) of the photos in the archive, ascending.
        identifiers: (N,) their names in its gallery.
        sha256: (N,) of their pictures.
    """

    def __init__(self, folder: Path, rows: np.ndarray, identifiers: Sequence[str], sha256: Sequence[str]) -> None:
        self._folder, self._rows, self._names, self._sha256 = folder, rows, identifiers, sha256

    def __len__(self) -> int:
        return len(self._rows)

    def chunks(self) -> Iterator[tuple[slice, Cells]]:
        """Yield some photos at a time, in order: their places, and their cells without SIAM's features.

        Raises:
            DatasetError: features are missing or damaged.
        """
        start = 0
        for found in store.features_of(self._folder, self._rows, _TOLD):
            places = slice(start, start + len(found["light"]))
            yield places, self._cells(np.arange(len(self))[places], found)
            start = places.stop

    def some(self, rows: np.ndarray) -> Cells:
        """Return the cells of some of the photos, by their places.

        Raises:
            DatasetError: features are missing or damaged.
        """
        order, start = np.argsort(rows, kind="stable"), 0
        found: dict[str, np.ndarray] = {}
        for part in store.features_of(self._folder, self._rows[rows[order]], (*_TOLD, "siam")):
            places = order[start : start + len(part["light"])]
            for name, values in part.items():  # filled in place, since copies of all would take most of the memory
                found.setdefault(name, np.empty((len(rows), *values.shape[1:]), values.dtype))[places] = values
            start += len(places)
        return self._cells(rows, found)

    def _cells(self, places: np.ndarray, found: dict[str, np.ndarray]) -> Cells:
        names, sha256 = (tuple(str(of[place]) for place in places) for of in (self._names, self._sha256))
        siam = found.get("siam", np.empty((*found["baseline"].shape[:3], 0), dtype=np.float16))
        return Cells(Maps(names, sha256, found["maps"]), siam, found["baseline"], found["light"])


def stored(pair: Pair, gallery: Gallery, rows: np.ndarray) -> Stored | None:
    """Return the cells of some photos of a gallery, ascending rows (N,), None unless they were stored with its scores
    by these networks.
    """
    folder = gallery.folder
    if gallery.contents is not None or not is_archive(folder) or not store.has_features(folder):
        return None
    if gallery.about.networks != identity(pair, learnt=False):
        return None
    names, sha256 = (gallery.photos[name].to_numpy()[rows].tolist() for name in ("identifier", "sha256"))
    return Stored(folder, store.scored_rows(folder)[rows], names, sha256)
