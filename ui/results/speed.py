"""How fast everything is: what was measured, beside what it is compared with, and the goals."""

import streamlit as st

from siam.errors import SIAMError
from siam.evaluation.figures import SpeedFigures
from siam.figures.tables import html_table
from siam.results import speed as stored_speed
from ui.results.stored import near
from ui.state.markdown import plain, prose
from ui.state.public import message

COMMAND = "python -m benchmarks.speed --store"


def speed() -> None:
    """Show every stored run, the processor's first."""
    runs = _runs()
    if not runs:
        st.info("No measurements of speed are stored yet. This command makes them:")
        st.code(COMMAND, language=None, wrap_lines=True)
        return
    st.markdown(
        "How long people wait, and whether other software would be quicker. Whatever is compared was measured in turn "
        "on the same machine: ratios hold from machine to machine, seconds do not."
    )
    for number, figures in enumerate(runs):
        if number:
            st.divider()
        _run(figures)


def _run(figures: SpeedFigures) -> None:
    st.subheader(plain(figures.processor), anchor=False)
    heads = [(head,) for head in stored_speed.HEADS]
    rows = stored_speed.rows(figures.measurements, against=False)
    st.markdown(html_table(heads, rows), unsafe_allow_html=True)
    st.caption(
        "Ratio: ours / theirs, the median of the rounds (lowest to highest). –: not compared, or without a goal."
    )
    if figures.checks:
        st.markdown(f"**{stored_speed.CHECKED[0].upper()}{stored_speed.CHECKED[1:]}**")
        heads = [(head,) for head in stored_speed.CHECK_HEADS]
        st.markdown(html_table(heads, stored_speed.check_rows(figures.checks)), unsafe_allow_html=True)
    with st.expander("How each was measured"):
        notes = stored_speed.notes(figures.measurements)
        st.markdown("\n".join(f"- **{plain(what)}**: {plain(how)}" for what, how in notes))
    st.caption(prose(stored_speed.source(figures)))


def _runs() -> list[SpeedFigures]:
    """Return the runs that can be read; show a warning for each of the others."""
    runs = []
    for path in stored_speed.paths():
        try:
            runs.append(stored_speed.read(path))
        except SIAMError as error:
            st.warning(message(near(str(error), path)), icon=":material/warning:")
    return runs
