"""One photo at a time, with four keys; how far all words have got; and what comes after."""

import shlex

import pandas as pd
import streamlit as st
from PIL import Image

from siam.datasets import region_files
from siam.drawing.maps import display_photo
from siam.errors import ImageError, SIAMError
from siam.images.reading import read_image
from siam.labelling import model, table
from siam.labelling.answers import Answer
from siam.runtime.spreadsheets import defused
from ui.label import where, words, work
from ui.label.source import Photos
from ui.state.markdown import code, plain, small
from ui.state.public import message

_SIDE, _HIGHEST = 960, 460  # px of a photo: its longer side, and its height on the page
_KINDS = (
    ("present", "Present", "P", ":material/check:"),
    ("absent", "Absent", "A", ":material/close:"),
    ("unsure", "Unsure", "U", ":material/question_mark:"),
)


def turn(photos: Photos, word: str) -> None:
    """Ask for one photo, and show how far the word has got."""
    answers = photos.answers()
    said = answers.said(word)
    if answers.answers:
        work.begin(photos)
    name, picture = _next(photos, word, said)
    if not photos.names:
        st.error("None of these photos can be read: give JPEG or PNG files.", icon=":material/broken_image:")
        st.stop()
    if problem := st.session_state.pop("label-problem", None):
        st.error(problem, icon=":material/error:")
    left, right = st.columns([3, 2], gap="medium")
    marked = ""
    with left:
        if name is None or picture is None:
            st.success(f"All {len(photos.names)} photos have an answer to “{plain(word)}”.", icon=":material/done_all:")
        else:
            marked = where.mark(picture, name, word) if where.wanted() else _show(picture, name)
            st.markdown(small(photos.credit(name)))
    with right:
        st.markdown(f"Does this photo show **{plain(word)}**?" if picture is not None else f"**{plain(word)}**")
        with st.grid(2, min_column_width=130, gap="small"):
            for kind, label, key, icon in _KINDS:
                st.button(
                    label, key=f"label-{kind}", icon=icon, shortcut=key, width="stretch", disabled=name is None,
                    on_click=_give, args=(photos, kind, word, name, marked if kind == "present" else ""),
                )  # fmt: skip
            st.button(
                "Undo", key="label-undo", icon=":material/undo:", shortcut="Z", width="stretch", disabled=not said,
                on_click=_give, args=(photos, "undo", word, ""),
            )  # fmt: skip
        if name is not None:
            where.ask()
        judged = words.judged(photos, word, answers)
        st.markdown(f"**{judged.answered}** of {len(photos.names)} answered · {words.figure(judged)}")
        rest = len(photos.names) - judged.answered
        looked = work.features(photos) is not None
        st.caption(f"{words.outlook(judged, rest, looked)} Leave the field above to answer by key.")
        if answers.damaged:
            st.caption(f":material/error: {answers.damaged} damaged lines of the answers were left out.")
        work.show(photos)


def _next(photos: Photos, word: str, said: dict[str, str]) -> tuple[str | None, Image.Image | None]:
    """Return the photo to ask for, and its picture; photos that cannot be read are left out."""
    features = work.features(photos)
    while (name := model.next_photo(word, photos.names, said, features)) is not None:
        try:
            return name, display_photo(read_image(photos.files[name], least=_SIDE), _SIDE)
        except ImageError:
            photos.leave_out(name)
    return None, None


def _show(picture: Image.Image, name: str) -> str:
    """Show a photo as it is; nothing is marked in it."""
    width, height = picture.size
    st.image(picture, width=min(2 * width, round(_HIGHEST * width / height)), alt=f"photo {name}")
    return ""


def _give(photos: Photos, kind: str, word: str, name: str | None, marked: str = "") -> None:
    if name is not None:
        photos.add(Answer(kind, word, name, where=marked))


def every_word(photos: Photos) -> None:
    """Show how far all words have got, and offer the table."""
    answers = photos.answers()
    if not answers.words:
        st.caption(
            "Nothing is answered yet. Every second photo will be the one of which a model that learns along is least "
            "certain. The others are drawn at random, and on those it is judged."
        )
        return
    rows = []
    for word in answers.words:
        of = words.judged(photos, word, answers)
        found = "" if of.more is None else f"{of.average_precision:.2f} ± {of.half:.2f}"
        rows.append((defused(word), found, of.present, of.absent, of.unsure))
    shown = pd.DataFrame(rows, columns=["word", "AP", "present", "absent", "unsure"])
    st.subheader("Your words", anchor=False)
    st.dataframe(shown, hide_index=True, key="label-words")
    st.caption(
        "AP is average precision: how well a model that learned from the other answers ranks photos with the word "
        "before those without, on photos drawn at random. ±: half its 95 % interval. Blank: too few photos to say."
    )


def take_home(photos: Photos) -> None:
    """Offer the table and the marks, say where they are, and what training needs besides."""
    try:
        data, regions = photos.csv(), photos.regions()
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        return
    with st.container(horizontal=True):
        st.download_button(
            table.NAME, data, table.NAME, "text/csv", key="label-csv", icon=":material/download:", on_click="ignore",
            disabled=not photos.answers().words, help="1: present, 0: absent, blank: unsure or not asked.",
        )  # fmt: skip
        if regions is not None:
            st.download_button(
                region_files.NAME, regions, region_files.NAME, key="label-regions", icon=":material/download:",
                on_click="ignore", help="Where you marked your words.",
            )  # fmt: skip
    files = table.NAME if regions is None else f"{table.NAME} and {region_files.NAME}"
    if photos.place is None:
        st.caption(f"Your answers stay in this session alone: download {files} before you close the page.")
    else:
        there = code(photos.place.as_posix())
        st.caption(f"Every answer is on the disk at once, with the table, in {there}: go on whenever you like.")
    with st.expander("Train networks with these words", icon=":material/model_training:"):
        folder = "MY" if photos.place is None else photos.place.as_posix()
        copied = "" if photos.beside else f"Put {files} into a folder with the photos, here {code(folder)}. "
        st.markdown(
            f"{copied}Beside it goes `ratings.csv`: the columns `file` and `score (1 to 7)`, with your ratings of 30 "
            "photos or more. Ten photos should show each word, and ten should not. Then run"
        )
        st.code(f"python -m siam train recipes/own.toml --root {shlex.quote(folder)} --out models/mine", "bash")
