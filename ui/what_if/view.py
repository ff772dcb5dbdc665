"""What-if: the score before and after, the maps, the list of edits, and the fewest edits that reach a score."""

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import display_photo, overlay, scale_bar, scale_text
from siam.explanation import what_if, wording
from siam.explanation.context import in_context
from siam.explanation.inference import Explanation
from siam.explanation.templates import what_if_question
from siam.figures.waterfall import span, waterfall, waterfall_steps
from siam.models.csib import CSIB
from siam.reports.prints import explanation_print, maps_print, what_if_print
from ui import printing
from ui.photos.photo import Photo
from ui.state import resources
from ui.state.markdown import plain
from ui.what_if import edits


def question() -> str:
    """Return what the page asks, in the words of the networks in use that they recognise best."""
    pair = resources.pair()
    values, _folds = pair.templates
    names = pair.config.attributes
    known = [k for k, name in enumerate(names) if (of := pair.recognition.get(name)) is None or of.belief != "hardly"]
    some = known or range(len(names))
    return what_if_question(values[list(some)], [names[k] for k in some])


def scores(before: Explanation, after: Explanation) -> None:
    """Show the score before and after, and say what the edits change and what not."""
    scale = before.scale
    st.divider()
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric("Before your edits", phrases.score_text(before.scenicness, scale))
        st.metric("After your edits", phrases.score_text(after.scenicness, scale))
        st.metric("Change (points)", phrases.difference_text(after.scenicness, before.scenicness))
    st.caption(
        "Edits change the attribute maps, not the photo: what SIAM would see in a changed photo is another question. "
        "The new score is exact, and no network has to run, because the score is linear in the maps. "
        f"Scale: {plain(scale.name)}, {scale.low:g} to {scale.high:g}."
    )
    if not scale.low <= after.scenicness <= scale.high:
        st.caption(
            f":material/info: The score is outside the scale of {scale.low:g} to {scale.high:g}; nothing limits it."
        )


def with_context(csib: CSIB, before: Explanation, after: Explanation) -> None:
    """Say how the score with context changes, and which of its causes follow the edits."""
    then, now = in_context(csib, before), in_context(csib, after)
    change = phrases.difference_text(now.score, then.score)
    text = f"**With context**, the score is {phrases.score_text(then.score, then.scale)}"
    if edits.made():
        text = (
            f"**With context**, the score goes from {phrases.number(then.score)} to "
            f"{phrases.score_text(now.score, now.scale)}: **{change}**"
        )
    st.markdown(f"{text}.")
    earlier = {cause.group: cause.value for cause in then.causes}
    moved = sorted(now.causes, key=lambda cause: -abs(cause.value - earlier[cause.group]))
    followed = [
        f"{plain(cause.title)} {phrases.signed(earlier[cause.group])} → {phrases.signed(cause.value)}"
        for cause in moved
        if phrases.signed(cause.value - earlier[cause.group]) != "0.00"
    ]
    if followed:
        rest = f"; {len(followed) - _SHOWN} more" if len(followed) > _SHOWN else ""
        st.caption(f"Causes that follow: {'; '.join(followed[:_SHOWN])}{rest}.")


def history(before: Explanation) -> None:
    """Show the edits with the change each one makes, and buttons for undo, redo and reset."""
    made = edits.made()
    st.subheader("Your edits", anchor=False)
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", on_click=edits.undo, disabled=not made, shortcut="Ctrl+Z")
        st.button("Redo", icon=":material/redo:", on_click=edits.redo, disabled=not edits.undone())
        st.button("Reset", icon=":material/restart_alt:", on_click=edits.reset, disabled=not made)
    if not made:
        st.caption(
            "None yet. Change the strength of an attribute, or select cells in the picture and erase or paint it there."
        )
    for place, step in enumerate(what_if.steps(before, made), 1):
        text = what_if.edit_text(before, step.edit)
        st.markdown(f"{place}. {plain(text)}: **{phrases.signed(step.change)}**, to {phrases.number(step.score)}")


def reach(after: Explanation) -> None:
    """Offer the fewest edits that reach a target score."""
    low, high = float(after.scale.low), float(after.scale.high)
    st.subheader("Reach a score", anchor=False)
    start = float(np.clip(round(after.scenicness + 0.5, 1), low, high))
    target = st.number_input(f"Target score, {low:g} to {high:g}", low, high, start, 0.1, key="target", width=240)
    way = what_if.edits_to_reach(after, target)
    if not way.edits:
        st.caption("The score is already there.")
        return
    if not way.reached:
        ends = f"{phrases.number(way.lowest)} and {phrases.number(way.highest)}"
        st.markdown(f"Out of reach: scaling attributes by 0 to 2 gives scores between {ends}. The closest:")
    st.markdown("\n".join(f"- {plain(what_if.edit_text(after, edit))}" for edit in way.edits[:_SHOWN]))
    if len(way.edits) > _SHOWN:
        st.caption(f"… and {len(way.edits) - _SHOWN} more")
    st.button("Apply these edits", key="reach", on_click=edits.do, args=way.edits)
    st.caption("The fewest changes of strength, largest effect first, plausible or not.")


_SHOWN = 6


def total_maps(before: Explanation, after: Explanation, photo: Photo) -> None:
    """Show the photo and the total map before and after, on one scale."""
    limit = max(float(np.abs(shown.total_map).max()) for shown in (before, after)) or 1.0
    shown = display_photo(before.image, 800)
    with st.grid(3, min_column_width=220, gap="small"):
        st.image(shown, width="stretch", alt=photo.description, caption=photo.credit)
        for of, name in ((before, "Before"), (after, "After")):
            text = phrases.signed_map_text(of.total_map)
            picture = overlay(shown, of.total_map, limit, 0.75)
            st.image(picture, width="stretch", caption=f"**{name}**: {text}", alt=f"total map {name.lower()}: {text}")
    st.image(scale_bar(limit), width=360, alt=scale_text(limit))


def waterfalls(before: Explanation, after: Explanation) -> None:
    """Show from bias to score before and after, on one axis."""
    count, scale = min(8, len(before.attributes)), before.scale
    ends = [span(waterfall_steps(of, count)) for of in (before, after)]
    with st.grid(2, min_column_width=320, gap="medium"):
        for explanation, title in ((before, "Before"), (after, "After")):
            figure = waterfall(explanation, count).update_layout(title={"text": f"{title}: from bias to score"})
            figure.update_xaxes(
                range=[min(low for low, _ in ends), max(high for _, high in ends)],
                title={"text": f"points, {scale.low:g} to {scale.high:g}"},
            )
            st.plotly_chart(
                figure, config={"displayModeBar": False}, key=f"waterfall-{title}",
                alt=f"{title.lower()}: {wording.sentence(explanation)}",
            )  # fmt: skip
    edited = [what_if.edit_text(before, edit) for edit in edits.made()]
    printing.figures(
        lambda: [what_if_print(before, after, edited), explanation_print(after), maps_print(after)], "what-if"
    )
