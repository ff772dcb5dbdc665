"""What was found, in a sentence, and each candidate as a card."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import scale_bar, scale_text
from siam.figures.templates import template_tile
from ui.discover import naming
from ui.discover.looking import Found
from ui.discover.pictures import CROP, Picture, drawn
from ui.photos.photo import short_credit
from ui.state.markdown import plain, small

if TYPE_CHECKING:
    from siam.discovery.candidates import Candidate

_OPEN = 5  # cards that are shown at once
_UNIT = "points for one standard deviation"


def summary(found: Found) -> None:
    """Say how well SIAM orders these photos, and what all candidates explain of the rest."""
    of = found.discovery
    whose = "people’s ratings" if of.rated else "the baseline’s scores, since nobody rated all of them"
    begin = f"SIAM orders these {len(of.photos.rows):,} photos with τ {phrases.number(of.tau)} against {whose}."
    if not of.candidates:
        st.markdown(f"{begin} No candidate was found for what is left.")
    elif of.explained <= 0:
        st.markdown(f"{begin} Of what is left, **nothing reliable was found**: look at what follows as guesses.")
    else:
        st.markdown(
            f"{begin} Of what is left, all {len(of.candidates)} candidates together explain "
            f"**{100 * of.explained:.0f} %**, measured on photos that the fit had not seen."
        )


def show(found: Found) -> None:
    """Show the candidates, the most stable first."""
    of = found.discovery.candidates
    if not of:
        return
    limit = max(float(np.abs(one.where).max()) for one in of) or 1.0
    st.caption("Photos are lit where they show a candidate. Squares: where in the picture it raises or lowers scores.")
    st.image(scale_bar(limit, 320, _UNIT), width=320, alt=scale_text(limit, _UNIT))
    for place in range(len(of[:_OPEN])):
        _card(found, place, limit)
    if len(of) > _OPEN:
        with st.expander(f"{len(of) - _OPEN} more", icon=":material/expand_more:"):
            for place in range(_OPEN, len(of)):
                _card(found, place, limit)


def _card(found: Found, place: int, limit: float) -> None:
    of, pictures = found.candidate(place), drawn(found, place)
    with st.container(border=True, key=f"candidate-{place}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{place + 1} · {plain(naming.title(found, place))}** · {_direction(of)}", width="content")
            naming.button(found, place)
        _row(found, pictures.most, f"{of.name}, much")
        if pictures.least:
            st.caption(f"And least {plain(of.name)}:")
            _row(found, pictures.least, f"{of.name}, little")
        with st.container(horizontal=True, gap="medium"):
            if pictures.crop is not None:
                st.image(pictures.crop, width=CROP, caption="average", alt=f"{of.name}: average of its places")
            st.image(
                template_tile(of.where, limit, CROP), width=CROP, caption="where", alt=f"{of.name}: {_where(of.where)}"
            )
            with st.container(gap="xxsmall", width="stretch"):
                for line in _facts(of):
                    st.markdown(small(line))
        naming.panel(found, place)


def _row(found: Found, pictures: tuple[Picture, ...], text: str) -> None:
    gallery = found.cases.gallery
    with st.grid(6, min_column_width=110, gap="xsmall"):
        for picture in pictures:
            st.image(picture.data, width="stretch", alt=f"{text}: {gallery.photos['identifier'].iloc[picture.row]}")
    credits = dict.fromkeys(short_credit(gallery.facts(picture.row)) for picture in pictures)
    st.markdown(small("; ".join(filter(None, credits))))


def _direction(of: "Candidate") -> str:
    arrow, verb = ("▲", "raises") if of.points > 0 else ("▼", "lowers")
    return f"{arrow} {verb}, {phrases.signed(of.points)} points per standard deviation"


def _facts(of: "Candidate") -> list[str]:
    """Return what is known of a candidate, as lines of Markdown."""
    low, high = (phrases.signed(end, 3) for end in (of.tau.low, of.tau.high))
    sure = "" if of.believable else "**not certain**, "
    lines = [
        f"Would add {phrases.signed(of.tau.value, 3)} to τ ({sure}95 % interval {low} to {high}).",
        f"Among the strongest in {100 * of.stability:.0f} % of random halves of the photos.",
    ]
    parts = [
        f"{word}: {plain(', '.join(phrases.words(name) for name, _correlation in names))}"
        for word, names in (("like", of.resembles), ("unlike", of.opposes))
        if names
    ]
    text = " · ".join(parts) or "like none of the named attributes"
    return [*lines, f"{text[:1].upper()}{text[1:]}."]


def _where(field: np.ndarray) -> str:
    return phrases.signed_map_text(field)
