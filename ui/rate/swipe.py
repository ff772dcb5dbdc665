"""A thumb that slides across a photo answers, too; what it is told is read by `swipe.js`."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components import v2

_HTML = "<p></p><output hidden></output>"
_CSS = """
p { display: none; margin: 0; font-size: 0.875rem; opacity: 0.75 }
@media (pointer: coarse) { p { display: block } }
output {
  position: fixed; transform: translate(-50%, -50%); z-index: 1000; padding: 0.2em 0.6em;
  border-radius: 0.4rem; font-size: 3rem; font-weight: 600; pointer-events: none;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
}
output[hidden] { display: none }
"""

_slide = v2.component(
    "siam_swipe", html=_HTML, css=_CSS, js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def across(key: str, photos: Sequence[str], steps: int | None, hint: str, answer: Callable[[int], None]) -> None:
    """Let a thumb answer.

    Args:
        key: another one for each photo, so that no slide counts for the next one.
        photos: the keys of the containers that hold the photos.
        steps: how many numbers a slide across a photo can mean; None: it means the photo's place, from 1.
        hint: what people with a touch screen read.
        answer: called with the number.
    """

    def swiped() -> None:
        value = st.session_state[key].get("swiped")
        if isinstance(value, int) and 1 <= value <= (steps or len(photos)):
            answer(value)

    st.html(f"<style>{', '.join(f'.st-key-{of}' for of in photos)} {{ touch-action: pan-y }}</style>")
    _slide(key=key, data={"photos": list(photos), "steps": steps, "hint": hint}, on_swiped_change=swiped)
