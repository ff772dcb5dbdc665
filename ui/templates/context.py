"""What counts together: the groups of a pair as sentences, and as a matrix of members and groups."""

import streamlit as st

from siam.drawing.palettes import palette
from siam.explanation.context import group_sentence
from siam.figures.context import groups_figure
from siam.models.csib import CSIB
from siam.reports.prints import chart_print
from ui import printing
from ui.explain.context import MEANING
from ui.state.markdown import plain


def groups(csib: CSIB) -> None:
    """Show all groups of attributes that count together."""
    raises, lowers, _ = palette().names
    st.subheader("What counts together", anchor="what-counts-together")
    st.markdown(
        f"{MEANING} A group of one counts by its own presence. Templates say what an attribute adds for itself; these "
        "groups, on the same maps, make the score “With context” of *Explain*. Points are the most that a group adds "
        "in the photos it was learned from."
    )
    sentences = [group_sentence(csib, group) for group in range(len(csib))]
    with st.grid(2, min_column_width=300, gap="medium"):
        st.markdown("\n".join(f"{number}. {plain(of)}" for number, of in enumerate(sentences, 1)))
        with st.container(gap="xsmall"):
            figure = groups_figure(csib)
            st.plotly_chart(
                figure, width="stretch", config={"displayModeBar": False}, key="groups", alt=". ".join(sentences)
            )
            st.caption(
                "A row for each attribute that is in a group, a column for each group, by its number. "
                f"{raises.capitalize()}: the group raises the score; {lowers}: it lowers it. The stronger the colour, "
                "the larger the attribute's share of the group."
            )
            printing.chart(chart_print("groups", figure, f"{'. '.join(sentences)}."), "groups", own_networks=True)
