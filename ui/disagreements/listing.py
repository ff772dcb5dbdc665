"""The cases of a gallery: charts, filters, cards. Order, filters, page and area are part of the address."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.figures.gallery import MOST, differences_figure, scores_figure
from siam.gallery.cases import CLOSER, KINDS, ORDERS, SIDES, Cases, Filters
from ui.add_gallery import dialog
from ui.photos import pictures
from ui.photos.photo import plain
from ui.state.address import point

PER_PAGE = 24


def filters(cases: Cases) -> tuple[Filters, str]:
    """Show the filters and return what they say, with the order."""
    about = cases.gallery.about
    causes = {phrases.words(name): name for name in sorted(about.attributes)}
    closer = side = kind = crowd = None
    with st.grid(4, min_column_width=150, gap="small"):
        order = st.selectbox("Order", list(ORDERS), key="sort", bind="query-params")
        cause = st.selectbox(
            "Among the three top causes", list(causes), None, placeholder="any attribute", key="cause",
            bind="query-params",
        )  # fmt: skip
        text = st.text_input("Search", placeholder="number, title, author, place", key="text", bind="query-params")
        if np.any(cases.table["closer"] != ""):
            closer = st.selectbox(
                "Closer to the crowd", CLOSER, None, placeholder="either", key="closer", bind="query-params"
            )
        if not np.isnan(cases.table["crowd"]).all():
            side = st.selectbox(
                "SIAM’s score is", SIDES, None, placeholder="over or under", key="side", bind="query-params"
            )
            crowd = _crowd(cases)
        if np.any(cases.table["kind"] != ""):
            kind = st.selectbox(
                "What happened", KINDS, None, placeholder="anything", key="kind", bind="query-params",
                help="What the truth of a rendered scene says about SIAM's error.",
            )  # fmt: skip
    return Filters(closer, side, crowd, causes.get(cause or ""), kind, text or None, _area()), order


def _crowd(cases: Cases) -> tuple[float, float] | None:
    scale = cases.gallery.about.crowd_scale or cases.gallery.about.scale
    ends = float(scale.low), float(scale.high)
    low, high = st.session_state.get("crowd") or ends
    if not ends[0] <= low <= high <= ends[1]:
        st.session_state.pop("crowd")  # of a gallery with another scale
    chosen = st.slider("Crowd", *ends, ends, 0.1, key="crowd", bind="query-params")
    return None if chosen == ends else chosen


def _area() -> tuple[float, float, float, float] | None:
    """Return the area in the address: lowest and highest score of the baseline, then of SIAM."""
    try:
        numbers = [float(part) for part in st.query_params.get("area", "").split("_")]
    except ValueError:
        return None
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]


def summary(cases: Cases, rows: np.ndarray) -> None:
    """Say in one line how the two networks compare on the cases shown."""
    told, about = cases.summary(rows), cases.gallery.about
    parts = [f"**{told['n']:,}** of {len(cases.table):,} pictures"]
    if told["median_difference"] is not None:
        parts.append(f"half of them differ by more than **{told['median_difference']:.2f}** points")
    if told["siam_closer"] is not None:
        shares = (f"{100 * told[name]:.0f} %" for name in ("siam_closer", "baseline_closer"))
        parts.append("closer to the crowd: SIAM in **{}**, the baseline in **{}**".format(*shares))
    st.markdown(" · ".join(parts))
    asked = st.query_params.get("case")
    if asked is not None:
        st.info(
            f"There is no picture {plain(asked)} in this gallery. Here are all of it.", icon=":material/search_off:"
        )
    if about.crowd_scale is not None:
        st.caption(
            f"The crowd rated {about.crowd_scale.name} ({about.crowd_scale.low:g} to {about.crowd_scale.high:g}), the "
            f"networks predict {about.scale.name} ({about.scale.low:g} to {about.scale.high:g}). Errors, and who is "
            "closer, therefore compare ranks within this gallery, in hundredths, not points."
        )


def charts(cases: Cases, rows: np.ndarray, area: tuple[float, ...] | None) -> None:
    """Show both charts; a box drawn in the first filters the cards."""
    if np.isnan(cases.table["difference"]).all():
        st.info("These networks have no baseline: there is nothing to compare SIAM with.", icon=":material/info:")
        return
    first, second = st.columns([3, 2], gap="medium")
    with first:
        st.plotly_chart(
            scores_figure(cases, rows, area),
            key=f"scatter-{st.session_state.get('cleared', 0)}",
            on_select=_select,
            selection_mode="box",
            config={"displayModeBar": False},
            alt="SIAM's score against the baseline's, a point for each picture, coloured by the crowd's rating",
        )
        drawn = "" if len(rows) <= MOST else f" {MOST:,} of {len(rows):,} are drawn, evenly spread."
        st.caption(f"Dotted: no difference. Draw a box to see only the pictures in it.{drawn}")
    with second:
        st.plotly_chart(
            differences_figure(cases, rows),
            key="differences",
            config={"displayModeBar": False},
            alt="how many pictures differ by how much between the two networks",
        )
        st.caption("Green: SIAM scores higher. Magenta: the baseline does.")
    if area is not None:
        low, high, bottom, top = map(phrases.number, area)
        st.button(
            f"Baseline {low} to {high}, SIAM {bottom} to {top}",
            icon=":material/close:", on_click=_clear, help="Show all scores again",
        )  # fmt: skip


def _select() -> None:
    selection = st.session_state[f"scatter-{st.session_state.get('cleared', 0)}"]["selection"]
    if selection["box"]:
        x, y = selection["box"][0]["x"], selection["box"][0]["y"]
        point("area", "_".join(f"{value:.2f}" for value in (*sorted(x), *sorted(y))))


def _clear() -> None:
    """Forget the area; the chart begins anew, since it would remember the box."""
    point("area", None)
    st.session_state["cleared"] = st.session_state.get("cleared", 0) + 1


def cards(cases: Cases, rows: np.ndarray) -> None:
    """Show the cards of a page, and which page."""
    if not len(rows):
        st.info("No picture passes these filters. Widen or clear one of them.", icon=":material/filter_alt_off:")
        return
    pages = -(-len(rows) // PER_PAGE)
    above = st.container()
    page = min(st.pagination(pages, key="page", bind="query-params"), pages) if pages > 1 else 1
    shown = [int(row) for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE]]
    with above:
        if not any(pictures.is_here(cases.gallery, row) for row in shown):
            _pictures_elsewhere(cases)
        with st.grid(4, min_column_width=210, gap="small"):
            for row in shown:
                _card(cases, row)


def _pictures_elsewhere(cases: Cases) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("The pictures of this gallery are not on this machine.", width="content")
        if pictures.missing(cases.gallery):
            st.button(
                "Fetch them", icon=":material/download:", key="fetch", type="tertiary", on_click=dialog.open_dialog
            )


def _card(cases: Cases, row: int) -> None:
    told = cases.case(row)
    identifier = str(told["identifier"])
    with st.container(border=True, gap="xsmall"):
        pictures.thumbnail(cases.gallery, row)
        scores = f"SIAM **{phrases.number(told['siam'])}**"
        if not np.isnan(told["baseline"]):
            difference = phrases.difference_text(told["siam"], told["baseline"])
            scores += f" · baseline **{phrases.number(told['baseline'])}**  \ndifference **{difference}**"
        st.markdown(scores)
        marks = zip(("▲", "▼"), cases.causes(row), strict=True)
        st.markdown(cause_text(marks))
        st.caption(crowd_text(told) + (f"  \n{told['closer']} closer" if told["closer"] else ""))
        st.button(
            f"Open {plain(identifier)}", key=f"open-case-{identifier}", width="stretch", on_click=point,
            args=("case", identifier), help=plain(f"{told['title']} {told['place']}") or None,
        )  # fmt: skip


def cause_text(marks: Iterable[tuple[str, tuple[str, float] | None]]) -> str:
    """Return the biggest causes as Markdown: ▲ in the colour of what raises, ▼ in that of what lowers."""
    colours = {"▲": "green", "▼": "violet"}
    return "  \n".join(
        f":{colours[mark]}[{mark}] {phrases.words(cause[0])} {phrases.signed(cause[1])}"
        for mark, cause in marks
        if cause
    )


def crowd_text(told: dict[str, Any]) -> str:
    """Return what people said of a case, such as "crowd 7.03 (9 votes)"."""
    if np.isnan(told["crowd"]):
        return "no rating"
    votes = "" if told["votes"] is None else f" ({told['votes']} votes)"
    return f"crowd {phrases.number(told['crowd'])}{votes}"
