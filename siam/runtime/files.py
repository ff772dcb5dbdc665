"""Atomic file writes: a file is written under a temporary name beside its final one, then renamed.

The process that writes holds a lock on the temporary file, so that those of killed processes can be told and removed.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import filelock

from siam.errors import StorageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

Write = Callable[[Path, bytes], None]  # such as `write_atomically`

_TEMPORARY = re.compile(r".+\.[0-9a-f]{8}\.part")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is never seen half-written; raises what `whole_file` raises."""
    with whole_file(path) as part:
        part.write_bytes(data)


def write_new(path: Path, data: bytes) -> None:
    """Write a file as `write_atomically` does, unless it exists, even if it is another process that just wrote it."""
    part = _temporary(path)
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _held(part):
                part.write_bytes(data)
                _settle(part)
                try:
                    path.hardlink_to(part)
                except FileExistsError:
                    pass
                except OSError:  # some file systems have no links
                    if not path.exists():
                        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def append(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Add data to the end of a file: all of it, or nothing if there is no space; raises what `whole_file` raises.

    Args:
        path: created if missing, in a folder that is there.
        data: whole lines, written at once, so that those of several processes do not mix.
        flush: whether they must be on the disk before this returns.
    """
    new = not os.path.lexists(path)
    with storage_errors(path), path.open("ab", buffering=0) as file:
        begun, rest = file.seek(0, os.SEEK_END), memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except BaseException:
            if file.seek(0, os.SEEK_END) == begun + len(data) - len(rest):  # else another process has added its own
                file.truncate(begun)
                if new and begun == 0:
                    path.unlink()
            raise
        if flush:
            os.fsync(file.fileno())


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file to; it takes its final name on success and is removed on failure.

    Concurrent writers of the same file use different temporary paths, and the last to finish wins. The new file takes
    over the permissions of the one it replaces. Only a killed process leaves its temporary file, NAME.….part, behind,
    until `remove_left_over` finds it.

    Args:
        path: the final path; its folder is created if missing.

    Raises:
        StorageError: the file cannot be stored; an existing file is left unchanged.
    """
    part = _temporary(path)
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _held(part):
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
def whole_files(mark: Path) -> Iterator[Write]:
    """Yield a function that stores files which belong together: all of them, or none if one cannot be stored.

    Nothing is replaced before all are on the disk. Then `mark` goes first and comes back last: if the process is killed
    between, it is missing, and nobody takes files of two generations for one.

    Args:
        mark: the one of the files without which the others are not read; stored first.

    Raises:
        StorageError: a file cannot be stored; existing files are left unchanged.
    """
    with ExitStack() as files:

        def write(path: Path, data: bytes) -> None:
            part = files.enter_context(whole_file(path))
            with storage_errors(path):
                part.write_bytes(data)
                _settle(part)

        yield write
        with storage_errors(mark):
            mark.unlink(missing_ok=True)


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


def keep_below(folder: Path, most: int) -> None:
    """Remove files of a cache, those used longest ago first, until it holds at most `most` bytes."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # removed meanwhile
            state = path.lstat()
            if stat.S_ISREG(state.st_mode):
                found.append((max(state.st_atime_ns, state.st_mtime_ns), state.st_size, path))
    total = sum(size for _used, size, _path in found)
    for _used, size, path in sorted(found):
        if total <= most:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Lock a folder against other work that writes there; the lock ends with the process, even if it crashes.

    What killed processes have left there is removed.

    Args:
        root: the folder; created if missing, and removed again if nothing was put there.

    Raises:
        StorageError: another process holds the lock, or the folder cannot be written to.
    """
    new = not root.exists()
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = _FolderLock(root)
    try:
        remove_left_over(root)
        yield
    finally:
        if new:  # and still empty, else it stays
            with contextlib.suppress(OSError):
                root.rmdir()
        lock.release()


def remove_left_over(root: Path, levels: int = 2) -> None:
    """Remove the temporary files of killed processes from a folder, but none that is being written.

    Nothing is done if the folder is missing or the system has no such locks (Windows).

    Args:
        root: the folder.
        levels: of folders in it that are searched, too.
    """
    folders = [root]
    for level in range(levels + 1):
        below: list[Path] = []
        for folder in folders:
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False) and level < levels:
                        below.append(Path(entry))
                    elif _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        _remove_unless_held(entry.path)
        folders = below


class _FolderLock:
    """A lock on a folder: on the folder itself, or on a file in it where folders cannot be locked (Windows)."""

    def __init__(self, folder: Path) -> None:
        self._descriptor, self._file = None, None
        refusal = StorageError(
            f"{folder}: another command is writing there, such as another download or training: wait until it has "
            "finished, or choose another folder"
        )
        if fcntl is None:
            self._file = filelock.FileLock(folder / ".download.lock")
            try:
                self._file.acquire(timeout=0)
            except filelock.Timeout as error:
                raise refusal from error
            return
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise refusal from error
        except OSError:  # some network file systems have no locks
            pass

    def release(self) -> None:
        """Unlock the folder."""
        if self._file is not None:
            self._file.release()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Create a temporary file and lock it, so that nobody takes it for one that a killed process left."""
    if fcntl is None:
        yield
        return
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if part.exists():  # else it was removed before it was locked
            break
        os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def _remove_unless_held(path: str) -> None:
    if fcntl is None:
        return
    with contextlib.suppress(OSError):  # it is held, or gone
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Path(path).unlink()
        finally:
            os.close(descriptor)


def _temporary(path: Path) -> Path:
    # NAME.part is taken by `download`; a long name is cut, since file systems allow 255 bytes
    return path.with_name(f"{path.name[:50]}.{secrets.token_hex(4)}.part")


def _settle(part: Path) -> None:
    """Flush a file to the disk before it is renamed, so that no crash can leave the name without the content."""
    with part.open("rb+") as file:  # Windows flushes only files that are open for writing
        os.fsync(file.fileno())
