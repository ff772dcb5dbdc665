"""SIAM Explorer: the router. Start it with `streamlit run app.py`."""

import streamlit as st

from ui import address, sidebar

PAGES = [
    st.Page("pages/explain.py", title="Explain", icon=":material/landscape:", default=True),
    st.Page("pages/about.py", title="About", icon=":material/info:"),
]

st.set_page_config(page_title="SIAM Explorer", page_icon=":material/landscape:", layout="wide")
page = st.navigation(PAGES, position="top")
address.enter(page.url_path)
sidebar.show()
try:
    page.run()
finally:
    address.leave(page.url_path)
