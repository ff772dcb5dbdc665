"""Warnings that mean nothing to anybody, ignored in all threads alike.

Python's warning filters are shared by the whole process, and `warnings.catch_warnings` puts back what it saw on
entering. Where threads overlap, that may be another thread's filters, or none.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()  # guards the two below
_filters = ExitStack()
_inside = 0


@contextmanager
def without_warnings(category: type[Warning] = Warning, module: str = "") -> Iterator[None]:
    """Ignore warnings, from any thread: the first one inside keeps the filters, and the last one puts them back.

    Meanwhile other threads' warnings of that kind are lost, too.

    Args:
        category: which warnings are ignored.
        module: a regular expression for the beginning of the name of the module that warns.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _filters.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", category=category, module=module)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _filters.close()
