"""Many small jobs on several processes, handed out lazily and stopped cleanly by an interrupt."""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing import get_context
from typing import Any

from siam.runtime.memory import keep_freed_memory

_AHEAD = 4  # jobs handed out for each process


def in_parallel(work: Callable[..., None], jobs: Iterable[tuple[Any, ...]], workers: int) -> Iterator[None]:
    """Yield once for each finished job; an interrupt lets running jobs finish and starts no more.

    Args:
        work: a module-level function, called with the items of a job as its arguments.
        jobs: read lazily, so there may be very many.
        workers: number of processes.
    """
    remaining = iter(jobs)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        running: set[Future[None]] = {pool.submit(work, *job) for job in islice(remaining, _AHEAD * workers)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(work, *job) for job in islice(remaining, len(done))}
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
    keep_freed_memory()
