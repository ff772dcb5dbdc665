"""The maps on the page Compare: SIAM's answer in words, and the maps of other explainers."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from siam.drawing import phrases
from siam.drawing.maps import display_photo, map_picture, pattern_picture, relative, striped
from siam.drawing.palettes import palette
from siam.explainers import explainer
from siam.explainers.attribution import Attribution, network_for
from siam.explainers.lcam import doubt
from siam.explainers.registry import description, title
from siam.explanation import wording
from siam.figures import attributions
from siam.figures.attributions import map_text, pattern
from siam.reports.prints import Print, pictures_print
from ui import printing
from ui.compare import cost, work
from ui.compare.choice import View
from ui.compare.truth import truth_of, truth_text, truth_tiles
from ui.state import colours
from ui.state.markdown import plain, small
from ui.state.public import message

_SIDE = 640  # px of a picture's long side: sharp on dense screens, and quickly drawn


def run(view: View) -> None:
    """Offer to run the chosen slow explainers, or show their progress."""
    waiting = [name for name in work.waiting(view) if explainer(name).slow]
    if work.doing() == "maps":
        work.progress()
    elif waiting:
        whole = sum(cost.seconds(view.pair, view.lock, view.explanation, waiting).values())
        names = phrases.listing([title(name) for name in waiting])
        outcome = "Stopped; finished maps are kept. " if work.was_stopped(view, "maps") else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Run the slow explainers",
                key="run-slow",
                icon=":material/play_arrow:",
                disabled=work.doing() is not None,
                on_click=work.begin,
                args=(view, "maps", waiting),
            )
            st.caption(f"{outcome}{names}: {cost.text(whole)} in total. You can cancel at any time.")


@colours.fragment
def maps(view: View) -> None:
    """Show SIAM's words and map, then the other maps, each over the photo and on its own scale."""
    photo, strength = display_photo(view.explanation.image, _SIDE), _answer(view)
    baseline = view.pair.baseline is not None
    others = view.names[1:]
    st.subheader("Other explainers answer with a map" if others else "No explainer chosen", anchor=False)
    if not others:
        st.caption("Choose explainers above to see their maps here.")
    elif baseline:
        st.caption(
            "They explain the baseline, an ordinary network that gives only a score. Their maps show where; naming "
            "what is there is left to you."
        )
    else:
        st.caption("This pair has no baseline, so they explain SIAM's score, and say less about it than SIAM itself.")
    with st.grid(4, min_column_width=150, gap="small"):
        for name in others:
            with st.container(gap="xxsmall"):
                _tile(view, name, photo, strength)
    learnt = view.pair.baseline.fitted if view.pair.baseline is not None else {}
    doubts = [doubt(title(name), learnt[name].facts) for name in others if name in learnt]
    if any(doubts):
        st.caption(plain(" ".join(filter(None, doubts))))
    printing.figures(lambda: [_print(view, photo, strength)], "maps", view.photo.name)


def _print(view: View, photo: Image.Image, strength: float) -> Print:
    """Return the maps that are ready for print, with level lines where they are negative."""
    answers = {name: work.map_of(view, name) for name in view.names}
    fields = {name: of.map.numpy() for name, of in answers.items() if isinstance(of, Attribution)}

    def pictures() -> list[tuple[str, Image.Image]]:
        drawn = [("Photo", photo)]
        if truth is not None:
            drawn.append(
                ("Truth", striped(map_picture(photo, truth.density, 1, strength), relative(truth.density, 1), 1))
            )
            if truth.region is not None:
                drawn.append(("True region", attributions.region_picture(photo, truth.region)))
        for name, field in fields.items():
            picture = _picture(view, name, field, photo, strength)
            signs = None if pattern(name) else relative(field, view.sign)
            drawn.append((title(name), picture if signs is None else striped(picture, signs, 1.0)))
        return drawn

    without = [title(name) for name in fields if pattern(name)]
    raises, lowers, undirected = palette().names
    shows = (
        f"The maps of {phrases.listing([title(name) for name in fields])} over the photo, each scaled to its own "
        f"largest values: {raises} raises the score, {lowers} with level lines lowers it."
    )
    if without:
        shows += f" {undirected.capitalize()}: {phrases.listing(without)} without a direction."
    if (truth := truth_of(view)) is not None:
        shows += f" {truth_text(truth, view.sign)}"
    return pictures_print("explainers", "Maps of explainers", shows, pictures)


