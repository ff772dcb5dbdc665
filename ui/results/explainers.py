"""The stored comparisons of explainers: what is known, a forest plot of one measure, claims, and a table of all."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from siam.comparison import thumbnails, values
from siam.drawing.phrases import listing, number
from siam.errors import DatasetError
from siam.evaluation.figures import ExplainerFigures
from siam.evaluation.stored import Result
from siam.explainers.references import REFERENCES
from siam.figures.comparison import forest_figure, measure_name, measures_of, strip_figure
from siam.figures.tables import html_table
from siam.reports.prints import chart_print
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
from ui import printing
from ui.results import stored
from ui.state.markdown import plain
from ui.state.public import message

_CHART = {"displayModeBar": False}
_WORLDS = {
    "scenes": "Scenes · baseline",
    "scenes-siam": "Scenes · SIAM",
    "flowers": "Flowers",
    "photos": "Photos · SIAM’s attributes",
}
_MOST = 5  # pictures shown


def explainers() -> None:
    """Show every stored comparison, one at a time."""
    files = stored.by_file()
    readable = all_stored(files)
    if not readable:
        st.info("No comparison of explainers is stored yet. This command makes one:")
        st.code("python -m siam compare --out assets/results/explainers.json", language=None, wrap_lines=True)
        return
    st.markdown(KNOWN)
    labels = {_label(of.result, of.figures): of for of in readable}
    label = st.segmented_control(
        "Pictures",
        list(labels),
        default=next(iter(labels)),
        format_func=plain,
        required=True,
        key="compared",
        label_visibility="collapsed",
    )
    _comparison(labels[label or next(iter(labels))], files)


@dataclass(frozen=True, eq=False)
class Stored:
    """A stored comparison: its file, the whole result, and the comparison itself."""

    path: Path
    result: Result
    figures: ExplainerFigures


def all_stored(files: dict[Path, Result]) -> list[Stored]:
    """Return the comparisons in files, in the order of the page; show a warning for each that cannot be read."""
    paths = {id(result): path for path, result in files.items()}
    readable = stored.read_parts(
        lambda result: [comparison for _result, comparison in comparisons([result])], list(files.values())
    )
    found = [Stored(paths[id(result)], result, figures) for result, figures in readable]
    order = list(_WORLDS)
    return sorted(found, key=lambda of: order.index(of.figures.world) if of.figures.world in order else len(order))


def _label(result: Result, figures: ExplainerFigures) -> str:
    return _WORLDS.get(figures.world, f"{figures.world} · {result.model}")


def forest(comparison: Stored, key: str) -> None:
    """Show each method's lead over random maps in a measure that the visitor chooses; a click shows its pictures.

    Args:
        comparison: what is shown.
        key: of the widget that asks for the measure.
    """
    result, figures = comparison.result, comparison.figures
    measure = st.selectbox("Measure", measures_of(figures), format_func=lambda name: _label_of(figures, name), key=key)
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
        alt=f"Lead of each method over random maps in {name}",
    )
    shown = f"Lead of each method over random maps with its 95 % interval: {name} ({source}). Shaded: controls."
    printing.chart(chart_print(f"lead-{measure}", figure, shown), f"forest-{figures.world}")
    _strips(comparison, measure, [point["customdata"][0] for point in event["selection"]["points"]])


def _comparison(comparison: Stored, files: dict[Path, Result]) -> None:
    result, figures = comparison.result, comparison.figures
    forest(comparison, "measure")
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
    "map, as the papers do, so that they also measure its brightness. shuffled, relabelled: rank correlation with "
    "the map of the network with shuffled weights, or of one that learned labels in random order. n is that of the "
    "comparison unless given in brackets."
)


def _label_of(figures: ExplainerFigures, key: str) -> str:
    text = measure_name(key)
    return text[0].upper() + text[1:] + ("" if figures.measures[key].decides else " (cannot tell)")


def _strips(comparison: Stored, measure: str, clicked: list[str]) -> None:
    """Show the single values of the method that was clicked beside random maps and the truth."""
    table, result = values.beside(comparison.path), comparison.result
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
            st.warning(message(error))
            return
        names = [*dict.fromkeys(["truth", "random", *clicked])]
        chosen = {name: found[name] for name in names if name in found}
        title = f"{', '.join(heading(name) for name in clicked if name not in REFERENCES) or 'Controls'}: every picture"
        strips = strip_figure(chosen, measure, title, f"one dot for each picture and network, {result.date}")
        st.plotly_chart(
            strips,
            config=_CHART,
            key="strips",
            alt=f"Single values of {measure_name(measure)} of {', '.join(map(heading, chosen))}",
        )
        printing.chart(chart_print("values", strips), "strips")
        _most_different(found, clicked, thumbnails.beside(comparison.path))
    st.download_button(
        "All single values (CSV, compressed)",
        table.read_bytes,
        table.name,
        "application/gzip",
        key="values-csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _most_different(found: dict[str, list[tuple[str, float]]], clicked: list[str], pictures: Path) -> None:
    """Show or name the pictures on which the figures of a method and of the truth differ most."""
    for name in clicked:
        if name not in found or name == "truth" or "truth" not in found:
            continue
        truth, own = _means(found["truth"]), _means(found[name])
        most = sorted(own.keys() & truth.keys(), key=lambda picture: -abs(own[picture] - truth[picture]))[:_MOST]
        st.caption(plain(f"{heading(name)} and the truth differ most on the pictures {listing(most)}."))
        try:
            shown = thumbnails.read(pictures, most)
        except DatasetError as error:
            st.warning(plain(stored.near(str(error), pictures)))
            continue
        if not shown:
            st.caption("The pictures themselves are not stored with this comparison.")
            continue
        with st.grid(_MOST, min_column_width=110, gap="small"):
            for picture, image in shown.items():
                with st.container(gap="xxsmall"):
                    st.image(image, width="stretch", alt=f"picture {picture}")
                    st.caption(plain(f"{picture}: {number(own[picture])}, truth {number(truth[picture])}"))


def _means(dots: list[tuple[str, float]]) -> dict[str, float]:
    """Return the mean of each picture's values over the networks."""
    every: dict[str, list[float]] = {}
    for picture, value in dots:
        every.setdefault(picture, []).append(value)
    return {picture: sum(of) / len(of) for picture, of in every.items()}


@st.cache_data(show_spinner=False, max_entries=8)
def _values(table: str, measure: str, _changed: int) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for record in values.read(Path(table)):
        if record.get(measure) is not None:
            found.setdefault(record["method"], []).append((record["identifier"], record[measure]))
    return found
