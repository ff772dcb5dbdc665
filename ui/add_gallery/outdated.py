"""One line where a gallery's scores are those of other networks than the chosen ones, and a button to score it again.

What scores is imported when it is needed: it takes PyTorch, which no page should have to wait for.
"""

from pathlib import Path

import streamlit as st

from siam.gallery import upkeep
from siam.gallery.cases import Cases
from ui.state import chosen, resources
from ui.state.markdown import plain
from ui.state.public import message, public

_WHOSE = "the gallery’s scores"  # where the page shows new ones, too


def notice(cases: Cases, *, explained: bool = False) -> None:
    """Say whose scores a gallery holds, and offer to score it again; nothing if they are those of the networks in use.

    Args:
        cases: of the gallery.
        explained: whether the page explains a photo of it with the networks in use.
    """
    about, networks = cases.gallery.about, upkeep.networks_of(resources.pair())
    text = upkeep.sentence(about, networks, _WHOSE if explained else "scores here")
    if text is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/history: {plain(text)}{_instead(cases)}", width="stretch")
        if _may(cases):
            _button(cases)
    _failed(cases)


def _instead(cases: Cases) -> str:
    """Say what to do where no button can."""
    if cases.gallery.about.split == upkeep.CROSS_VALIDATION:
        return " Only training makes it again."
    return " Whoever runs this server can score it again." if public() and not _in_memory(cases) else ""


def _may(cases: Cases) -> bool:
    if _in_memory(cases):
        return "batch" in st.session_state
    return cases.gallery.about.split != upkeep.CROSS_VALIDATION and not public()


def _in_memory(cases: Cases) -> bool:
    return cases.gallery.contents is not None


def _button(cases: Cases) -> None:
    task = st.session_state.get("task")
    if task is not None and not task.kind:
        from ui.add_gallery import dialog

        if task.again == _folder(cases):
            dialog.progress_bar("notice")
            return
    st.button(
        "Score again", key="score-again", icon=":material/replay:", on_click=_again, args=(cases,),
        disabled=task is not None and not task.kind, help="Ratings, credits and truths stay as they are.",
    )  # fmt: skip


def _again(cases: Cases) -> None:
    from ui.add_gallery import tasks

    if _in_memory(cases):
        tasks.score_batch(st.session_state["batch"])
    else:
        tasks.score_again(cases.gallery.folder)


def _failed(cases: Cases) -> None:
    """Show why the gallery could not be scored again: on a phone, nobody sees the sidebar."""
    task = st.session_state.get("task")
    if task is not None and task.kind == "warning" and task.again == _folder(cases):
        st.caption(f":material/error: {message(task.reason or task.outcome)}")


def _folder(cases: Cases) -> Path | None:
    return None if _in_memory(cases) else cases.gallery.folder


def of_photo(address: dict[str, str]) -> None:
    """Show the notice for the gallery of a photo, if it is from one."""
    cases = chosen.cases() if "case" in address else None
    if cases is not None:
        notice(cases, explained=True)
