"""What would the score be, if there were more or less of something, or elsewhere?"""

import streamlit as st

from siam import what_if
from ui import chosen, edits, picker, resources, what_if_view

st.header("What if there were less road, or more water?", anchor=False)
with st.expander("Choose a photo", icon=":material/image:"):
    photo = picker.choose()
before = resources.explanation(photo)
edits.start(before, f"{chosen.pair().source} {photo.digest}")
edits.publish(before)
after = what_if.apply(before, edits.made())
what_if_view.scores(before, after)
edits.tools(before, after)
left, right = st.columns([3, 2], gap="large")
with left:
    what_if_view.history(before)
with right:
    what_if_view.reach(after)
what_if_view.total_maps(before, after, photo)
what_if_view.waterfalls(before, after)
