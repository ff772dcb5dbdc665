"""The word in question, and how far each word has got."""

import streamlit as st

from siam.errors import SIAMError
from siam.labelling import model, table
from siam.labelling.answers import Answers, word_of
from siam.labelling.model import Judgement
from ui.label import work
from ui.label.source import Photos
from ui.state.markdown import code
from ui.state.public import message

KEY = "labelled"
SUGGESTED = "buildings"


def ask(photos: Photos) -> str:
    """Let the visitor type a word, and return it; at first it is the last one that was answered to, or a suggestion."""
    try:
        answers = photos.answers()
        known = [*answers.words, *(() if photos.place is None else table.columns_of(photos.place))]
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        st.stop()
    last = answers.answers[-1].word if answers.answers else SUGGESTED
    if KEY not in st.session_state and KEY not in st.query_params:
        st.session_state[KEY] = last
    typed = st.text_input(
        "Word",
        key=KEY,
        bind="query-params",
        width=360,
        help="Something that you can see in a photo and that may matter to its beauty, such as hedges or old stone.",
    )
    try:
        word = word_of(typed or "", known)
        column = None if photos.place is None else table.column_of(word, photos.place)
        if column is not None:
            st.caption(f"attributes.toml calls {code(column)} that: your answers go to this column.")
        return column or word
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        st.stop()


def judged(photos: Photos, word: str, answers: Answers) -> Judgement:
    """Return how far a word has got, computed again only after another answer."""
    said, features = answers.said(word), work.features(photos)
    kept = st.session_state.setdefault("label-judged", {})
    state = (tuple(said.items()), id(features), len(photos.names))
    if kept.get((photos.key, word), (None,))[0] != state:
        kept[photos.key, word] = state, model.judge(word, photos.names, said, features)
    return kept[photos.key, word][1]


def figure(of: Judgement) -> str:
    """Return a word's average precision with its interval, as Markdown."""
    if of.more is None:
        return "AP: too few to say"
    return f"AP **{of.average_precision:.2f} ± {of.half:.2f}** (guessing: {of.chance:.2f})"


def outlook(of: Judgement, left: int, looked: bool) -> str:
    """Return in a sentence how many answers are missing.

    Args:
        of: how far the word has got.
        left: how many photos have no answer.
        looked: whether the photos' features are there.
    """
    wanted, fewest = f"±{model.WANTED:.2f}", model.FEWEST
    if not looked:
        return "Begin: the photos will be looked through meanwhile." if not of.answered else "Not judged yet."
    if of.more is None:
        more = "" if left else ", which takes more photos than these"
        return f"It takes {fewest} photos drawn at random that show it, and {fewest} that do not{more}."
    if not of.more:
        return f"Enough: {wanted} or better."
    return f"About {of.more} more for {wanted}." if of.more <= left else f"{wanted} takes more photos than these."
