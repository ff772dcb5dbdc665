"""One case of a gallery: its explanation, the crowd's votes, the truth, the credit, and the way to its neighbours."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from siam.drawing import phrases
from siam.drawing.colours import CROWD
from siam.explanation.context import context_sentence
from siam.figures.gallery import votes_figure
from siam.gallery.cases import BASELINE, CONTEXT, SIAM, Cases
from siam.gallery.table import csv_text
from siam.reports.prints import chart_print
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.disagreements import listing, truth
from ui.explain import context, view
from ui.photos import pictures
from ui.photos.photo import case_credit, case_photo, readable, unrated
from ui.state import resources
from ui.state.address import point
from ui.state.markdown import plain, small


def show(cases: Cases, row: int, rows: np.ndarray) -> None:
    """Show a case; Previous and Next follow the order of `rows`."""
    _turn(cases, row, rows)
    facts = cases.case(row)
    name = " · ".join(filter(None, (str(facts["identifier"]), facts["title"], facts["place"])))
    st.subheader(f"Picture {plain(name)}", anchor=False)
    _crowd(cases, row)
    truth.verdict(cases, row)
    photo = readable(case_photo(cases, row))
    if photo is None:
        _numbers(cases, row)
        return
    explanation = resources.explanation(photo)
    _other_networks(cases, row)
    way = context.WAYS[CONTEXT in cases.networks]
    if (groups := context.asked(way)) is not None:
        context.show(groups, explanation, photo)
        _edit(facts)
        truth.show(cases, row, explanation)
        return
    view.scores(explanation)
    _edit(facts)
    view.total_maps(explanation, photo)
    view.attributes(explanation)
    truth.show(cases, row, explanation)
    view.waterfall(explanation)
    view.table(explanation)
    view.downloads(explanation, photo.name, resources.pair().card)


def _edit(facts: dict[str, Any]) -> None:
    st.page_link(
        "pages/what_if.py", label="Edit it in What-if", icon=":material/tune:",
        query_params={"case": str(facts["identifier"])},
    )  # fmt: skip


def _turn(cases: Cases, row: int, rows: np.ndarray) -> None:
    """Show the way back, and to the neighbours in the filtered order, also with the arrow keys."""
    places = np.flatnonzero(rows == row)
    place = int(places[0]) if len(places) else None
    before = None if place is None or place == 0 else str(cases.table["identifier"].iloc[rows[place - 1]])
    after = None if place is None or place == len(rows) - 1 else str(cases.table["identifier"].iloc[rows[place + 1]])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All cases", icon=":material/grid_view:", key="case-all", on_click=point, args=("case", None))
        for label, key, other in (("Previous", "Left", before), ("Next", "Right", after)):
            st.button(
                label, key=f"case-{label.lower()}", disabled=other is None, shortcut=key, on_click=point,
                args=("case", other),
            )  # fmt: skip
        if place is None:
            st.caption("Not among the filtered cases.")
        else:
            st.caption(f"Case {place + 1:,} of {len(rows):,}")


def _crowd(cases: Cases, row: int) -> None:
    """Show the crowd's rating, which network is closer, and every vote."""
    facts, votes = cases.case(row), cases.gallery.facts(row)["votes"]
    scale = cases.gallery.about.rated_on
    if np.isnan(facts["crowd"]):
        st.caption(unrated(cases, "this photo"))
        return
    of = "" if scale is None else f" of {scale.high:g}"
    parts = [f"**Crowd {phrases.number(facts['crowd'])}{of}**"]
    if facts["votes"] is not None:
        parts.append(f"{facts['votes']} votes")
    if not np.isnan(facts["crowd_sd"]):
        parts.append(f"standard deviation {phrases.number(facts['crowd_sd'])}")
    if facts["closer"]:
        unit = "percentile points" if cases.in_ranks else "points"
        errors = ", ".join(
            f"{name} {phrases.signed(facts[column])}"
            for name, column in zip(cases.networks, ("first_error", "second_error"), strict=True)
            if not np.isnan(facts[column])
        )
        parts.append(f"**{facts['closer']} is closer** (errors in {unit}: {errors})")
    st.markdown(" · ".join(parts))
    if votes is not None and len(votes):
        low, high = (min(votes), max(votes)) if scale is None else (scale.low, scale.high)
        figure = votes_figure(np.asarray(votes), low, high, [("mean", float(facts["crowd"]), CROWD)])
        st.plotly_chart(figure, config={"displayModeBar": False}, key="votes", width=420, alt=f"votes: {sorted(votes)}")
        shown = f"How {len(votes)} people rated picture {facts['identifier']}, {low:g} to {high:g}; line: their mean."
        printing.chart(chart_print("votes", figure, shown), "votes")


