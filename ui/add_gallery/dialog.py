"""“Add a gallery”: pictures to download, or your own photos to score; the sidebar shows the progress."""

from functools import partial

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from siam.datasets.base import RatingScale
from siam.datasets.cells import SUFFIXES
from siam.errors import DatasetError
from siam.gallery.cases import Cases
from siam.gallery.scoring import Refused
from siam.gallery.table import csv_text
from siam.gallery.uploads import MOST, Batch, Scores, read_scores
from siam.images.reading import ACCEPTED
from ui.add_gallery import fetch, tasks
from ui.add_gallery.tasks import Task
from ui.photos import quota, uploads
from ui.state import chosen, resources
from ui.state.markdown import plain
from ui.state.public import message, public

_ICONS = {
    "success": ":material/check_circle:",
    "info": ":material/pause_circle:",
    "warning": ":material/error:",
}


def progress() -> None:
    """Show the progress or outcome of a task; called in the sidebar."""
    task = tasks.current()
    if task is None or st.session_state.get("adding"):
        return
    if not task.kind:
        progress_bar("sidebar")
    else:
        st.caption(f"{_ICONS[task.kind]} {message(task.outcome)}")


def _close() -> None:
    st.session_state["adding"] = False
    task: Task | None = st.session_state.get("task")
    if task is not None and task.kind:
        del st.session_state["task"]  # its outcome has been read


@st.dialog("Add a gallery", width="medium", icon=":material/add_photo_alternate:", on_dismiss=_close)
def show() -> None:
    """Show the dialog; called outside the sidebar, until it is closed."""
    if not st.session_state.get("adding"):
        if st.session_state.pop("show_added", False):
            st.switch_page("pages/disagreements.py")
        st.rerun()  # a button of the dialog closed it
    task = tasks.current()
    if task is not None and not task.kind:
        st.markdown(f"**{plain(task.title)}**")
        progress_bar("dialog")
        st.caption(
            "You can close this window and use other pages: the work continues, and the sidebar shows its progress."
        )
        return
    if task is not None:
        _ended(task)
    _your_photos(task)
    if uploads.on_this_machine():
        _folder()
    fetch.missing_pictures()
    if not public():
        fetch.scenicornot()


@st.fragment(run_every=0.5)
def progress_bar(place: str) -> None:
    """Show the progress of the session's task until it ends."""
    task: Task | None = st.session_state.get("task")
    if task is None or task.kind or not task.job.running:
        st.rerun()
    progress, stopping = task.job.progress, task.job.stopping
    st.progress(progress.share, "Stopping …" if stopping else plain(progress.text))
    st.button("Cancel", key=f"cancel-{place}", icon=":material/close:", disabled=stopping, on_click=task.job.cancel)


def _ended(task: Task) -> None:
    """Say how a task ended and which photos were skipped, and offer what can be done with the result."""
    {"success": st.success, "info": st.info, "warning": st.warning}[task.kind](
        message(task.outcome), icon=_ICONS[task.kind]
    )
    if task.reason:
        st.caption(f"Reason: {message(task.reason)}")
    if task.left_out:
        st.caption(f"Left out: {plain(', '.join(map(str, task.left_out)))}.")
    if task.refused:
        count = len(task.refused)
        with st.expander(f"{count} {'file was' if count == 1 else 'files were'} skipped", expanded=count <= 5):
            st.markdown("\n".join(map(_skipped, task.refused)))
    with st.container(horizontal=True):
        if task.label is not None and task.label in chosen.galleries():
            st.button("Show these photos", key="show-added", on_click=_show, args=(task.label,))
        if task.cases is not None:
            st.download_button(
                "Scores and contributions (CSV)",
                partial(_csv, task.cases),
                "siam-scores.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
                key="added-csv",
            )
        if task.kind != "success":
            again = "Resume" if task.kind == "info" else "Try again"
            st.button(again, key="again", icon=":material/replay:", on_click=task.begin)


def _skipped(of: Refused) -> str:
    rest = of.reason.removeprefix(f"{of.name} ")
    return f"- **{plain(of.name)}**{':' if rest == of.reason else ''} {message(rest)}"


def _csv(cases: Cases) -> bytes:
    return csv_text(cases, np.arange(len(cases.table))).encode("utf-8-sig")


def _show(label: str) -> None:
    chosen.choose_gallery(label)
    st.session_state["show_added"] = True
    _close()


