"""How many passes an explainer makes at a time, and how it reports their progress."""

from collections.abc import Iterator

from torch import Tensor

from siam.explainers.base import Progress

_PIXELS = {"cuda": 32_000_000}  # a GPU needs many pictures at once; a CPU's caches hold few
_PIXELS_ELSEWHERE = 500_000
_MOST = 256


def batches(count: int, size: int, progress: Progress, before: int = 0, of: int | None = None) -> Iterator[slice]:
    """Yield slices of at most `size` that make up range(count), and report to `progress` at the start and after each.

    Args:
        count: passes for the current picture.
        size: passes at a time.
        progress: called with the passes done, including `before`, and the total `of`.
        before: passes for the pictures before this one.
        of: passes for all pictures; by default `count`.
    """
    total = count if of is None else of
    if before == 0:
        progress(0, total)
    for first in range(0, count, size):
        end = min(first + size, count)
        yield slice(first, end)
        progress(before + end, total)


def at_once(batch_size: int | None, images: Tensor) -> int:
    """Return the batch size; by default, as many pictures (…, H, W) as suit their device."""
    if batch_size is not None:
        return batch_size
    pixels = _PIXELS.get(images.device.type, _PIXELS_ELSEWHERE)
    return max(1, min(_MOST, pixels // (images.shape[-2] * images.shape[-1])))


def is_size(batch_size: int | None) -> bool:
    """Return whether this is a valid batch size; None means the one that suits the device."""
    return batch_size is None or batch_size >= 1
