"""The lesson above a page: its panel, its way through the pages, and what the learner said.

`?lesson=3` leads to the third step. What a learner predicts is kept in the session and nowhere else.
"""

from typing import Any

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import display_photo
from ui.lesson.steps import BLIND, STEPS, Answer, Material, NoAnswerError, Question, Step, capital, letters
from ui.photos.photo import Photo, case_photo, readable, sample_photo
from ui.state import chosen, resources
from ui.state.address import PARAMETERS, WIDGETS
from ui.state.markdown import plain

PARAMETER = "lesson"
_STATE = "lesson_state"  # in the session: "at", the step; "said", a prediction by the number of its step
_CLOSE = 0.1  # points: a prediction as near as this is right
_SIDE = 480  # px of a picture in the panel


def link(number: int) -> dict[str, Any]:
    """Return the page and the parameters of a step, as Streamlit's links take them."""
    step = STEPS[number - 1]
    return {"page": step.page, "query_params": {**step.parameters, PARAMETER: str(number)}}


def entrance() -> None:
    """Offer the lesson in one line."""
    if _at() is None:
        minutes = sum(step.minutes for step in STEPS)
        st.page_link(
            **link(1), label=f"New here? A lesson in {len(STEPS)} steps, {minutes} minutes", icon=":material/school:"
        )


def enter(path: str) -> None:
    """Go where the lesson in the address leads; called before anything is shown on a page."""
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        return
    number = {str(place): place for place, _step in enumerate(STEPS, 1)}.get(asked)
    if number is None:
        st.query_params.pop(PARAMETER, None)
        return
    state = st.session_state.setdefault(_STATE, {"at": None, "said": {}})
    if state["at"] == number and _path(STEPS[number - 1]) == path:
        return
    state["at"] = number
    of = STEPS[number - 1].parameters
    own = [name for name in of if name in (*WIDGETS[path], *PARAMETERS[path])]
    if _path(STEPS[number - 1]) != path or not all(name in st.query_params for name in own):
        _choose(**of)
        st.switch_page(**link(number))
    _choose(**{**of, **st.query_params.to_dict()})


