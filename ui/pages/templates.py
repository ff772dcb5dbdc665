"""The templates: how much each attribute counts, and where in a picture."""

import streamlit as st

from ui import chosen, resources, template_view

st.header("How much does each attribute count, and where?", anchor=False)
st.caption(
    "Each square stands for a picture: green where the attribute raises the score, magenta where it lowers it. "
    "All on one scale, so that they compare. Choose one to look closer."
)
network = resources.pair().siam
templates, names = template_view.effective(network), network.config.attributes
attribute = template_view.chosen_attribute(templates, names)
template_view.grid(templates, names, attribute)
st.divider()
cases = chosen.cases()
template_view.one(templates, names, attribute, template_view.usual(cases, network, attribute))
if cases is not None:
    template_view.examples(cases, attribute)
