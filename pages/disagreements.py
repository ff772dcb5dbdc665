"""Where two networks disagree most, and why: SIAM, the score with context, or the baseline."""

import dataclasses

import streamlit as st

from ui import router
from ui.add_gallery import outdated
from ui.disagreements import case, listing
from ui.state import chosen

router.ensure()

st.header("Where do the two networks disagree?", anchor=False)
st.caption("On which pictures do two networks differ most, why, and which is closer to the crowd?")
cases = chosen.cases()
if cases is None:
    st.info(
        "This pair has no gallery yet. Make one with “Add a gallery” in the sidebar, or with "
        "`python -m siam evaluate --model … --data … --root … --gallery galleries/NAME`.",
        icon=":material/photo_library:",
    )
    st.stop()
row = cases.row_of(st.query_params.get("case"))
outdated.notice(cases, explained=row is not None)
with st.expander("Order and filters", expanded=row is None, icon=":material/filter_alt:"):
    cases = listing.compared(cases)
    filters, order = listing.filters(cases)
rows = cases.select(filters, order)
if row is not None:
    case.show(cases, row, rows)
else:
    listing.summary(cases, rows)
    listing.charts(cases, cases.select(dataclasses.replace(filters, area=None), order), filters.area)
    listing.boxes(filters, cases.networks)
    listing.cards(cases, rows)
    case.export(cases, rows)
