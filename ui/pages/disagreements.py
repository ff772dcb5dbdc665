"""Where SIAM and the baseline disagree most, and why."""

import dataclasses

import streamlit as st

from ui import case_list, case_view, chosen

st.header("Where do the two networks disagree?", anchor=False)
cases = chosen.cases()
if cases is None:
    st.info(
        "These networks have no gallery yet. “Add a gallery” in the sidebar makes one, and so does "
        "`python -m siam evaluate --model … --data … --root … --gallery galleries/NAME`.",
        icon=":material/photo_library:",
    )
    st.stop()
row = cases.row_of(st.query_params.get("case"))
with st.expander("Order and filters", expanded=row is None, icon=":material/filter_alt:"):
    filters, order = case_list.filters(cases)
rows = cases.select(filters, order)
if row is not None:
    case_view.show(cases, row, rows)
else:
    case_list.summary(cases, rows)
    case_list.charts(cases, cases.select(dataclasses.replace(filters, area=None), order), filters.area)
    case_list.cards(cases, rows)
    case_view.export(cases, rows)
