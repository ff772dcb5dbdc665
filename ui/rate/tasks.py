"""What is rated, by whom, and where answers are kept.

On one's own machine, they are in ratings/, or beside the file of the study. On a public server only studies that its
owner put into one folder are stored; other answers stay with the visitor until the page is closed.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from siam.errors import DatasetError, SIAMError, StorageError
from siam.gallery.cases import Cases, read_cases
from siam.runtime.digests import digest
from siam.taste import photos, ratings, study
from siam.taste.photos import Photos
from siam.taste.ratings import Answer, Answers
from siam.taste.study import Study
from ui.photos import uploads
from ui.state import chosen
from ui.state.address import point
from ui.state.markdown import plain
from ui.state.public import message, public

STUDIES_VARIABLE = "SIAM_STUDIES"
RATINGS = Path("ratings")  # in the folder in which the app was started
_STUDIES = Path("studies")
_FULL = 50_000_000  # bytes of a study's answers that a public server takes
_GALLERY, _FOLDER = "the gallery in use", "a folder on this machine"
Mode = Literal["rating", "pairs"]
_HOW = "how beautiful, from 1 to 7", "which of two is more beautiful"
_MODES: dict[str, Mode] = {"one at a time": "rating", "pairs": "pairs"}


@dataclass(frozen=True, eq=False)
class Task:
    """Photos to rate.

    Attributes:
        key: of what the session knows about it.
        study: what is asked.
        file: of the answers; None if they stay in the session.
        photos: that are shown.
        cases: of their gallery, if they are in one.
        configured: whether somebody wrote a study, with texts and an order of its own.
    """

    key: str
    study: Study
    file: Path | None
    photos: Photos
    cases: Cases | None = None
    configured: bool = False

    def answers(self) -> Answers:
        """Return the answers so far; raises what `siam.taste.ratings.read` raises."""
        if self.file is not None:
            return ratings.read(self.file)
        return Answers(tuple(st.session_state.get("answers", {}).get(self.key, ())))

    def add(self, *answers: Answer) -> str | None:
        """Keep answers, one after the other; return a sentence if that is impossible."""
        if self.file is None:
            kept = st.session_state.setdefault("answers", {})
            kept[self.key] = (*kept.get(self.key, ()), *answers)
            return None
        try:
            if public() and self.file.exists() and self.file.stat().st_size > _FULL:
                return "This study takes no more answers."
            for answer in answers:
                ratings.add(self.file, answer)
        except StorageError as error:
            return f"Not stored: {error}"
        return None

    @property
    def raters(self) -> dict[str, str]:
        """The session's own codes, by the key of the task."""
        return st.session_state.setdefault("raters", {})


@dataclass(frozen=True)
class What:
    """What the visitor chose to rate: the file of a study, or photos of a kind in a mode."""

    study: Path | None = None
    kind: str = _GALLERY
    mode: Mode = "rating"
    folder: Path | None = None


def what() -> What:
    """Let the visitor choose what to rate; a study in the address decides that."""
    found = _studies()
    if (asked := st.query_params.get("study")) in found:
        return What(found[asked])
    kinds = [_GALLERY] + ([_FOLDER] if uploads.on_this_machine() else [])
    with st.popover("What to rate", icon=":material/photo_library:"):
        kind = st.radio("Photos of", kinds, key="rated")
        typed = ""
        if kind == _FOLDER:
            typed = st.text_input("Folder", key="rated-folder", placeholder="/home/me/photos")
        mode = _MODES[st.radio("Show", list(_MODES), captions=_HOW, key="mode", bind="query-params")]
        if found:
            st.selectbox("Or take part in a study", list(found), index=None, key="study-chosen", on_change=_enter)
    return What(None, kind, mode, uploads.folder(typed))


def choose(what: What) -> Task | None:
    """Return what is rated; None, with a sentence, where that is not possible."""
    if what.study is not None:
        return _task_of_study(what.study)
    if (asked := st.query_params.get("study")) is not None:
        st.info(f"There is no study {plain(asked[:60])} here.", icon=":material/search_off:")
    return _of_folder(what.folder, what.mode) if what.kind == _FOLDER else _of_gallery(what.mode)


def _enter() -> None:
    point("study", st.session_state["study-chosen"])


def leave() -> None:
    """Leave a study."""
    point("study", None)
    point("rater", None)
    st.session_state.pop("study-chosen", None)


