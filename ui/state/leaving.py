"""Visitors who have left: what the server holds for them is freed a minute and a half later, and their slow work stops.

Streamlit keeps the session of a closed page for two minutes, for browsers that lost their connection; but it looks for
old sessions only when the next page is closed. Until then the last visitors' photos would stay in memory, and work
would go on for nobody. On a busy server two minutes may pass before anybody looks; so sessions are known here, too.
"""

import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx

from siam.runtime.jobs import Job
from siam.runtime.memory import return_freed_memory
from ui.photos import photo

_KEPT, _BETWEEN = 0.7, 0.1  # of the time after which Streamlit forgets a session, when nobody can close it any more

_LOOKS = 5  # after a session was closed: a script or job that still ended may have kept something of it


class _Watch:
    """Looks after the sessions of one server; its methods run in the server's event loop, but for `note`.

    Args:
        of: the server.
    """

    def __init__(self, of: Runtime) -> None:
        self.of = of
        forgotten = float(st.get_option("server.disconnectedSessionTTL"))  # seconds
        self._kept, self._between = _KEPT * forgotten, _BETWEEN * forgotten
        self._known: dict[str, AppSession] = {}
        self._left: dict[str, float] = {}
        self._ran = False  # whether a page has run since the last look
        self._looks = 0  # after which nothing of those who left can still be in use
        self._loop = of._get_async_objs().eventloop
        self._loop.call_soon_threadsafe(self._later)

    def note(self, session: str) -> None:
        """Remember a session that is there, of which a page runs."""
        self._ran = True
        manager = getattr(self.of, "_session_mgr", None)  # AppTest's stand-in for a server has none
        info = None if manager is None else manager.get_session_info(session)
        if info is not None:
            self._known[session] = info.session

    def _later(self) -> None:
        self._loop.call_later(self._between, self._look)

    def _look(self) -> None:
        """Close the sessions of those who left long enough ago."""
        self._later()
        now = time.monotonic()
        for session in list(self._known):
            if self.of.is_active_session(session):
                self._left.pop(session, None)
            elif now - self._left.setdefault(session, now) >= self._kept:
                del self._left[session]
                self._close(session, self._known.pop(session))
                self._looks = _LOOKS
        if self._looks:
            self._looks -= 1
            photo.forget()
            gc.collect()  # sessions refer to themselves
            self._ran = True
        if self._ran:
            self._ran = False
            return_freed_memory()  # pages leave hundreds of megabytes in pieces

    def _close(self, session: str, itself: AppSession) -> None:
        self.of.close_session(session)
        itself.shutdown()  # if Streamlit has forgotten it already; twice does no harm
        for job in _jobs(tuple(itself.session_state.filtered_state.values())):
            job.cancel()
        itself.session_state.clear()  # Streamlit may refer to it until the next one comes
        itself._fragment_storage.clear()


def _jobs(value: object, depth: int = 3) -> Iterator[Job[Any]]:
    """Yield the jobs in what a session holds, also in tuples and in objects with attributes."""
    if isinstance(value, Job):
        yield value
    elif depth and isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _jobs(part, depth - 1)
    elif depth and type(value).__module__.startswith("ui."):
        yield from _jobs(vars(value) if hasattr(value, "__dict__") else (), depth)


_lock = threading.Lock()
_watches: list[_Watch] = []  # one, but where a process serves again, as in tests


def note() -> None:
    """Remember the session of this run, so that it is closed some time after its visitor has left."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    of = runtime.get_instance()
    with _lock:
        if not _watches or _watches[0].of is not of:
            _watches[:] = [_Watch(of)]
    _watches[0].note(context.session_id)
