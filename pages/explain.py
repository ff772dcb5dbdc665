"""What raised and lowered the score of one photo, where, and by how much."""

import streamlit as st

from ui import router
from ui.explain import view
from ui.photos import picker
from ui.state import resources

router.ensure()

st.header("What makes this landscape beautiful?", anchor=False)
st.caption("Which attributes raised or lowered the score of this photo, where, and by how much?")
photo = picker.choose()
view.show(resources.explanation(photo), photo)
