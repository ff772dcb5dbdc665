"""What photos hold that moves their scores and that no attribute tells: found, named, and made an attribute."""

import streamlit as st

from ui import router
from ui.add_gallery import outdated
from ui.discover import cards, looking, making, removal
from ui.label import source
from ui.state import chosen

router.ensure()
making.go_on()

st.header("What has no name here?", anchor=False)
st.caption("Something that SIAM has no word for may move these scores. Find it, name it, and SIAM learns it.")
above = st.container()
removal.show()  # also where the rest of the page ends early
with above:
    cases = chosen.cases()
    source.of_gallery(cases)
    if cases is not None:
        outdated.notice(cases)
    if cases is not None and (found := looking.show(cases)) is not None:
        cards.summary(found)
        cards.show(found)
