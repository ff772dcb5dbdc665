"""The sidebar, the same on all pages: which networks and gallery are in use, and what the networks run on."""

import streamlit as st

from siam.errors import SIAMError
from ui.add_gallery import entry
from ui.state import address, chosen, colours, resources
from ui.state.markdown import plain
from ui.state.public import message, public


def show() -> None:
    """Let the visitor choose networks and gallery, and describe the networks."""
    with st.sidebar:
        st.selectbox(
            "Networks",
            list(chosen.pairs()),
            key="pair",
            bind="query-params",
            on_change=address.forget_gallery,
            help=None if public() else "Your own pairs appear here once they are in a folder under runs/ or models/.",
        )
    try:
        pair = resources.pair()
    except SIAMError as error:
        st.error(message(error), icon=":material/error:")
        st.stop()
    scale = pair.config.scale
    with st.sidebar:
        st.caption(
            f"{plain(pair.card.get('summary', ''))} Scores: {plain(scale.name)}, {scale.low:g} to {scale.high:g}."
        )
        st.page_link(
            "pages/results.py",
            label="Model card and limits",
            icon=":material/description:",
            query_params={"table": "Model cards"},
        )
        entry.settle()  # a task that has ended may have made a gallery
        galleries = chosen.galleries()
        wanted = st.session_state.pop("wanted_gallery", None)
        if wanted in galleries:
            st.session_state["gallery"] = wanted
            address.forget_gallery()
        if galleries:
            st.selectbox(
                "Gallery", list(galleries), key="gallery", bind="query-params", on_change=address.forget_gallery,
                help="Pictures that these networks have scored.",
            )  # fmt: skip
        if problem := chosen.problem():
            st.error(message(problem), icon=":material/error:")
        entry.offer()
        colours.choose()
        st.caption(f"Runs on: {resources.device_name()}")
    entry.show()
