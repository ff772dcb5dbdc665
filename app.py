"""SIAM Explorer: the router. Start it with `streamlit run app.py`."""

import streamlit as st

from ui import address, compare_work, sidebar

PAGES = [
    st.Page("ui/pages/explain.py", title="Explain", icon=":material/landscape:", default=True),
    st.Page("ui/pages/templates.py", title="Templates", icon=":material/grid_view:"),
    st.Page("ui/pages/disagreements.py", title="Disagreements", icon=":material/compare_arrows:"),
    st.Page("ui/pages/what_if.py", title="What-if", icon=":material/tune:"),
    st.Page("ui/pages/compare.py", title="Compare", icon=":material/compare:"),
    st.Page("ui/pages/results.py", title="Results", icon=":material/monitoring:"),
    st.Page("ui/pages/about.py", title="About", icon=":material/info:"),
]

st.set_page_config(page_title="SIAM Explorer", page_icon="assets/icon.svg", layout="wide")
page = st.navigation(PAGES, position="top")
address.enter(page.url_path)
if page.url_path != "compare":
    compare_work.end()
sidebar.show()
try:
    page.run()
finally:
    address.leave(page.url_path)
