"""Whose photos are labelled, and where answers to them are: on the disk, or in the session alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st

from siam.errors import SIAMError, StorageError
from siam.gallery.cases import Cases
from siam.gallery.store import Gallery
from siam.labelling import answers, photos, table
from siam.labelling.answers import Answer, Answers
from siam.runtime.files import check_folder
from ui.photos import uploads
from ui.photos.photo import short_credit
from ui.state import chosen
from ui.state.public import message, public

OWN = Path("labels")  # in the folder in which the app was started, like galleries/
_FOLDER = "A folder on this machine"


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos that are labelled.

    Attributes:
        key: tells them from others in this session.
        files: name → file, or content if they are in memory only.
        place: the folder for answers and table; None: they stay in the session.
        beside: whether the photos are in that folder.
        gallery: that holds them, if one does.
    """

    key: str
    files: Mapping[str, Path | bytes] = field(repr=False)
    place: Path | None = None
    beside: bool = False
    gallery: Gallery | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """The names of the photos that could be read so far."""
        unreadable = _session("unreadable", self.key, set)
        return [name for name in self.files if name not in unreadable]

    def leave_out(self, name: str) -> None:
        """Ask no more for a photo that cannot be read."""
        _session("unreadable", self.key, set).add(name)

    def credit(self, name: str) -> str:
        """Return author and licence of a photo as Markdown, "" if they are not known."""
        if self.gallery is None:
            return ""
        return short_credit(self.gallery.facts(photos.names_in(self.gallery).index(name)))

    def answers(self) -> Answers:
        """Return the answers so far.

        Raises:
            DatasetError: a newer version of the program wrote them.
            StorageError: they cannot be read.
        """
        if self.place is None:
            return Answers(tuple(_session("answers", self.key, list)))
        return answers.read(self.place / answers.FILE)

    def add(self, answer: Answer) -> None:
        """Keep an answer; what goes wrong is shown on the next run."""
        if self.place is None:
            _session("answers", self.key, list).append(answer)
            return
        try:
            answers.add(self.place / answers.FILE, answer)
            table.write(self.answers(), self.place)
        except SIAMError as error:
            st.session_state["label-problem"] = message(error)

    def csv(self) -> bytes:
        """Return the table with the answers.

        Raises:
            DatasetError: the table beside them cannot be read.
        """
        return table.merged(self.answers(), self.place)

    def regions(self) -> bytes | None:
        """Return the file with the marks, None if there are none.

        Raises:
            DatasetError: the file beside them is damaged, or the table.
        """
        return table.outlined(self.answers(), self.place)


def choose() -> Photos:
    """Let the visitor choose the photos: those of the gallery in use, or of a folder of their own."""
    cases = chosen.cases()
    label = "This gallery" if cases is not None else None
    if uploads.on_this_machine():
        choices = [*([label] if label else []), _FOLDER]
        with st.expander("Choose photos", icon=":material/photo_library:", expanded=label is None):
            of = st.segmented_control("Photos", choices, default=choices[0], required=True, key="label-of")
            text = ""
            if of == _FOLDER:
                text = st.text_input("Folder", key="label-folder", placeholder="/home/you/photos")
                st.caption("Answers are kept there, too, in labels.jsonl and attributes.csv, marks in regions.npz.")
        if of == _FOLDER:
            return _of_folder(uploads.folder(text))
    found = of_gallery(cases)
    some = photos.drawn(found.files)
    if len(some) < len(found.files):
        st.caption(f"{len(some):,} of {len(found.files):,} photos, drawn at random.")
    return replace(found, files=some)


def of_gallery(cases: Cases | None) -> Photos:
    """Return the photos of a gallery; without one, or without its pictures, say so, and end the page."""
    if cases is None:
        st.info(
            "This pair has no gallery yet. Make one with “Add a gallery” in the sidebar; its photos appear here.",
            icon=":material/photo_library:",
        )
        st.stop()
    gallery = cases.gallery
    files = photos.of_gallery(gallery)
    if not files:
        st.info(
            "The pictures of this gallery are not on this machine. Download them with “Add a gallery” in the sidebar, "
            "or choose another gallery there.",
            icon=":material/hide_image:",
        )
        st.stop()
    stays = public() or gallery.contents is not None
    return Photos(f"{gallery.folder}", files, None if stays else OWN / gallery.folder.name, gallery=gallery)


def _of_folder(root: Path | None) -> Photos:
    if root is None:
        st.info("Type the folder that holds your photos.", icon=":material/folder_open:")
        st.stop()
    listed = st.session_state.get("label-listed")
    if listed is None or listed[0] != root:
        try:
            listed = root, photos.in_folder(root)
        except SIAMError as error:
            st.error(message(error), icon=":material/error:")
            st.stop()
        st.session_state["label-listed"] = listed
    try:
        check_folder(root)
    except StorageError:
        return Photos(str(root), listed[1], OWN / root.name)
    return Photos(str(root), listed[1], root, beside=True)


def _session(what: str, key: str, make: Callable[[], Any]) -> Any:
    """Return what the session keeps of some photos."""
    return st.session_state.setdefault(f"label-{what}", {}).setdefault(key, make())
