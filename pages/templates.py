"""The templates: how much each attribute counts, and where in a picture."""

import streamlit as st

from ui import router
from ui.state import chosen, resources
from ui.templates import view

router.ensure()

st.header("How much does each attribute count, and where?", anchor=False)
st.caption(
    "Each square stands for a picture: green where the attribute raises the score, magenta where it lowers it. "
    "All on one scale, so that they compare. Choose one to look closer."
)
network = resources.pair().siam
templates, names = view.effective(network), network.config.attributes
attribute = view.chosen_attribute(templates, names)
view.grid(templates, names, attribute)
st.divider()
cases = chosen.cases()
view.one(templates, names, attribute, view.usual(cases, network, attribute))
if cases is not None:
    view.examples(cases, attribute)
