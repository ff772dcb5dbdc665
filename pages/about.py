"""How SIAM works, how to cite it, where its documentation is, licences, credits and privacy."""

import streamlit as st

from ui import router
from ui.about import view
from ui.lesson.view import entrance
from ui.state import resources

router.ensure()

st.header("About SIAM Explorer", anchor=False)
st.caption("How does SIAM work, whose work is it built on, and what leaves this machine?")
entrance()
st.markdown(
    "An ordinary network scores how beautiful a landscape is but cannot say why. **SIAM** (Semantically Interpretable "
    "Activation Maps; Marcos, Lobry and Tuia 2019) first draws a map for each of 33 named attributes, such as trees, "
    "ocean or wire: **what** is there, and **where**. Each attribute's *template* says **how** much it counts at each "
    "place in a picture. The map times the template, summed, is the attribute's *contribution*. The contributions and "
    "a *bias* add up exactly to the score, so the explanation is the model itself. The *baseline* puts average pooling "
    "and a linear layer on the same kind of backbone: its total map shows where the evidence lies, but not what it is. "
    "*With context*, after the authors’ next paper ([arXiv:2009.08720](https://arxiv.org/abs/2009.08720)), lets groups "
    "of attributes count only together; it is offered beside SIAM’s sum."
)
view.figure()
st.latex(r"\begin{aligned} y &= b + \sum_{k=1}^{K} c_k \\ c_k &= \sum_{i,j} W_k(i,j)\, A_k(i,j) \end{aligned}")
st.caption(
    "y: the score. b: the bias. A: the map of attribute k at row i and column j. W: its template. c: its "
    "contribution. K: the number of attributes."
)
st.caption(
    f"These networks run on: {resources.device_name()}. OpenVINO gives the same numbers as PyTorch, up to rounding, in "
    "less time. To do without it, start the app with SIAM_ENGINE=pytorch."
)
st.page_link(
    "pages/results.py",
    label="Model cards: training data and limits",
    icon=":material/description:",
    query_params={"table": "Model cards"},
)

st.subheader("What changed between versions", anchor=False)
view.changes()

st.subheader("How to cite", anchor=False)
st.markdown(
    "For the method, cite the paper, [arXiv:1909.08442](https://arxiv.org/abs/1909.08442); for this software, a new "
    "implementation of it, cite the project. The explainers on the Compare page come from other papers: the name under "
    "each map links to its paper."
)
view.cite()

st.subheader("Documentation", anchor=False)
view.documentation()

st.subheader("Licences", anchor=False)
st.markdown(
    """
- **Code and rendered landscapes:** Apache License 2.0.
- **Bundled networks:** trained with this code on the backbone EfficientNet-Lite0 (ImageNet), which is Apache-2.0 too.
- **Open photos:** each keeps its author's licence, shown with it; those of the samples are listed below. Nobody rated
  them, and no network was trained on them.
- **OASIS pictures:** not bundled, only their scores are. They are downloaded from their authors when you ask for them.
- **Coastline** on *Map*: Natural Earth, in the public domain.
- **Font** in downloaded figures: DejaVu, under its own free licence.
"""
)

st.subheader("Photo credits", anchor=False)
view.credits()
st.caption(
    "All photos were scaled down and saved again as JPEG without metadata. `assets/gallery/open-photos/README.md` says "
    "what each licence asks for, and `credits.csv` beside it lists all photos."
)

st.subheader("What leaves this machine", anchor=False)
st.markdown(
    "Nothing. Your photos go to the machine that runs this app and no further, and no usage data is collected. The app "
    "goes online only when you ask it to: to download a gallery's public photos, or networks from the Hugging Face Hub."
)
