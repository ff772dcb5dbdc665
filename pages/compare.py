"""SIAM's answer in words beside the maps of other explainers, and how faithful each map is."""

import streamlit as st

from ui import router
from ui.photos import picker

router.ensure()

st.header("Compare explainers", anchor=False)
st.caption("Do other explainers point to the same places as SIAM, and does the score follow their maps?")
with st.spinner("Loading the explainers; the first time takes a few seconds …"):
    from ui.compare import (
        choice,
        evidence,
        maps,
        measures,
        own,
        vebi,
        work,
    )  # they need PyTorch, which takes seconds to import

with st.expander("Choose a photo", icon=":material/image:"):
    photo = picker.choose()
view = choice.ask(photo)
work.settle(view)
maps.run(view)
maps.maps(view)
measures.show(view)
evidence.show(view)
vebi.show(view)
own.show(photo)
