"""What was measured: the paper's tables beside ours, attributes, scores, presence, explainers, speed, model cards."""

import streamlit as st

from ui import router
from ui.results.views import VIEWS

router.ensure()

st.header("Results", anchor=False)
st.caption("How good are these networks and their explanations, and what did the paper report?")
view = st.pills(
    "What to show",
    list(VIEWS),
    default=next(iter(VIEWS)),
    required=True,
    key="table",
    bind="query-params",
    label_visibility="collapsed",
)
VIEWS[view or next(iter(VIEWS))]()
