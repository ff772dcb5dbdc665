"""What explaining one photo costs: measured in a process of its own, where no memory was used before."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from siam.explainers.attribution import attribute_photo
from siam.explainers.base import Network, score_up
from siam.runtime.devices import device_of

_STATUS, _REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """Seconds, and MB (10^6 bytes) at the peak beside the loaded network; None where the system does not tell memory.

    It is main memory, or the device's where the network is on a GPU. Of main memory only Linux tells the peak.
    """

    seconds: float
    megabytes: float | None


def cost(load: Callable[[], Network], image: Tensor, name: str) -> Cost:
    """Return what one photo costs the second time, when the network has run before.

    Args:
        load: gives the network; it is called in the other process, so it must be a function of a module, or a partial.
        image: (1, 3, H, W) of the photo.
        name: of the explainer.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (load, image.cpu().numpy(), name))


def _measured(load: Callable[[], Network], pixels: object, name: str) -> Cost:
    image, model = torch.as_tensor(pixels), load()
    on_gpu = device_of(model).type == "cuda"
    before = torch.cuda.memory_allocated() if on_gpu else _resident("VmRSS")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    elif _REFS.exists():
        try:
            _REFS.write_text("5")  # the peak is counted from here on: proc(5)
        except OSError:  # a container may forbid it
            before = None
    with torch.no_grad():
        model(image.to(device_of(model)))
    seconds = attribute_photo(model, image, name, score_up()).seconds
    peak = torch.cuda.max_memory_allocated() if on_gpu else _resident("VmHWM")
    return Cost(seconds, None if before is None or peak is None else (peak - before) / 1e6)


def _resident(key: str) -> int | None:
    """Return a line of the process's status, in bytes."""
    if not _REFS.exists():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines())
    return 1024 * int(lines[key].split()[0])
