"""Stored results as tables: the paper's beside ours, and the benchmark on scenes whose truth is known."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from siam.drawing.phrases import signed, words
from siam.evaluation.figures import ErrorFigures, TruthFigures, TruthOfAttribute
from siam.figures.results import compared_figure
from siam.figures.tables import html_table
from siam.reports.prints import chart_print
from siam.results import paper as paper_tables
from siam.results import scores, truths
from siam.results.assessment import error_rows, truth_rows
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.results import stored
from ui.state import chosen
from ui.state.markdown import plain, prose

_ORDER = ("SIAM", "SIAM, no fine-tuning", "baseline")
_CHART = {"displayModeBar": False}


def paper() -> None:
    """Show the paper's Tables 2 and 3: what it reports beside what was measured here."""
    st.markdown("What the paper reports beside what was measured here. Numbers in brackets refer to the sources below.")
    for table in paper_tables.tables(stored.results()):
        st.subheader(table.title, anchor=False)
        heads = [(group, stored.photos(photos), *others) for group, photos, *others in table.heads]
        _show(html_table(heads, {name: table.rows[name] for name in _ORDER}))
        st.caption("  \n".join(map(prose, table.notes)))


def what_where_how() -> None:
    """Show how far SIAM is right about what, where and how on rendered scenes, beside the references."""
    everything = stored.read_parts(truths.truths, stored.results())
    of_pair = [(result, judgement) for result, judgement in everything if result.model == chosen.pair().name]
    if not of_pair:
        _no_truth({result.model for result, _judgement in everything})
    for result, judgement in of_pair:
        st.markdown(
            "Nobody knows what the right explanation of a photo is. So the project renders landscapes in which it "
            "knows what moves the score, where, and by how much. The references put the figures into context: *ideal* "
            "uses the true masks as maps, *another scene* explains the wrong picture, and *uniform*, *centre* and "
            "*random* know nothing."
        )
        title = "SIAM and its references"
        source = f"{judgement.n:,} rendered scenes, {stored.short_source(result)}"
        figure = compared_figure(truths.compared(judgement), title, source)
        st.plotly_chart(figure, config=_CHART, alt=f"{title}; the table below has the figures")
        printing.chart(chart_print("what-where-how", figure), f"truth-{stored.key(result)}")
        _truth(judgement)
        if judgement.error:
            _errors(judgement.error)
        with st.expander("Each attribute"):
            _each(judgement.per_attribute)
        stored.source(result)


def agreements(listed: list[scores.Agreement], unit: str) -> None:
    """Show how far networks agree with the crowd, with intervals where they are stored."""
    rows = {}
    for of in listed:
        signs = of.name.startswith("SIAM −")
        tau = scores.figure_text(of.tau, of.tau_interval, of.tau_deviation, signs=signs)
        error = scores.figure_text(of.rmse, of.rmse_interval, of.rmse_deviation, signs=signs)
        rows[of.name] = [tau, error, f"{of.count:,}"]
    unit = "ranks, as shares of the photos" if listed[0].in_ranks else unit
    _show(html_table([("Kendall's τ",), (f"RMSE, {unit}",), ("photos",)], rows))


def _no_truth(others: set[str]) -> None:
    """Say that there are no figures, and offer the networks that have some."""
    stored.missing("figures of what, where and how", "rendered")
    for pair in chosen.pairs().values():
        if pair.name in others:
            st.button(
                f"Switch to the “{plain(pair.label)}” networks",
                on_click=st.session_state.update,
                args=({"pair": pair.label},),
            )


def _truth(truth: TruthFigures) -> None:
    heads, *body = truth_rows(truth)
    rows: list[list[str]] = []
    part = ""
    for name, *cells in body:
        of, _colon, label = name.partition(": ")
        if of != part:
            rows.append([part := of])
        rows.append([f"{label[0].upper()}{label[1:]}", *map(_minus, cells)])
    st.subheader("What, where and how, against the truth", anchor=False)
    _show(html_table([("",) if not head else (head,) for head in heads[1:]], rows))
    st.caption("–: the reference does not apply. Shares run from 0 to 1, correlations from −1 to 1.")


def _errors(error: ErrorFigures) -> None:
    heads, *body = error_rows(error)
    st.subheader("Why SIAM’s scores are off", anchor=False)
    _show(html_table([(_unit(head),) for head in heads[1:]], [[name, *map(_minus, cells)] for name, *cells in body]))
    st.caption(
        "The parts of each scene's error add up to it exactly: what SIAM misread, misplaced or misweighted, and what "
        "is outside the vocabulary. Largest in: the share of scenes in which a part is the largest."
    )


def _each(rows: Mapping[str, TruthOfAttribute]) -> None:
    """Show every attribute's figures; signed ones as text, to show their signs."""
    table = pd.DataFrame(
        [
            {
                "attribute": defused(words(name)),
                "scenes": of.scenes,
                "AP": of.average_precision,
                "pixel AP": of.pixel_ap,
                "IoU": of.iou,
                "pointing": of.pointing,
                "correlation of template": _signed(of.template),
                "points": _signed(of.points),
                "true points": _signed(of.true_points),
            }
            for name, of in rows.items()
        ]
    )
    formats: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.2f") for name in table.select_dtypes("float").columns
    }
    st.dataframe(table, hide_index=True, column_config=formats)
    st.caption("Points: what an attribute would add to the score if it covered the whole picture.")


def _signed(value: float | None) -> str:
    return "–" if value is None else signed(value)


def _unit(head: str) -> str:
    return f"{head}, points" if head in ("mean size", "RMS") else head


def _minus(cell: str) -> str:
    return cell.replace("-", "−")


def _show(table: str) -> None:
    st.markdown(table, unsafe_allow_html=True)
