"""What raised and lowered the score of one photo, where, and by how much."""

import streamlit as st

from ui import explanation_view, picker, resources

st.header("What makes this landscape beautiful?", anchor=False)
st.caption(
    "A network scores your photo through named attributes that add up exactly to the score; "
    "an ordinary network beside it only gives a number."
)
photo = picker.choose()
explanation_view.show(resources.explanation(photo), photo)
