"""The SUN Attribute database: two archives, unpacked to `SUNAttributeDB/` and `images/`.

The authors release it "for research purposes only"; the photographers keep their rights.
"""

import gzip
import shutil
import sys
import tarfile
import zlib
from pathlib import Path

from tqdm import tqdm

from siam.datasets.downloads.files import download
from siam.datasets.downloads.web import DownloadError, Web
from siam.runtime.files import exclusive, storage_errors

BASE = "https://cs.brown.edu/~gmpatter/Attributes"
ARCHIVES = {"SUNAttributeDB.tar.gz": "SUNAttributeDB", "SUNAttributeDB_Images.tar.gz": "images"}  # → folder

_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


def fetch(root: Path, web: Web, base: str = BASE) -> None:
    """Download the official layout to `root`; existing folders are left as they are.

    Args:
        root: folder for SUNAttributeDB/ and images/.
        web: the client.
        base: the address that holds the archives.

    Raises:
        DownloadError: an archive cannot be downloaded or unpacked.
        StorageError: something cannot be stored.
    """
    with exclusive(root):
        for name, folder in ARCHIVES.items():
            if not (root / folder).exists():
                archive = download(web, f"{base.rstrip('/')}/{name}", root / name)
                unpack(archive, root / folder)
                archive.unlink()


def unpack(archive: Path, target: Path) -> None:
    """Unpack the folder of the target's name from a .tar.gz; the target appears only when it is complete.

    Entries that lead out of the folder, devices and the like are rejected (tarfile's "data" filter). An unusable
    archive is deleted, so that the next run downloads it again.

    Raises:
        DownloadError: the archive is damaged, is rejected or holds no such folder.
        StorageError: the disk is full or cannot be written to.
    """
    unfinished = target.with_name(f"{target.name}.part")
    with storage_errors(target):
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            _extract(archive, unfinished)
            places = (unfinished / target.name, *sorted(unfinished.glob(f"*/{target.name}")))
            unpacked = next((path for path in places if path.is_dir()), None)
            if unpacked is None:
                raise tarfile.TarError(f"no folder {target.name} in it")
        except _DAMAGED as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            archive.unlink()
            raise DownloadError(
                f"{archive} was damaged or not the right archive ({error}) and has been deleted: run the command again"
            ) from error
        unpacked.replace(target)
        shutil.rmtree(unfinished)


def _extract(archive: Path, folder: Path) -> None:
    with archive.open("rb") as file:
        size = archive.stat().st_size
        with (
            tqdm.wrapattr(
                file, "read", total=size, desc=f"unpack {archive.name}", file=sys.stderr, disable=None
            ) as watched,
            gzip.GzipFile(fileobj=watched) as plain,  # pyright: ignore[reportArgumentType] - it reads like a file
        ):
            with tarfile.open(fileobj=plain, mode="r|") as entries:
                entries.extractall(folder, filter="data")
            while plain.read(1 << 20):  # to the end, where the checksum is verified
                pass
