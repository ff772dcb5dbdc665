"""Work in a background thread: it reports progress, can be cancelled, and stops when its job is discarded."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class CancelledError(Exception):
    """The work was cancelled; what it had finished is kept."""


@dataclass(frozen=True)
class Progress:
    """How far the work has got: a share from 0 to 1, and the same in words."""

    share: float = 0.0
    text: str = ""


class Watch:
    """Passed to the work, which calls it to report progress and thereby learns whether it was cancelled."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.stop = threading.Event()

    def __call__(self, done: float, of: float, text: str) -> None:
        """Report that `done` out of `of` is finished, with a text to show.

        Raises:
            CancelledError: the work was cancelled.
        """
        self.progress = Progress(min(1.0, max(0.0, done / of)) if of else 0.0, text)
        self.check()

    def check(self) -> None:
        """Raise `CancelledError` if the work was cancelled."""
        if self.stop.is_set():
            raise CancelledError

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the work is cancelled.

        Raises:
            CancelledError: the work was cancelled.
        """
        self.stop.wait(seconds)
        self.check()


class Job(Generic[_Result]):
    """Work that starts at once in a thread. It is cancelled when the job is garbage-collected, as when a session ends.

    Args:
        work: called in the thread; it must not hold a reference to the job.
    """

    def __init__(self, work: Callable[[Watch], _Result]) -> None:
        self._watch = watch = Watch()
        self._outcome = outcome = _Outcome[_Result]()
        weakref.finalize(self, watch.stop.set)
        self._thread = threading.Thread(target=_run, args=(work, watch, outcome), daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the work is still going on."""
        return not self._outcome.ended.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the work was cancelled but has not stopped yet."""
        return self.running and self._watch.stop.is_set()

    @property
    def progress(self) -> Progress:
        """How far the work has got."""
        return self._watch.progress

    def cancel(self) -> None:
        """Ask the work to stop, which may take a moment."""
        self._watch.stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the work ends, for at most `seconds`; return whether it has ended."""
        return self._outcome.ended.wait(seconds)

    def result(self) -> _Result:
        """Wait for the work and return its result, or raise what it raised; `CancelledError` if it was cancelled."""
        self.wait()
        if self._outcome.error is not None:
            raise self._outcome.error
        return self._outcome.results[0]


class _Outcome(Generic[_Result]):
    """How the work ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.results: list[_Result] = []
        self.error: BaseException | None = None


def _run(work: Callable[[Watch], _Result], watch: Watch, outcome: _Outcome[_Result]) -> None:
    try:
        outcome.results.append(work(watch))
    except BaseException as error:  # whatever it is, it is raised where the result is asked for
        outcome.error = error
    finally:
        outcome.ended.set()
