"""Where the photos of a gallery were taken, and how their scores differ from place to place."""

import dataclasses

import streamlit as st

from ui import router
from ui.add_gallery import outdated
from ui.disagreements import case, listing
from ui.map import regions, view
from ui.state import chosen

router.ensure()

st.header("Where were these photos taken?", anchor=False)
st.caption("How do scores, their differences and single contributions change from place to place?")
cases = chosen.cases()
if cases is None or not cases.placed.any():
    view.without_places(cases)
    st.stop()
row = cases.row_of(st.query_params.get("case"))
outdated.notice(cases, explained=row is not None)
with st.expander("Order and filters", expanded=False, icon=":material/filter_alt:"):
    cases = listing.compared(cases)
    filters, order = listing.filters(cases)
rows = cases.select(filters, order)
if row is not None:
    case.show(cases, row, rows)
else:
    listing.summary(cases, rows)
    view.show(cases, cases.select(dataclasses.replace(filters, place=None), order), filters.place)
    listing.boxes(filters, cases.networks)
    view.means(cases, rows)
    regions.show(cases)
    view.strip(cases, rows)
