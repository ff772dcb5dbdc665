"""The stored comparisons of explainers: what is known, a forest plot of one measure, claims, and a table of all."""

from pathlib import Path

import streamlit as st

from siam.comparison import values
from siam.drawing.phrases import listing
from siam.errors import DatasetError
from siam.evaluation.figures import ExplainerFigures
from siam.evaluation.stored import Result
from siam.explainers.references import REFERENCES
from siam.figures.comparison import forest_figure, measure_name, measures_of, strip_figure
from siam.figures.tables import html_table
from siam.results.explainers import (
    CLAIM_HEADINGS,
    KNOWN,
    claim_rows,
    comparisons,
    halves_sentence,
    heading,
    headings,
    measures_sentence,
    network_claims,
    rows,
    shown,
)
from ui.results import stored

_CHART = {"displayModeBar": False}
_WORLDS = {"scenes": "Scenes · baseline", "scenes-siam": "Scenes · SIAM", "flowers": "Flowers"}


def explainers() -> None:
    """Show every stored comparison, one at a time."""
    files = stored.by_file()
    readable = stored.read_parts(
        lambda result: [comparison for _result, comparison in comparisons([result])], list(files.values())
    )
    if not readable:
        st.info("No comparison of explainers is stored yet. This command makes one:")
        st.code("python -m siam compare --out assets/results/explainers.json", language=None, wrap_lines=True)
        return
    st.markdown(KNOWN)
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
    _comparison(*labels[label or next(iter(labels))], files)


def _label(result: Result, figures: ExplainerFigures) -> str:
    return _WORLDS.get(figures.world, f"{figures.world} · {result.model}")


def _comparison(result: Result, figures: ExplainerFigures, files: dict[Path, Result]) -> None:
    measure = st.selectbox(
        "Measure", measures_of(figures), format_func=lambda key: _label_of(figures, key), key="measure"
    )
    if not figures.measures[measure].decides:
        st.warning(
            "This measure cannot tell explainers apart here: even the truth is not clearly ahead of uniform and random "
            "maps. No order follows from it.",
            icon=":material/help:",
        )
    name = measure_name(measure)
    networks = "1 network" if len(figures.networks) == 1 else f"{len(figures.networks)} networks"
    source = f"{figures.n} pictures, {networks}, {result.date}"
    figure = forest_figure(figures, measure, name[0].upper() + name[1:], source)
    event = st.plotly_chart(
        figure,
        config=_CHART,
        key=f"forest-{figures.world}-{measure}",
        on_select="rerun",
        selection_mode="points",
        alt=f"Lead of each method over random maps in {name}; the table below has the figures",
    )
    path = next(path for path, of in files.items() if of is result)
    _strips(result, values.beside(path), measure, [point["customdata"][0] for point in event["selection"]["points"]])
    if figures.claims:
        st.subheader("What papers claim", anchor=False)
        claims = claim_rows(figures.claims)
        if figures.world == "scenes-siam":
            claims += network_claims({path.stem: of for path, of in files.items()})
        st.markdown(html_table([(name,) for name in CLAIM_HEADINGS[1:]], claims), unsafe_allow_html=True)
        st.caption(
            "Differences are paired by picture, positive where the claim is right, with 95 % intervals over networks "
            "and pictures. effect: difference / its standard deviation over pictures. detectable: the difference that "
            "this many pictures find four times out of five. A claim holds, or does not, if p, corrected by Holm, is "
            "below 0.05 and the measure decides."
        )
    st.subheader("All figures", anchor=False)
    names = shown(figures)
    st.markdown(
        html_table([(name,) for name in headings(figures, names)], rows(figures, names)), unsafe_allow_html=True
    )
    st.caption(f"{measures_sentence(figures)} {halves_sentence(figures.halves)} {NOTES}")
    stored.source(result)


NOTES = (
    "The first rows are controls. EBPG, pixel AP, IoU area: how well the map matches the true mask. truth: rank "
    "correlation with the signed truth. removal: rank correlation of the map inside objects with what they truly add. "
    "deletion (lower is better), insertion (higher): whether the score follows the map. kept: points lost with the top "
    "part kept and the rest filled. rises: % of pictures whose score rises so. drop, increase: the same weighed by the "
    "map, as the papers do, so that they also measure its brightness. shuffled: rank correlation with the map of a "
    "network with shuffled weights. n is that of the comparison unless given in brackets."
)


def _label_of(figures: ExplainerFigures, key: str) -> str:
    text = measure_name(key)
    return text[0].upper() + text[1:] + ("" if figures.measures[key].decides else " (cannot tell)")


def _strips(result: Result, table: Path, measure: str, clicked: list[str]) -> None:
    """Show the single values of the method that was clicked beside random maps and the truth."""
    if not table.exists():
        return
    if not clicked:
        st.caption(
            "Lines are 95 % intervals; farther right is better. The shaded rows are controls. Click a dot to see every "
            "picture's value."
        )
    else:
        try:
            found = _values(str(table), measure, table.stat().st_mtime_ns)
        except DatasetError as error:
            st.warning(str(error))
            return
        names = [*dict.fromkeys(["truth", "random", *clicked])]
        chosen = {name: found[name] for name in names if name in found}
        title = f"{', '.join(heading(name) for name in clicked if name not in REFERENCES) or 'Controls'}: every picture"
        st.plotly_chart(
            strip_figure(chosen, measure, title, f"one dot for each picture and network, {result.date}"),
            config=_CHART,
            key="strips",
            alt=f"Single values of {measure_name(measure)} of {', '.join(map(heading, chosen))}",
        )
        _most_different(found, clicked)
    st.download_button(
        "All single values (CSV, compressed)",
        table.read_bytes,
        table.name,
        "application/gzip",
        key="values-csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _most_different(found: dict[str, list[tuple[str, float]]], clicked: list[str]) -> None:
    """Name the pictures on which the figures of a method and of the truth differ most."""
    for name in clicked:
        if name in found and name != "truth" and "truth" in found:
            truth, own = dict(found["truth"]), dict(found[name])
            gaps = sorted(own.keys() & truth.keys(), key=lambda picture: -abs(own[picture] - truth[picture]))[:5]
            st.caption(f"{heading(name)} and the truth differ most on the pictures {listing(gaps)}.")


@st.cache_data(show_spinner=False, max_entries=8)
def _values(table: str, measure: str, _changed: int) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for record in values.read(Path(table)):
        if record.get(measure) is not None:
            found.setdefault(record["method"], []).append((record["identifier"], record[measure]))
    return found
