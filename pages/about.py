"""What this is, how it works, what the bundled networks are worth."""

import streamlit as st

from ui import card_view, resources, results_view

st.header("About SIAM Explorer", anchor=False)
st.markdown(
    """
An ordinary network scores how beautiful a landscape is and cannot say why. **SIAM** (Semantically Interpretable
Activation Maps; Marcos, Lobry and Tuia 2019) first draws a map of each of 33 named attributes, such as trees, ocean or
wire. A *template* per attribute says how much it counts at each place of a picture. Map times template, summed, is the
attribute's *contribution*; the contributions and a bias add up exactly to the score. So the explanation is the model:
**what** it saw, **where**, and **how** each thing counted.

The *baseline* beside it is the same trunk with average pooling and a linear layer. Its map shows where evidence lies,
without saying what it is.
"""
)
card_view.show(resources.pair().card)
results_view.show_presence(resources.pair().name)
st.subheader("Cite", anchor=False)
st.markdown(
    "D. Marcos, S. Lobry, D. Tuia: *Semantically Interpretable Activation Maps: what-where-how explanations within "
    "CNNs*, ICCV Workshops 2019, [arXiv:1909.08442](https://arxiv.org/abs/1909.08442)."
)
