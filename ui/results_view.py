"""Stored results, as pictures."""

import streamlit as st

from siam.presence_figure import presence_figure
from siam.results import STORED, read_all
from ui.card_view import SOURCES


def show_presence(model: str) -> None:
    """Show, for each result of a pair that tells it, how the presence of attributes goes with the score (Figure 3)."""
    for stored in read_all(STORED).values():
        presence = stored.figures.get("siam", {}).get("presence")
        if stored.model != model or presence is None:
            continue
        data = stored.data.split()[0]
        st.subheader("Which attributes go with beauty", anchor=False)
        st.markdown(
            "How the presence of each attribute, as the network predicts it, goes with people's scores: +1 the more of "
            "it the more beautiful, −1 the less. It describes these photos, not causes: where there is a fence, there "
            "is often more that people do not like."
        )
        source = f"{SOURCES.get(data, data)}, networks {stored.model!r}, {stored.date}"
        figure = presence_figure(presence["predicted"], "Predicted presence and beauty", source)
        st.plotly_chart(figure, config={"displayModeBar": False})
        st.caption(f"`{stored.command}`; {stored.protocol.split(';')[1].strip()}.")