def _answer(view: View) -> float:
    """Show SIAM's explanation beside photo, map and truth; return the strength of the overlays, from 0 to 1."""
    explanation = view.explanation
    words, pictures = st.columns([1, 1], gap="medium")
    with words:
        st.subheader("SIAM answers in words", anchor=False)
        st.markdown(f"**{plain(wording.sentence(explanation))}**")
        scores = f"SIAM {phrases.score_text(explanation.scenicness, explanation.scale)}"
        if explanation.baseline_scenicness is not None:
            scores += f" · baseline {phrases.score_text(explanation.baseline_scenicness, explanation.scale)}"
        st.markdown(scores)
        strength = st.slider(
            "Overlay strength", 0, 100, 75, 5, format="%d %%", key="overlay", width=320, bind="query-params"
        )
        st.caption(_legend(view.names))
    photo = display_photo(explanation.image, _SIDE)
    with pictures, st.grid(2, min_column_width=150, gap="small"):
        with st.container(gap="xxsmall"):
            st.image(photo, width="stretch", output_format="JPEG", alt=view.photo.description)
            st.markdown(small(view.photo.credit))
        with st.container(gap="xxsmall"):
            _tile(view, "siam", photo, strength / 100)
        if (truth := truth_of(view)) is not None:
            truth_tiles(truth, photo, view.sign, strength / 100)
    return strength / 100


def _legend(names: Sequence[str]) -> str:
    """Say what the colours of the maps of these methods mean."""
    without = [title(name) for name in names if pattern(name)]
    raises, lowers, undirected = palette().names
    up, down = colours.coloured(raises, f"**{raises.capitalize()}**"), colours.coloured(lowers, f"**{lowers}**")
    legend = f"{up} raises the score, {down} lowers it. "
    if without:
        verb = "does" if len(without) == 1 else "do"
        legend += colours.coloured(undirected, f"**{undirected.capitalize()}**")
        legend += f": {phrases.listing(without)} {verb} not say whether the score rises or falls. "
    return legend + (
        "Explainers use different units, so each map is scaled to its own largest values: compare where they point, "
        "not how strongly."
    )


def _tile(view: View, name: str, photo: Image.Image, strength: float) -> None:
    """Show one method's map over the photo, with its paper, idea and cost; a placeholder until the map is there."""
    with st.spinner(f"{title(name)} …", show_time=False):
        answer = work.map_of(view, name)
    facts = description(name)
    if isinstance(answer, Attribution):
        field = answer.map.numpy()
        picture = _picture(view, name, field, photo, strength)
        st.image(picture, width="stretch", output_format="JPEG", alt=map_text(name, field, view.sign))
    else:
        picture = attributions.waiting_picture(photo)
        st.image(picture, width="stretch", output_format="JPEG", alt=f"{facts.title} has no map yet")
    network = "SIAM" if network_for(view.pair, name) is view.pair.siam else "the baseline"
    st.markdown(f"**[{facts.title}]({facts.link})**", help=f"{facts.idea} It explains {network}. {facts.paper}.")
    if isinstance(answer, Attribution):
        text = pattern(name)
        same = f" · {text}, the same either way" if text else ""
        st.caption(cost.cost_text(answer.seconds, answer.passes) + same)
    elif answer is None:
        st.caption("not run yet")
    else:
        st.warning(message(answer))


def _picture(view: View, name: str, field: np.ndarray, photo: Image.Image, strength: float) -> Image.Image:
    """Return a map's picture, drawn once per view and strength, since every click on the page shows them all again."""
    pictures, of = st.session_state.setdefault("compare_pictures", {}), (*view.key, strength, palette().name)
    if pictures.get("of") != of:
        pictures.clear()
        pictures["of"] = of
    if name not in pictures:
        if pattern(name):
            pictures[name] = pattern_picture(photo, field, strength)
        else:
            pictures[name] = map_picture(photo, field, view.sign, strength)
    return pictures[name]
