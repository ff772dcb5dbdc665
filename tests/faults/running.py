"""Runs commands in processes that can be killed as a whole, and looks at what they leave.

A command runs in a fork of this process, which has imported everything: the moments of death then fall into the work,
not into seconds of imports. This process must therefore have no threads.
"""

import contextlib
import csv
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from safetensors.numpy import load_file

TEMPORARY = "*.part"  # and NAME.part.json: what readers leave alone


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, None if it was killed, and what it wrote to stderr but for progress bars."""

    status: int | None
    lines: tuple[str, ...]

    @property
    def refusal(self) -> str | None:
        """The one line that says why the command could not work, None if there is none or more than that."""
        told = [line for line in self.lines if line.startswith("error: ")]
        return told[0] if self.status == 2 and len(told) == 1 and "Traceback" not in " ".join(self.lines) else None


class Run:
    """A command in a process group of its own."""

    def __init__(self, work: Callable[[], int], folder: Path, before: Callable[[], object] = lambda: None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._heard = folder.with_name(f"{folder.name}.{time.monotonic_ns()}.stderr")
        self._ended: int | None = None
        self._begun, self.seconds = time.monotonic(), 0.0  # how long it took, once it has ended
        self.pid = os.fork()
        if self.pid == 0:
            _become(work, folder, self._heard, before)
        with contextlib.suppress(OSError):  # it may have done so itself
            os.setpgid(self.pid, self.pid)

    def kill(self, seconds: float) -> bool:
        """Kill the group after some seconds; return False if it had ended before."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._poll():
                return False
            time.sleep(min(0.01, max(0.0, until - time.monotonic())))
        if self._poll():
            return False
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()
        return True

    def wait(self, seconds: float = 240.0) -> Ended:
        """Return how it ends; a process that does not end is killed and counts as one that hangs."""
        until = time.monotonic() + seconds
        while not self._poll():
            if time.monotonic() > until:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"the command still ran after {seconds:.0f} s")
            time.sleep(0.01)
        text = self._heard.read_text(errors="replace") if self._heard.exists() else ""
        self._heard.unlink(missing_ok=True)
        lines = [line.rpartition("\r")[2].strip() for line in text.splitlines()]
        assert self._ended is not None
        status = os.waitstatus_to_exitcode(self._ended)
        return Ended(status if status >= 0 else None, tuple(filter(None, lines)))

    def _poll(self) -> bool:
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended, self.seconds = status, time.monotonic() - self._begun
        return self._ended is not None


def _become(work: Callable[[], int], folder: Path, heard: Path, before: Callable[[], object]) -> None:
    """Carry out the work in this process, which ends with it."""
    status = 1
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        out, err = os.open(os.devnull, os.O_WRONLY), os.open(heard, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115 - for good
        before()
        status = work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def files_in(folder: Path) -> list[Path]:
    """Return the files below a folder, but not those that readers leave alone."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    temporary = [path for path in found if is_temporary(path.relative_to(folder))]
    return [path for path in found if path not in temporary]


def is_temporary(path: Path) -> bool:
    """Return whether a file is one that its writer has not finished, or is in a folder of such files."""
    kept = path.name == "scores.part"
    return not kept and any(part.endswith((".part", ".part.json", ".unchecked", ".lock")) for part in path.parts)


def read_everything(folder: Path) -> None:
    """Read every file below a folder; an error means that one is half-written."""
    for path in files_in(folder):
        try:
            read(path)
        except Exception as error:
            raise AssertionError(f"{path.relative_to(folder)} is half-written: {type(error).__name__}") from error


def read(path: Path) -> Any:
    """Return the content of a file as its kind says."""
    kind = path.suffix
    if kind == ".safetensors":
        return load_file(path)
    if kind == ".json":
        return json.loads(path.read_text())
    if kind == ".jsonl" or path.name == "scores.part":
        whole = path.read_text().splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]
    if kind in (".csv", ".tsv"):
        with path.open(newline="") as file:
            rows = list(csv.reader(file, delimiter="\t" if kind == ".tsv" else ","))
        assert len({len(row) for row in rows}) == 1
        return rows
    if kind == ".parquet":
        return pq.read_table(path).to_pylist()
    if kind in (".jpg", ".png"):
        with Image.open(path) as image:
            return np.array(image)
    if kind == ".npy":
        return np.load(path)
    if kind == ".pt":
        import torch  # which many kinds of work do without

        return _arrays(torch.load(path, weights_only=True))
    return path.read_bytes()


def _arrays(content: Any) -> Any:
    """Return what PyTorch stored with arrays in place of tensors."""
    if isinstance(content, dict):
        return {key: _arrays(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_arrays(value) for value in content]
    return content.numpy() if hasattr(content, "numpy") else content


def stamps(folder: Path, *patterns: str) -> dict[str, Any]:
    """Return when the files that match were written, and which they are: a file that was made again has another."""
    found = [path for pattern in patterns for path in folder.glob(pattern) if not is_temporary(path)]
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
