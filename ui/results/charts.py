"""Stored results as charts: attributes, scores against the crowd, presence."""

from itertools import groupby

import streamlit as st

from siam.drawing.phrases import number
from siam.evaluation.figures import Interval, MaskFigures
from siam.evaluation.stored import Result
from siam.figures.presence import presence_figure
from siam.figures.results import NETWORKS, people_figure, precisions_figure
from siam.figures.tables import html_table
from siam.gallery.cases import Cases
from siam.reports.prints import chart_print
from siam.results import outlines
from siam.results.assessment import OUTLINES
from siam.results.scores import Agreement, Precisions, agreements, agreements_of_cases, figure_text, precisions
from siam.results.truths import presences
from ui import printing
from ui.results import stored, tables
from ui.state import chosen, resources
from ui.state.markdown import code, plain
from ui.state.public import private

_CHART = {"displayModeBar": False}
_TITLES = {
    "what": "What: which attributes are found",
    "where": "Where: the maps, judged by a segmenter",
    "people": "Where: the maps, judged by people’s outlines",
}
_JUDGES = {
    "what": "",
    "where": " The segmenter that helped to train the maps decided where each attribute is.",
}


def attributes() -> None:
    """Show how well each attribute is found and, if the maps were judged, how well it is placed."""
    results = stored.of_pair()
    readable = stored.read_parts(precisions, results)
    judged = outlines.of_pair(results, chosen.pair().name)
    if not readable and judged is None:
        stored.missing("attribute figures", "sun")
    if readable:
        st.markdown(
            "Average precision is 1 if the photos that show an attribute rank above all others; chance is their share "
            "of all photos."
        )
    for result, figures in groupby(readable, key=lambda of: of[0]):
        for _result, measured in figures:
            _attributes(result, measured)
        stored.source(result)
    if judged is not None:
        _outlines(*judged, outlines.segmenter(results, chosen.pair().name))


def people() -> None:
    """Show the networks' scores against the crowd's ratings in the chosen gallery, and how far they agree."""
    cases = chosen.cases()
    scale = resources.pair().config.scale
    unit = f"points ({scale.low:g} to {scale.high:g})"
    if cases is not None and cases.table.dropna(subset=["crowd"]).empty:
        st.info("Nobody rated this gallery’s pictures, so there is nothing to draw: choose another in the sidebar.")
        cases = None
    elif cases is None:
        st.info("This pair has no gallery to draw. This command makes one:")
        st.code(
            f"python -m siam evaluate --data … --root … --model {chosen.pair().source} --gallery galleries/NAME",
            language=None,
            wrap_lines=True,
        )
    else:
        _scatter(cases)
    drawn = 0 if cases is None else len(cases.table.dropna(subset=["crowd"]))
    readable = stored.read_parts(lambda result: _agreements(result, cases), stored.of_pair())
    for result, (photos, rows) in readable:
        _agreement(photos, rows, unit, drawn)
        stored.source(result)
    if not readable and cases is not None and (rows := agreements_of_cases(cases)):
        _agreement(cases.gallery.about.data, rows, unit, drawn)
        st.caption("Computed from the pictures drawn; no intervals are stored.")
    elif not readable:
        stored.missing("figures of agreement with a crowd", "oasis")


def presence() -> None:
    """Show how the presence of attributes goes with the crowd's ratings (the paper's Figure 3), result by result."""
    readable = stored.read_parts(presences, stored.of_pair())
    if not readable:
        stored.missing("presence figures", "oasis")
    for result, of in readable:
        st.markdown(
            "How each attribute's presence goes with the crowd's ratings (the paper's Figure 3): at +1, photos with "
            "more of it are always rated higher; at −1, always lower. This describes these photos, not causes: where "
            "there is a fence, there is often something else that people dislike."
        )
        source = f"{stored.photos(result.data)}, {stored.short_source(result)}"
        titles = {"predicted": "Predicted presence and beauty", "true": "Annotated presence and beauty"}
        for kind in (kind for kind in titles if kind in of):
            figure = presence_figure(of[kind], titles[kind], source)
            st.plotly_chart(figure, config=_CHART, alt=titles[kind])
            printing.chart(chart_print(f"presence-{kind}", figure), f"presence-{kind}-{stored.key(result)}")
        stored.source(result)


def _attributes(result: Result, measured: Precisions) -> None:
    source = stored.photos(measured.photos) + f", {stored.short_source(result)}"
    if measured.count is not None:
        source = f"{measured.count:,} {source}"
    figure = precisions_figure(measured, _TITLES[measured.kind], source)
    st.plotly_chart(figure, config=_CHART, alt=f"{_TITLES[measured.kind]}: {_means(measured)}")
    printing.chart(chart_print(measured.kind, figure), f"{measured.kind}-{measured.photos}-{stored.key(result)}")
    st.markdown(f"{_means(measured)}{_JUDGES[measured.kind]}")
    st.caption(_caption(measured))


