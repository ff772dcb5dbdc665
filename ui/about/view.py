"""The parts of the page About: the method's figure, how to cite, the documentation, photo credits."""

import os
from urllib.parse import quote, urlsplit

import pandas as pd
import streamlit as st

from siam.gallery.samples import Sample, load_samples
from siam.reports import citation
from siam.runtime.paths import ASSETS
from ui.state.markdown import plain

_ASSETS = ASSETS
_PHOTO = "mountain-path"  # the sample in the figure of the method
_DOCS = "SIAM_DOCS_URL"  # the environment variable with the address of the hosted documentation
_ONE_OF_TWO = (  # only style sheets know how wide the page is
    "<style>@media (max-width: 640px) {.method-wide {display: none}} "
    "@media (min-width: 641px) {.method-narrow {display: none}}</style>"
)


def figure() -> None:
    """Show the method in one figure, drawn by docs/make_figures.py; on a phone it runs from top to bottom."""
    drawings = [(_ASSETS / name).read_text(encoding="utf-8") for name in ("method.svg", "method-narrow.svg")]
    lines = (_ONE_OF_TWO + "".join(drawings)).replace("\n", "")
    st.markdown(f"<div>{lines}</div>", unsafe_allow_html=True)  # inline, so that its text takes the page's colour
    photo = next(sample for sample in load_samples() if sample.key == _PHOTO)
    licence = f"[{plain(photo.licence)}]({photo.licence_url})"
    st.caption(
        "Maps and numbers come from the “Photos” networks. In the template and the contribution, green raises the "
        f"score and magenta lowers it. Photo: “{plain(photo.title)}” by {plain(photo.author)}, {licence}, scaled down."
    )


def cite() -> None:
    """Show the BibTeX entries of the paper and of this project, ready to copy."""
    st.code(citation.PAPER, language=None, wrap_lines=True)
    st.code(citation.PROJECT, language=None, wrap_lines=True)


def documentation() -> None:
    """Link to the hosted documentation, or say where it lies in the project and how to build it."""
    address = _docs_address()
    if address is not None:
        st.markdown(f"[Read the documentation]({address})")
    else:
        st.markdown(
            "The documentation is in the project's folder `docs/`: start at `docs/index.md`. "
            "`sphinx-build docs site` builds it as a website in `site/`."
        )


def _docs_address() -> str | None:
    """Return the address in `SIAM_DOCS_URL`, ready for a Markdown link; None unless it is an http(s) address."""
    text = os.environ.get(_DOCS, "").strip()
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        return None
    return quote(text, safe="%/:=?&#@+,;~!$'*") if valid else None


def credits() -> None:
    """Show who took the bundled sample photos, and under which licence."""
    rows = [
        {
            "photo": plain(sample.name),
            "title": plain(sample.title),
            "author": plain(sample.author),
            "licence": f"[{plain(sample.licence)}]({sample.licence_url})",
            "source": _origin(sample),
        }
        for sample in load_samples()
    ]
    st.table(pd.DataFrame(rows).set_index("photo"), border="horizontal")


def _origin(sample: Sample) -> str:
    """Return where a photo is from: its package, linked to the photo's page where that is known."""
    package, _comma, _file = sample.origin.partition(",")
    name = plain(package.split(" package ")[1].split(" ")[0])
    return f"[{name}]({sample.link})" if sample.link else name
