"""SIAM's answer in words beside the maps of other explainers, and how far each can be believed."""

import streamlit as st

from ui import compare_choice, compare_measures, compare_vebi, compare_view, compare_work, picker

st.header("Compare explainers", anchor=False)
st.caption(
    "Many methods show where a network looks. SIAM also says what it sees there, and how much that counts: "
    "ask them all about the same photo."
)
with st.expander("Choose a photo", icon=":material/image:"):
    photo = picker.choose()
view = compare_choice.ask(photo)
compare_work.settle(view)
compare_view.run(view)
compare_view.maps(view)
compare_measures.show(view)
compare_vebi.show(view)
