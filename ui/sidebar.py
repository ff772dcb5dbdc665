"""The sidebar, the same on all pages: which networks, which gallery, what they learned from, where they run."""

import streamlit as st

from siam.errors import SIAMError
from ui.add_gallery import dialog, tasks
from ui.state import address, chosen, resources
from ui.state.markdown import plain


def show() -> None:
    """Let people choose the networks and the gallery, and say what the networks are."""
    with st.sidebar:
        st.selectbox(
            "Networks",
            list(chosen.pairs()),
            key="pair",
            bind="query-params",
            on_change=address.forget_gallery,
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
        st.page_link(
            "pages/results.py",
            label="Model card and limits",
            icon=":material/description:",
            query_params={"table": "Model cards"},
        )
        tasks.current()  # what has ended may have brought a gallery
        galleries = chosen.galleries()
        wanted = st.session_state.pop("wanted_gallery", None)
        if wanted in galleries:
            st.session_state["gallery"] = wanted
            address.forget_gallery()
        if galleries:
            st.selectbox(
                "Gallery", list(galleries), key="gallery", bind="query-params", on_change=address.forget_gallery,
                help="Photos with known numbers.",
            )  # fmt: skip
        if problem := chosen.problem():
            st.error(plain(problem), icon=":material/error:")
        dialog.offer()
        st.caption(f"Runs on: {resources.device_name()}")
    dialog.show()
