"""“Compare with another photo”: what leads from this photo's score to those of up to three others of the same place."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st
from PIL import Image

from siam.drawing import phrases
from siam.drawing.maps import scale_bar, scale_text
from siam.errors import SIAMError
from siam.explanation import wording
from siam.explanation.difference import LONGEST, MOST, Difference, differences, distinct
from siam.explanation.inference import Explanation
from siam.explanation.recognition import doubts, legend, marked
from siam.figures.difference import changes, explanations_of, most_changed, swipe, total_limit, total_map_over
from siam.figures.waterfall import difference_waterfall
from siam.images.reading import ACCEPTED
from siam.reports.files import difference_file
from siam.reports.prints import difference_print
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.photos import picker, quota
from ui.photos.photo import Photo, uploaded_photo
from ui.state import colours, resources
from ui.state.address import point
from ui.state.markdown import plain, small
from ui.state.public import message

_STATE = "compared"  # in the session: the photos on offer that were chosen, and what the address said last
_SIDE = 800  # px of the longer side of a photo
_FILES = {"Data (JSON)": (".json", "application/json"), "Report (HTML)": (".html", "text/html")}


def show(explanation: Explanation, photo: Photo) -> None:
    """Ask for other photos and, once there are some, show from top to bottom what makes their scores differ."""
    st.subheader("Compare with another photo", anchor="compare-with-another-photo")
    st.caption(
        "The same place before and after, or this photo and an edit of it: which attributes lead from one score to the "
        "other, and where?"
    )
    photos, explanations = [photo], [explanation]
    for other in _others():
        try:
            explanations.append(resources.explanation(other))
        except SIAMError as error:
            st.error(message(error), icon=":material/broken_image:")
        else:
            photos.append(other)
    if len(photos) > MOST:
        st.info(f"At most {MOST - 1} photos are compared with the first; the others are left out.")
    if len(photos) < 2:
        return
    photos, explanations = photos[:MOST], explanations[:MOST]
    changed = _changed()
    found, names = differences(explanations, changed), distinct([of.name for of in photos])
    _answer(found, names)
    _photos(found, names, photos)
    _steps(found, names)
    _maps(found, names)
    _table(found, names)
    _downloads(explanations, names, changed)


def _others() -> list[Photo]:
    """Show the inputs; return the photos to compare with that can be read, uploads first."""
    offered = {offer.value: offer for offer in picker.offers()}
    state = st.session_state.setdefault(_STATE, {"values": [], "address": None})
    if (asked := st.query_params.get("with")) != state["address"]:
        state.update(values=asked.split(",") if asked else [], address=asked)
    st.session_state["with"] = [value for value in dict.fromkeys(state["values"]) if value in offered][: MOST - 1]
    with st.grid(2, min_column_width=280, gap="medium"):
        files = st.file_uploader(
            "Upload one to three photos",
            accept_multiple_files=True,
            key="variants",
            help=f"{ACCEPTED}. Your photos stay on the machine that runs this app.",
        )
        chosen = st.multiselect(
            "Or choose among these",
            list(offered),
            format_func=lambda value: offered[value].name,
            key="with",
            max_selections=MOST - 1,
            placeholder="a photo",
            on_change=_take,
        )
    state["address"] = ",".join(chosen) or None
    point("with", state["address"])
    photos = []
    if (problem := quota.problem(files)) is not None:
        st.error(plain(problem), icon=":material/inventory_2:")
        files = []
    for file in files:
        photo = uploaded_photo(file.name, file.getvalue())
        try:
            photo.image()
        except SIAMError as error:
            st.error(message(error), icon=":material/broken_image:")
        else:
            photos.append(photo)
    return [*photos, *(picker.photo_of(offered[value]) for value in chosen)]


def _take() -> None:
    """Remember the choice: the values of a page's widgets are lost when the visitor leaves it."""
    st.session_state[_STATE]["values"] = list(st.session_state["with"])


def _changed() -> str:
    """Ask what changed; return it."""
    with st.grid(2, min_column_width=280, gap="medium"):
        return st.text_input(
            "What changed? (optional)",
            key="changed",
            max_chars=LONGEST,
            placeholder="the wind turbines",
            help="The sentence below then begins with it. The program does not check whether it is true.",
            bind="query-params",
        )


def _answer(found: Sequence[Difference], names: Sequence[str]) -> None:
    """Show all scores side by side, and say what makes them differ."""
    explanations, first = explanations_of(found), found[0].before
    with st.grid(len(names), min_column_width=150, gap="small"):
        for explanation, name in zip(explanations, names, strict=True):
            with st.container(gap="xxsmall"):
                st.metric(plain(name), phrases.score_text(explanation.scenicness, explanation.scale))
                change = phrases.difference_text(explanation.scenicness, first.scenicness)
                parts = [] if explanation is first else [f"**{change}** points"]
                if explanation.baseline_scenicness is not None:
                    parts.append(f"baseline {phrases.number(explanation.baseline_scenicness)}")
                st.caption(", ".join(parts))
                if trust := wording.interval_text(explanation):
                    st.caption(plain(trust))
    for sentence in wording.difference_sentences(found, names):
        st.markdown(f"**{plain(sentence)}**")
    shown = [index for index in most_changed(found) if any(phrases.signed(of.values[index]) != "0.00" for of in found)]
    if doubtful := doubts(first.recognition, (first.attributes[index] for index in shown)):
        st.markdown(plain(doubtful))
    if note := wording.intervals_text(explanations):
        st.caption(note)


