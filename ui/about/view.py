"""The parts of the page About: the method's figure, how to cite, whose photos these are."""

import re

import pandas as pd
import streamlit as st

from siam.gallery.samples import Sample, load_samples
from siam.reports import citation
from siam.runtime.paths import ASSETS
from ui.state.markdown import plain

_ASSETS = ASSETS
_PHOTO = "mountain-path"  # the sample in the figure of the method
_ONE_OF_TWO = (  # nothing else tells how wide the page is
    "<style>@media (max-width: 640px) {.method-wide {display: none}} "
    "@media (min-width: 641px) {.method-narrow {display: none}}</style>"
)


def figure() -> None:
    """Show the method in one figure, drawn by docs/make_figures.py: wide, or on a phone from top to bottom."""
    drawings = [(_ASSETS / name).read_text(encoding="utf-8") for name in ("method.svg", "method-narrow.svg")]
    lines = (_ONE_OF_TWO + "".join(drawings)).replace("\n", "")
    st.markdown(f"<div>{lines}</div>", unsafe_allow_html=True)  # within the page, its text has the page's colour
    photo = next(sample for sample in load_samples() if sample.key == _PHOTO)
    licence = f"[{photo.licence}]({photo.licence_url})"
    st.caption(
        "Maps and numbers are those of the networks “Photos”. Template and contribution: green raises the score, "
        f"magenta lowers it. Photo: “{photo.title}” by {photo.author}, {licence}, scaled down."
    )


def cite() -> None:
    """Show what to cite, to be copied."""
    st.code(citation.PAPER, language=None, wrap_lines=True)
    st.code(citation.PROJECT, language=None, wrap_lines=True)


def credits() -> None:
    """Show whose the bundled sample photos are."""
    rows = [
        {
            "photo": sample.name,
            "title": sample.title,
            "author": sample.author,
            "licence": f"[{sample.licence}]({sample.licence_url})",
            "source": _origin(sample),
        }
        for sample in load_samples()
    ]
    st.table(pd.DataFrame(rows).set_index("photo"), border="horizontal")


def _origin(sample: Sample) -> str:
    """Return where a photo is from: its package, with a link where one is told."""
    package, _comma, _file = sample.origin.partition(",")
    match = re.search(r"https://\S+", sample.origin)
    name = plain(package.removeprefix("Debian package ").split(" ")[0])
    return f"[{name}]({match[0]})" if match else name
