"""What explaining one photo costs, measured in a fresh process so that memory starts from nothing."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from siam.explainers.attribution import attribute_photo
from siam.explainers.base import Target
from siam.explainers.registry import explainer
from siam.runtime.devices import device_of

_STATUS, _REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """Seconds, and peak memory in MB (10^6 bytes) on top of the loaded network, or None if the system does not say.

    The memory is the GPU's if the network is on one, otherwise main memory, whose peak only Linux reports.
    """

    seconds: float
    megabytes: float | None


def cost(load: Callable[[], nn.Module], image: Tensor, name: str, target: Target) -> Cost:
    """Return what one photo costs the second time, once the network has run.

    Args:
        load: returns the network; it is called in the other process, so it must be a module's function or a partial.
        image: the photo (1, 3, H, W).
        name: the explainer's name.
        target: what is explained.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (load, image.cpu().numpy(), name, target))


def _measured(load: Callable[[], nn.Module], pixels: object, name: str, target: Target) -> Cost:
    image, model = torch.as_tensor(pixels), load()
    on_gpu = device_of(model).type == "cuda"
    before = torch.cuda.memory_allocated() if on_gpu else _resident("VmRSS")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    elif _REFS.exists():
        try:
            _REFS.write_text("5")  # reset the peak: proc(5)
        except OSError:  # a container may forbid it
            before = None
    with torch.no_grad():
        model(image.to(device_of(model)))
    if not explainer(name).slow:  # the first gradient takes several times as long as the next
        attribute_photo(model, image, name, target)
    seconds = attribute_photo(model, image, name, target).seconds
    peak = torch.cuda.max_memory_allocated() if on_gpu else _resident("VmHWM")
    return Cost(seconds, None if before is None or peak is None else (peak - before) / 1e6)


def _resident(key: str) -> int | None:
    """Return one line of the process's status, in bytes."""
    if not _REFS.exists():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines())
    return 1024 * int(lines[key].split()[0])
