"""Work that threads begin ahead of time, so that nobody waits for what could have been ready."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")
Futures = Generator[Future[_Done], None, None]


def ahead(
    work: Callable[[_Item], _Done], items: Iterable[_Item], pool: ThreadPoolExecutor, most: int
) -> Futures[_Done]:
    """Yield what `work` makes of each item, in order; up to `most` are started ahead of time. The pool is shut down."""
    remaining = iter(items)
    begun: deque[Future[_Done]] = deque()
    try:
        begun.extend(pool.submit(work, item) for item in islice(remaining, most))
        while begun:
            future = begun.popleft()
            begun.extend(pool.submit(work, item) for item in islice(remaining, 1))
            wait([future])
            yield future
            del future  # it would keep the picture alive
    finally:  # also after an error, or if the caller stops early
        pool.shutdown(wait=True, cancel_futures=True)
