"""How many passes an explainer makes at a time, and how it tells the progress of them."""

from collections.abc import Iterator

from torch import Tensor, nn

from siam.explainers.base import Progress
from siam.runtime.devices import device_of

_PIXELS = {"cuda": 32_000_000}  # a graphics card wants many pictures; on a CPU, few stay in its caches
_PIXELS_ELSEWHERE = 500_000
_MOST = 256


def batches(count: int, size: int, progress: Progress, before: int = 0, of: int | None = None) -> Iterator[slice]:
    """Yield slices of at most `size` that make up range(count), and tell `progress` at the start and after each.

    Args:
        count: passes of the picture at hand.
        size: passes at a time.
        progress: told `before` and the passes of this picture so far, and `of`.
        before: passes of the pictures before this one.
        of: passes of all pictures; by default `count`.
    """
    total = count if of is None else of
    if before == 0:
        progress(0, total)
    for first in range(0, count, size):
        end = min(first + size, count)
        yield slice(first, end)
        progress(before + end, total)


def at_once(batch_size: int | None, model: nn.Module, images: Tensor) -> int:
    """Return the batch size; by default, how many pictures (…, H, W) suit the device that the model is on."""
    if batch_size is not None:
        return batch_size
    pixels = _PIXELS.get(device_of(model).type, _PIXELS_ELSEWHERE)
    return max(1, min(_MOST, pixels // (images.shape[-2] * images.shape[-1])))


def is_size(batch_size: int | None) -> bool:
    """Return whether that can be the size of a batch; None stands for the one that suits the device."""
    return batch_size is None or batch_size >= 1
