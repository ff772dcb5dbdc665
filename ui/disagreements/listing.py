"""The cases of a gallery: charts, filters and cards. Order, filters, page, area and place are part of the address."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from siam.drawing import phrases
from siam.drawing.palettes import palette
from siam.figures.gallery import AREA, CASE, MOST, disagreement_chart
from siam.gallery.cases import COMPARISONS, CONTEXT, KINDS, SIAM, SIDES, Cases, Filters, fits, with_groups
from siam.gallery.cases import compared as cases_of
from siam.gallery.store import PLACE, is_archive
from siam.reports.prints import disagreement_print
from siam.runtime.digests import digest
from ui import printing
from ui.add_gallery import fetch
from ui.photos import pictures
from ui.photos.photo import short_credit, unrated
from ui.state import colours, resources
from ui.state.address import point
from ui.state.markdown import plain, small

PER_PAGE = 24


def compared(cases: Cases) -> Cases:
    """Ask which two networks are compared, if there are scores with context; return the cases for these."""
    csib = resources.pair().csib
    if csib is None or not fits(cases.gallery, csib):
        return cases
    ways = {", ".join(networks): networks for networks in COMPARISONS}
    default, *_others = ways
    if st.session_state.get("against", default) not in ways:
        st.session_state.pop("against")
    way = st.segmented_control(
        "Compare", list(ways), default=default, required=True, key="against", bind="query-params",
        on_change=point, args=("area", None),
        help="With context: groups of attributes that count together, on the presence that the gallery holds.",
    )  # fmt: skip
    networks = ways[way or default]
    if CONTEXT in networks and cases.rated and csib.about.get("data") == cases.gallery.about.data:
        st.caption(
            "The groups have learned from these ratings, so scores with context look better here than for other "
            "photos: *Results* has figures for photos kept out."
        )
    return cases_of(with_groups(cases, csib), networks)


def filters(cases: Cases) -> tuple[Filters, str]:
    """Show the filters; return them and the order."""
    about = cases.gallery.about
    causes = {phrases.words(name): name for name in sorted(about.attributes)}
    closer = side = kind = crowd = None
    orders = cases.orders()
    if st.session_state.get("sort", orders[0]) not in orders:
        st.session_state.pop("sort")  # of a gallery with ratings
    with st.grid(4, min_column_width=150, gap="small"):
        order = st.selectbox("Order", orders, format_func=cases.order_text, key="sort", bind="query-params")
        cause = st.selectbox(
            "Among the top three", list(causes), None, placeholder="any attribute", key="cause",
            bind="query-params",
        )  # fmt: skip
        text = st.text_input("Search", placeholder="title, place, …", key="text", bind="query-params")
        if np.any(cases.table["closer"] != ""):
            if st.session_state.get("closer") not in (None, *cases.networks):
                st.session_state.pop("closer")  # of another comparison
            closer = st.selectbox(
                "Closer to the crowd", cases.networks, None, placeholder="either", key="closer", bind="query-params"
            )
        if cases.rated:
            whose = "SIAM’s error" if cases.networks[0] == SIAM else "Error with context"
            side = st.selectbox(whose, SIDES, None, placeholder="either way", key="side", bind="query-params")
            crowd = _crowd(cases)
        if np.any(cases.table["kind"] != ""):
            kind = st.selectbox(
                "What happened", KINDS, None, placeholder="anything", key="kind", bind="query-params",
                help="How SIAM's score compares with the truth of the scene.",
            )  # fmt: skip
    return Filters(closer, side, crowd, causes.get(cause or ""), kind, text or None, _area(), place()), order


def _crowd(cases: Cases) -> tuple[float, float] | None:
    scale, ratings = cases.gallery.about.rated_on, cases.table["crowd"].to_numpy(dtype=float)
    ends = (
        (float(np.nanmin(ratings)), float(np.nanmax(ratings)))
        if scale is None
        else (float(scale.low), float(scale.high))
    )
    if ends[0] == ends[1]:
        return None
    low, high = st.session_state.get("crowd") or ends
    if not ends[0] <= low <= high <= ends[1]:
        st.session_state.pop("crowd")  # of a gallery with another scale
    chosen = st.slider("Crowd", *ends, ends, 0.1, key="crowd", bind="query-params")
    return None if chosen == ends else chosen


def _area() -> tuple[float, float, float, float] | None:
    """Return the area in the address: the second network's lowest and highest score, then the first one's, or None."""
    return _four("area")


def place() -> tuple[float, float, float, float] | None:
    """Return the place in the address: west, south, east and north in degrees; None without one."""
    found = _four("place")
    if found is None or max(abs(found[0]), abs(found[2])) > PLACE["longitude"]:
        return None
    return found if -PLACE["latitude"] <= found[1] <= found[3] <= PLACE["latitude"] else None


def _four(name: str) -> tuple[float, float, float, float] | None:
    try:
        numbers = [float(part) for part in st.query_params.get(name, "").split("_")]
    except ValueError:
        return None
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]


def boxes(filters: Filters, networks: tuple[str, str]) -> None:
    """Show the boxes that were drawn over the scores and over the map, each as a button that clears it."""
    if filters.area is not None:
        low, high, bottom, top = map(phrases.number, filters.area)
        first, second = networks
        label = f"{second[0].upper()}{second[1:]} {low} to {high}, {first} {bottom} to {top}"
        _cleared_by("area", label, "Show all scores again")
    if filters.place is not None:
        _cleared_by("place", phrases.place_text(*filters.place), "Show all places again")


def _cleared_by(name: str, label: str, help: str) -> None:
    st.button(label, key=f"clear-{name}", icon=":material/close:", on_click=point, args=(name, None), help=help)


def summary(cases: Cases, rows: np.ndarray) -> None:
    """Say in one line how the two networks compare on these cases."""
    figures, about = cases.summary(rows), cases.gallery.about
    parts = [f"**{figures['n']:,}** of {len(cases.table):,} pictures"]
    if figures["median_difference"] is not None:
        parts.append(f"half of them differ by more than **{figures['median_difference']:.2f}** points")
    if figures["first_closer"] is not None:
        shares = (f"**{100 * figures[name]:.0f} %**" for name in ("first_closer", "second_closer"))
        parts.append(
            "closer to the crowd: "
            + ", ".join(f"{name} in {share}" for name, share in zip(cases.called, shares, strict=True))
        )
    st.markdown(" · ".join(parts))
    if not cases.rated:
        st.caption(unrated(cases, "these photos"))
    asked = st.query_params.get("case")
    if asked is not None:
        st.info(f"There is no picture {plain(asked)} in this gallery, so all are shown.", icon=":material/search_off:")
    if about.rated_on is None:
        st.caption(
            "The scale of these ratings is not known. Errors, and who is closer, therefore compare percentile ranks "
            "within this gallery, not points. To compare points, add the gallery again with the lowest and highest "
            "possible rating."
        )
    elif about.crowd_scale is not None:
        rated, predicted = (f"{plain(of.name)} ({of.low:g} to {of.high:g})" for of in (about.crowd_scale, about.scale))
        st.caption(
            f"The crowd rated {rated}; the networks predict {predicted}. Errors, and who is closer, therefore compare "
            "percentile ranks within this gallery, not points."
        )


def charts(cases: Cases, rows: np.ndarray, area: tuple[float, ...] | None) -> None:
    """Show scores and differences: a box drawn over the points filters the cards, a click on a point opens its case."""
    if np.isnan(cases.table["difference"]).all():
        st.info(
            f"This pair has no baseline, so there is nothing to compare {cases.called[0]} with.", icon=":material/info:"
        )
        return
    key, start = _chart_of(rows, area)
    st.altair_chart(
        disagreement_chart(cases, rows, start),
        width="stretch",
        key=key,
        on_select=lambda: _take(key),
        alt=f"{cases.versus}, one point per picture; below, a histogram of the differences",
    )
    raises, lowers, _ = palette().names
    drawn = "" if len(rows) <= MOST else f" {MOST:,} of {len(rows):,} pictures are drawn, evenly sampled."
    st.caption(
        f"Dotted line: no difference. Right of the middle and {raises}: {cases.called[0]} is higher; left and "
        f"{lowers}: it is lower. Draw a box to show only the pictures in it; click a point outside the box to open its "
        f"picture.{drawn}"
    )
    printing.figures(lambda: [disagreement_print(cases, rows)], "disagreements")


def _chart_of(rows: np.ndarray, area: tuple[float, ...] | None) -> tuple[str, tuple[float, ...] | None]:
    """Return the key of the chart and the area of its initial box.

    The chart remembers its box. A new chart is needed where that box would be wrong: when other rows are shown, or when
    the area in the address is not the one drawn last, because it was cleared or came from a link or from Back.
    """
    shown = digest(rows.tobytes())
    chart = st.session_state.setdefault("scatter", {"number": 0, "rows": shown, "start": area, "area": area})
    if (chart["rows"], chart["area"]) != (shown, area):
        chart.update(number=chart["number"] + 1, rows=shown, start=area, area=area)
    return f"scatter-{chart['number']}", chart["start"]


def _take(key: str) -> None:
    """Put the point that was clicked, or the box that was drawn, into the address."""
    selection = st.session_state[key]["selection"]
    if clicked := selection.get(CASE):
        point("case", str(clicked[0]["identifier"]))
        return
    box = selection.get(AREA) or {}
    drawn = None
    if box.get("second") and box.get("first"):
        drawn = "_".join(f"{value:.2f}" for value in (*sorted(box["second"]), *sorted(box["first"])))
    point("area", drawn)
    st.session_state["scatter"]["area"] = _area()


def cards(cases: Cases, rows: np.ndarray) -> None:
    """Show one page of cards, and the page numbers."""
    if not len(rows):
        st.info("No picture matches these filters. Widen or clear one of them.", icon=":material/filter_alt_off:")
        return
    pages = -(-len(rows) // PER_PAGE)
    above = st.container()
    page = min(st.pagination(pages, key="page", bind="query-params"), pages) if pages > 1 else 1
    shown = [int(row) for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE]]
    with above:
        _pictures_elsewhere(cases, shown)
        with st.grid(4, min_column_width=210, gap="small"):
            for row in shown:
                _card(cases, row)


def strip(cases: Cases, rows: np.ndarray) -> None:
    """Show the cards of a few rows."""
    _pictures_elsewhere(cases, rows.tolist())
    with st.grid(4, min_column_width=150, gap="small"):
        for row in rows.tolist():
            _card(cases, row)


def _pictures_elsewhere(cases: Cases, rows: Sequence[int]) -> None:
    """Say so if none of these pictures is on this machine, and offer to download them: all, or an archive's few."""
    gallery, label = cases.gallery, st.session_state.get("gallery", "")
    if any(pictures.is_here(gallery, row) for row in rows):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_archive(gallery.folder):
            st.caption("These pictures are not on this machine.", width="content")
            if pictures.address_of(gallery, rows) is not None:
                fetch.button(gallery, label, "fetch", rows)
        else:
            st.caption("The pictures of this gallery are not on this machine.", width="content")
            if pictures.missing(gallery):
                fetch.button(gallery, label, "fetch")


