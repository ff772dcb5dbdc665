"""The way to every page: navigation, sidebar, and what an address holds, around the script of the page.

Beside a folder `pages/`, Streamlit runs a page's script without app.py where the first visitor of a fresh server comes
by a deep link, until somebody reaches `st.navigation`. So each script in `pages/` begins with `ensure()`, which takes
the way through the router then.
"""

import streamlit as st

from ui import sidebar
from ui.compare import work
from ui.state import address

_RUNNING = "router_runs"


def run() -> None:
    """Show the page that the address asks for, with navigation and sidebar."""
    st.set_page_config(page_title="SIAM Explorer", page_icon="assets/icon.svg", layout="wide")
    page = st.navigation(
        [
            # The default page answers at "/" alone; "/explain" is the same page, hidden from the navigation.
            st.Page("pages/explain.py", title="Explain", icon=":material/landscape:", url_path="start", default=True),
            st.Page("pages/explain.py", title="Explain", url_path="explain", visibility="hidden"),
            st.Page("pages/templates.py", title="Templates", icon=":material/grid_view:"),
            st.Page("pages/disagreements.py", title="Disagreements", icon=":material/compare_arrows:"),
            st.Page("pages/what_if.py", title="What-if", icon=":material/tune:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/results.py", title="Results", icon=":material/monitoring:"),
            st.Page("pages/about.py", title="About", icon=":material/info:"),
        ],
        position="top",
    )
    path = page.url_path.removeprefix("explain")
    address.enter(path)
    if path != "compare":
        work.end()
    sidebar.show()
    st.session_state[_RUNNING] = True
    try:
        page.run()
    finally:
        st.session_state[_RUNNING] = False
        address.leave(path)


def ensure() -> None:
    """Make sure that a page runs inside the router: called first in every page."""
    if not st.session_state.get(_RUNNING):
        run()
        st.stop()
