"""What many pictures say of the explainers on the page Compare: the forest plot of *Results* for these networks."""

import streamlit as st

from ui.compare.choice import View
from ui.results import explainers, stored
from ui.state.markdown import plain


def show(view: View) -> None:
    """Show how far each explainer is ahead of random maps on many pictures; nothing if no comparison is stored."""
    nearest = _nearest(view, explainers.all_stored(stored.by_file()))
    if nearest is None:
        return
    st.subheader("Which explainer is better on many pictures?", anchor=False)
    if view.pair.name in nearest.figures.networks:
        st.caption(
            "One picture shows little. These are the same explainers of the same network where the truth is known."
        )
    else:
        st.caption(
            f"One picture shows little. Nobody compared explainers of “{plain(view.pair.name)}” where the truth is "
            f"known; this is the nearest comparison, of “{plain(', '.join(nearest.figures.networks))}”."
        )
    explainers.forest(nearest, "evidence")
    st.page_link(
        "pages/results.py",
        label="All comparisons, and what papers claim",
        icon=":material/monitoring:",
        query_params={"table": "Explainers"},
    )


def _nearest(view: View, found: list[explainers.Stored]) -> explainers.Stored | None:
    """Return the comparison of what is explained here; else, of other networks, one on photos or any other."""
    usual = "scenes-siam" if view.pair.baseline is None else "scenes"

    def distance(of: explainers.Stored) -> tuple[bool, bool]:
        other = view.pair.name not in of.figures.networks
        return other, of.figures.world != ("photos" if other else usual)

    return min(found, key=distance, default=None)
