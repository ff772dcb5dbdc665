"""The features of the photos: computed in the background once there is an answer to learn from.

What computes them is imported when it is needed: it takes PyTorch, which no page should have to wait for.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from siam.errors import SIAMError
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.jobs import CancelledError, Job, Watch
from ui.label.source import Photos
from ui.state import resources
from ui.state.markdown import plain
from ui.state.public import message, tidy
from ui.state.turns import SCORING

if TYPE_CHECKING:
    from siam.labelling.features import Features

_KEY = "label-work"


def features(photos: Photos) -> "Features | None":
    """Return the features of photos by the networks in use, None if they are not there yet."""
    job = _job(photos)
    if job is None or job.running:
        return None
    try:
        return job.result()
    except (SIAMError, CancelledError):
        return None


def begin(photos: Photos) -> None:
    """Start computing them, unless that was done."""
    if _job(photos) is not None:
        return
    pair, lock = resources.networks()
    work = partial(_compute, pair, lock, photos.files)
    st.session_state[_KEY] = _of(photos), Job(work)


def show(photos: Photos) -> None:
    """Show how far the work has got, or why it ended without a result."""
    job = _job(photos)
    if job is None:
        return
    if job.running:
        _progress()
        return
    try:
        job.result()
    except CancelledError:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Stopped: photos come at random, and nobody judges the word.")
            st.button("Go on", key="label-again", icon=":material/replay:", on_click=_again, args=(photos,))
    except SIAMError as error:
        st.warning(message(error), icon=":material/error:")


@st.fragment(run_every=0.5)
def _progress() -> None:
    """Show the progress until the work ends."""
    found = st.session_state.get(_KEY)
    if found is None or not found[1].running:
        st.rerun()
    job: Job[Features] = found[1]
    st.progress(job.progress.share, "Stopping …" if job.stopping else plain(job.progress.text))
    st.button("Cancel", key="label-cancel", icon=":material/close:", disabled=job.stopping, on_click=job.cancel)


def _again(photos: Photos) -> None:
    st.session_state.pop(_KEY, None)
    begin(photos)


def _job(photos: Photos) -> "Job[Features] | None":
    of, job = st.session_state.get(_KEY, (None, None))
    return job if of == _of(photos) else None


def _of(photos: Photos) -> tuple[str, str, int]:
    return photos.key, identity(resources.pair(), learnt=False), len(photos.files)


def _compute(
    pair: Pair, lock: AbstractContextManager[object], files: Mapping[str, Path | bytes], watch: Watch
) -> "Features":
    from siam.gallery.scoring import take_half_of_the_cores
    from siam.labelling.features import of_photos

    def report(done: int, total: int) -> None:
        watch(done, total, f"Learning to see: {done:,} of {total:,} photos; you can answer meanwhile")

    take_half_of_the_cores()
    watch(0, 1, "Learning to see; you can answer meanwhile")
    with SCORING.turn(watch):
        found = of_photos(pair, files, lock, report)
    tidy()
    return found
