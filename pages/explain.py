"""What raised and lowered the score of one photo, where, and by how much."""

import streamlit as st

from ui import router
from ui.add_gallery import outdated
from ui.explain import context, variants, view
from ui.lesson.view import entrance
from ui.photos import picker
from ui.state import resources
from ui.state.markdown import small

router.ensure()

st.header("What makes this landscape beautiful?", anchor=False)
st.caption("Which attributes raised or lowered the score of this photo, where, and by how much?")
st.markdown(small("[Compare with another photo](#compare-with-another-photo)"))
entrance()
photo = picker.choose()
outdated.of_photo(photo.address)
explanation = resources.explanation(photo)
if (groups := context.asked()) is not None:
    context.show(groups, explanation, photo)
else:
    view.show(explanation, photo)
variants.show(explanation, photo)
