"""The photos of which people say whether they show a word, by the names that attributes.csv gives them."""

from collections import Counter
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from siam.datasets import folder
from siam.errors import DatasetError
from siam.gallery.pictures import here
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


def of_gallery(gallery: Gallery) -> dict[str, Path | bytes]:
    """Return the photos of a gallery that are on this machine: name → file, or content if it is in memory only.

    Pictures in Parquet files are left out.
    """
    names = names_in(gallery)
    if gallery.contents is not None:
        return dict(zip(names, gallery.contents, strict=True))
    return {
        names[row]: path
        for row, path in enumerate(here(gallery))
        if path is not None and is_text(names[row]) and not is_inside(str(gallery.photos["image"][row]))
    }


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
