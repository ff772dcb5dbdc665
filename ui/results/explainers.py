"""The stored comparisons of explainers: a chart of one measure, a table of all, and the rankings that papers report."""

import streamlit as st

from siam.evaluation.figures import ExplainerFigures
from siam.evaluation.stored import Result
from siam.figures.comparison import MEASURES, comparison_figure, measures_of
from siam.figures.tables import html_table
from siam.results.explainers import comparisons, order_sentences, rows, shown
from ui.results import stored

_CHART = {"displayModeBar": False}
_WORLDS = {"rendered": "Rendered scenes", "flowers": "Flowers"}


def explainers() -> None:
    """Show every stored comparison, one at a time."""
    readable = stored.read_parts(
        lambda result: [comparison for _result, comparison in comparisons([result])], stored.results()
    )
    if not readable:
        st.info("No comparison of explainers is stored yet. This command makes one:")
        st.code("python -m siam compare --out assets/results/explainers.json", language=None, wrap_lines=True)
        return
    st.markdown(
        "All explainers on the same pictures, for which it is known what raises the score and where. The Compare page "
        "shows their maps; this view shows how accurate they are on average, how faithful to the network, and what "
        "they cost. *Truth* is the true mask itself, in cells as coarse as the maps; *centre* and *random* ignore the "
        "network."
    )
    readable.sort(key=lambda of: list(_WORLDS).index(of[1].world) if of[1].world in _WORLDS else len(_WORLDS))
    labels = {_label(result, comparison): (result, comparison) for result, comparison in readable}
    label = st.segmented_control(
        "Pictures",
        list(labels),
        default=next(iter(labels)),
        required=True,
        key="compared",
        label_visibility="collapsed",
    )
    _comparison(*labels[label or next(iter(labels))])


def _label(result: Result, figures: ExplainerFigures) -> str:
    return f"{_WORLDS.get(figures.world, figures.world)} · {result.model.removeprefix('flowers ')}"


def _measure(name: str) -> str:
    text = MEASURES[name][0]
    return text[0].upper() + text[1:]


def _comparison(result: Result, figures: ExplainerFigures) -> None:
    methods = figures.methods
    measure = st.selectbox("Measure", measures_of(methods), format_func=_measure, key="measure")
    heading = _measure(measure).split(":")[0]
    figure = comparison_figure(methods, measure, heading, f"{figures.n} pictures, {stored.short_source(result)}")
    st.plotly_chart(figure, config=_CHART, alt=f"{heading} of each explainer; the table below has the figures")
    st.subheader("All figures", anchor=False)
    names = shown(methods)
    st.markdown(html_table([(name,) for name in names], rows(methods, names)), unsafe_allow_html=True)
    st.caption(
        "EBPG, pixel AP, IoU area: how well the map matches the true mask. truth: rank correlation with the signed "
        "truth. deletion and drop (lower is better), insertion and increase in % (higher is better): whether the score "
        "follows the map, drop and increase also with its top 50 or 15 % alone. as SIAM: rank correlation with SIAM's "
        "map. shuffled: rank correlation with the map of a network with shuffled weights, near 0 if the map depends on "
        "the network. passes, seconds and memory: per picture. SIAM's deletion, insertion, drop and increase follow "
        "SIAM's own score: compare them with *Random, on SIAM*, the others with *Random*."
    )
    if figures.orders:
        st.subheader("Rankings that papers report", anchor=False)
        st.markdown("\n".join(f"- {sentence}" for sentence in order_sentences(figures)))
        st.caption("Gains are paired by picture, with 95 % bootstrap intervals; the papers measured class scores.")
    stored.source(result)
