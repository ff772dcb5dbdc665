"""The photos that people rate: those of a gallery that are on this machine, or those in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siam.datasets.folder import photos_in
from siam.errors import DatasetError
from siam.gallery.pictures import here, path_here
from siam.gallery.store import Gallery, read
from siam.images.photos import Photo
from siam.runtime.digests import digest
from siam.runtime.reprs import brief
from siam.taste.maps import of_rows
from siam.taste.study import Study

MOST = 1000  # photos; of more, so many are drawn


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos to rate.

    Attributes:
        names: their identifiers; in a folder, paths from there.
        count: of all photos from which these were drawn.
        folder: in which they are; None if they are in a gallery.
        gallery: in which they are, and their `rows`; None if they are in a folder.
        rows: see there.
    """

    names: tuple[str, ...]
    count: int
    folder: Path | None = None
    gallery: Gallery | None = None
    rows: tuple[int, ...] = ()

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.names)

    def row(self, name: str) -> int:
        """Return the row of a photo in the gallery."""
        return self.rows[self.names.index(name)]

    def content(self, name: str) -> bytes | None:
        """Return the content of a photo's file; None if it is no longer there."""
        if self.gallery is not None and self.gallery.contents is not None:
            return self.gallery.contents[self.row(name)]
        if self.gallery is not None:
            path = path_here(self.gallery, self.row(name))
        else:
            path = self.folder and self.folder / name
        try:
            return path.read_bytes() if path else None
        except OSError:
            return None

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a photo's file in hexadecimal digits, "" if it is not known."""
        if self.gallery is not None:
            known = self.gallery.photos["sha256"].iloc[self.row(name)]
            return known if isinstance(known, str) else ""
        content = self.content(name)
        return "" if content is None else digest(content)

    def inputs(self) -> Mapping[str, tuple[Photo | None, str]]:
        """Return the photos as `siam.taste.maps.of_photos` takes them; those in memory leave nothing in the cache."""
        if self.gallery is not None:
            taken = of_rows(self.gallery, self.rows)
            return taken if self.gallery.contents is None else {name: (of, "") for name, (of, _sha) in taken.items()}
        assert self.folder is not None
        return {name: (self.folder / name, self.sha256(name)) for name in self.names}


def of_study(study: Study) -> Photos:
    """Return the photos of a study.

    Raises:
        DatasetError: there are none, or the gallery is damaged.
    """
    if study.gallery is not None:
        return of_gallery(read(study.gallery), study.seed)
    assert study.photos is not None
    return of_folder(study.photos, study.seed)


def of_gallery(gallery: Gallery, seed: int = 0) -> Photos:
    """Return the photos of a gallery that are on this machine, `MOST` at most.

    Raises:
        DatasetError: none is.
    """
    rows = np.arange(len(gallery))
    if gallery.contents is None:
        rows = np.array([row for row, path in enumerate(here(gallery)) if path is not None], dtype=int)
    if not len(rows):
        raise DatasetError("none of the gallery's pictures is on this machine: download them first")
    kept = _drawn(rows, seed)
    names = gallery.photos["identifier"]
    return Photos(tuple(str(names[row]) for row in kept), len(rows), gallery=gallery, rows=tuple(kept.tolist()))


def of_folder(folder: Path, seed: int = 0) -> Photos:
    """Return the photos in a folder and those below it, `MOST` at most.

    Raises:
        DatasetError: there is no such folder, or it holds no photo.
    """
    names = photos_in(folder)
    return Photos(tuple(map(str, _drawn(names, seed))), len(names), folder=folder)


def _drawn(photos: Sequence[str] | np.ndarray, seed: int) -> np.ndarray:
    """Return all photos, or `MOST` of them drawn by a seed, in their order."""
    if len(photos) <= MOST:
        return np.asarray(photos)
    return np.asarray(photos)[np.sort(np.random.default_rng(seed).choice(len(photos), MOST, replace=False))]
