"""Pictures that are not files of their gallery: those with an address are downloaded on request, those in Parquet files
are taken out as they are needed.

The dataset knows which photos are public (`siam.datasets.oasis.public_pictures`). Pictures are cached under their
checksums, so galleries share them.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import fsspec

from siam.archive.reading import downloaded
from siam.archive.sources import is_of_web
from siam.datasets.downloads.web import Again, DownloadError, Patience, Web
from siam.datasets.names import is_there
from siam.errors import SIAMError
from siam.gallery.store import Gallery, is_address, is_archive, is_inside
from siam.runtime.digests import digest
from siam.runtime.files import remove_left_over, storage_errors, write_atomically
from siam.runtime.paths import user_cache

RATE = 8.0  # requests per second at most
PATIENCE = Patience(attempts=3, longest=4.0, longest_asked=30.0, silence=15.0)  # somebody is waiting
PICTURE_BYTES = 101_000  # average size of an OASIS picture

_ONE_TRY = Patience(attempts=1, silence=3.0)


def cache_folder() -> Path:
    """Return the folder for downloaded pictures, below the user's cache folder."""
    return user_cache() / "pictures"


def here(gallery: Gallery, folder: Path | None = None, rows: Sequence[int] | None = None) -> tuple[Path | None, ...]:
    """Return the file of each photo (N,), bundled or already downloaded, or None; makes no network requests.

    Of a picture in a Parquet file, it is that file.

    Args:
        gallery: as `siam.gallery.store.read` returns it.
        folder: for downloaded pictures; by default `cache_folder()`.
        rows: the photos that are meant; None: all N.
    """
    folder = folder or cache_folder()
    rows = range(len(gallery)) if rows is None else rows
    paths = (_home_of(gallery, row) or _path_of(gallery, row, folder) for row in rows)
    return tuple(path if path is not None and is_there(path) else None for path in paths)


def path_here(gallery: Gallery, row: int, folder: Path | None = None) -> Path | None:
    """Return the file of one photo, bundled, already downloaded or taken out of a Parquet file, or None."""
    folder = folder or cache_folder()
    image = gallery.photos["image"][row]
    if isinstance(image, str) and is_inside(image):
        return _taken_out(gallery, row, image, folder)
    path = gallery.picture(row) or _path_of(gallery, row, folder)
    return path if path is not None and is_there(path) else None


def reachable(address: str) -> bool:
    """Return whether the server of a picture answers, from one try of at most a few seconds; a proxy's refusal counts.

    Args:
        address: of the picture, as a gallery gives it; of the web's, only the first byte is requested.
    """
    if not is_of_web(address):
        with suppress(Exception):  # a file system of fsspec may raise anything
            system, path = fsspec.core.url_to_fs(address)
            return bool(system.exists(path))
        return False
    try:
        with Web(_ONE_TRY) as web, web.open(address, {"Range": "bytes=0-0"}):
            return True
    except (DownloadError, Again):
        return False


def fetch(
    gallery: Gallery,
    folder: Path | None = None,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
    web: Web | None = None,
    rows: Sequence[int] | None = None,
) -> tuple[Path | None, ...]:
    """Download those pictures of a gallery that are given by address and not yet cached; each is checked by SHA-256.

    Args:
        gallery: as `siam.gallery.store.read` returns it.
        folder: for downloaded pictures; by default `cache_folder()`.
        progress: called after each picture with how many are done, and of how many; raising in it stops the download.
        web: a client; by default one that gives up within seconds, since somebody is waiting.
        rows: the photos whose pictures are wanted; None: all N.

    Returns:
        The file of each of these photos, as `here`.

    Raises:
        DownloadError: a picture cannot be downloaded or stored, or is not the one the gallery expects. Pictures
            downloaded before are kept, and no file is incomplete.
    """
    if web is None:
        with Web(PATIENCE, rate=RATE) as client:
            return fetch(gallery, folder, progress, client, rows)
    folder = folder or cache_folder()
    remove_left_over(folder, levels=0)
    rows = range(len(gallery)) if rows is None else rows
    wanted = [(row, path) for row in rows if (path := _path_of(gallery, row, folder)) is not None]
    for done, (row, path) in enumerate(wanted):
        address, checksum = str(gallery.photos["image"][row]), str(gallery.photos["sha256"][row])
        with storage_errors(path):
            good = path.is_file() and digest(path) == checksum
        if not good:
            data = downloaded(address, web)
            if digest(data) != checksum:
                expected, remedy = "the picture the gallery expects", "update SIAM Explorer"
                if is_archive(gallery.folder):
                    expected, remedy = "the picture that was scored", "score the archive again, into another folder"
                raise DownloadError(f"{address} is not {expected} (its SHA-256 differs): {remedy}")
            write_atomically(path, data)
        progress(done + 1, len(wanted))
    return here(gallery, folder, rows)


def _home_of(gallery: Gallery, row: int) -> Path | None:
    """Return the file that is or holds a picture, None if it has an address or there is none."""
    image = gallery.photos["image"][row]
    if isinstance(image, str) and is_inside(image):
        return Path(image.rpartition("#")[0])
    return gallery.picture(row)


def _taken_out(gallery: Gallery, row: int, image: str, folder: Path) -> Path | None:
    """Return a picture of a Parquet file as a file in a folder; None if it is gone, or is no longer what was scored."""
    from siam.gallery import archives  # imported here, since few galleries need it

    name, checksum = str(gallery.photos["file"][row]), str(gallery.photos["sha256"][row])
    path = folder / f"{checksum}{PurePosixPath(name).suffix.lower()[:6] or '.jpg'}"
    if not path.exists():
        with suppress(SIAMError):
            content = archives.picture(gallery.folder, image)
            if digest(content) == checksum:
                write_atomically(path, content)
    return path if path.exists() else None


def _path_of(gallery: Gallery, row: int, folder: Path) -> Path | None:
    """Return the path under which a photo's picture is cached, None if it has no address."""
    image = gallery.photos["image"][row]
    if not isinstance(image, str) or not is_address(image):
        return None
    return folder / f"{gallery.photos['sha256'][row]}{PurePosixPath(urlsplit(image).path).suffix.lower()[:6]}"
