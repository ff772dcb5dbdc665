"""The method on one page, how to cite it, licences and credits, and what leaves this machine."""

import streamlit as st

from ui import router
from ui.about import view

router.ensure()

st.header("About SIAM Explorer", anchor=False)
st.markdown(
    "An ordinary network scores how beautiful a landscape is and cannot say why. **SIAM** (Semantically Interpretable "
    "Activation Maps; Marcos, Lobry and Tuia 2019) first draws a map of each of 33 named attributes, such as trees, "
    "ocean or wire: **what** is there, and **where**. A *template* per attribute says **how** much it counts at each "
    "place of a picture. Map times template, summed, is the attribute's *contribution*; the contributions and a bias "
    "add up exactly to the score, so the explanation is the model. The *baseline* beside it is the same trunk with "
    "average pooling and a linear layer: its map shows where evidence lies, without saying what it is."
)
view.figure()
st.latex(r"\begin{aligned} y &= b + \sum_{k=1}^{K} c_k \\ c_k &= \sum_{i,j} W_k(i,j)\, A_k(i,j) \end{aligned}")
st.caption(
    "y: the score. b: the bias. A: the map of attribute k, at row i and column j. W: its template. c: its "
    "contribution. K: how many attributes there are."
)
st.page_link(
    "pages/results.py",
    label="Model cards: training data and limits",
    icon=":material/description:",
    query_params={"table": "Model cards"},
)

st.subheader("How to cite", anchor=False)
st.markdown(
    "The paper, [arXiv:1909.08442](https://arxiv.org/abs/1909.08442), whose method this is; and this software, written "
    "anew after it. The explainers on the page Compare are of other papers: the name under each map leads to its own."
)
view.cite()

st.subheader("Licences", anchor=False)
st.markdown(
    """
- **Code and rendered landscapes:** Apache License 2.0.
- **Bundled networks:** made with this code. Their trunk, EfficientNet-Lite0 trained on ImageNet, is Apache-2.0 as well.
- **Sample photos:** each keeps its author's licence, in the table below.
- **OASIS pictures:** not bundled. Their numbers are; the pictures are fetched from their authors when you ask for them.
- **Font** in downloaded figures: DejaVu, under its own free licence.
"""
)

st.subheader("Whose photos these are", anchor=False)
view.credits()
st.caption(
    "All were scaled down and saved again as JPEG without metadata; assets/samples/README.md says what licences ask."
)

st.subheader("What leaves this machine", anchor=False)
st.markdown(
    "Nothing. Your photos go to the machine that runs this app and no further; nothing is counted or reported. The "
    "app looks outside only when you ask: to fetch the public photos of a gallery or networks of the Hugging Face Hub."
)
