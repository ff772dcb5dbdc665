"""A named candidate becomes an attribute of a copy of the pair: fitted and saved in the background."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from siam.archive import store
from siam.drawing import phrases
from siam.errors import SIAMError
from siam.gallery.store import changed, is_archive
from siam.gallery.upkeep import CROSS_VALIDATION
from siam.models.checkpoint import Pair, save
from siam.runtime.jobs import CancelledError, Job, Watch
from ui.discover.looking import Found
from ui.state import chosen, resources
from ui.state.address import forget_gallery
from ui.state.markdown import code, plain
from ui.state.public import message, public
from ui.state.turns import SCORING
from ui.state.zipped import zipped

if TYPE_CHECKING:
    from siam.discovery.naming import Named

_KEY = "discover-making"
_OPEN = "discover-open"


@dataclass(frozen=True, eq=False)
class Made:
    """A pair with one attribute more.

    Attributes:
        word: the name of the attribute.
        named: the pair, and its τ before and after.
        folder: where it was saved; None on a public server.
        best: identifier of the photo in which the attribute counts most among all.
        scorable: the folder of the gallery, if the new pair can score it.
        archive: the folder of the gallery, if it is of an archive, which only a command scores.
        unseen: whether the gallery's scores are by networks that had not seen its photos; the new ones have.
    """

    word: str
    named: "Named"
    folder: Path | None
    best: str
    scorable: Path | None
    archive: Path | None
    unseen: bool


def begin(found: Found, place: int, said: Mapping[int, bool | None], word: str, by: str) -> None:
    """Start making an attribute of a candidate that somebody named, or "" if nobody says who."""
    forget()
    pair = resources.pair()
    folder = None if public() else _free(f"{pair.name}-{word}")
    st.session_state[_KEY] = Job(partial(_make, pair, found, place, dict(said), word, by, folder))
    st.session_state["discover-begun"] = True


def has_begun() -> bool:
    """Return whether a job has begun since this was asked last."""
    return st.session_state.pop("discover-begun", False)


def running() -> bool:
    """Return whether a job is going on; its progress is shown instead of questions."""
    job: Job[Made] | None = st.session_state.get(_KEY)
    return job is not None and job.running and "discover-begun" not in st.session_state


def forget() -> None:
    """Forget the outcome of a job."""
    st.session_state.pop("discover-scored", None)
    if (job := st.session_state.pop(_KEY, None)) is not None:
        job.cancel()


def show() -> None:
    """Show how far the job is, or what came of it."""
    job: Job[Made] | None = st.session_state.get(_KEY)
    if job is None:
        return
    if job.running:
        _progress()
        return
    try:
        made = job.result()
    except CancelledError:
        st.caption("Stopped: no attribute was made. Your answers are kept.")
    except (SIAMError, RuntimeError, MemoryError) as error:
        st.error(message(error), icon=":material/error:")
    else:
        _outcome(made)


def _free(name: str) -> Path:
    """Return a folder for a pair, whose name no pair and no gallery has yet."""
    name = _plain_name(name)
    taken = {path.name for place in (*chosen.OWN_PAIRS, chosen.OWN_GALLERIES) for path in place.glob("*")}
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return chosen.OWN_PAIRS[1] / next(one for one in names if one not in taken)


def _make(
    pair: Pair,
    found: Found,
    place: int,
    said: Mapping[int, bool | None],
    word: str,
    by: str,
    folder: Path | None,
    watch: Watch,
) -> Made:
    from siam.discovery.naming import name
    from siam.gallery.scoring import take_half_of_the_cores

    take_half_of_the_cores()
    with SCORING.turn(watch):
        watch(0.1, 1, f"Teaching SIAM “{word}”, and fitting its templates again; this takes seconds")
        gallery = found.cases.gallery
        named = name(pair, found.discovery, found.candidate(place), said, word, by, gallery.folder.name)
    watch(0.9, 1, "Saving")
    if folder is not None:
        of = named.pair
        named = type(named)(Pair(folder.name, of.siam, of.baseline, of.card, of.fold_templates), named.maps, named.fit)
        save(named.pair, folder, half=True)
    parts = np.abs(named.fit.taste.contributions(named.maps))  # (N, K + 1)
    rank = (parts >= parts[:, -1:]).sum(axis=1)
    best = int(np.lexsort([-parts[:, -1], rank])[0])
    on_disk = gallery.contents is None
    archive = gallery.folder if on_disk and is_archive(gallery.folder) else None
    scorable = gallery.folder if on_disk and archive is None else None
    return Made(word, named, folder, named.maps.identifiers[best], scorable, archive,
                gallery.about.split == CROSS_VALIDATION)  # fmt: skip


@st.fragment(run_every=0.5)
def _progress() -> None:
    job: Job[Made] | None = st.session_state.get(_KEY)
    if job is None or not job.running:
        st.rerun()
    progress, stopping = job.progress, job.stopping
    st.progress(progress.share, "Stopping …" if stopping else plain(progress.text))
    st.button("Cancel", key="discover-cancel-making", icon=":material/close:", disabled=stopping, on_click=job.cancel)


def _outcome(made: Made) -> None:
    """Say what came of it, and lead on."""
    number = len(made.named.pair.config.attributes)
    where = "" if made.folder is None else f", saved in {plain(made.folder.as_posix())}"
    told = f"“{plain(made.word)}” is attribute {number} of a copy of the networks{where}."
    st.success(told, icon=":material/task_alt:")
    st.markdown(_told(made))
    if made.folder is None:
        name = made.named.pair.name
        st.download_button(
            "The networks (ZIP)", lambda: zipped(made.named.pair, _plain_name(name)), f"{_plain_name(name)}.zip",
            "application/zip", key="discover-zip", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.caption("Unpack it below models/ where the app runs, and it is among the networks in the sidebar.")
        return
    _lead_on(made, made.folder)


def _plain_name(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-")


def _told(made: Made) -> str:
    """Return τ before and after, and how sure the difference is, in a sentence."""
    fit = made.named.fit
    before, after = round(fit.crowd_tau, 3), round(fit.tau, 3)
    low, high = (float(end) for end in fit.gain)
    begin = (
        f"On photos that the new templates had not seen, τ was {before:.3f} before and is {after:.3f} with it "
        f"({phrases.signed(after - before, 3)}, 95 % interval {phrases.signed(low, 3)} to {phrases.signed(high, 3)})"
    )
    if low > 0:
        return f"{begin}: SIAM orders them **better**."
    if high < 0:
        return f"{begin}: SIAM orders them **worse**, though it can tell one thing more."
    return f"{begin}: **whether it helps is open**, but SIAM can tell one thing more."


def _lead_on(made: Made, folder: Path) -> None:
    """Offer to explain photos with the new pair once its gallery is there, without which other pages are empty."""
    task, out = st.session_state.get("task"), chosen.OWN_GALLERIES / folder.name
    busy = task is not None and not task.kind
    there = changed(out) > 0
    if not there and not busy and made.scorable is not None and "discover-scored" not in st.session_state:
        st.session_state["discover-scored"] = True
        _score(made.scorable, folder, out)
        st.rerun()  # the sidebar shows the progress, too
    if busy and not there:
        from ui.add_gallery import dialog

        st.caption("The new networks score this gallery, so that every page has photos; then *Explain* shows one.")
        dialog.progress_bar("discover")
        return
    with st.container(horizontal=True):
        st.button(
            f"Explain with “{plain(made.word)}”", key="discover-explain", icon=":material/landscape:",
            on_click=_switch, args=(folder, made.best if there else None),
        )  # fmt: skip
        if not there and made.scorable is not None:
            st.button(
                "Score this gallery with it", key="discover-score", icon=":material/replay:",
                on_click=_score, args=(made.scorable, folder, out),
            )  # fmt: skip
    if there and made.unseen:
        st.caption(
            "The old gallery’s scores are by networks that had not seen its photos. The new networks learned from "
            "these, so here they look better than they are."
        )
    if not there and made.archive is not None:
        st.markdown(
            "These networks have no gallery yet. They score the archive by this command, and its scores are their "
            "gallery; it goes on if it is given again with `--resume`:"
        )
        st.code(store.command(store.about(made.archive), out, folder.as_posix()), language="bash", wrap_lines=True)
    elif not there:
        st.caption(f"These networks have no gallery yet: with them, {code('Add a gallery')} in the sidebar makes one.")


def _score(gallery: Path, folder: Path, out: Path) -> None:
    from ui.add_gallery import tasks

    tasks.score_with(folder, gallery, out)


def _switch(folder: Path, case: str | None) -> None:
    """Put the new pair into the sidebar, and make the next run of this page go to Explain."""
    st.session_state["pair"] = folder.as_posix()
    forget_gallery()
    st.session_state[_OPEN] = case


def go_on() -> None:
    """Go to Explain if the visitor asked for it; called by the page before anything is shown."""
    if _OPEN in st.session_state:
        case = st.session_state.pop(_OPEN)
        st.switch_page("pages/explain.py", query_params={} if case is None else {"case": case})
