"""SIAM's answer in words beside the maps of other explainers, and how far each can be believed."""

import streamlit as st

from ui import router
from ui.compare import choice, maps, measures, vebi, work
from ui.photos import picker

router.ensure()

st.header("Compare explainers", anchor=False)
st.caption(
    "Many methods show where a network looks. SIAM also says what it sees there, and how much that counts: "
    "ask them all about the same photo."
)
with st.expander("Choose a photo", icon=":material/image:"):
    photo = picker.choose()
view = choice.ask(photo)
work.settle(view)
maps.run(view)
maps.maps(view)
measures.show(view)
vebi.show(view)
