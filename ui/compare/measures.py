"""The figures on the page Compare: whether the score follows each map, and how well maps agree with the truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from siam.comparison.agreement import rank_correlation
from siam.drawing import phrases
from siam.explainers.attribution import Attribution, network_for
from siam.explainers.faithfulness import PASSES, SHARES, STEPS, Faithfulness, area
from siam.explainers.registry import title
from siam.figures.attributions import curves_figure
from siam.reports.prints import chart_print
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.compare import cost, work
from ui.compare.choice import View
from ui.compare.truth import truth_of
from ui.state.public import message

_CHART = {"displayModeBar": False}
_HELP = {
    "network": "the network whose score is explained and measured",
    "deletion": "mean height of the deletion curve, in points; lower is better",
    "insertion": "mean height of the insertion curve, in points; higher is better",
    "agreement": "Spearman correlation with SIAM's map, cell by cell: 1 is the same order, 0 is chance",
    "EBPG": "share of the map's positive evidence inside the true region (energy-based pointing game); higher is "
    "better",
    "pixel AP": "average precision of all pixels, ranked by the map, against the true region; higher is better",
    "IoU area": "mean overlap (intersection over union) of the true region and the map cut at 20 thresholds; higher is "
    "better",
    "seconds": "time to compute the map; slow explainers run on half the cores",
    "passes": "forward passes",
}
_VERBS = {1: "raises", -1: "lowers"}
_DROP = "points the score loses when only the map's top {} % of pixels are kept, weighted by the map; lower is better"
_INCREASE = (
    "percent: 100 if the score rises when only the map's top {} % of pixels are kept, weighted by the map, else 0; "
    "higher is better"
)


def show(view: View) -> None:
    """Show the curves and the table of the methods whose map is ready."""
    st.subheader("Does the score follow the map?", anchor=False)
    st.caption(
        "A map is faithful to its network if hiding what it marks as important changes the score quickly (deletion) "
        "and showing it brings the score back quickly (insertion). Each curve follows the score of the network that is "
        f"explained, in {STEPS} steps."
    )
    _measure(view)
    _curves(view)
    _table(view)


def _measure(view: View) -> None:
    """Offer to measure the maps that have not been measured, or show the progress."""
    names = work.unmeasured(view)
    if work.doing() == "faithfulness":
        work.progress()
    elif names:
        a_pass = cost.of_a_pass(view.pair, view.lock, view.explanation)
        whole = len(names) * PASSES * a_pass
        busy = work.doing() is not None
        outcome = "Stopped; finished measurements are kept. " if work.was_stopped(view, "faithfulness") else ""
        many = "1 map" if len(names) == 1 else f"{len(names)} maps"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Measure faithfulness",
                key="measure",
                icon=":material/monitoring:",
                disabled=busy,
                help="Wait until the slow explainers have finished." if busy else None,
                on_click=work.begin,
                args=(view, "faithfulness", names),
            )
            st.caption(f"{outcome}{many.capitalize()}, {PASSES} forward passes each: {cost.text(whole)}.")


def _curves(view: View) -> None:
    measured = _measured(view)
    for name in view.names:
        answer = work.figures_of(view, name)
        if isinstance(answer, str):
            st.warning(message(answer))
    if not measured:
        return
    shares = next(iter(measured.values())).shares
    above = "above" if view.sign == 1 else "below"
    drawn = (
        ("deletion", "lower is better", "% of pixels hidden, most important first", "plain"),
        ("insertion", "higher is better", "% of pixels shown, most important first", "blurred"),
    )
    charts = []
    with st.grid(2, min_column_width=300, gap="medium"):
        for kind, goal, x, without in drawn:
            curves = {name: getattr(of, kind) for name, of in measured.items()}
            figure = curves_figure(curves, shares, kind.capitalize(), goal, x, f"points {above} a {without} picture")
            areas = ", ".join(f"{title(name)} {phrases.number(area(curve))}" for name, curve in curves.items())
            text = f"{kind.capitalize()} curves, mean height in points: {areas}"
            st.plotly_chart(figure, config=_CHART, key=f"curves-{kind}", alt=text)
            charts.append(chart_print(kind, figure, f"{text}. {goal.capitalize()}."))
    printing.figures(lambda: charts, "curves")


def _table(view: View) -> None:
    truth = truth_of(view)
    region = None if truth is None else truth.region
    table = pd.DataFrame([_row(view, name, region) for name in view.names if _map(view, name)])
    if table.empty:
        return
    st.markdown("**All figures**")
    st.dataframe(table, hide_index=True, column_config=_columns(list(table)), key="figures")
    notes = ["None: not measured, or not defined for this photo."] if table.isna().any(axis=None) else []
    if region is not None:
        verb = _VERBS[view.sign]
        notes.append(
            f"True region: the smallest that holds half of what really {verb} the score, {100 * region.mean():.0f} % "
            f"of the picture. A map that knows nothing gets about {region.mean():.2f} for EBPG and pixel AP."
        )
    elif truth is not None:
        notes.append(f"Nothing in this scene really {_VERBS[view.sign]} the score, so there is no region to find.")
    if notes:
        st.caption(" ".join(notes))
    st.download_button(
        "Figures (CSV)",
        table.assign(explained="score" if view.sign == 1 else "minus the score")
        .to_csv(index=False)
        .encode("utf-8-sig"),
        f"{Path(view.photo.name).stem}-explainers.csv",
        "text/csv",
        key="compare-csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _row(view: View, name: str, region: np.ndarray | None) -> dict[str, Any]:
    """Return one row of the table; unknown figures are None."""
    attribution, siam = _map(view, name), _map(view, "siam")
    assert attribution is not None, name
    row: dict[str, Any] = {"method": defused(title(name)), "network": _network(view, name)}
    if siam is not None:
        row["agreement"] = rank_correlation(attribution.map, siam.map)
    if region is not None:
        agreement = work.held_against(view, name, region)
        row |= {"EBPG": agreement["ebpg"], "pixel AP": agreement["pixel_ap"], "IoU area": agreement["iou_area"]}
    row |= {"seconds": attribution.seconds, "passes": attribution.passes}
    of = _measured(view).get(name)
    if of is None:
        return row
    row |= {"deletion": of.deletion_area, "insertion": of.insertion_area}
    row |= {f"drop {p} %": of.drop[p] for p in SHARES}
    return row | {f"increase {p} %": of.increase[p] for p in SHARES}


def _network(view: View, name: str) -> str:
    return "SIAM" if network_for(view.pair, name) is view.pair.siam else "baseline"


def _columns(names: list[str]) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {"method": st.column_config.TextColumn(pinned=True)}
    for name in names[1:]:
        kind, _, p = name.removesuffix(" %").partition(" ")
        if kind in ("drop", "increase"):
            points = kind == "drop"
            help = (_DROP if points else _INCREASE).format(p)
            columns[name] = number(format="%.2f" if points else "%.0f", help=help)
        elif name == "network":
            columns[name] = st.column_config.TextColumn(help=_HELP[name])
        else:
            columns[name] = number(format="%d" if name == "passes" else "%.2f", help=_HELP[name])
    return columns


def _map(view: View, name: str) -> Attribution | None:
    answer = work.cached_map(view, name)
    return answer if isinstance(answer, Attribution) else None


def _measured(view: View) -> dict[str, Faithfulness]:
    answers = {name: work.figures_of(view, name) for name in view.names}
    return {name: of for name, of in answers.items() if isinstance(of, Faithfulness)}