def _outlines(result: Result, masks: MaskFigures, segmenter: Precisions | None) -> None:
    """Show how well the maps agree with people's outlines, and the segmenter's figures beside."""
    measured = outlines.as_precisions(masks, "human_masks")
    source = f"{masks.n:,} {stored.photos('human_masks')}, {stored.short_source(result)}"
    figure = precisions_figure(measured, _TITLES[measured.kind], source)
    mean = (
        f"Mean {figure_text(measured.mean, measured.interval, measured.deviation)} over the {masks.attributes} "
        f"attributes at the top of the table; chance gives {figure_text(measured.chance)}."
    )
    st.plotly_chart(figure, config=_CHART, alt=f"{_TITLES[measured.kind]}: {mean}")
    printing.chart(chart_print("outlines", figure), "outlines")
    st.markdown(plain(f"{mean} {outlines.taught(result)}"))
    st.markdown(html_table(*outlines.table(masks, segmenter, _two, brief=True)), unsafe_allow_html=True)
    note = (
        "" if segmenter is None else f" The segmenter judged other photos ({plain(stored.photos(segmenter.photos))})."
    )
    st.caption(" ".join(OUTLINES) + f"{note} In brackets: 95 % intervals.")
    stored.source(result)


def _two(value: float | None, interval: Interval | None, _deviation: float | None) -> str:
    """Return a figure with two decimals, and its interval."""
    if value is None:
        return "–"
    return number(value) + ("" if interval is None else f" ({number(interval[0])} to {number(interval[1])})")


def _means(measured: Precisions) -> str:
    text = (
        f"Mean {figure_text(measured.mean, measured.interval, measured.deviation)} over {len(measured.rows)} attributes"
    )
    return text + ("." if measured.chance is None else f"; chance gives {figure_text(measured.chance)}.")


def _caption(measured: Precisions) -> str:
    """Say which intervals are shown, and which attributes are left out."""
    parts = []
    if all(row.interval is None for row in measured.rows):
        parts.append("No intervals are stored for single attributes, so do not read much into small differences.")
    else:
        parts.append("Lines: 95 % intervals, bootstrap over photos.")
    if measured.deviation is not None:
        parts.append("±: standard deviation over several trainings.")
    if others := len(resources.pair().config.attributes) - len(measured.rows):
        reason = "shown by too few photos" if measured.kind == "what" else "that the segmenter cannot outline"
        parts.append(f"Left out: {others} attributes {reason}.")
    return " ".join(parts)


def _scatter(cases: Cases) -> None:
    about = cases.gallery.about
    rated = len(cases.table.dropna(subset=["crowd"]))
    photos = plain(stored.photos(about.data))
    st.markdown(
        f"{rated:,} {photos}, {plain(about.split)}; {plain(stored.crowd(about.data))}. "
        "Each dot is a picture: further right, the crowd rates it higher; further up, the network does."
    )
    if about.rated_on is None:
        st.caption("The scale of the ratings is not known, so ranks are compared.")
    elif cases.in_ranks:
        crowd = about.rated_on
        st.caption(
            f"The crowd rated {plain(crowd.name)}, {crowd.low:g} to {crowd.high:g}; the networks predict "
            f"{plain(about.scale.name)}, {about.scale.low:g} to {about.scale.high:g}, so ranks are compared."
        )
    with st.grid(2, min_column_width=300, gap="small"):
        for network in NETWORKS:
            if len(cases.table.dropna(subset=["crowd", network])):
                figure = people_figure(cases, network)
                st.plotly_chart(
                    figure,
                    config=_CHART,
                    key=f"people-{network}",
                    alt=f"scores against the crowd's ratings: {NETWORKS[network][0]}",
                )
                title = f"Scores of {NETWORKS[network][0]} against the crowd's ratings: {about.data}."
                printing.chart(chart_print(network, figure, title), f"people-{network}", own_networks=True)
    st.caption(f"Gallery made by {code(private(about.command))} on {plain(about.date)}.")


def _agreements(result: Result, cases: Cases | None) -> list[tuple[str, list[Agreement]]]:
    """Return a result's figures of agreement on the gallery's photos, or on each set if there is no gallery."""
    sets = {result.data.split()[0], *(name for of in result.figures.values() for name in of.sets)} - {"annotated"}
    wanted = sorted(sets) if cases is None else [cases.gallery.about.data]
    return [(photos, rows) for photos in wanted if photos in sets and (rows := agreements(result, photos))]


def _agreement(photos: str, rows: list[Agreement], unit: str, drawn: int) -> None:
    st.subheader(f"Agreement with the crowd: {plain(stored.photos(photos))}", anchor=False)
    tables.agreements(rows, unit)
    parts = ["τ: 1 is the same order, 0 is chance."]
    if any(of.tau_interval for of in rows):
        parts.append("In brackets: 95 % intervals.")
    if any(of.tau_deviation for of in rows):
        parts.append("±: standard deviation over several trainings; no intervals are stored.")
    if drawn and drawn != rows[0].count:
        parts.append(f"The figures cover {rows[0].count:,} photos, of which {drawn:,} are drawn.")
    st.caption(" ".join(parts))
