"""Files that are whole or absent: written beside their final name, then renamed."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from siam.errors import StorageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for half of it; errors as `whole_file`."""
    with whole_file(path) as part:
        part.write_bytes(data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the path to write a file to; it takes its final name at the end, or leaves nothing behind.

    Whoever writes the same file at the same time writes to another path, and the last one stays. A file that is
    replaced passes its permissions on. Only a process that is killed leaves its part, NAME.….part.

    Args:
        path: of the file; its folder is made.

    Raises:
        StorageError: it cannot be stored; a file that stood there is as it was.
    """
    # `download` has NAME.part; a long name is cut, for file systems allow 255 bytes
    part = path.with_name(f"{path.name[:50]}.{secrets.token_hex(4)}.part")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield part
            except RuntimeError as error:  # PyTorch's own writer reports a full disk so
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
    """Turn what the file system refuses into a `StorageError`; `path` is named where the error names no file."""
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise StorageError(
            f"{error.filename or path}: {what}: check the space left and the permissions, then try again"
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


def _settle(part: Path) -> None:
    """Wait until a file is on the disk: a name must not outlive a crash that its content does not."""
    with part.open("rb+") as file:  # Windows settles only what may be written to
        os.fsync(file.fileno())
