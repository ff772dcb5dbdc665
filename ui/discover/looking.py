"""The candidates of the gallery in use: a job looks for them on a click, and what it finds serves all visitors.

What looks for them is imported when it is needed: it takes PyTorch, which no page should have to wait for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from siam.archive.store import has_features
from siam.errors import SIAMError
from siam.gallery.cases import Cases
from siam.gallery.store import changed, is_archive
from siam.labelling import photos
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.digests import digest
from siam.runtime.jobs import CancelledError, Job, Watch
from ui.state import chosen, resources
from ui.state.markdown import plain
from ui.state.public import message, tidy
from ui.state.turns import SCORING

if TYPE_CHECKING:
    from threading import Lock

    from siam.discovery.candidates import Candidate, Discovery
    from siam.discovery.naming import Questions
    from ui.discover.pictures import Drawn

_MOST = 4  # galleries whose candidates are kept
_KEY = "discover-looking"
Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates of a gallery.

    Attributes:
        key: of gallery and networks.
        cases: of the gallery.
        names: (N,) of the photos, as *Label* knows them.
        discovery: what was found, without the baseline's features, which are large and have served.
        drawn: the pictures of each candidate that was shown, by its place.
        asked: what asks about each candidate that somebody names.
    """

    key: Key
    cases: Cases
    names: tuple[str, ...]
    discovery: "Discovery"
    drawn: "dict[int, Drawn]" = field(default_factory=dict)
    asked: "dict[int, Questions]" = field(default_factory=dict)

    def candidate(self, place: int) -> "Candidate":
        """Return a candidate by its place."""
        return self.discovery.candidates[place]

    def questions(self, place: int) -> "Questions":
        """Return what asks about a candidate."""
        if place not in self.asked:
            from siam.discovery.naming import Questions

            self.asked[place] = Questions(self.discovery, self.candidate(place))
        return self.asked[place]


def show(cases: Cases) -> Found | None:
    """Return the candidates of a gallery; None, with a button, a progress bar or a sentence, while there are none."""
    key, kept = _of(cases), _kept(cases)
    if key in kept:
        return kept[key]
    of, job = st.session_state.get(_KEY, (None, None))
    if of == key and job is not None and job.running:
        _progress()
        return None
    if resources.pair().baseline_config is None:
        name = plain(chosen.pair().label)
        st.info(
            f"{name} has no baseline, in whose features this page looks: choose other networks in the sidebar.",
            icon=":material/search_off:",
        )
        return None
    if of == key and job is not None:
        try:
            job.result()
        except CancelledError:
            st.caption("Stopped. The photos that were looked at are kept.")
        except (SIAMError, RuntimeError, MemoryError) as error:
            st.warning(message(error), icon=":material/error:")
    st.button(
        "Look for what SIAM misses", key="discover-look", icon=":material/travel_explore:",
        on_click=_begin, args=(cases, key, kept),
    )  # fmt: skip
    st.caption(
        "What the networks found in all photos is stored with their scores and only has to be read: several hundred "
        "photos a second."
        if is_archive(cases.gallery.folder) and has_features(cases.gallery.folder)
        else "Both networks look at the gallery’s photos again, about ten a second on two cores; up to 2,000 are drawn "
        "from a larger one. Next time it takes seconds."
    )
    return None


def _of(cases: Cases) -> Key:
    """Return what tells a gallery with these networks from others."""
    gallery = cases.gallery
    if gallery.contents is not None:
        of = digest("".join(map(str, gallery.photos["sha256"])).encode())
    else:
        of = str(changed(gallery.folder))
    return str(gallery.folder), of, identity(resources.pair(), learnt=False)


def _kept(cases: Cases) -> dict[Key, Found]:
    """Return where candidates are kept: for all sessions, unless the photos are a visitor's own."""
    if cases.gallery.contents is not None:
        return st.session_state.setdefault("discover-own", {})
    return _shelf()


@st.cache_resource(show_spinner=False)
def _shelf() -> dict[Key, Found]:
    return {}


def _begin(cases: Cases, key: Key, kept: dict[Key, Found]) -> None:
    if _KEY in st.session_state:
        st.session_state[_KEY][1].cancel()
    pair, lock = resources.networks()
    st.session_state[_KEY] = key, Job(partial(_work, pair, lock, cases, key, kept))


def _work(pair: Pair, lock: "Lock", cases: Cases, key: Key, kept: dict[Key, Found], watch: Watch) -> None:
    watch(0, 1, "Loading what looks at photos")
    from siam.discovery.gallery import discover_in
    from siam.gallery.scoring import take_half_of_the_cores
    from siam.models.engine import copied

    take_half_of_the_cores()
    with SCORING.turn(watch):
        with lock:  # so that no hooks are on them
            networks = copied(pair.siam), None if pair.baseline is None else copied(pair.baseline)
        report: Callable[[float, str], None] = lambda share, text: watch(share, 1, text)  # noqa: E731
        found = discover_in(pair, cases.gallery, progress=report, networks=networks)
    seen = replace(found.cells, baseline=np.empty((len(found.rows), 0, 0, 0), dtype=np.float16))
    every = photos.names_in(cases.gallery)
    names = tuple(every[row] for row in found.rows)
    kept[key] = Found(key, cases, names, replace(found, cells=seen))
    for old in list(kept)[:-_MOST]:
        kept.pop(old, None)
    tidy()


@st.fragment(run_every=0.5)
def _progress() -> None:
    _key, job = st.session_state.get(_KEY, (None, None))
    if job is None or not job.running:
        st.rerun()
    progress, stopping = job.progress, job.stopping
    st.progress(progress.share, "Stopping …" if stopping else plain(progress.text))
    st.caption("You can use other pages meanwhile.")
    st.button("Cancel", key="discover-cancel", icon=":material/close:", disabled=stopping, on_click=job.cancel)
