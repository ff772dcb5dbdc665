"""The gallery of open photos: pictures from software packages, with credits and without ratings.

`siam.datasets.downloads.open_photos` describes the list of photos and gets them.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from siam.datasets.downloads.open_photos import IMAGES, LIST, read_list
from siam.gallery.samples import FOLDER as FOLDER
from siam.gallery.scoring import about, score
from siam.gallery.store import Gallery, of_table
from siam.gallery.writing import Entry, table_of, write
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest
from siam.runtime.files import storage_errors


def write_scores(
    pair: Pair,
    lock: AbstractContextManager[object],
    folder: Path,
    command: str,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Gallery:
    """Score the photos of a folder that holds `credits.csv` and `images/`, and write its `gallery.parquet`.

    The pictures stay as they are, so the same command scores them again after the networks have changed.

    Args:
        pair: the networks.
        lock: held while they work, photo by photo.
        folder: of the photos.
        command: the command that repeats this.
        progress: called after each photo with how many are done, and of how many.

    Raises:
        DatasetError: the list of photos is missing or malformed.
        ImageError: a picture cannot be scored.
        StorageError: a picture cannot be read or the gallery cannot be stored.
    """
    photos, entries = read_list(folder / LIST), list[Entry]()
    for done, photo in enumerate(photos):
        image = f"{IMAGES}/{photo.file}"
        with storage_errors(folder / image):
            data = (folder / image).read_bytes()
        entries.append(
            Entry(
                identifier=Path(photo.file).stem,
                image=image,
                sha256=digest(data),
                author=photo.author,
                title=", ".join(filter(None, (photo.title, photo.place))),
                licence=f"{photo.licence} {photo.licence_url}",
                link=photo.link or None,
                source=photo.origin,
                **score(pair, lock, data, photo.file).photo(0),
            )
        )
        progress(done + 1, len(photos))
    provenance = about(pair, folder.resolve().name, "all", command, None)
    write(folder, provenance, entries)
    return of_table(table_of(provenance, entries), provenance, folder)
