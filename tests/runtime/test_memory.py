"""Freed memory is kept: a network's second photo costs no new pages."""

import platform
import subprocess
import sys

import pytest

from siam.runtime.memory import keep_freed_memory

PROGRAM = """
import resource, sys, torch
from siam.runtime.memory import keep_freed_memory
if sys.argv[1] != "usual":
    assert keep_freed_memory(large_blocks=sys.argv[1] == "large")
torch.set_num_threads(1)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
size = int(sys.argv[2]) << 18  # floats to a megabyte
def work():
    for _time in range(16):
        torch.empty(size)[::1024] = 1  # a float of every page
work()
before = faults()
work()
print(faults() - before)
"""


def new_pages(kept, megabytes):
    """Return how many pages the system handed out while blocks of a size were asked for and let go again."""
    command = [sys.executable, "-c", PROGRAM, kept, str(megabytes)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize(("kept", "megabytes"), [("blocks", 20), ("large", 80)])
def test_blocks_are_used_again(kept, megabytes):
    if platform.libc_ver()[0] != "glibc":  # which alone can be told
        assert not keep_freed_memory()
        return
    assert new_pages(kept, megabytes) < 0.1 * new_pages("usual", megabytes) + 20  # one block in 16 may be new


THREADS = """
import ctypes, sys, threading
from siam.runtime.memory import keep_freed_memory, return_freed_memory
def held():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * 4096 >> 20
keep_freed_memory()
if sys.argv[1] == "own":  # what glibc does by default: a heap for each thread
    ctypes.CDLL(None).mallopt(-8, 16)
before, turn, done = held(), threading.Lock(), threading.Barrier(16)
def work():
    with turn:
        blocks = [b"x" * (1 << 20) for _block in range(64)]
        del blocks
    done.wait()
threads = [threading.Thread(target=work) for _thread in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
after = held()
return_freed_memory()
print(after - before, held() - before)
"""


def kept_by_threads(heaps):
    """Return how many megabytes 16 threads leave behind that held 64 one after the other, and after their return."""
    found = subprocess.run([sys.executable, "-c", THREADS, heaps], check=True, capture_output=True, text=True).stdout
    return tuple(map(int, found.split()))


def test_threads_share_the_memory_they_free():
    if platform.libc_ver()[0] != "glibc":  # no other C library has heaps of threads
        assert not keep_freed_memory()
        return
    shared, returned = kept_by_threads("shared")
    apart, _returned = kept_by_threads("own")
    assert shared < 0.5 * apart
    assert returned < 64
