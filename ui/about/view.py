"""The parts of the page About: the method's figure, how to cite, the documentation, photo credits."""

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

import pandas as pd
import streamlit as st

from siam.drawing.phrases import date_text
from siam.explanation.inference import Explanation, explain
from siam.figures.tables import html_table
from siam.gallery.samples import Sample, load_samples
from siam.images.reading import read_image
from siam.models import versions
from siam.models.card import CARD
from siam.models.checkpoint import load
from siam.reports import citation
from siam.reports.prints import Print, method_print, networks_text
from siam.results.versions import figures
from siam.runtime.paths import ASSETS
from ui import printing
from ui.state import resources
from ui.state.markdown import plain, small

_ASSETS = ASSETS
_PHOTO, _PAIR = "mountain-path", "photo"  # the sample in the figure of the method, and the networks that explain it
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
    photo = _sample()
    licence = f"[{plain(photo.licence)}]({photo.licence_url})"
    st.markdown(
        small(
            "Maps and numbers come from the “Photos” networks. In the template and the contribution, green raises the "
            f"score and magenta lowers it. Photo: “{plain(photo.title)}” by {plain(photo.author)}, {licence}, scaled "
            "down."
        )
    )
    printing.figures(lambda: [_method()], "method", networks=lambda: _explained()[1])


def _method() -> Print:
    photo = _sample()
    return method_print(_explained()[0], f"“{photo.title}” by {photo.author}, {photo.licence}, scaled down")


def _sample() -> Sample:
    return next(sample for sample in load_samples() if sample.key == _PHOTO)


@st.cache_resource(show_spinner="Looking at the photo …")
def _explained() -> tuple[Explanation, str]:
    """Return the explanation in the figure of the method, and the name of its networks, whichever are in use."""
    pair = load(_PAIR)
    return explain(pair, read_image(_sample().path)), networks_text(pair)


def changes() -> None:
    """Show which version the networks in use are, what each version changed, and its figures."""
    pair = resources.pair()
    known = versions.read(pair.card, Path(pair.name) / CARD)
    if known[0].number is None and len(known) == 1:
        st.markdown(f"The card of {plain(pair.name)} names no version, and none before it.")
        return
    names = [of.number or "unknown" for of in known]
    dates = ["date unknown" if of.date is None else date_text(of.date) for of in known]
    st.markdown(f"You use **{plain(versions.named(pair.name, known[0].number))}** of {dates[0]}.")
    shown = figures(known)
    if shown.heads:
        rows = [(name, *cells) for name, cells in zip(names, shown.rows, strict=True)]
        st.markdown(html_table(shown.heads, rows), unsafe_allow_html=True)
        measured = "; ".join(f"{', '.join(of)}: {protocol}" for protocol, of in shown.protocols.items())
        st.caption(
            "Figures of SIAM on photos that the networks had not seen. In brackets: 95 % intervals; ±: standard "
            f"deviation over repeated trainings. {plain(measured)}{'.' if measured else ''}"
        )
    st.markdown(
        "\n".join(
            f"- **{plain(name)}**, {day}{f': {plain(of.changes)}' if of.changes else ''}"
            for name, day, of in zip(names, dates, known, strict=True)
        )
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
