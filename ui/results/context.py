"""What counting together buys: figures of scores with context beside SIAM's and the baseline's, on photos kept out."""

from collections.abc import Callable, Sequence

import streamlit as st

from siam.drawing.phrases import number, signed
from siam.figures.context import budgets_figure
from siam.figures.tables import html_table
from siam.models.csib import CSIB
from siam.reports.prints import chart_print
from siam.results.context import figures, verdict
from ui import printing
from ui.results import stored
from ui.state import chosen, resources
from ui.state.markdown import code, plain
from ui.state.public import private


def context() -> None:
    """Show how well scores with context agree with people, and with how few causes."""
    csib = resources.pair().csib
    if csib is None or figures(csib).empty:
        st.info(
            f"The “{plain(chosen.pair().label)}” networks have no groups of attributes that were judged. This command "
            "trains and judges them, with a recipe like recipes/photo-context.toml:"
        )
        st.code("python -m siam train RECIPE --out DIR", language=None, wrap_lines=True)
        return
    about = csib.about
    st.markdown(
        "SIAM adds up: an attribute counts the same whatever else is in the photo. With context, groups of attributes "
        "count only together. Both read the same maps."
    )
    st.markdown(f"**{plain(verdict(csib))}**")
    st.markdown(html_table(_HEADS, _rows(csib)), unsafe_allow_html=True)
    st.caption(
        f"{about['n']:,} photos, each scored by groups that had not seen it ({about['folds']} folds). τ: how well "
        "photos are ranked, 1 at best. RMSE: the error in points. In brackets: 95 % intervals."
    )
    source = f"{about['n']:,} {stored.photos(about.get('data', 'photos'))}, kept out"
    figure = budgets_figure(csib, source)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt="The error with few causes")
    printing.chart(chart_print("budgets", figure), "budgets", own_networks=True)
    st.markdown(f"{_causes(about.get('causes'))} {_same(about.get('same'))}".strip())
    st.page_link("pages/templates.py", label="The groups", icon=":material/grid_view:")
    st.caption(f"Made by {code(private(about.get('command', '')))} on {plain(about.get('date', ''))}.")


_HEADS = [["Kendall's τ"], ["RMSE"]]


def _rows(csib: CSIB) -> dict[str, list[str]]:
    rows = {}
    for of in figures(csib).to_dict("records"):
        text = signed if " − " in of["name"] else number
        rows[of["name"]] = [_cell(text, of[name], of[f"{name}_interval"]) for name in ("tau", "rmse")]
    return rows


def _cell(text: Callable[[float], str], value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    return text(value) + ("" if interval is None else f" ({text(interval[0])} to {text(interval[1])})")


def _causes(needed: int | None) -> str:
    """Say how many causes are needed for most of a score."""
    if needed is None:
        return "More than 8 causes are needed for 90 % of how scores differ."
    return f"{needed} {'cause explains' if needed == 1 else 'causes explain'} 90 % of how scores differ."


def _same(share: float | None) -> str:
    """Say how far the groups depend on the photos they were learned from."""
    if share is None:
        return ""
    return f"Of the largest groups that one fold learns, {100 * share:.0f} % are among those of each other fold, too."
