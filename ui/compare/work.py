"""The work behind Compare: maps and their faithfulness, computed once per session; long work runs in a job.

Fast explainers use the shared networks and hold their lock. Long work uses copies of the networks, so that nobody waits
for it, and takes turns on the whole server (`ui.state.turns`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import streamlit as st

from siam.comparison.agreement import against_mask
from siam.errors import SIAMError
from siam.explainers import explainer
from siam.explainers.attribution import Attribution, Network, attribute_photo, network_for
from siam.explainers.base import Progress, quiet
from siam.explainers.faithfulness import PASSES, Faithfulness, faithfulness
from siam.explainers.registry import title
from siam.gallery.scoring import take_half_of_the_cores
from siam.images.preprocessing import least_side, preprocess
from siam.models.engine import copied
from siam.runtime.jobs import CancelledError, FullError, Job, Watch
from ui.compare import cost
from ui.compare.choice import View
from ui.state.markdown import plain
from ui.state.turns import EXPLAINERS

Doing = Literal["maps", "faithfulness"]
ViewKey = tuple[str, str, str, int]
Key = tuple[str, str, str, int, str]  # of a view, and the name of a method
Maps = dict[Key, Attribution | str]
Figures = dict[Key, Faithfulness | str]
_MOST = 96  # maps kept per session; the largest have the size of the network's input
# A method is not defined for this network, a file is damaged, or memory runs out: the message replaces the map.
_TROUBLES = (ValueError, RuntimeError, MemoryError, OSError, SIAMError)


@dataclass
class _Work:
    """A job: what it does, for which view, which methods are `finished`, and how many of those the page has `shown`."""

    doing: Doing
    of: ViewKey
    job: Job[None]
    finished: list[str]
    shown: int = 0


@dataclass
class _Store:
    """What a session keeps by view and method: maps and figures, or a sentence saying why there are none."""

    maps: Maps = field(default_factory=dict)
    figures: Figures = field(default_factory=dict)
    truths: dict[Key, dict[str, float]] = field(default_factory=dict)
    work: _Work | None = None
    stopped: tuple[Doing, ViewKey] | None = None  # what was cancelled last, and for which view


def map_of(view: View, name: str) -> Attribution | str | None:
    """Return a method's map, a sentence saying why there is none, or None if a slow method has not run yet."""
    maps, key = _store().maps, (*view.key, name)
    if key not in maps and not explainer(name).slow:
        first = not any(of[:2] == key[:2] for of in list(maps))
        with view.lock:
            for _time in range(2 if first else 1):  # a network's first pass is slow, whichever method asks for it
                maps[key] = _map(view, name)
    return maps.get(key)


def cached_map(view: View, name: str) -> Attribution | str | None:
    """Return what `map_of` returned, None if it has not been called yet; no network runs."""
    return _store().maps.get((*view.key, name))


def figures_of(view: View, name: str) -> Faithfulness | str | None:
    """Return how faithful a method's map is, a sentence saying why that failed, or None if it was not measured."""
    return _store().figures.get((*view.key, name))


def held_against(view: View, name: str, region: np.ndarray) -> dict[str, float]:
    """Return how well a method's map, which must be ready, agrees with the true region (H, W) of bool."""
    truths, key = _store().truths, (*view.key, name)
    if key not in truths:
        attribution = _store().maps[key]
        assert isinstance(attribution, Attribution), attribution
        truths[key] = against_mask(attribution.map, region)
    return truths[key]


def waiting(view: View) -> list[str]:
    """Return the chosen methods that have not run yet: slow ones, once the others are shown."""
    return [name for name in view.names if (*view.key, name) not in _store().maps]


def unmeasured(view: View) -> list[str]:
    """Return the chosen methods whose map is ready but not measured."""
    store, keys = _store(), {name: (*view.key, name) for name in view.names}
    names = [name for name, key in keys.items() if isinstance(store.maps.get(key), Attribution)]
    return [name for name in names if keys[name] not in store.figures]


