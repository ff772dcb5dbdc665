"""The sidebar, the same on all pages: which networks, which gallery, what they learned from, where they run."""

import streamlit as st

from siam.errors import SIAMError
from ui import chosen, resources
from ui.photo import plain


def show() -> None:
    """Let people choose the networks and the gallery, and say what the networks are."""
    with st.sidebar:
        st.selectbox(
            "Networks",
            list(chosen.pairs()),
            key="pair",
            bind="query-params",
            help="Your own pairs appear here once they lie in a folder below runs/ or models/.",
        )
    try:
        pair = resources.pair()
    except SIAMError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.stop()
    scale = pair.siam.config.scale
    with st.sidebar:
        st.caption(f"{pair.card.get('summary', '')} Scores: {scale.name}, {scale.low:g} to {scale.high:g}.")
        st.page_link("pages/about.py", label="Model card and limits", icon=":material/description:")
        found = chosen.galleries()
        if found:
            st.selectbox("Gallery", list(found), key="gallery", bind="query-params", help="Photos with known numbers.")
        st.caption(f"Runs on: {resources.device_name()}")
