"""The colours of signs: chosen in the sidebar for all pages, and part of the address.

A palette belongs to a thread (`siam.drawing.palettes`), and Streamlit uses a new one for the page, for each rerun of a
fragment, and for a file that is made on the click: so each of them takes the palette from here.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from siam.drawing.palettes import GREEN_MAGENTA, PALETTES, Palette, use, using

KEY = "colours"
_TEXT = {"green": "green", "magenta": "violet", "blue": "blue", "orange": "orange"}  # text colours of the theme


def choose() -> None:
    """Let the visitor choose the colours of signs."""
    st.selectbox(
        "Colours of signs", list(PALETTES), key=KEY, bind="query-params",
        help="What raises and what lowers a score. Green and magenta are the paper's; people with any colour "
        "deficiency can tell blue from orange.",
    )  # fmt: skip


def chosen() -> Palette:
    """Return the palette that the visitor chose."""
    return PALETTES.get(st.session_state.get(KEY, ""), GREEN_MAGENTA)


def apply() -> None:
    """Draw everything in the chosen colours from now on, in this run of the page."""
    use(chosen())


def fragment(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function a fragment that draws in the chosen colours, also when it runs alone."""

    @wraps(function)
    def run(*of: Any, **named: Any) -> Any:
        apply()
        return function(*of, **named)

    return st.fragment(run)


def kept(make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that makes a file on the click, in the colours that are chosen now."""
    now = chosen()

    def made() -> Any:
        with using(now):
            return make()

    return made


def coloured(name: str, text: str) -> str:
    """Return Markdown in one of the palettes' colours, by its name, in a shade that can be read."""
    return f":{_TEXT[name]}[{text}]" if name in _TEXT else text
