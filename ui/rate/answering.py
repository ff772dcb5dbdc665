"""One photo, or two, and the keys for an answer; nothing of anybody's score is shown before it is given."""

from io import BytesIO

import streamlit as st
from PIL import Image

from siam.errors import ImageError
from siam.images.reading import read_image
from siam.taste.order import Order, Turn
from siam.taste.ratings import HIGHEST, LOWEST, Answer
from ui.photos.photo import short_credit
from ui.rate import looking, swipe, taste
from ui.rate.tasks import Task
from ui.state.markdown import plain, small
from ui.state.public import message

_WIDE, _HIGH = 820, 430  # px of a photo at most: its keys stay in view
_WITHDRAWN = "withdrawn"  # in the session: what is asked again after an undo
_TRIED = 8  # photos in a row that cannot be shown, before the page gives up


def agreed(task: Task, given: tuple[Answer, ...]) -> bool:
    """Show what people read before they begin; return whether they have agreed to it, if they must."""
    study, key = task.study, f"agreed-{task.key}"
    if not task.configured:
        return True
    st.subheader(plain(study.title), anchor=False)
    if study.consent and not given and not st.session_state.get(key):
        st.markdown(study.instructions)
        with st.container(border=True):
            st.markdown(study.consent)
        st.button("I agree", on_click=st.session_state.update, args=({key: True},))
        return False
    st.markdown(study.instructions)
    return True


@st.fragment
def show(task: Task, rater: str) -> None:
    """Ask for the next answer: the most telling one comes next once the photos are known to `looking.design`."""
    if problem := st.session_state.pop("rate-problem", None):
        st.error(message(problem), icon=":material/error:")
    study = task.study
    given = tuple(answer for answer in task.answers().standing if answer.rater == rater)
    design = looking.design(task, begin=bool(given))
    telling = design if study.order == "chosen" and study.mode == "rating" else None
    order = Order(task.photos.names, study.seed, telling, study.repeats, study.number)
    turn, pictures = _next(task, order, given)
    if turn is None:
        st.success("That was the last one. Thank you!", icon=":material/task_alt:")
    elif study.mode == "pairs":
        _pair(task, rater, turn, pictures, len(given))
    else:
        _one(task, rater, turn, pictures[0], len(given))
    with st.container(horizontal=True, vertical_alignment="center"):
        if turn is not None and study.mode == "rating":
            st.button(
                "Skip", key=f"skip-{len(given)}", shortcut="S", type="tertiary", icon=":material/skip_next:",
                on_click=_answer, args=(task, rater, turn, "skip", None),
            )  # fmt: skip
        st.button(
            "Undo", key=f"undo-{len(given)}", shortcut="Z", type="tertiary", icon=":material/undo:",
            disabled=not given or (given[-1].kind == "pair") != (study.mode == "pairs"),  # that one is undone there
            on_click=_withdraw, args=(task, rater, given[-1] if given else None),
        )  # fmt: skip
        st.caption(taste.verdict(task, given, design), width="content")
    if study.mode == "rating" and study.order == "chosen" and (words := looking.words()):
        st.caption(f"{words}. Until it has seen all, they come at random; then the most telling comes first.")


def _next(task: Task, order: Order, given: tuple[Answer, ...]) -> tuple[Turn | None, list[Image.Image]]:
    """Return what comes next and its pictures; photos that cannot be read are passed over."""
    pairs, passed = task.study.mode == "pairs", st.session_state.setdefault("unreadable", set[str]())
    for _try in range(_TRIED):
        over = () if pairs else tuple(Answer("x", "skip", name) for name in passed)
        turn = order.pair(given) if pairs else _again(task, given) or order.photo((*over, *given))
        if turn is None:
            return None, []
        try:
            return turn, [_picture(task, name) for name in (turn.photo, turn.other) if name]
        except ImageError:
            passed.add(turn.photo)
            st.session_state.pop(_WITHDRAWN, None)
    return None, []


