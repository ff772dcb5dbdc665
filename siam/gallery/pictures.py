"""Pictures of a gallery that comes without them: where they are public, and how they come here, when somebody asks.

Which photos are public a dataset tells (`siam.datasets.oasis.public_pictures`). Pictures are kept under the name of
their checksum, so several galleries share them.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from siam.datasets.downloads.web import DownloadError, Patience, Web
from siam.gallery.store import Gallery, is_address
from siam.runtime.digests import digest
from siam.runtime.files import storage_errors, write_atomically

RATE = 8.0  # requests a second at most
PATIENCE = Patience(attempts=3, longest=4.0, longest_asked=30.0, silence=15.0)  # somebody is waiting
PICTURE_BYTES = 101_000  # of a picture of OASIS, on average

_MOST = 20_000_000  # bytes of a picture


def cache_folder() -> Path:
    """Return where fetched pictures are kept: below the user's own folder for caches."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "siam-explorer" / "pictures"


def here(gallery: Gallery, folder: Path | None = None) -> tuple[Path | None, ...]:
    """Return the file of each photo (N,), without asking the network: those that come with the gallery or were fetched.

    Args:
        gallery: as `siam.gallery.store.read` returns it.
        folder: where fetched pictures are kept; by default `cache_folder()`.
    """
    folder = folder or cache_folder()
    paths = [gallery.picture(row) or _path_of(gallery, row, folder) for row in range(len(gallery))]
    return tuple(path if path is not None and path.is_file() else None for path in paths)


def fetch(
    gallery: Gallery,
    folder: Path | None = None,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
    web: Web | None = None,
) -> tuple[Path | None, ...]:
    """Bring the pictures that a gallery names by address, unless they are here; each is checked by its SHA-256.

    Args:
        gallery: as `siam.gallery.store.read` returns it.
        folder: where fetched pictures are kept; by default `cache_folder()`.
        progress: called with how many pictures are here, and how many there are, after each; what it raises ends it.
        web: a client; by default one that gives up within some seconds, since somebody is waiting.

    Returns:
        The file of each photo (N,), as `here`.

    Raises:
        DownloadError: a picture cannot be had, is not the one that the gallery knows, or cannot be stored. Those that
            came before are kept, and nothing is there by half.
    """
    if web is None:
        with Web(PATIENCE, rate=RATE) as client:
            return fetch(gallery, folder, progress, client)
    folder = folder or cache_folder()
    wanted = [(row, path) for row in range(len(gallery)) if (path := _path_of(gallery, row, folder)) is not None]
    for done, (row, path) in enumerate(wanted):
        address, checksum = str(gallery.photos["image"][row]), str(gallery.photos["sha256"][row])
        with storage_errors(path):
            good = path.is_file() and digest(path) == checksum
        if not good:
            data = web.get(address, _MOST)
            if digest(data) != checksum:
                raise DownloadError(
                    f"{address} is not the picture that the gallery knows (its SHA-256 differs): update SIAM Explorer"
                )
            write_atomically(path, data)
        progress(done + 1, len(wanted))
    return here(gallery, folder)


def _path_of(gallery: Gallery, row: int, folder: Path) -> Path | None:
    """Return the name under which the picture of a photo is kept, None where it has no address."""
    image = gallery.photos["image"][row]
    if not isinstance(image, str) or not is_address(image):
        return None
    return folder / f"{gallery.photos['sha256'][row]}{PurePosixPath(urlsplit(image).path).suffix.lower()[:6]}"