def _card(cases: Cases, row: int) -> None:
    facts = cases.case(row)
    identifier = str(facts["identifier"])
    with st.container(border=True, gap="xsmall"):
        pictures.thumbnail(cases.gallery, row)
        first, second = cases.networks
        scores = f"{first} **{phrases.number(facts['first'])}**"
        if not np.isnan(facts["second"]):
            difference = phrases.difference_text(facts["first"], facts["second"])
            scores += f" · {second} **{phrases.number(facts['second'])}**  \ndifference **{difference}**"
        st.markdown(scores)
        marks = zip(("▲", "▼"), cases.causes(row), strict=True)
        st.markdown(cause_text(marks))
        if cases.rated:
            st.caption(crowd_text(facts) + (f"  \n{facts['closer']} closer" if facts["closer"] else ""))
        if credit := short_credit(cases.gallery.facts(row)):
            st.markdown(small(credit))
        st.button(
            f"Open {plain(identifier)}", key=f"open-case-{identifier}", width="stretch", on_click=point,
            args=("case", identifier), help=plain(f"{facts['title']} {facts['place']}") or None,
        )  # fmt: skip


def cause_text(marks: Iterable[tuple[str, tuple[str, float] | None]]) -> str:
    """Return the largest contributions as Markdown, ▲ and ▼ in the colours of what raises and lowers the score."""
    raises, lowers, _ = palette().names
    shades = {"▲": raises, "▼": lowers}
    return "  \n".join(
        f"{colours.coloured(shades[mark], mark)} {plain(phrases.words(cause[0]))} {phrases.signed(cause[1])}"
        for mark, cause in marks
        if cause
    )


def crowd_text(facts: dict[str, Any]) -> str:
    """Return the crowd's rating of a case, such as "crowd 7.03 (9 votes)"."""
    if np.isnan(facts["crowd"]):
        return "no rating"
    votes = "" if facts["votes"] is None else f" ({facts['votes']} votes)"
    return f"crowd {phrases.number(facts['crowd'])}{votes}"
