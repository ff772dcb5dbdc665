"""Attributes that were named here can be removed again: the pair that has one is deleted, with its gallery."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from siam.drawing.phrases import date_text
from siam.errors import CheckpointError, DatasetError
from siam.gallery import store
from siam.models import card as cards
from ui.discover import making
from ui.state import chosen
from ui.state.address import forget_gallery
from ui.state.markdown import code, plain
from ui.state.public import message, public

_PROBLEM = "discover-problem"


def show() -> None:
    """List the pairs in models/ that have such an attribute, each with a way to delete it."""
    if public():
        return
    if told := st.session_state.pop(_PROBLEM, None):
        st.error(told, icon=":material/error:")
    known = _known()
    if not known:
        return
    st.subheader("Named here", anchor=False)
    for folder, card in known.items():
        told, task = card[cards.DISCOVERED], st.session_state.get("task")
        busy = task is not None and not task.kind  # it may be writing there
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(told['word'])}** in {code(folder.as_posix())}{_from(told)}", width="content")
            with st.popover("Remove it again", icon=":material/delete:", key=f"remove-{folder.name}"):
                st.markdown(f"This deletes {' and '.join(code(path.as_posix()) for path in _folders(folder, card))}.")
                st.caption("Your answers are kept, and so are the networks from which it was made.")
                st.button(
                    "Delete", key=f"delete-{folder.name}", icon=":material/delete:",
                    on_click=_delete, args=(folder, card), disabled=busy,
                    help="Wait for the sidebar’s work to end." if busy else None,
                )  # fmt: skip


def _from(told: Mapping[str, Any]) -> str:
    answers = told.get("answers")
    count = sum(answers.get(kind, 0) for kind in ("present", "absent")) if isinstance(answers, dict) else 0
    day, by = date_text(str(told.get("date", ""))), told.get("by")
    who = f" by {plain(by)}" if isinstance(by, str) and by else ""
    return f", named{who} from {count} answers, {plain(day)}" if count else ""


def _known() -> dict[Path, dict[str, Any]]:
    """Return the folders of such pairs, with their cards."""
    found = {}
    for path in sorted(chosen.OWN_PAIRS[1].glob(f"*/{cards.CARD}")):
        with suppress(CheckpointError):  # the sidebar says so
            card = cards.read(path.parent)
            told = card.get(cards.DISCOVERED)
            if isinstance(told, dict) and isinstance(told.get("word"), str):
                found[path.parent] = card
    return found


def _folders(folder: Path, card: Mapping[str, Any]) -> list[Path]:
    """Return what is deleted: the pair, and the gallery that was scored for it."""
    gallery = chosen.OWN_GALLERIES / folder.name
    if not store.changed(gallery):
        return [folder]
    try:
        own = store.peek(gallery)[0].model == card.get("name")
    except DatasetError:
        own = False
    return [folder, gallery] if own else [folder]


def _delete(folder: Path, card: Mapping[str, Any]) -> None:
    """Delete a pair, and go back to that from which it was made."""
    making.forget()
    in_use = chosen.pair().source == folder.as_posix()
    try:
        for path in reversed(_folders(folder, card)):
            shutil.rmtree(path)
    except OSError as error:
        st.session_state[_PROBLEM] = message(f"Not removed: {error}")
        return
    if in_use:
        labels = {pair.name: label for label, pair in reversed(chosen.pairs().items())}
        st.session_state["pair"] = labels.get(str(card[cards.DISCOVERED].get("pair")), next(iter(chosen.pairs())))
        forget_gallery()
