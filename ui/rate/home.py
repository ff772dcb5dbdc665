"""Ratings and the network made of them: taken home, and read back."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from siam.errors import DatasetError, SIAMError
from siam.taste import ratings
from siam.taste.agreement import means_csv
from siam.taste.personal import Design, Personal, as_pair
from siam.taste.ratings import Answers
from ui.rate.tasks import Task
from ui.rate.taste import personal
from ui.state import chosen, resources
from ui.state.markdown import code, plain
from ui.state.public import message, public
from ui.state.zipped import zipped


def show(task: Task, rater: str, answers: Answers, design: Design | None) -> None:
    """Offer the files, and take a table of ratings back."""
    st.subheader("Take home", anchor=False)
    if answers.damaged:
        lines = "line" if answers.damaged == 1 else "lines"
        st.caption(f"{answers.damaged} damaged {lines} in {plain(task.file)} were left out.")
    mine = tuple(of for of in answers.answers if of.rater == rater)
    given = tuple(of for of in answers.standing if of.rater == rater)
    with st.container(horizontal=True):
        _file("My answers (CSV)", lambda: ratings.to_csv(mine), f"ratings-{rater}.csv", "mine", not mine)
        if len(answers.raters) > 1 and not public():
            _file("All answers (CSV)", lambda: ratings.to_csv(answers.answers), "ratings-all.csv", "all", False)
        if task.photos.folder is not None and task.study.mode == "rating":
            several = given if public() else answers.standing
            _file("Means, to train with (CSV)", lambda: means_csv(several), "ratings.csv", "means", not several)
    if design is not None:
        found = personal(task, given, design)
        if not isinstance(found, str):
            _network(found, rater)
    _back(task)


def _file(label: str, make: Callable[[], bytes], name: str, key: str, disabled: bool) -> None:
    st.download_button(
        label, make, name, "text/csv", key=f"home-{key}", icon=":material/download:", on_click="ignore",
        disabled=disabled,
    )  # fmt: skip


def _network(found: Personal, rater: str) -> None:
    """Offer the personal SIAM as a pair's folder."""
    name = f"taste-{rater}"
    if public():
        pair = resources.pair()
        st.download_button(
            "My SIAM (ZIP)", lambda: zipped(as_pair(found, pair, name), name), f"{name}.zip", "application/zip",
            key="home-network", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.caption("Unpack it below models/ where the app runs, and it is among the networks in the sidebar.")
        return
    folder = chosen.OWN_PAIRS[1] / name
    st.button("Keep my SIAM", key="home-network", icon=":material/save:", on_click=_keep, args=(found, folder))
    kept = st.session_state.pop("kept-network", None)
    if isinstance(kept, str):
        st.error(message(kept), icon=":material/error:")
    elif kept is not None:
        st.success(f"It is in {plain(folder.as_posix())}: choose it in the sidebar.", icon=":material/task_alt:")
    st.caption(f"It goes to {code(folder.as_posix())}; all pages can use it, beside a gallery that it has scored.")


def _keep(found: Personal, folder: Path) -> None:
    from siam.models.checkpoint import save

    try:
        save(as_pair(found, resources.pair(), folder.name), folder, half=True)
        st.session_state["kept-network"] = folder
    except SIAMError as error:
        st.session_state["kept-network"] = f"Not stored: {error}"


def _back(task: Task) -> None:
    """Read answers back from a table that was taken home."""
    turn = st.session_state.setdefault("back-turn", 0)
    with st.expander("Read answers back", icon=":material/upload:"):
        file = st.file_uploader("My answers (CSV)", key=f"back-{turn}", help="the table that “My answers” saves")
        if told := st.session_state.pop("back-told", None):
            st.success(told, icon=":material/task_alt:")
        if file is None:
            return
        try:
            read = ratings.from_csv(file.getvalue(), file.name)
        except DatasetError as error:
            st.error(message(error), icon=":material/error:")
            return
        known = set(task.answers().answers)
        new = [of for of in read if of not in known]
        here = sum(of.photo in task.photos.names for of in new if of.photo)
        answers = "answer" if len(new) == 1 else "answers"
        st.markdown(f"{len(new):,} new {answers} in {len(read):,} rows; {here:,} about photos that are here.")
        st.button("Add them", disabled=not new, on_click=_add, args=(task, new))


def _add(task: Task, new: list[ratings.Answer]) -> None:
    if problem := task.add(*new):
        st.session_state["rate-problem"] = problem
        return
    task.raters[task.key] = new[-1].rater
    st.session_state["back-turn"] += 1
    st.session_state["back-told"] = f"{len(new):,} answers of {new[-1].rater} were added."
