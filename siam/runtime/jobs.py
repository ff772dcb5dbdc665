"""Work in a thread of its own: it tells how far it is, can be cancelled, and ends when nobody can ask for it."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class CancelledError(Exception):
    """Somebody cancelled the work; what it had done is kept."""


@dataclass(frozen=True)
class Progress:
    """How far work is: a share from 0 to 1, and the same in words."""

    share: float = 0.0
    text: str = ""


class Watch:
    """What work is given: it tells it how far it is, and thereby learns that it was cancelled."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.stop = threading.Event()

    def __call__(self, done: float, of: float, text: str) -> None:
        """Tell how far the work is.

        Raises:
            CancelledError: it is to stop.
        """
        self.progress = Progress(min(1.0, max(0.0, done / of)) if of else 0.0, text)
        self.check()

    def check(self) -> None:
        """Raise `CancelledError` where the work is to stop."""
        if self.stop.is_set():
            raise CancelledError

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the work is cancelled.

        Raises:
            CancelledError: it is to stop.
        """
        self.stop.wait(seconds)
        self.check()


class Job(Generic[_Result]):
    """Work that has begun. Where the job itself is forgotten, as with the session that held it, its work is cancelled.

    Args:
        work: is called in the thread; it must not hold the job.
    """

    def __init__(self, work: Callable[[Watch], _Result]) -> None:
        self._watch = watch = Watch()
        self._outcome = outcome = _Outcome[_Result]()
        weakref.finalize(self, watch.stop.set)
        self._thread = threading.Thread(target=_run, args=(work, watch, outcome), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return not self._outcome.ended.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the work was told to stop, and still goes on."""
        return self.running and self._watch.stop.is_set()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._watch.progress

    def cancel(self) -> None:
        """Ask the work to stop; that may take a moment."""
        self._watch.stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, and return whether it has come."""
        return self._outcome.ended.wait(seconds)

    def result(self) -> _Result:
        """Return what the work brought, or raise what it raised; `CancelledError` where it was cancelled."""
        self.wait()
        if self._outcome.error is not None:
            raise self._outcome.error
        return self._outcome.results[0]


class _Outcome(Generic[_Result]):
    """How work ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.results: list[_Result] = []
        self.error: BaseException | None = None


def _run(work: Callable[[Watch], _Result], watch: Watch, outcome: _Outcome[_Result]) -> None:
    try:
        outcome.results.append(work(watch))
    except BaseException as error:  # whatever it is, the page that asks for the result gets it
        outcome.error = error
    finally:
        outcome.ended.set()
