"""The maps of the photos that are rated: a job computes them once while people rate; needs PyTorch only then."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from siam.errors import SIAMError
from siam.models.identity import identity
from siam.runtime.jobs import CancelledError, FullError, Job, Watch
from siam.taste.personal import Design, crowd
from ui.rate.tasks import Task
from ui.state import resources
from ui.state.markdown import plain
from ui.state.public import message
from ui.state.turns import SCORING

if TYPE_CHECKING:
    from siam.taste.maps import Maps

_MOST = 4  # designs that a session keeps


@dataclass
class _Looking:
    """A job, and for which photos and networks."""

    of: tuple[str, str]
    job: "Job[Maps]"


def design(task: Task, begin: bool = True) -> Design | None:
    """Return the photos as fits see them; None, while a job looks at them or if that failed.

    Args:
        task: the photos.
        begin: whether the job begins; somebody who only passes by needs none.
    """
    key = task.key, identity(resources.pair())
    kept: dict[tuple[str, str], Design] = st.session_state.setdefault("designs", {})
    if key in kept:
        return kept[key]
    work: _Looking | None = st.session_state.get("looking")
    if work is None or work.of != key:
        if not begin:
            return None
        if work is not None:
            work.job.cancel()
        st.session_state["looking"] = work = _Looking(key, Job(_work(task)))
        work.job.wait(0.3)  # long enough for maps in the cache
    if work.job.running:
        return None
    try:
        kept[key] = Design(crowd(resources.pair()), work.job.result())
    except (SIAMError, CancelledError, FullError, RuntimeError, MemoryError):
        return None
    for old in list(kept)[:-_MOST]:
        del kept[old]
    del st.session_state["looking"]
    return kept[key]


def _work(task: Task):
    pair, lock = resources.networks()
    photos = task.photos

    def work(watch: Watch) -> "Maps":
        from siam.gallery.scoring import take_half_of_the_cores
        from siam.models.engine import copied
        from siam.taste.maps import of_photos

        take_half_of_the_cores()
        watch(0, 1, f"SIAM looks at {len(photos):,} photos")
        with lock:  # so that no hooks are on it
            network = copied(pair.siam)
        with SCORING.turn(watch):
            return of_photos(
                pair,
                photos.inputs(),
                lambda _name, _error: None,  # such a photo has no maps
                progress=lambda done, total: watch(done, total, f"SIAM has looked at {done:,} of {total:,} photos"),
                network=network,
                batch_size=1,  # one after the other, with the threads that are left to this one
            )

    return work


def words() -> str:
    """Return how far the job is in a few words, as plain Markdown; "" if there is none."""
    work: _Looking | None = st.session_state.get("looking")
    return plain(work.job.progress.text) if work is not None and work.job.running else ""


def state(waiting: str) -> None:
    """Show how far the job is, with a button to cancel it, or why it ended.

    Args:
        waiting: what waits for it, in one sentence.
    """
    work: _Looking | None = st.session_state.get("looking")
    if work is None:
        return
    if work.job.running:
        _progress(waiting)
        return
    try:
        work.job.result()
    except CancelledError:
        st.caption(f"Stopped. {waiting}")
    except (SIAMError, FullError, RuntimeError, MemoryError) as error:
        st.warning(message(error), icon=":material/warning:")
    st.button("Look at the photos", icon=":material/replay:", on_click=_again, key="look-again")


def _again() -> None:
    st.session_state.pop("looking", None)


@st.fragment(run_every=1.0)
def _progress(waiting: str) -> None:
    work: _Looking | None = st.session_state.get("looking")
    if work is None or not work.job.running:
        st.rerun()
    progress, stopping = work.job.progress, work.job.stopping
    st.progress(progress.share, "Stopping …" if stopping else plain(progress.text))
    st.caption(waiting)
    st.button("Cancel", key="cancel-looking", icon=":material/close:", disabled=stopping, on_click=work.job.cancel)
