"""What the score would be if there were more or less of something, or if it were elsewhere."""

import streamlit as st

from siam.explanation import what_if
from ui import router
from ui.add_gallery import outdated
from ui.photos import picker
from ui.state import chosen, resources
from ui.state.markdown import plain
from ui.what_if import edits, view

router.ensure()

st.header(plain(view.question()), anchor=False)
st.caption("How would the score change if SIAM saw more or less of an attribute, or saw it somewhere else?")
with st.expander("Choose a photo", icon=":material/image:"):
    photo = picker.choose()
outdated.of_photo(photo.address)
before = resources.explanation(photo)
edits.start(before, f"{chosen.pair().source} {photo.digest}")
edits.publish(before)
after = what_if.apply(before, edits.made())
view.scores(before, after)
if (groups := resources.pair().csib) is not None:
    view.with_context(groups, before, after)
edits.tools(before, after)
left, right = st.columns([3, 2], gap="large")
with left:
    view.history(before)
with right:
    view.reach(after)
view.total_maps(before, after, photo)
view.waterfalls(before, after)
