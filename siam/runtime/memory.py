"""Keeps the memory that networks free, instead of returning it to the system and requesting it again.

For every photo, a network allocates and frees tensors of many megabytes. By default, the C library of Linux (glibc)
returns each of them to the system at once, and the system clears every page before handing it out again, which can
take as long as the network itself (`python -m benchmarks.memory`).
"""

import ctypes
import os
from contextlib import suppress

# The parameters of mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -2, -3, -4, -8
_LARGEST = 32 << 20  # bytes, the most glibc allows: smaller blocks come from the heap
_SPARE = 64 << 20  # bytes added to each request to grow the heap
_FREE_END = 1 << 30  # free bytes kept at the end of the heap
_HEAPS = 4  # at most, one for each core: what one keeps, others cannot use, and a server has dozens of threads


def keep_freed_memory(*, large_blocks: bool = False) -> bool:
    """Tell the C library to keep freed memory; return whether it supports that, as glibc does.

    The process then holds on to its peak memory, which does not grow with the number of photos. By default, glibc would
    open eight heaps for each core, and each would keep a peak of its own; here threads share a few. `siam.load` and the
    training methods call this; on systems other than Linux it does nothing.

    Args:
        large_blocks: also keep blocks above 32 MB, which batches of photos need in training. A long-lived server
            should return these to the system.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, Windows, musl
        return False
    settings = [(_MMAP_THRESHOLD, _LARGEST), (_TOP_PAD, _SPARE), (_TRIM_THRESHOLD, _FREE_END)]
    settings.append((_ARENA_MAX, min(_HEAPS, os.cpu_count() or 1)))
    if large_blocks:
        settings.append((_MMAP_MAX, 0))
    return all(mallopt(parameter, value) for parameter, value in settings)


def return_freed_memory() -> None:
    """Return freed memory to the system after large work; on systems without glibc, this does nothing."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
