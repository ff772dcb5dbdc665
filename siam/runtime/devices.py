"""Where networks run."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

_DRIVERS = ("libcuda.so.1", "nvcuda.dll")  # NVIDIA's
_OTHER_DRIVER = Path("/dev/kfd")  # AMD's


def device_of(model: "nn.Module") -> "torch.device":
    """Return the device that a network's parameters or buffers are on; the CPU if it has none."""
    import torch

    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def best_device() -> str:
    """Return "cuda" if PyTorch sees a GPU, else "cpu"; PyTorch is not imported to learn that there is no driver."""
    if not _OTHER_DRIVER.exists() and not any(map(_loads, _DRIVERS)):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def cpu_threads() -> int:
    """Return how many threads compute: as many as PyTorch would use, or uses in the calling thread."""
    return getattr(sys.modules.get("torch"), "get_num_threads", usual_threads)()  # it may be half imported


def usual_threads() -> int:
    """Return how many threads compute unless somebody says otherwise: one for each core, or OMP_NUM_THREADS."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_the_cores() -> None:
    """Let threads that wait for each other sleep; without effect once PyTorch is loaded, or if OMP_WAIT_POLICY is set.

    PyTorch's threads (OpenMP) otherwise wait by running in circles, for milliseconds after each operation, while others
    on the same core have work to do. A server has such threads for every visitor: many small operations, such as those
    of a gradient, then took ten times their time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch compute with so many threads meanwhile."""
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
