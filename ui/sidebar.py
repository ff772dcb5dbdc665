"""The sidebar, the same on all pages: which networks, what they learned from, where they run."""

import streamlit as st

from siam.errors import SIAMError
from ui import resources


def show() -> None:
    """Show what the networks in use are."""
    try:
        pair = resources.pair()
    except SIAMError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    scale = pair.siam.config.scale
    with st.sidebar:
        st.markdown("**Networks**  \nPhotos (bundled)")
        st.caption(f"{pair.card['summary']} Scores: {scale.name}, {scale.low:g} to {scale.high:g}.")
        st.page_link("pages/about.py", label="Model card and limits", icon=":material/description:")
        st.caption(f"Runs on: {resources.device_name()}")
