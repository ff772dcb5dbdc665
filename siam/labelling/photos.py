"""The photos of which people say whether they show a word, by the names that attributes.csv gives them."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from siam.datasets import folder
from siam.errors import DatasetError
from siam.gallery.pictures import here, path_here
from siam.gallery.store import Gallery, is_address, is_inside
from siam.runtime.records import is_text


def in_folder(root: Path) -> dict[str, Path]:
    """Return the photos below a folder: path from there → file.

    Raises:
        DatasetError: it is no folder, or holds no photo or too many.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder: give one that holds photos")
    folder.refuse_large(root)
    found = {name: root / name for name in folder.photos(root) if is_text(name)}
    if not found:
        raise DatasetError(f"{root} holds no photos: expected files such as lake.jpg, in it or in subfolders")
    return found


def of_gallery(gallery: Gallery) -> Mapping[str, Path | bytes]:
    """Return the photos of a gallery that are on this machine: name → file, or content if it is in memory only.

    A picture in a Parquet file is taken out, into the cache, when it is asked for; if that is impossible, its photo is
    the Parquet file, which nobody can read as a picture.
    """
    names = names_in(gallery)
    if gallery.contents is not None:
        return dict(zip(names, gallery.contents, strict=True))
    files = {names[row]: path for row, path in enumerate(here(gallery)) if path is not None and is_text(names[row])}
    inside = [str(image) for image in gallery.photos["image"]]
    rows = {name: row for row, name in enumerate(names) if name in files and is_inside(inside[row])}
    return _TakenOut(gallery, files, rows) if rows else files


def drawn(photos: Mapping[str, Path | bytes], most: int = folder.MOST) -> Mapping[str, Path | bytes]:
    """Return photos, or so many of them in an order that is random, but always the same."""
    if len(photos) <= most:
        return photos
    kept = sorted(photos, key=lambda name: hashlib.sha256(name.encode()).digest())[:most]
    if isinstance(photos, _TakenOut):
        return _TakenOut(photos.gallery, {name: photos.files[name] for name in kept}, photos.rows)
    return {name: photos[name] for name in kept}


class _TakenOut(Mapping[str, Path | bytes]):
    """Photos of a gallery, some of which are in Parquet files: name → the file that is or holds it, and their rows."""

    def __init__(self, gallery: Gallery, files: Mapping[str, Path], rows: Mapping[str, int]) -> None:
        self.gallery, self.files, self.rows = gallery, files, rows

    def __getitem__(self, name: str) -> Path:
        file = self.files[name]
        return file if name not in self.rows else path_here(self.gallery, self.rows[name]) or file

    def __contains__(self, name: object) -> bool:
        return name in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def names_in(gallery: Gallery) -> list[str]:
    """Return the names (N,) of a gallery's photos: paths from the folder that was scored, or else names of pictures."""
    names = [_name(gallery, row) for row in range(len(gallery))]
    often = Counter(names)
    return [name if often[name] == 1 else str(gallery.photos["identifier"][row]) for row, name in enumerate(names)]


def _name(gallery: Gallery, row: int) -> str:
    facts = gallery.facts(row)
    if facts["file"]:
        return str(facts["file"])
    image = str(facts["image"] or "")
    name = PurePosixPath(unquote(urlsplit(image).path) if is_address(image) else image).name
    return name or str(gallery.photos["identifier"][row])