def begin(view: View, doing: Doing, names: Sequence[str]) -> None:
    """Start computing or measuring maps in a job; a second click while a job runs does nothing."""
    store, finished = _store(), list[str]()
    if store.work is not None:
        return
    passes = cost.of_a_pass(view.pair, view.lock, view.explanation) * PASSES
    costs = (
        cost.seconds(view.pair, view.lock, view.explanation, names) if doing == "maps" else dict.fromkeys(names, passes)
    )
    one = _explained if doing == "maps" else _measured
    maps, figures = store.maps, store.figures

    def work(watch: Watch) -> None:  # holds the results, but neither the session nor the job
        take_half_of_the_cores()
        watch(0, 1, "Preparing …")
        with EXPLAINERS.turn(watch):
            for name in names:
                one(view, name, maps, figures, _progress(watch, name, costs))
                finished.append(name)

    store.stopped = None
    store.work = _Work(doing, view.key, Job(work), finished)


def settle(view: View) -> None:
    """Take in the results of a job, and cancel one for another photo; called before anything is shown."""
    store = _store()
    work = store.work
    _forget(store, view)
    if work is None:
        return
    work.shown = len(work.finished)
    if work.of != view.key:
        work.job.cancel()
        store.work = None
    elif not work.job.running:
        store.work = None
        try:
            work.job.result()
        except CancelledError:
            store.stopped = work.doing, work.of
        except FullError as error:
            st.warning(plain(error), icon=":material/hourglass_disabled:")


def end() -> None:
    """Cancel the session's job when the visitor leaves its page."""
    store: _Store | None = st.session_state.get("comparison")
    if store is not None and store.work is not None:
        store.work.job.cancel()
        store.work = None


def doing() -> Doing | None:
    """Return what the session's job does, None if there is none."""
    work = _store().work
    return None if work is None else work.doing


def was_stopped(view: View, what: Doing) -> bool:
    """Return whether the last job did this for this view and was cancelled."""
    return _store().stopped == (what, view.key)


@st.fragment(run_every=1.0)
def progress() -> None:
    """Show the progress of the session's job and a Cancel button; the page reruns when a method has finished."""
    work = _store().work
    if work is None or not work.job.running or len(work.finished) > work.shown:
        st.rerun()
    progress, stopping = work.job.progress, work.job.stopping
    st.progress(progress.share, "Stopping …" if stopping else plain(progress.text) or "Preparing …")
    st.button("Cancel", key="cancel-compare", icon=":material/close:", disabled=stopping, on_click=work.job.cancel)


def _store() -> _Store:
    return st.session_state.setdefault("comparison", _Store())


def _forget(store: _Store, view: View) -> None:
    """Drop the oldest results, but none of this view."""
    of_others = [key for key in list(store.maps) if key[:-1] != view.key]
    for key in of_others[: max(0, len(store.maps) - _MOST)]:
        del store.maps[key]
        store.figures.pop(key, None)
        store.truths.pop(key, None)


def _map(view: View, name: str, report: Progress = quiet, by_copy: bool = False) -> Attribution | str:
    """Return a method's map, or why there is none; `by_copy` runs a copy of the network instead of the shared one."""
    try:
        model = _copy(view, name) if by_copy else network_for(view.pair, name)
        image = preprocess(view.photo.image(least_side(model.config)), model.config)
        return attribute_photo(model, image, name, view.target, report)
    except _TROUBLES as error:
        return f"{title(name)} cannot explain this photo: {error}"


def _explained(view: View, name: str, maps: Maps, _figures: object, report: Progress) -> None:
    maps[*view.key, name] = _map(view, name, report, by_copy=True)


def _measured(view: View, name: str, maps: Maps, figures: Figures, report: Progress) -> None:
    attribution = maps[*view.key, name]
    assert isinstance(attribution, Attribution), name  # `unmeasured` gives no others
    try:
        model = _copy(view, name)
        image = preprocess(view.photo.image(least_side(model.config)), model.config)
        figures[*view.key, name] = faithfulness(model, image, attribution.map, view.target, report)
    except _TROUBLES as error:
        figures[*view.key, name] = f"{title(name)} cannot be measured: {error}"


def _copy(view: View, name: str) -> Network:
    with view.lock:  # so that no hooks are on it
        return copied(network_for(view.pair, name))


def _progress(watch: Watch, name: str, costs: dict[str, float]) -> Progress:
    """Return a callback that reports one method's passes as a part of the whole job."""
    names = list(costs)
    before, whole = sum(costs[other] for other in names[: names.index(name)]), sum(costs.values())

    def report(done: int, total: int) -> None:
        watch(before + costs[name] * done / max(1, total), whole, f"{title(name)}: {done:,} of {total:,} passes")

    return report
