"""Everything that imports Streamlit: the router, the sidebar, and a package of views for each page."""