def _your_photos(task: Task | None) -> None:
    """Offer to score the visitor's own photos."""
    with st.container(border=True):
        st.markdown("**Your own photos**")
        st.caption(
            f"Score up to {MOST} photos. Small copies are kept in memory: nothing is saved, nobody else sees them, and "
            "they are gone when you close this page."
        )
        turn = st.session_state.setdefault("batch_turn", 0)
        photos = st.file_uploader("Photos", accept_multiple_files=True, key=f"batch-photos-{turn}", help=ACCEPTED)
        table = st.file_uploader(
            "People’s ratings (optional)",
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            key=f"batch-scores-{turn}",
            help="CSV or spreadsheet with the columns file and score, one row per photo: lake.jpg, 5.5",
        )
        scale, problem = _scale("batch", asked=table is not None)
        scores = Scores()
        problem = quota.problem([*photos, table]) or problem
        if problem is None:
            scores, problem = _scores(table, photos, scale)
        if problem is None and len(photos) > MOST:
            problem = f"You chose {len(photos)} photos, but at most {MOST} can be scored at a time: remove some."
        if problem is not None:
            st.error(plain(problem), icon=":material/error:")
        count = len(photos)
        label = "Score the photos" if not count else f"Score {count} {'photo' if count == 1 else 'photos'}"
        ready = bool(count) and problem is None
        st.button(label, key="score-batch", disabled=not ready, on_click=_score, args=(photos, table, scores))
        _batch_here(offered=task is not None and task.batch is not None and task.kind != "success")


def _score(photos: list[UploadedFile], table: UploadedFile | None, scores: Scores) -> None:
    """Start scoring uploads, and empty the upload form."""
    batch = Batch([(photo.name, photo.getvalue()) for photo in photos], scores, others=chosen.inputs())
    quota.hold(batch)
    uploads.forget([*photos, *([] if table is None else [table])])
    st.session_state["batch_turn"] += 1
    tasks.score_batch(batch)


def _scores(
    table: UploadedFile | None, photos: list[UploadedFile], scale: RatingScale | None
) -> tuple[Scores, str | None]:
    """Return the ratings in an uploaded table, or what is wrong with it."""
    try:
        if table is None:
            return Scores(), None
        return read_scores(table.getvalue(), table.name, [photo.name for photo in photos], scale), None
    except DatasetError as error:
        return Scores(), str(error)


def _scale(key: str, *, asked: bool = True) -> tuple[RatingScale | None, str | None]:
    """Ask for the scale of the ratings, unless there are none; return it, None if unknown, and what is wrong."""
    if not asked:
        return None, None
    with st.container(horizontal=True):
        low = st.number_input("Lowest rating", value=None, key=f"{key}-lowest", placeholder="such as 1")
        high = st.number_input("Highest rating", value=None, key=f"{key}-highest", placeholder="such as 5")
    if low is None and high is None:
        st.caption(
            "If you leave these empty, ratings are compared by rank, unless a heading such as “score (1 to 5)” gives "
            "the scale."
        )
        return None, None
    if low is None or high is None:
        return None, "Give both the lowest and the highest possible rating, or neither."
    try:
        return RatingScale.between(low, high), None
    except DatasetError as error:
        return None, str(error)


def _batch_here(offered: bool) -> None:
    """Offer what can be done with the photos in memory; `offered`: resuming is already on offer."""
    batch: Batch | None = st.session_state.get("batch")
    if batch is None:
        return
    left = batch.left(resources.pair())
    st.caption("New photos replace the ones you uploaded before.")
    with st.container(horizontal=True):
        if left and not offered:
            label = "Score the remaining photo" if left == 1 else f"Score the remaining {left} photos"
            st.button(label, key="go-on-batch", on_click=tasks.score_batch, args=(batch,))
        st.button("Remove your photos", key="forget-batch", icon=":material/delete:", type="tertiary", on_click=_forget)


def _forget() -> None:
    """Forget the photos in memory and close the dialog, so that the page runs without them."""
    chosen.forget_uploads()
    for key in ("batch", "task", resources.OWN):
        st.session_state.pop(key, None)
    if "photo" in st.session_state and not st.session_state["photo"].address:
        del st.session_state["photo"]
    _close()


def _folder() -> None:
    """Offer to score a folder on the visitor's own machine."""
    with st.container(border=True):
        st.markdown("**A folder on this machine**")
        st.caption(
            "Score all photos in a folder and its subfolders. It may hold a table `ratings.csv` or `.xlsx` with the "
            f"columns file and score. Small copies and scores are saved in {chosen.OWN_GALLERIES.as_posix()}/; your "
            "folder is left as it is."
        )
        st.text_input("Folder", key="batch-folder", placeholder="/home/you/photos")
        scale, problem = _scale("folder")
        if problem is not None:
            st.error(plain(problem), icon=":material/error:")
        st.button(
            "Score this folder", key="score-folder", disabled=problem is not None, on_click=_score_folder, args=(scale,)
        )


def _score_folder(scale: RatingScale | None) -> None:
    path = uploads.folder(st.session_state["batch-folder"])
    if path is not None and uploads.on_this_machine():  # checked again: a forged message needs no dialog
        tasks.score_folder(path, None if scale is None else (scale.low, scale.high))
