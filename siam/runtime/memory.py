"""Memory that the networks use again and again is kept, rather than given back to the system and asked for anew.

For every photo, a network asks for tensors of many megabytes and lets go of them. By default, the C library of Linux
(glibc) returns each to the system at once, which then clears every page before it hands it out again: that can take
as long as the network itself (`python -m benchmarks.memory`).
"""

import ctypes

# The parameters of mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_LARGEST = 32 << 20  # bytes, the most glibc allows: blocks below this size are taken from the heap
_SPARE = 64 << 20  # bytes that each request for a larger heap asks for besides
_FREE_END = 1 << 30  # bytes at the heap's end that are kept


def keep_freed_memory(*, large_blocks: bool = False) -> bool:
    """Tell the C library to keep what is freed; return whether it can be told, as glibc can.

    A process then holds on to its peak memory, and its peak does not grow with the number of photos. It is asked for in
    `siam.load` and before training; elsewhere than on Linux nothing happens.

    Args:
        large_blocks: also blocks above 32 MB, as batches of photos need them in training. A long-lived server should
            return these.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, Windows, musl
        return False
    settings = [(_MMAP_THRESHOLD, _LARGEST), (_TOP_PAD, _SPARE), (_TRIM_THRESHOLD, _FREE_END)]
    if large_blocks:
        settings.append((_MMAP_MAX, 0))
    return all(mallopt(parameter, value) for parameter, value in settings)
