"""Many small jobs on several processes, handed out lazily and stopped cleanly by an interrupt."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

from siam.errors import WorkerError
from siam.runtime.memory import keep_freed_memory

_AHEAD = 4  # jobs handed out for each process


def in_parallel(work: Callable[..., None], jobs: Iterable[tuple[Any, ...]], workers: int) -> Iterator[None]:
    """Yield once for each finished job; an interrupt lets running jobs finish and starts no more.

    Args:
        work: a module-level function, called with the items of a job as its arguments.
        jobs: read lazily, so there may be very many.
        workers: number of processes. They end with this one, even if it is killed.

    Raises:
        WorkerError: one of them was killed.
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
        except BrokenProcessPool as error:
            raise WorkerError(
                f"one of the {workers} processes that share the work was ended from outside, as when memory runs out: "
                "run the command again, with fewer --workers; finished work is kept"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides
    keep_freed_memory()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process with the one that started it, which would otherwise leave it waiting for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
