"""What raised and lowered the score of one photo, where, and by how much."""

import streamlit as st

from ui import explanation_view, photo, resources

st.header("What makes this landscape beautiful?", anchor=False)
st.caption(
    "A network scores your photo through named attributes that add up exactly to the score; "
    "an ordinary network beside it only gives a number."
)
chosen = photo.choose()
explanation = resources.explanation(resources.DEFAULT_PAIR, chosen.digest, chosen.image)
explanation_view.scores(explanation)
explanation_view.total_maps(explanation, chosen)
explanation_view.attributes(explanation)
explanation_view.waterfall(explanation)
explanation_view.table(explanation)
explanation_view.downloads(explanation, chosen.name, resources.pair().card)
