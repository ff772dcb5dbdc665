"""What raised and lowered the score of one photo, where, and by how much."""

import streamlit as st

from ui import router
from ui.explain import view
from ui.photos import picker
from ui.state import resources

router.ensure()

st.header("What makes this landscape beautiful?", anchor=False)
st.caption(
    "A network scores your photo through named attributes that add up exactly to the score; "
    "an ordinary network beside it only gives a number."
)
photo = picker.choose()
view.show(resources.explanation(photo), photo)
