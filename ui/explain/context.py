"""A photo's score “with context”: by causes whose members count only together (`siam.explanation.context`).

It is offered beside SIAM's sum where the networks have groups; the switch and the number of causes are in the address.
"""

import streamlit as st

from siam.drawing import phrases
from siam.drawing.palettes import palette
from siam.explanation.context import MEANING as MEANING
from siam.explanation.context import (
    Cause,
    ContextExplanation,
    cause_lines,
    cause_map_text,
    context_sentence,
    group_sentence,
    in_context,
    member_line,
)
from siam.explanation.inference import Explanation
from siam.figures import maps
from siam.figures.waterfall import context_waterfall
from siam.models.csib import BUDGETS, CSIB
from siam.reports.files import data_json, html_report
from siam.reports.prints import cause_maps_print, cause_print, context_print
from siam.results.context import verdict
from ui import printing
from ui.explain import view
from ui.photos.photo import Photo
from ui.state import colours, resources
from ui.state.markdown import plain, small

WAYS = ("Adding up", "With context")
_SHOWN = 8  # causes, if all of them are added
_ALL = "all"


def asked(default: str = WAYS[0]) -> CSIB | None:
    """Show the switch, at one of `WAYS` to begin with, if the networks in use have groups; return these if chosen."""
    csib = resources.pair().csib
    if csib is None:
        return None
    way = st.segmented_control(
        "How attributes count", WAYS, default=default, required=True, key="counting", bind="query-params",
        help="Adding up: SIAM's score, each attribute for itself. With context: groups of attributes that count "
        "together, on the presence that SIAM sees.",
    )  # fmt: skip
    return csib if way == WAYS[1] else None


def show(csib: CSIB, explanation: Explanation, photo: Photo) -> None:
    """Show the score with context beside the others, and its causes."""
    together, scale = in_context(csib, explanation), explanation.scale
    st.divider()
    with st.grid(3, min_column_width=150, gap="small"):
        base = "SIAM's score" if csib.linear else "a base"
        st.metric("With context", phrases.score_text(together.score, scale), help=f"the sum of {base} and its causes")
        st.metric("SIAM", phrases.score_text(explanation.scenicness, scale), help="the sum with “Adding up”")
        if explanation.baseline_scenicness is not None:
            st.metric("Baseline", phrases.score_text(explanation.baseline_scenicness, scale))
    st.markdown(f"**{plain(context_sentence(together))}**")
    st.markdown(MEANING)
    if known := verdict(csib):
        st.caption(f"{plain(known)} So SIAM's sum stays the default. Scale: {scale.low:g} to {scale.high:g}.")
        st.page_link(
            "pages/results.py",
            label="How well scores with context agree with people",
            icon=":material/monitoring:",
            query_params={"table": "With context"},
        )
    _causes(csib, explanation, together, photo)


@colours.fragment
def _causes(csib: CSIB, explanation: Explanation, together: ContextExplanation, photo: Photo) -> None:
    """Let the visitor say with how many causes the score is explained; show these as steps and as framed maps."""
    causes = _budget(csib, together)
    shown = together.causes[: causes or _SHOWN]
    with st.grid(2, min_column_width=300, gap="medium"):
        st.image(explanation.image, width="stretch", alt=photo.description, caption=photo.credit)
        with st.container(gap="xsmall"):
            figure = context_waterfall(together, causes)
            text = context_sentence(together, causes)
            st.plotly_chart(figure, width="stretch", config={"displayModeBar": False}, key="causes-steps", alt=text)
    st.subheader("The causes that count most here", anchor=False)
    st.caption(
        "Each map is bright where all members of a cause are at once, on one grey scale for all. "
        f"{palette().frames}; the wider the frame, the more points."
        + ("" if csib.grid else " The points come from how much of each member the whole photo shows, not from where.")
    )
    with st.grid(4, min_column_width=150, gap="small"):
        for cause, tile in zip(shown, maps.cause_tiles(csib, explanation, shown), strict=True):
            with st.container(gap="xxsmall"):
                st.image(tile, width="stretch", alt=cause_map_text(cause))
                name = [f"**{plain(cause.title)}**"] if len(cause.members) > 1 else []
                lines = [*name, *(plain(line) for line in cause_lines(csib, explanation, cause))]
                st.markdown("  \n".join(map(small, lines)))
                if st.button(
                    "Look closer",
                    key=f"open-cause-{cause.group}",
                    type="tertiary",
                    width="stretch",
                    help=f"{plain(cause.title)}: where its members are, and together",
                ):
                    title = f"{plain(cause.title)} {phrases.signed(cause.value)}"
                    st.dialog(title, width="large")(_one_cause)(csib, explanation, cause)
    if rest := together.causes[len(shown) :]:
        total = phrases.signed(sum(cause.value for cause in rest))
        added = "add" if causes is None else "are left out, which add"
        st.caption(f"The other {len(rest)} {added} {total}." if len(rest) > 1 else f"One other: {total}.")
    _downloads(csib, explanation, together, photo.name, causes)


