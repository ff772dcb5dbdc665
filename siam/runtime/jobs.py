"""Work in a background thread: it reports progress, can be cancelled, and stops when its job is discarded.

Work that needs the whole machine takes turns: `Queue`.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from siam.errors import SIAMError
from siam.runtime.memory import return_freed_memory

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


class FullError(SIAMError):
    """Too much work waits in a queue already."""


class Queue:
    """Work that takes turns, in the order in which it came.

    Args:
        at_once: how much of it goes on at the same time.
        most: how much may wait.
    """

    _PATIENCE = 0.2  # seconds between two checks whether waiting work was cancelled

    def __init__(self, at_once: int = 1, most: int = 100) -> None:
        self._at_once, self._most = at_once, most
        self._changed = threading.Condition()
        self._waiting: list[object] = []
        self._busy = 0

    @property
    def busy(self) -> int:
        """How much of it goes on now."""
        return self._busy

    @contextmanager
    def turn(self, watch: Watch) -> Iterator[None]:
        """Wait for a turn, reporting the place in the queue, and hold it; whoever is cancelled leaves the queue.

        Raises:
            CancelledError: the work was cancelled.
            FullError: too much work waits already.
        """
        self._wait(watch)
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _wait(self, watch: Watch) -> None:
        ticket = object()
        with self._changed:
            if len(self._waiting) >= self._most:
                many = "1 job waits" if self._most == 1 else f"{self._most} jobs wait"
                raise FullError(f"{many} already, and no more may: try again later")
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or self._busy >= self._at_once:
                    watch(0, 1, f"You are {_ordinal(1 + self._waiting.index(ticket))} in the queue")
                    self._changed.wait(self._PATIENCE)
                watch.check()
                self._busy += 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _ordinal(number: int) -> str:
    """Return a place in words: "third", "12th"."""
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


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
        return_freed_memory()
