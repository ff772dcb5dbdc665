"""Keep Pillow's warnings to ourselves while pictures are read, in any number of threads at once."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_filters = ExitStack()
_readers = 0


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Ignore Pillow's warnings about odd metadata and sizes: we decide, and say it in an `ImageError`.

    Warning filters belong to the whole process. The first of our threads sets them, the last one restores them; were
    another library's thread to do so in between, only warnings raised inside Pillow would be lost.
    """
    global _readers
    with _lock:
        if _readers == 0:
            _filters.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _filters.close()
