"""The frame around every page: navigation, sidebar, and what the address holds.

If there is a folder `pages/` and the first visitor of a fresh server arrives by a deep link, Streamlit runs that page's
script without app.py, until somebody reaches `st.navigation`. So each script in `pages/` begins with `ensure()`, which
then runs the router.
"""

import streamlit as st

from siam.runtime.paths import ASSETS
from ui import sidebar
from ui.lesson import view as lesson
from ui.photos import quota, uploads  # noqa: F401 - how uploads are received
from ui.state import address, colours, leaving, made, public
from ui.state.markdown import plain

_RUNNING = "router_runs"
_SIDEBAR = 250  # px


def run() -> None:
    """Show the page in the address, with navigation and sidebar."""
    st.set_page_config(
        page_title="SIAM Explorer", page_icon=ASSETS / "icon.svg", layout="wide", initial_sidebar_state=_SIDEBAR
    )
    page = st.navigation(_pages(), position="top")
    if wrong := public.problem():
        st.error(plain(wrong), icon=":material/error:")
        st.stop()
    leaving.note()
    path = page.url_path.removeprefix("explain")
    lesson.enter(path)
    address.enter(path)
    if path != "compare" and "comparison" in st.session_state:
        from ui.compare import work  # imported here, since it needs PyTorch, which other pages need not wait for

        work.end()
    sidebar.show()
    if path in address.NUMBERS:
        made.check(path)
    colours.apply()
    st.session_state[_RUNNING] = True
    try:
        if lesson.show(path):
            page.run()
    finally:
        st.session_state[_RUNNING] = False
        address.leave(path)


def _pages() -> dict[str, list[st.Page]]:
    """Return the pages by group. Those that look at photos are in none, and so a single click away.

    Eleven links in a row would leave no room: of a window 1024 px wide, "4 more" would hide them by their number, while
    groups have names. On a phone all pages are listed, below the names of their groups.
    """
    return {
        "": [
            # The default page answers only at "/"; "/explain" is the same page, hidden from the navigation.
            st.Page("pages/explain.py", title="Explain", icon=":material/landscape:", url_path="start", default=True),
            st.Page("pages/explain.py", title="Explain", url_path="explain", visibility="hidden"),
            st.Page("pages/what_if.py", title="What-if", icon=":material/tune:"),
            st.Page("pages/templates.py", title="Templates", icon=":material/grid_view:"),
            st.Page("pages/disagreements.py", title="Disagreements", icon=":material/compare_arrows:"),
            st.Page("pages/map.py", title="Map", icon=":material/map:"),
        ],
        "Build your own": [
            st.Page("pages/rate.py", title="Rate", icon=":material/thumbs_up_down:"),
            st.Page("pages/label.py", title="Label", icon=":material/label:"),
            st.Page("pages/discover.py", title="Discover", icon=":material/travel_explore:"),
        ],
        "Evidence": [
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
            st.Page("pages/results.py", title="Results", icon=":material/monitoring:"),
            st.Page("pages/about.py", title="About", icon=":material/info:"),
        ],
    }


def ensure() -> None:
    """Make sure that a page runs inside the router; every page calls this first."""
    if not st.session_state.get(_RUNNING):
        run()
        st.stop()
