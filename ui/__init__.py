"""Everything that imports Streamlit: the router, the sidebar, and a package of views for each page."""

from siam.runtime.devices import share_the_cores

share_the_cores()  # here, since nothing of the dashboard may load PyTorch before