def _downloads(
    csib: CSIB, explanation: Explanation, together: ContextExplanation, name: str, causes: int | None
) -> None:
    """Offer figures, data and report, which tell the score with context beside SIAM's."""
    card = resources.pair().card
    st.subheader("Download this explanation", anchor=False)
    view.files(
        name,
        lambda: [context_print(together, causes), cause_maps_print(csib, explanation, together, causes or _SHOWN)],
        lambda: data_json(explanation, name, card, csib),
        lambda: html_report(explanation, name, card, csib, causes),
    )


def _budget(csib: CSIB, together: ContextExplanation) -> int | None:
    """Ask with how many causes the score is explained, and say what it would be with these; return it, None for all."""
    options = [str(budget) for budget in BUDGETS if budget < len(csib)] + [_ALL]
    if st.session_state.get("causes", _ALL) not in options:
        st.session_state.pop("causes")  # of networks with more groups
    chosen_count = st.select_slider(
        "Explain with this many causes", options, value=_ALL, key="causes", width=420, bind="query-params"
    )
    if chosen_count == _ALL:
        needed = csib.about.get("causes")
        often = f" Over many photos, {needed} explain 90 % of how scores differ." if needed else ""
        st.markdown(f"All {len(csib)} causes give **{phrases.number(together.score)}**.{often}")
        return None
    causes = int(chosen_count)
    score = together.score_with(causes)
    few = "the largest cause" if causes == 1 else f"the {causes} largest causes"
    change = phrases.difference_text(score, together.score)
    st.markdown(
        f"With {few} alone, the score would be **{phrases.number(score)}**: **{change}** from the full one, "
        f"{phrases.number(together.score)}."
    )
    return causes


def _one_cause(csib: CSIB, explanation: Explanation, cause: Cause) -> None:
    """Show where the members of a cause are, each and together, and what the cause is worth."""
    colours.apply()
    several = len(cause.members) > 1
    with st.grid(3, min_column_width=200, gap="small"):
        if several:
            with st.container(gap="xsmall"):
                picture = maps.cause_image(csib, explanation, cause)
                st.image(picture, width="stretch", alt=f"the photo, lit where {cause.title} are at once")
                st.caption(f"**Together**: on to {cause.activation:.2f} of 1.")
        for member in cause.members:
            with st.container(gap="xsmall"):
                verb = "does not see" if member.absent else "sees"
                text = f"the photo, lit where SIAM {verb} {phrases.words(member.attribute)}"
                st.image(maps.member_image(explanation, member), width="stretch", alt=text)
                st.caption(plain(member_line(member, explanation)))
    st.markdown(
        f"Here it moves the score by **{phrases.signed(cause.value)}**. {plain(group_sentence(csib, cause.group))}."
    )
    printing.figures(lambda: [cause_print(csib, explanation, cause)], "cause")
    st.page_link("pages/templates.py", label="All groups", icon=":material/grid_view:")