def _other_networks(cases: Cases, row: int) -> None:
    """Say so if the gallery's scores come from other networks than those that explain the picture here."""
    if cases.gallery.about.split != "cross-validation":
        return
    facts = cases.case(row)
    known = {SIAM: facts["siam"], BASELINE: facts["baseline"], CONTEXT: facts["context"]}
    scores = ", ".join(f"{name} {phrases.number(score)}" for name, score in known.items() if not np.isnan(score))
    st.info(
        f"The gallery's scores ({scores}) come from networks that had not seen this "
        "photo. The networks below were also trained on it, so their scores differ.",
        icon=":material/info:",
    )


def _numbers(cases: Cases, row: int) -> None:
    """Show the numbers that the gallery holds for a missing picture."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        pictures.thumbnail(cases.gallery, row)
        st.markdown(small(case_credit(cases.gallery.facts(row))))
    facts, scale = cases.case(row), cases.gallery.about.scale
    with right:
        st.info(
            "This picture is missing or damaged, so only its numbers are shown. “Add a gallery” downloads missing "
            "pictures.",
            icon=":material/hide_image:",
        )
        with st.grid(3, min_column_width=120, gap="small"):
            for name, column in zip(cases.networks, ("first", "second"), strict=True):
                if not np.isnan(facts[column]):
                    st.metric(f"{name[0].upper()}{name[1:]}", phrases.score_text(facts[column], scale))
            if not np.isnan(facts["second"]):
                st.metric("Difference (points)", phrases.difference_text(facts["first"], facts["second"]))
        st.markdown(listing.cause_text(zip(("▲", "▼"), cases.causes(row), strict=True)))
    if CONTEXT in cases.networks:
        _groups(cases, row)
    names = [defused(phrases.words(name)) for name in cases.gallery.about.attributes]
    columns = {
        "attribute": names,
        "contribution": cases.gallery.contributions[row],
        "presence": cases.gallery.presence[row],
    }
    table = pd.DataFrame(columns).sort_values("contribution", key=np.abs, ascending=False)
    st.dataframe(table, hide_index=True, column_config=view.COLUMNS)


def _groups(cases: Cases, row: int) -> None:
    """Show what the groups say of a picture that is missing: the sentence, and a row for each cause."""
    together = cases.together(row)
    if together is None:
        return
    st.markdown(f"**{plain(context_sentence(together))}**")
    table = pd.DataFrame(
        {
            "cause": [defused(cause.title) for cause in together.causes],
            "contribution": [cause.value for cause in together.causes],
            "on": [cause.activation for cause in together.causes],
        }
    )
    on = st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1, help="how far the cause is on")
    st.dataframe(table, hide_index=True, column_config={"contribution": view.COLUMNS["contribution"], "on": on})


def export(cases: Cases, rows: np.ndarray) -> None:
    """Offer the filtered cases with all their contributions as CSV."""
    st.download_button(
        f"Export {len(rows):,} cases (CSV)",
        lambda: csv_text(cases, rows).encode("utf-8-sig"),
        "cases.csv",
        "text/csv",
        key="export",
        icon=":material/download:",
        on_click="ignore",
        disabled=not len(rows),
    )
