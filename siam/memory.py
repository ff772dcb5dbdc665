"""Memory that the networks use again and again is kept, rather than given back to the system and asked for anew.

For every photo, a network asks for tensors of many megabytes and lets go of them. By default, the C library of Linux
(glibc) returns each to the system at once, which then clears every page before it hands it out again: that can take
as long as the network itself (`python -m benchmarks.memory`).
"""

import ctypes

# The parameters of mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 32 << 20  # bytes, the most glibc allows: blocks below this size are taken from the heap
_SPARE = 64 << 20  # bytes that each request for a larger heap asks for besides
_FREE_END = 1 << 30  # bytes at the heap's end that are kept


def keep_freed_memory() -> bool:
    """Tell the C library to keep what is freed; return whether it can be told, as glibc can.

    A process then holds on to its peak memory, and its peak does not grow with the number of photos. It is asked for in
    `siam.load` and before training; elsewhere than on Linux nothing happens.
    """
    return set_thresholds(_LARGEST, _SPARE, _FREE_END)


def set_thresholds(largest: int, spare: int, free_end: int) -> bool:
    """Set mallopt's M_MMAP_THRESHOLD, M_TOP_PAD and M_TRIM_THRESHOLD, in bytes; return whether that was possible."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, Windows, musl
        return False
    return all((mallopt(_MMAP_THRESHOLD, largest), mallopt(_TOP_PAD, spare), mallopt(_TRIM_THRESHOLD, free_end)))
