"""Where a photo shows the word: cells that somebody marks before they answer, if they like."""

import streamlit as st
from PIL import Image

from siam.drawing.phrases import words
from siam.figures.cells import mark_figure
from siam.labelling import marks
from ui.photos import cells
from ui.state.markdown import plain

_KEY = "label-where"
_SHAPE = (marks.SIDE, marks.SIDE)
_WIDEST = 640  # px: charts hold their picture in their text


def wanted() -> bool:
    """Return whether the visitor marks cells."""
    return bool(st.session_state.get(_KEY))


def ask() -> None:
    """Let the visitor choose whether to mark cells: by a button, since a switch would keep the keys to itself."""
    st.button(
        "Stop marking" if wanted() else "Mark where", key="label-mark", icon=":material/select:", shortcut="M",
        type="tertiary", on_click=_change, help="Networks trained with these words then also learn where they are.",
    )  # fmt: skip


def _change() -> None:
    st.session_state[_KEY] = not wanted()


def mark(picture: Image.Image, name: str, word: str) -> str:
    """Show a photo on which cells can be marked, and return them as answers hold them; "" if there are none."""
    shown = picture.copy()
    shown.thumbnail((_WIDEST, _WIDEST))
    key = f"-{word}-{name}"  # another photo begins anew
    drawn = cells.selected(mark_figure(shown, word, _SHAPE), f"label-brush{key}", f"photo {name}")
    chosen = drawn | cells.by_number(_SHAPE, key)
    share = len(chosen) / (marks.SIDE * marks.SIDE)
    told = f"{share:.0%} of the photo is marked: press Present." if chosen else f"Draw a box over {plain(words(word))}."
    st.caption(f"{told} Shift adds a box.")
    return marks.written(chosen)