def show(path: str) -> bool:
    """Show the lesson above a page; return whether the page itself is shown, which may tell the answer."""
    number = _at()
    if number is None:
        return True
    step = STEPS[number - 1]
    if PARAMETER not in st.query_params:
        _elsewhere(number)
        return True
    with st.container(border=True, key="lesson"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(f":material/school: Lesson, step {number} of {len(STEPS)} · {step.minutes} minutes")
            st.button("Leave the lesson", key="lesson-leave", type="tertiary", icon=":material/close:", on_click=_leave)
        st.header(f"{number}. {step.title}", anchor=False)
        st.markdown(step.idea)
        answered = _ask(number, step, path)
        _turn(number)
    return answered or step.look_first


def _ask(number: int, step: Step, path: str) -> bool:
    """Show question, prediction and answer; return whether the answer is shown."""
    said = st.session_state[_STATE]["said"]
    try:
        material, photo = _material(step)
        question = step.ask(material)
        if number not in said:
            _question(number, step, question, material, photo)
            return False
        with st.spinner("Looking for the answer …"):
            answer = step.answer(material)
    except NoAnswerError as error:
        st.info(f"{plain(str(error))} This step needs other networks or another gallery.", icon=":material/link_off:")
        _back(number)
        return True
    st.markdown(f"**{question.text}**")
    if step.blind:
        _maps(material)
    st.markdown(verdict(question, said[number], answer))
    st.info(answer.text, icon=":material/lightbulb:")
    st.markdown(f"**Now you.** {step.do}")
    _elsewhere_on_the_page(number, step)
    return True


def verdict(question: Question, said: str | float, answer: Answer) -> str:
    """Say what the learner predicted beside what the program found, as Markdown."""
    if question.options:
        right = said == answer.value
        told = f"You said *{plain(said)}*; the program says *{plain(answer.value)}*."
    else:
        difference = phrases.difference_text(float(said), float(answer.value))
        right = abs(float(said) - float(answer.value)) <= _CLOSE
        told = (
            f"You said {phrases.number(float(said))}; the program says {phrases.number(float(answer.value))} "
            f"(difference {difference})."
        )
    return f"{':material/check_circle: **Right.**' if right else ':material/cancel: **Not quite.**'} {told}"


def _question(number: int, step: Step, question: Question, material: Material, photo: Photo | None) -> None:
    """Show the question beside the photo, and take the prediction."""
    if photo is not None and not step.look_first:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            picture = display_photo(material.photo().image, _SIDE)
            st.image(picture, width="stretch", alt=photo.description, caption=photo.credit)
    else:
        right = st.container()
    with right:
        if step.blind:
            _maps(material)
        key = f"lesson-said-{number}"
        with st.form(f"lesson-form-{number}", border=False):
            st.markdown(f"**{question.text}**")
            if question.options:
                st.radio(
                    question.text, question.options, None, key=key, format_func=_option, label_visibility="collapsed"
                )
            else:
                st.number_input(
                    question.text, question.low, question.high, None, 0.01, key=key, width=240,
                    placeholder=f"{question.low:g} to {question.high:g}", label_visibility="collapsed",
                )  # fmt: skip
            st.form_submit_button("Show the answer", on_click=_say, args=(number, key))
        if st.session_state.pop("lesson-hint", None) == number:
            st.warning("Predict first: a wrong guess teaches more than none.", icon=":material/edit:")


def _option(option: str) -> str:
    return plain(capital(option))


def _say(number: int, key: str) -> None:
    said = st.session_state.get(key)
    if said is None:
        st.session_state["lesson-hint"] = number
    else:
        st.session_state[_STATE]["said"][number] = said


def _maps(material: Material) -> None:
    """Show the explainers' maps under letters."""
    from siam.drawing.maps import map_picture, pattern_picture
    from siam.drawing.palettes import palette
    from siam.figures.attributions import pattern

    photo = display_photo(material.photo().image, _SIDE)
    with st.grid(3, min_column_width=96, gap="small"):
        for name, letter in letters(material.maps).items():
            field = material.maps[name]
            picture = pattern_picture(photo, field, 0.75) if pattern(name) else map_picture(photo, field, 1, 0.75)
            st.image(
                picture, width="stretch", output_format="JPEG", caption=capital(letter),
                alt=f"{letter}: most {phrases.at(phrases.where(np.maximum(field, 0)))}",
            )  # fmt: skip
    of = palette()
    st.caption(f"{of.legend}; a map in {of.names[2]} does not say which.")


def _material(step: Step) -> tuple[Material, Photo | None]:
    """Return what a step is about with the networks in use, and its photo; another photo on the page changes nothing.

    Raises:
        NoAnswerError: its picture is not in the gallery in use.
    """
    pair, cases = resources.pair(), chosen.cases()
    if "sample" in step.parameters:
        photo = sample_photo(step.parameters["sample"])
        return Material(pair, resources.explanation(photo), cases), photo
    if "case" not in step.parameters:
        return Material(pair, cases=cases), None
    row = None if cases is None else cases.row_of(step.parameters["case"])
    photo = None if cases is None or row is None else readable(case_photo(cases, row))
    if photo is None:
        raise NoAnswerError("The picture of this step is not in the gallery in use.")
    explanation = resources.explanation(photo)
    return Material(pair, explanation, cases, row, _blind_maps(photo) if step.blind else {}), photo


def _blind_maps(photo: Photo) -> dict[str, np.ndarray]:
    """Return the maps of the explainers that a step compares, as the page Compare keeps and shows them."""
    from siam.explainers.attribution import Attribution, names_of
    from siam.models.identity import identity
    from ui.compare import work
    from ui.compare.choice import View

    pair, lock = resources.networks()
    key = chosen.pair().source, identity(pair), photo.digest, 1
    names = tuple(name for name in BLIND if name in names_of(pair))
    view = View(pair, lock, photo, resources.explanation(photo), 1, names, key)
    with st.spinner("Asking the explainers …"):
        found = {name: work.map_of(view, name) for name in names}
    return {name: of.numpy() for name, of in found.items() if isinstance(of, Attribution)}


def _elsewhere_on_the_page(number: int, step: Step) -> None:
    """Say so where the page shows something else than the step is about."""
    others = [
        name
        for name in ("sample", "case")
        if name in step.parameters and st.query_params.get(name) != step.parameters[name]
    ]
    other_pair = chosen.pair().label != step.parameters["pair"]
    if others or other_pair:
        what = "These are not the networks that this step is made for" if other_pair else "The page shows another photo"
        note = ", and the answer above is theirs." if other_pair else "; the answer above is about the lesson’s."
        st.caption(f":material/info: {what}{note}")
        _back(number)


def _back(number: int) -> None:
    st.button("Back to this step", key="lesson-back", icon=":material/undo:", on_click=_restore, args=(number,))


def _restore(number: int) -> None:
    """Show the step as it was, with its own networks, gallery and photo."""
    of = STEPS[number - 1].parameters
    _choose(**of)
    for name, value in of.items():
        if name not in ("pair", "gallery"):
            st.query_params[name] = value


def _choose(pair: str | None = None, gallery: str | None = None, **_others: str) -> None:
    """Choose networks and gallery in the sidebar, where they are on offer."""
    if pair in chosen.pairs():
        st.session_state["pair"] = pair
    if gallery in chosen.galleries():
        st.session_state["gallery"] = gallery


def _turn(number: int) -> None:
    """Link to the neighbours of a step."""
    with st.container(horizontal=True, horizontal_alignment="distribute" if number > 1 else "right"):
        if number > 1:
            st.page_link(**link(number - 1), label=f"Back: {STEPS[number - 2].title}", icon=":material/arrow_back:")
        if number < len(STEPS):
            label = f"Next: {STEPS[number].title}"
            st.page_link(**link(number + 1), label=label, icon=":material/arrow_forward:", icon_position="right")
        else:
            st.caption("This was the last step. Leave the lesson and explain photos of your own.", width="content")


def _elsewhere(number: int) -> None:
    """Lead back to the lesson from another page."""
    with st.container(horizontal=True, vertical_alignment="center", key="lesson"):
        st.page_link(**link(number), label=f"Back to step {number} of the lesson", icon=":material/school:")
        st.button("Leave the lesson", key="lesson-leave", type="tertiary", icon=":material/close:", on_click=_leave)


def _leave() -> None:
    """End the lesson; what the learner said is forgotten."""
    st.session_state.pop(_STATE, None)
    st.query_params.pop(PARAMETER, None)


def _at() -> int | None:
    """Return the number of the step at which this session is, None outside the lesson."""
    return st.session_state.get(_STATE, {}).get("at")


def _path(step: Step) -> str:
    """Return the path of a step's page, as the address knows it."""
    return step.page.removeprefix("pages/").removesuffix(".py").removeprefix("explain")