def _studies() -> dict[str, Path]:
    """Return the studies that are configured here, by name."""
    told = os.environ.get(STUDIES_VARIABLE)
    if told is None and public():
        return {}
    return {path.stem: path for path in study.studies_in(Path(told or _STUDIES))}


def _task_of_study(path: Path) -> Task | None:
    try:
        of, shown, cases = _read_study(path, path.stat().st_mtime_ns)
    except (SIAMError, OSError) as error:
        st.error(message(error), icon=":material/error:")
        st.button("Leave the study", on_click=leave)
        return None
    return Task(f"study:{path.stem}", of, study.answers_file(path), shown, cases, configured=True)


@st.cache_resource(max_entries=8, show_spinner="Opening the study …")
def _read_study(path: Path, _changed: int) -> tuple[Study, Photos, Cases | None]:
    of = study.read(path)
    shown = photos.of_study(of)
    return of, shown, None if shown.gallery is None else read_cases(shown.gallery)


def _of_gallery(mode: Mode) -> Task | None:
    cases = chosen.cases()
    if cases is None:
        st.info("These networks have no gallery yet. “Add a gallery” in the sidebar makes one.", icon=":material/add:")
        return None
    gallery = cases.gallery
    try:
        shown = photos.of_gallery(gallery)
    except DatasetError as error:
        st.info(f"{message(error)} “Add a gallery” in the sidebar does that.", icon=":material/hide_image:")
        return None
    label = chosen.label_in(gallery.folder) if gallery.contents is None else chosen.label_of(cases)
    kept = None if public() or gallery.contents is not None else RATINGS / f"{gallery.folder.name}.jsonl"
    return Task(f"gallery:{gallery.folder}", Study(label, mode=mode), kept, shown, cases)


def _of_folder(folder: Path | None, mode: Mode) -> Task | None:
    if folder is None:
        st.info("Type the path of a folder with photos under “What to rate”.", icon=":material/folder_open:")
        return None
    try:
        shown = _in_folder(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)
    except DatasetError as error:
        st.error(message(error), icon=":material/folder_off:")
        return None
    name = re.sub(r"[^\w-]+", "-", folder.name).strip("-") or "photos"
    kept = RATINGS / f"{name}-{digest(str(folder).encode())[:8]}.jsonl"
    return Task(f"folder:{folder}", Study(folder.name, mode=mode), kept, shown)


@st.cache_resource(max_entries=8, show_spinner="Looking through the folder …")
def _in_folder(folder: Path, _changed: int) -> Photos:
    return photos.of_folder(folder)


def rater(task: Task, answers: Answers) -> str:
    """Return the code under which the visitor answers, and let them choose another one."""
    codes = task.raters
    asked = st.query_params.get("rater")
    if task.configured and asked in answers.raters:
        codes[task.key] = asked
    if task.key not in codes:
        mine = answers.raters if not public() and not task.configured else ()
        codes[task.key] = mine[-1] if mine else ratings.code()
    with st.popover(f"Rater {codes[task.key]}", icon=":material/person:"):
        st.caption(_where(task))
        if task.configured or public():
            typed = st.text_input("Go on with another code", key=f"code-{task.key}").strip()
            if typed and typed in answers.raters:
                codes[task.key] = typed
            elif typed:
                st.caption("Nobody has answered with this code.")
        elif len(answers.raters) > 1 or codes[task.key] not in answers.raters:
            options = list(dict.fromkeys((*answers.raters, codes[task.key])))
            codes[task.key] = st.radio(
                "Who rates?", options, index=options.index(codes[task.key]), format_func=_named(answers)
            )
        st.button("Somebody else", icon=":material/person_add:", on_click=_new, args=(task,))
    if task.configured:
        point("rater", codes[task.key] if codes[task.key] in answers.raters else None)
    return codes[task.key]


def _named(answers: Answers):
    counts = {code: sum(of.rater == code and of.kind != "skip" for of in answers.standing) for code in answers.raters}
    return lambda code: f"{code}: {counts[code]} answers" if code in counts else f"{code}: new"


def _new(task: Task) -> None:
    task.raters[task.key] = ratings.code()
    point("rater", None)


def _where(task: Task) -> str:
    if task.file is None:
        return "Answers stay in this browser tab until you close it. “Take home” below your taste saves them."
    if public():
        return "Answers are stored on this server under this code, without your name. Note it to go on another day."
    return f"Answers are in {plain(task.file.as_posix())} on this machine, each as soon as it is given."
