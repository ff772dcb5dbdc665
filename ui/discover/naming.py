"""A candidate gets a name: a word, then a dozen photos by key; answers are those of *Label*."""

from io import BytesIO

import streamlit as st
from PIL import Image

from siam.drawing.phrases import words
from siam.errors import SIAMError
from siam.labelling.answers import Answer, alike, word_of
from ui.discover import making
from ui.discover.looking import Found
from ui.discover.pictures import photo
from ui.label import source
from ui.label.source import Photos
from ui.state import resources
from ui.state.markdown import plain, small
from ui.state.public import message

_SIDE, _HIGHEST = 840, 420  # px of a photo
_SAYS = {"present": True, "absent": False, "unsure": None}
_KINDS = (
    ("present", "Present", "P", ":material/check:"),
    ("absent", "Absent", "A", ":material/close:"),
    ("unsure", "Unsure", "U", ":material/question_mark:"),
)
_NOW = "discover-naming"  # in the session: the gallery's key, and the place of the candidate
_BY, _WHO = "discover-by", "discover-who"  # in the session: the field of the visitor's name, and what it held
_WORDS = "discover-words"  # in the session: the words that were typed, by the same


def title(found: Found, place: int) -> str:
    """Return what a candidate is called: by the visitor, or else by its number."""
    word = _typed(found, place)
    name = found.candidate(place).name
    return f"“{word}” ({name})" if word else name


def button(found: Found, place: int) -> None:
    """Show the button that begins, or ends, naming; it stays one button, so that it keeps the focus."""
    named = _is_named(found, place)
    st.button(
        "Close" if named else "Name it", key=f"name-{place}", icon=":material/close:" if named else ":material/edit:",
        on_click=_choose, args=(None if named else (found.key, place),),
    )  # fmt: skip


def panel(found: Found, place: int) -> None:
    """Show what a candidate needs to become an attribute, if it is the one that is being named."""
    if _is_named(found, place):
        _ask(found, place, source.of_gallery(found.cases))
        making.show()


def _choose(what: tuple[object, int] | None) -> None:
    making.forget()
    st.session_state[_NOW] = what


def _is_named(found: Found, place: int) -> bool:
    return st.session_state.get(_NOW) == (found.key, place)


def _typed(found: Found, place: int) -> str:
    return st.session_state.get(_WORDS, {}).get((found.key, place), "")


@st.fragment
def _ask(found: Found, place: int, photos: Photos) -> None:
    """Ask for the word, and then for one photo after the other."""
    if making.running():
        return
    if making.has_begun():
        st.rerun()
    if problem := st.session_state.pop("label-problem", None):
        st.error(problem, icon=":material/error:")
    word = _word(found, place, photos)
    if word is None:
        return
    try:
        said = _said(found, photos, word)
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        return
    at, picture = _next(found, place, said)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _photo(found, at, picture)
    with right:
        st.markdown(f"Does this photo show **{plain(word)}**?" if picture else f"**{plain(word)}**")
        with st.grid(2, min_column_width=130, gap="small"):
            for kind, label, key, icon in _KINDS:
                st.button(
                    label, key=f"discover-{kind}", icon=icon, shortcut=key, width="stretch", disabled=picture is None,
                    on_click=_give, args=(photos, kind, word, None if at is None else found.names[at]),
                )  # fmt: skip
            st.button(
                "Undo", key="discover-undo", icon=":material/undo:", shortcut="Z", width="stretch", disabled=not said,
                on_click=_give, args=(photos, "undo", word, ""),
            )  # fmt: skip
        _so_far(found, place, word, said)


def _so_far(found: Found, place: int, word: str, said: dict[int, bool | None]) -> None:
    """Say how many answers there are, and offer to make an attribute of them once they are enough."""
    from siam.discovery.naming import ENOUGH, too_few

    present, absent = (sum(shows is of for shows in said.values()) for of in (True, False))
    st.markdown(f"**{len(said)}** answered: {present} present, {absent} absent")
    problem = too_few(said)
    if problem is not None:
        st.caption(f"{problem[:1].upper()}{problem[1:]}.")
    elif len(said) < ENOUGH:
        st.caption(f"{ENOUGH - len(said)} more would make it surer.")
    if _BY not in st.session_state:
        st.session_state[_BY] = st.session_state.get(_WHO, "")
    st.text_input(
        "Your name (optional)", key=_BY, max_chars=60, placeholder="somebody",
        help="The card of the new networks says who named the attribute; whoever gets them can read it.",
    )  # fmt: skip
    st.button(
        "Make it an attribute", key="discover-make", icon=":material/add_circle:", disabled=problem is not None,
        on_click=_make, args=(found, place, said, word),
    )  # fmt: skip
    st.caption("*Label* keeps the same answers. Leave the fields to answer by key.")


def _make(found: Found, place: int, said: dict[int, bool | None], word: str) -> None:
    """Make an attribute; the name is read now, since it may have been typed just before the click."""
    who = st.session_state[_WHO] = " ".join(st.session_state.get(_BY, "").split())
    making.begin(found, place, said, word, who)


def _word(found: Found, place: int, photos: Photos) -> str | None:
    """Let the visitor type the word; return it, or None while there is none that could name an attribute."""
    key, typed = f"discover-word-{place}", _typed(found, place)
    if key not in st.session_state:
        st.session_state[key] = typed
    text = st.text_input(
        "What is it?", key=key, width=360, placeholder="one or two words, such as old stone",
        help="What the lit places have in common, if you see it. If you do not, leave this candidate alone.",
    )  # fmt: skip
    if not text.strip():
        return None
    try:
        word = word_of(text, photos.answers().words)
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        return None
    taken = next((name for name in resources.pair().config.attributes if alike(name) == alike(word)), None)
    if taken is not None:
        st.error(f"“{plain(words(taken))}” is an attribute already: take another word.", icon=":material/error:")
        return None
    st.session_state.setdefault(_WORDS, {})[found.key, place] = word
    return word


def _said(found: Found, photos: Photos, word: str) -> dict[int, bool | None]:
    """Return the answers by the place of the photo; those to photos that nobody looked at do not count."""
    said = photos.answers().said(word)
    return {at: _SAYS[said[name]] for at, name in enumerate(found.names) if name in said}


def _next(found: Found, place: int, said: dict[int, bool | None]) -> tuple[int | None, Image.Image | None]:
    """Return the place of the photo to ask about, and its picture; photos that cannot be read are passed over."""
    passed: dict[int, bool | None] = {}
    while (at := found.questions(place).next({**passed, **said})) is not None:
        picture = photo(found.cases.gallery, int(found.discovery.rows[at]), _SIDE)
        if picture is not None:
            return at, picture
        passed[at] = None
    return None, None


def _photo(found: Found, at: int | None, picture: Image.Image | None) -> None:
    if at is None or picture is None:
        st.success("All photos have an answer.", icon=":material/done_all:")
        return
    data, name = BytesIO(), found.names[at]
    picture.save(data, "JPEG", quality=92)
    width = min(picture.width, round(_HIGHEST * picture.width / picture.height))
    st.image(data.getvalue(), width=width, alt=f"photo {name}")
    st.markdown(small(source.short_credit(found.cases.gallery.facts(int(found.discovery.rows[at])))))


def _give(photos: Photos, kind: str, word: str, name: str | None) -> None:
    if name is not None:
        photos.add(Answer(kind, word, name))
