"""The templates: what each attribute is worth at each place in a picture."""

import streamlit as st

from ui import router
from ui.add_gallery import outdated
from ui.state import chosen, resources
from ui.templates import context, view

router.ensure()

st.header("What is each attribute worth?", anchor=False)
st.caption("How many points does an attribute add or take away at each place in a picture, whichever photo it is?")
pair = resources.pair()
templates = view.effective(pair)
attribute = view.chosen_attribute(templates)
view.grid(templates, attribute)
st.divider()
cases = chosen.cases()
if cases is not None:
    outdated.notice(cases)
view.one(templates, attribute, view.usual(cases, pair, attribute))
if cases is not None:
    view.examples(cases, attribute)
if pair.csib is not None:
    context.groups(pair.csib)