def _photos(found: Sequence[Difference], names: Sequence[str], photos: Sequence[Photo]) -> None:
    """Show photos of the same view under a slider, the others side by side, each with its total map, on one scale."""
    limit = total_limit(found)
    shown = [
        (of.image.convert("RGB"), total_map_over(of, limit, side=_SIDE)) for of in explanations_of(found)
    ]  # photo and map of each
    beside = [0]
    for place, of in enumerate(found, 1):
        text = wording.view_text(of, (names[0], names[place]))
        if of.view.matches:
            _swiped(of, (names[0], names[place]), shown[0], shown[place], place, text)
            st.markdown(small(" · ".join(dict.fromkeys((photos[0].credit, photos[place].credit)))))
        else:
            beside.append(place)
            st.caption(plain(text))
    if len(beside) > 1:
        with st.grid(len(beside), min_column_width=220, gap="small"):
            for place in beside:
                picture, total = shown[place]
                with st.container(gap="xsmall"):
                    photo = photos[place]
                    st.image(picture, width="stretch", alt=photo.description, caption=photo.credit)
                    text = phrases.signed_map_text(explanations_of(found)[place].total_map)
                    st.image(total, width="stretch", alt=f"SIAM's total map of {names[place]}: {text}",
                             caption=f"**{plain(names[place])}**: {text}")  # fmt: skip
    st.image(scale_bar(limit), width=360, alt=scale_text(limit))


@colours.fragment
def _swiped(
    of: Difference,
    names: tuple[str, str],
    first: tuple[Image.Image, Image.Image],
    second: tuple[Image.Image, Image.Image],
    place: int,
    text: str,
) -> None:
    """Show photo and total map twice in one, with a slider for the line between the first and the second."""
    share = st.slider(
        f"Left of the line {plain(names[0])}, right of it {plain(names[1])}", 0, 100, 50, format="%d %%",
        key=f"split-{place}", help=plain(text),
    )  # fmt: skip
    with st.grid(2, min_column_width=280, gap="small"):
        for one, other, what in zip(first, second, ("photo", "total map"), strict=True):
            st.image(
                swipe(of, one, other, share / 100),
                width="stretch",
                alt=f"{what} of {names[0]}, {share} % of the width, then of {names[1]}",
            )


def _steps(found: Sequence[Difference], names: Sequence[str]) -> None:
    """Show how changes of contributions lead from one score to the other; the smallest are added up in one bar."""
    count = min(8, len(found[0].values))
    with st.grid(min(len(found), 2), min_column_width=320, gap="medium"):
        for place, (of, sentence) in enumerate(zip(found, wording.difference_sentences(found, names), strict=True), 1):
            figure = difference_waterfall(of, count, names=(names[0], names[place]))
            st.plotly_chart(figure, config={"displayModeBar": False}, key=f"steps-{place}", alt=sentence)


def _maps(found: Sequence[Difference], names: Sequence[str]) -> None:
    """Show where each photo has the attributes that changed most, on one scale."""
    known, attributes = found[0].before.recognition, found[0].before.attributes
    st.markdown("#### The attributes that changed most")
    st.caption(
        "Each map is bright where SIAM sees the attribute, on one grey scale for all. Frames and numbers are the "
        "contributions to that photo's score, and the frame is dashed where an attribute lowers it."
    )
    shown = changes(found, names)
    with st.grid(2 if len(names) == 2 else 1, min_column_width=300, gap="medium"):
        for change in shown:
            values = ", ".join(phrases.signed(float(of.values[change.index])) for of in found)
            with st.container(gap="xxsmall"):
                st.markdown(f"**{plain(marked(known, attributes[change.index]))} {values}**")
                with st.grid(len(names), min_column_width=130, gap="xsmall"):
                    for explanation, tile, name in zip(explanations_of(found), change.tiles, names, strict=True):
                        text = wording.attribute_map_text(explanation, change.index)
                        st.image(tile, width="stretch", alt=f"{name}: {text}")
    if signs := legend(known, (attributes[change.index] for change in shown)):
        st.caption(f"Beside a name: {signs}.")


def _table(found: Sequence[Difference], names: Sequence[str]) -> None:
    """Show the contributions of all attributes to all scores, and their changes."""
    first = found[0].before
    with st.expander(f"All {len(first.attributes)} changes as a table"):
        order = most_changed(found, len(first.attributes))
        words = [defused(phrases.words(first.attributes[index])) for index in order]
        columns: dict[str, Sequence[object]] = {"attribute": words}
        columns[defused(names[0])] = first.contributions.astype(float)[order].tolist()
        for of, name in zip(found, names[1:], strict=True):
            columns[defused(name)] = of.after.contributions.astype(float)[order].tolist()
            columns[f"change to {defused(name)}"] = of.values[order].tolist()
        shown = pd.DataFrame(columns)
        st.dataframe(
            shown,
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%+.2f") for name in shown.columns[1:]},
        )


@colours.fragment
def _downloads(explanations: Sequence[Explanation], names: Sequence[str], changed: str) -> None:
    """Offer figure, data and report as files, made on the click."""
    card = resources.pair().card

    def maker(ending: str) -> Callable[[], bytes]:
        return colours.kept(lambda: difference_file(ending, explanations, names, card, changed))

    printing.figures(lambda: [difference_print(explanations, names, changed)], "variants")
    with st.container(horizontal=True):
        for label, (ending, kind) in _FILES.items():
            st.download_button(
                label, maker(ending), f"difference{ending}", kind, key=f"variants-{label}", icon=":material/download:",
                on_click="ignore",
            )  # fmt: skip
