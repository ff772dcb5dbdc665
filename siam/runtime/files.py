"""Files that are whole or absent: written beside their final name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from siam.errors import StorageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for half of it.

    Raises:
        StorageError: it cannot be stored.
    """
    part = path.with_name(f"{path.name}.new.part")  # `download` has NAME.part
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            os.fsync(file.fileno())
        part.replace(path)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `StorageError`."""
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise StorageError(
            f"{error.filename or path}: {what}: check the space left and the permissions, then try again; "
            f"it continues where it stopped"
        ) from error


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Keep a second download out of the same folder; the lock ends with the process, however that ends.

    Raises:
        StorageError: another one is at work there, or the folder cannot be written.
    """
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / ".download.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise StorageError(f"{root}: another download is writing there: wait until it is finished") from error
    try:
        yield
    finally:
        lock.release()