def _again(task: Task, given: tuple[Answer, ...]) -> Turn | None:
    """Return the photo whose answer was just withdrawn, if any."""
    key, turn = st.session_state.get(_WITHDRAWN, (None, None))
    if key != task.key or turn is None or (not turn.repeat and any(of.photo == turn.photo for of in given)):
        return None
    return turn


def _picture(task: Task, name: str) -> Image.Image:
    content = task.photos.content(name)
    if content is None:
        raise ImageError(f"{name} is no longer there")
    picture = read_image(content, name=name)
    picture.thumbnail((2 * _WIDE, 2 * _HIGH))
    return picture


def _one(task: Task, rater: str, turn: Turn, picture: Image.Image, number: int) -> None:
    """Show a photo and the keys 1 to 7."""
    study = task.study
    with st.container(width=min(_WIDE, round(_HIGH * picture.width / picture.height)), key="rate-photo"):
        _image(task, turn.photo, picture)
    st.html("<style>.st-key-rate-keys kbd { display: none }</style>")  # each key says what it is already
    with (
        st.container(width=_WIDE, gap="xxsmall", key="rate-keys"),
        st.grid(HIGHEST - LOWEST + 1, min_column_width=38, gap="xsmall"),
    ):
        for value in range(LOWEST, HIGHEST + 1):
            st.button(
                str(value),
                key=f"rate-{number}-{value}",  # another key for each photo: no click counts for the next one
                shortcut=str(value),
                width="stretch",
                on_click=_answer,
                args=(task, rater, turn, "rating", value),
            )
    with st.container(gap="xxsmall"):
        st.caption(f"{LOWEST} {plain(study.low)} · {HIGHEST} {plain(study.high)}")
        swipe.across(
            f"swipe-{number}",
            ["rate-photo"],
            HIGHEST - LOWEST + 1,
            f"Or slide a thumb across the photo: {LOWEST} is at its left edge, {HIGHEST} at its right.",
            lambda value: _answer(task, rater, turn, "rating", LOWEST + value - 1),
        )


def _pair(task: Task, rater: str, turn: Turn, pictures: list[Image.Image], number: int) -> None:
    """Show two photos, each with its key."""
    with st.grid(2, min_column_width=280, gap="small"):
        for place, (name, picture) in enumerate(zip((turn.photo, turn.other), pictures, strict=True), 1):
            with st.container(key=f"rate-photo-{place}"):
                _image(task, name, picture)
                st.button(
                    "This one",
                    key=f"pair-{number}-{place}",
                    shortcut=str(place),
                    width="stretch",
                    on_click=_answer,
                    args=(task, rater, turn, "pair", place),
                )
    swipe.across(
        f"swipe-{number}",
        ["rate-photo-1", "rate-photo-2"],
        None,
        "Or push the more beautiful photo aside with a thumb.",
        lambda place: _answer(task, rater, turn, "pair", place),
    )


def _image(task: Task, name: str, picture: Image.Image) -> None:
    data = BytesIO()
    picture.save(data, "JPEG", quality=92)
    st.image(data.getvalue(), width="stretch", alt=f"photo {name}")
    if task.cases is not None:
        st.markdown(small(short_credit(task.cases.gallery.facts(task.photos.row(name)))))


def _answer(task: Task, rater: str, turn: Turn, kind: str, value: int | None) -> None:
    """Keep an answer; called on the click."""
    photos = task.photos
    other = photos.sha256(turn.other) if turn.other else ""
    again = turn.repeat and kind == "rating"
    answer = Answer(rater, kind, turn.photo, photos.sha256(turn.photo), turn.other, other, value, again)
    if problem := task.add(answer):
        st.session_state["rate-problem"] = problem
    else:
        st.session_state.pop(_WITHDRAWN, None)


def _withdraw(task: Task, rater: str, last: Answer) -> None:
    if problem := task.add(Answer(rater, "undo")):
        st.session_state["rate-problem"] = problem
    else:
        st.session_state[_WITHDRAWN] = task.key, Turn(last.photo, last.other, last.repeat)
