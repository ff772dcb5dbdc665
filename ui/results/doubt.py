"""How sure the scores are: intervals that hold, and photos that are no landscapes."""

import streamlit as st

from siam.errors import CheckpointError
from siam.figures.results import shares_figure
from siam.reports.prints import chart_print
from siam.results.doubt import Trust, together, trust
from ui import printing
from ui.state import chosen, resources
from ui.state.markdown import code, plain
from ui.state.public import message, private

_CHART = {"displayModeBar": False}


def doubt() -> None:
    """Show how often people's ratings lie inside the intervals, and which photos are taken for landscapes."""
    known = resources.pair().doubt
    try:
        found = None if known is None else trust(known)
    except CheckpointError as error:
        st.warning(message(error), icon=":material/warning:")
        return
    if found is None:
        st.info(
            f"Nobody has compared the scores of the “{plain(chosen.pair().label)}” networks with ratings of photos "
            "that they never saw. This command does it, with a recipe like recipes/doubt-photo.toml:"
        )
        st.code("python -m siam calibrate RECIPE --root DATA --model MODEL", language=None, wrap_lines=True)
        return
    _coverage(found)
    _landscapes(found)
    st.caption(f"Made by {code(private(found.command))} on {plain(found.date)}. Lines: 95 % intervals (Wilson).")


def _coverage(found: Trust) -> None:
    if not found.coverage:
        return
    title, goal = "How often people agree with the interval", f"{100 * found.level:.0f} %"
    figure = shares_figure(found.coverage, title, f"share of photos inside; it should be {goal}", "share", found.level)
    st.plotly_chart(figure, config=_CHART, alt=title)
    printing.chart(chart_print("coverage", figure), "coverage", own_networks=True)
    width = found.coverage[0].width or 0.0
    st.markdown(
        f"Each score has an interval that should hold people’s mean rating for {goal} of photos like those the "
        "networks learned from. It comes from the errors on rated photos that the networks had not seen (conformal "
        f"prediction): {width:.1f} points wide for SIAM, and wider for photos unlike the landscapes they learned from."
    )


def _landscapes(found: Trust) -> None:
    sets = (*found.others, *found.landscapes)
    if not sets:
        return
    title = "Not a landscape"
    figure = shares_figure(sets, title, "share of pictures that are called so", "share", None)
    st.plotly_chart(figure, config=_CHART, alt=title)
    printing.chart(chart_print("not-a-landscape", figure), "landscapes", own_networks=True)
    parts = []
    for shares, what in ((found.others, "other pictures"), (found.landscapes, "landscapes")):
        share, n = together(shares)
        if n:
            parts.append(f"{100 * share:.0f} % of {n:,} {what}")
    st.markdown(
        f"A photo whose features lie far from those of the training landscapes is called “not a landscape”: "
        f"{' and '.join(parts)}. Its score is shown all the same."
    )
