"""Atomic file writes: a file is written under a temporary name beside its final one, then renamed."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from siam.errors import StorageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is never seen half-written; raises what `whole_file` raises."""
    with whole_file(path) as part:
        part.write_bytes(data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file to; it takes its final name on success and is removed on failure.

    Concurrent writers of the same file use different temporary paths, and the last to finish wins. The new file takes
    over the permissions of the one it replaces. Only a killed process leaves its temporary file, NAME.….part, behind.

    Args:
        path: the final path; its folder is created if missing.

    Raises:
        StorageError: the file cannot be stored; an existing file is left unchanged.
    """
    # NAME.part is taken by `download`; a long name is cut, since file systems allow 255 bytes
    part = path.with_name(f"{path.name[:50]}.{secrets.token_hex(4)}.part")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield part
            except RuntimeError as error:  # how PyTorch's own writer reports a full disk
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise OSError(None, f"could not be written ({reason})", str(path)) from error
            _settle(part)
            if path.exists():
                shutil.copymode(path, part)
            part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn any `OSError` into a `StorageError`, which names `path` if the error names no file."""
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise StorageError(
            f"{error.filename or path}: {what}: check the free space and the permissions, then try again"
        ) from error


def check_folder(folder: Path) -> None:
    """Raise a StorageError unless files can be written to a folder, which need not exist yet; nothing is left there.

    For everything that is written only after long work.
    """
    place = folder.absolute()
    try:
        place = next(parent for parent in (place, *place.parents) if os.path.lexists(parent))
        if not place.is_dir():
            raise StorageError(f"{place} is a file, but a folder is needed to write to: check the path")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise StorageError(
            f"{place} cannot be written to ({error.strerror}): check the path and its permissions"
        ) from error


def check_file(path: Path) -> None:
    """Raise a StorageError unless a file can be written, as `check_folder` does for folders."""
    if path.is_dir():
        raise StorageError(f"{path} is a folder: give the name of a file")
    check_folder(path.parent)


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Lock a folder against a second download; the lock ends with the process, even if it crashes.

    Raises:
        StorageError: another process holds the lock, or the folder cannot be written to.
    """
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / ".download.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise StorageError(f"{root}: another download is writing there: wait until it has finished") from error
    try:
        yield
    finally:
        lock.release()


def _settle(part: Path) -> None:
    """Flush a file to the disk before it is renamed, so that no crash can leave the name without the content."""
    with part.open("rb+") as file:  # Windows flushes only files that are open for writing
        os.fsync(file.fileno())
