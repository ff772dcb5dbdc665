"""The parts of an explanation from top to bottom: answer, evidence, details, files.

Parts with controls are fragments: moving a slider redraws only that part and runs no network.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd
import streamlit as st

from siam.drawing import phrases
from siam.drawing.maps import scale_bar, scale_text
from siam.drawing.palettes import palette
from siam.explanation import wording
from siam.explanation.inference import Contribution, Explanation, Order
from siam.explanation.recognition import caveat, legend, recognition_text
from siam.figures import maps
from siam.figures.paper import paper_figure_png
from siam.figures.waterfall import waterfall as waterfall_figure
from siam.models.agreement import agreed
from siam.reports.files import data_json, html_report
from siam.reports.prints import Print, attribute_print, explanation_print, maps_print, waterfall_print
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.photos.photo import Photo
from ui.state import colours, resources
from ui.state.markdown import plain

COLUMNS = {
    "contribution": st.column_config.NumberColumn(format="%+.2f", help="points of the scale"),
    "presence": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1),
    "sign": st.column_config.NumberColumn(
        "same sign", format="%.0f %%", help="of the networks trained on other parts of the ratings"
    ),
    "recognised": st.column_config.TextColumn(help="how far to believe the name: see “What to believe” in the docs"),
}
ORDERS: tuple[Order, ...] = ("magnitude", "positive first", "name")


def show(explanation: Explanation, photo: Photo) -> None:
    """Show an explanation from top to bottom."""
    scores(explanation)
    total_maps(explanation, photo)
    attributes(explanation)
    waterfall(explanation)
    table(explanation)
    downloads(explanation, photo.name, resources.pair().card)


def scores(explanation: Explanation) -> None:
    """Show both scores with their scale, their difference, and the one-sentence answer."""
    scale = explanation.scale
    st.divider()
    with st.grid(3, min_column_width=150, gap="small"):
        st.metric(
            "SIAM",
            phrases.score_text(explanation.scenicness, scale),
            help="the sum of a bias and the attributes' contributions",
        )
        if explanation.baseline_scenicness is not None:
            st.metric(
                "Baseline",
                phrases.score_text(explanation.baseline_scenicness, scale),
                help="an ordinary network on the same kind of backbone; it gives no reasons",
            )
            st.metric(
                "Difference (points)", phrases.difference_text(explanation.scenicness, explanation.baseline_scenicness)
            )
    st.markdown(f"**{plain(wording.sentence(explanation))}**")
    if doubts := caveat(explanation):
        st.markdown(plain(doubts))
    if trust := wording.trust(explanation):
        st.markdown(plain(trust))
    st.caption(f"Scale: {plain(scale.name)}, {scale.low:g} to {scale.high:g}.")


@colours.fragment
def total_maps(explanation: Explanation, photo: Photo) -> None:
    """Show the photo beside both total maps on one scale, with a slider for the overlay."""
    strength = st.slider(
        "Overlay strength", 0, 100, 75, 5, format="%d %%", key="overlay", width=320, bind="query-params"
    )
    totals = maps.total_maps(explanation, strength / 100, side=800)
    with st.grid(3, min_column_width=220, gap="small"):
        with st.container(gap="xsmall"):
            st.image(explanation.image, width="stretch", alt=photo.description, caption=photo.credit)
        with st.container(gap="xsmall"):
            text = phrases.signed_map_text(explanation.total_map)
            st.image(
                totals.siam,
                width="stretch",
                caption=f"**SIAM**, where the score comes from: {text}",
                alt=f"SIAM's total map: {text}",
            )
        if totals.baseline is not None and explanation.baseline_map is not None:
            with st.container(gap="xsmall"):
                text = phrases.signed_map_text(explanation.baseline_map)
                st.image(
                    totals.baseline,
                    width="stretch",
                    caption=f"**Baseline**, where its evidence lies: {text}",
                    alt=f"the baseline's total map: {text}",
                )
    st.image(scale_bar(totals.limit), width=360, alt=scale_text(totals.limit))


@colours.fragment
def attributes(explanation: Explanation) -> None:
    """Show the framed maps of the attributes that count most."""
    st.subheader("The attributes that count most here", anchor=False)
    st.caption(
        "Each map is bright where SIAM sees the attribute, on one grey scale for all. "
        f"{palette().frames}; the wider the frame, the larger the contribution."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order = st.segmented_control(
            "Order", ORDERS, default="magnitude", required=True, key="order", bind="query-params"
        )
        most = len(explanation.attributes)
        count = st.number_input("How many", 1, most, min(8, most), key="count", width=140, bind="query-params")
    shown = maps.tiles(explanation, cast("Order", order or ORDERS[0]), count)
    with st.grid(4, min_column_width=150, gap="small"):
        for contribution, tile in shown:
            with st.container(gap="xxsmall"):
                text = wording.attribute_map_text(explanation, contribution.index)
                st.image(tile, width="stretch", alt=text)
                if st.button(
                    "Look closer",
                    key=f"open-{contribution.attribute}",
                    type="tertiary",
                    width="stretch",
                    help=_help(explanation, contribution.attribute),
                ):
                    title = f"{plain(phrases.words(contribution.attribute))} {phrases.signed(contribution.value)}"
                    st.dialog(title, width="large")(_one_attribute)(explanation, contribution)
    if signs := legend(explanation.recognition, (item.attribute for item, _tile in shown)):
        st.caption(f"Beside a name: {signs}. “Look closer” says how well.")


def _help(explanation: Explanation, name: str) -> str:
    """Return what "Look closer" shows, and how well the attribute is recognised."""
    text = f"{plain(phrases.words(name))}: map, template and their product"
    return f"{text}; {recognition_text(explanation.recognition[name])}" if name in explanation.recognition else text


def _one_attribute(explanation: Explanation, contribution: Contribution) -> None:
    """Show what, where and how of one attribute: map, template, product."""
    colours.apply()
    name, value = phrases.words(contribution.attribute), phrases.signed(contribution.value)
    shown, (raises, lowers, _) = plain(name), palette().names
    presence = explanation.attribute_scores[contribution.index]
    place = phrases.where(explanation.contribution_maps[contribution.index])
    weights = phrases.range_text(float(abs(explanation.templates).max()))
    cells = phrases.range_text(float(abs(explanation.contribution_maps).max()))
    with st.grid(3, min_column_width=200, gap="small"):
        with st.container(gap="xsmall"):
            picture = maps.presence_image(explanation, contribution.index)
            st.image(picture, width="stretch", alt=f"the photo, lit where SIAM sees {name}")
            st.caption(f"**What and where**: the photo is lit where SIAM sees {shown} (presence {presence:.2f} of 1).")
        with st.container(gap="xsmall"):
            picture = maps.template_image(explanation, contribution.index)
            st.image(picture, width="stretch", alt=f"the template of {name}")
            st.caption(
                f"**How**: the template says what {shown} adds ({raises}) or takes away ({lowers}) at each place; "
                f"colours: {weights} points per unit and cell.{_hatched(explanation, contribution.index)}"
            )
        with st.container(gap="xsmall"):
            picture = maps.contribution_image(explanation, contribution.index)
            st.image(picture, width="stretch", alt=f"the contribution map of {name}")
            st.caption(
                f"**Their product** sums to {value}, most of it {phrases.at(place)}; colours: {cells} points per cell."
            )
    known = explanation.recognition.get(contribution.attribute)
    texts = (
        "" if known is None else recognition_text(known).capitalize(),
        wording.sign_text(explanation, contribution.index),
    )
    if any(texts):
        st.caption(f"{'. '.join(filter(None, texts))}.")
    printing.figures(lambda: [attribute_print(explanation, contribution.index)], "attribute")
    st.page_link(
        "pages/templates.py",
        label=f"The template of {shown} in detail",
        icon=":material/grid_view:",
        query_params={"attribute": contribution.attribute},
    )


def _hatched(explanation: Explanation, index: int) -> str:
    """Explain the hatched cells of a template; "" if it has none."""
    shares = explanation.template_agreement
    if shares is None or agreed(shares[index]).all():
        return ""
    return " Hatched and paler: fewer than 4 of 5 networks trained on other parts of the ratings agree on the sign."


def waterfall(explanation: Explanation) -> None:
    """Show how contributions lead from the bias to the score; the smallest are added up in one bar."""
    figure = waterfall_figure(explanation, count=min(8, len(explanation.attributes)))
    st.plotly_chart(
        figure, width="stretch", config={"displayModeBar": False}, key="waterfall", alt=wording.sentence(explanation)
    )


def table(explanation: Explanation) -> None:
    """Show all attributes as a sortable table."""
    with st.expander(f"All {len(explanation.attributes)} attributes as a table"):
        known, shares = explanation.recognition, explanation.sign_agreement
        rows = [
            {
                "attribute": defused(phrases.words(item.attribute)),
                "contribution": item.value,
                "presence": float(explanation.attribute_scores[item.index]),
                "where": phrases.where(explanation.contribution_maps[item.index]),
                **({"recognised": known[item.attribute].belief if item.attribute in known else ""} if known else {}),
                **({} if shares is None else {"sign": float(100 * shares[item.index])}),
            }
            for item in explanation.ranking()
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=COLUMNS)


@colours.fragment
def downloads(explanation: Explanation, name: str, card: dict[str, Any]) -> None:
    """Offer figure, data and report as files; show the figure in the paper's layout on request."""
    st.subheader("Download this explanation", anchor=False)
    files(
        name,
        lambda: [explanation_print(explanation), waterfall_print(explanation), maps_print(explanation)],
        lambda: data_json(explanation, name, card),
        lambda: html_report(explanation, name, card),
    )
    if st.toggle("Show the figure in the paper's layout", key="paper", bind="query-params"):
        st.image(paper_figure_png(explanation), width="stretch", alt=wording.summary(explanation))


def files(
    name: str, figures: Callable[[], Sequence[Print]], data: Callable[[], dict], report: Callable[[], str]
) -> None:
    """Offer figures, data and report of a photo of some name; each is made when it is asked for."""
    stem = Path(name).stem
    printing.figures(figures, "explanation", stem)
    with st.container(horizontal=True):
        _download("Data (JSON)", f"{stem}.json", "application/json", lambda: _json(data()))
        _download("Report (HTML)", f"{stem}.html", "text/html", report)


def _download(label: str, file_name: str, kind: str, make) -> None:
    # The file is made on the click, not with every rerun; a rerun on the click would race with that.
    st.download_button(
        label,
        colours.kept(make),
        file_name,
        kind,
        key=f"download-{label}",
        icon=":material/download:",
        on_click="ignore",
    )


def _json(data: dict) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False)
