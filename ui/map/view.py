"""The map of a gallery, and the means of the photos that are chosen on it beside those of all."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from siam.drawing import phrases
from siam.figures import geography
from siam.figures.geography import MOST, Box, map_figure, view_of
from siam.gallery.cases import Cases
from siam.gallery.means import SCORES, group_means, numbers
from siam.reports.prints import map_print
from siam.runtime.digests import digest
from siam.runtime.spreadsheets import defused
from ui import printing
from ui.disagreements import listing
from ui.state.address import point

_DIGITS = 5  # of degrees in the address: about 1 m
_STRIP = 4  # pictures
_TOOLS = {  # with the box, Streamlit takes no click on a point: so the map begins with the hand
    "displaylogo": False,
    "displayModeBar": True,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["zoom2d", "lasso2d", "autoScale2d"],
}


def without_places(cases: Cases | None) -> None:
    """Say how photos get onto the map."""
    what = "This pair has no gallery yet." if cases is None else "It is not known where these photos were taken."
    st.info(
        f"{what} The map needs the columns `latitude` and `longitude` in a gallery. `python -m siam score` fills "
        "them, from a table or from the photos. Other commands and this dashboard read no position from your photos.",
        icon=":material/map:",
    )


def show(cases: Cases, rows: np.ndarray, place: Box | None) -> None:
    """Show the map of those rows that have a place; a box drawn on it goes into the address, and so does a click."""
    placed = rows[cases.placed[rows]]
    options = geography.measures(cases)
    if st.session_state.get("shown", options[0]) not in options:
        st.session_state.pop("shown")  # of another gallery
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure: str = st.selectbox("Colour", options, key="shown", bind="query-params", width=320)
        _by_coordinates(cases, placed, place)
    if not len(placed):
        st.info("None of these photos has a place. Widen or clear a filter.", icon=":material/location_off:")
        return
    view = view_of(cases, placed, place)
    figure = map_figure(cases, placed, measure, view, place)
    key = _key_of(placed, measure, place)
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _take(key, view, cases),
        selection_mode=("points", "box"),
        config=_TOOLS,
        alt=_text(cases, placed, measure, view),
    )
    inside = geography.seen(cases, placed, view.around)
    drawn = (
        "Click a point to open its picture."
        if len(inside) <= MOST
        else f"Of {len(inside):,} photos, squares show means: {_held(cases, inside, measure, view)}."
    )
    away = len(rows) - len(placed)
    absent = f" {away:,} of {len(rows):,} pictures have no place." if away else ""
    st.caption(
        f"{geography.legend(cases, measure, len(inside))} With the box tool above the map, draw a box to choose a "
        f"place, here and on *Disagreements*; the map then shows it larger. {drawn}{absent} Coast: Natural Earth."
    )
    chosen = placed if place is None else geography.seen(cases, placed, view)
    printing.figures(lambda: [map_print(cases, chosen, measure, place)], "map")


def _held(cases: Cases, rows: np.ndarray, measure: str, view: geography.View) -> str:
    """Say how many photos a square holds."""
    x, y = (cases.table[name].to_numpy()[rows] for name in ("longitude", "latitude"))
    around, size = view.around, view.side / geography.CELLS
    count = geography.squares(around.across(x), y, numbers(cases)[measure][rows], around, size).count
    if not len(count):
        return "the value is known of none"
    return f"each of {count.min():,} to {count.max():,} photos, half of them of {int(np.median(count)):,} or more"


def _text(cases: Cases, rows: np.ndarray, measure: str, view: geography.View) -> str:
    """Return the map's alternative text."""
    where = phrases.place_text(view.west, view.south, view.east, view.north)
    what = geography.title(cases, measure)
    return f"map of {len(rows):,} photos, {where}, coloured by {what}; the table below has the means"


def _key_of(rows: np.ndarray, measure: str, place: Box | None) -> str:
    """Return the key of the chart: another one wherever a box drawn before would be wrong."""
    shown = digest(rows.tobytes()), measure, place
    chart = st.session_state.setdefault("map-chart", {"number": 0, "shown": shown})
    if chart["shown"] != shown:
        chart.update(number=chart["number"] + 1, shown=shown)
    return f"map-{chart['number']}"


def _take(key: str, view: geography.View, cases: Cases) -> None:
    """Put the box that was drawn, or the point that was clicked, into the address."""
    selection: Any = st.session_state[key]["selection"]
    if drawn := selection.get("box"):
        place = view.box(list(drawn[0]["x"]), list(drawn[0]["y"]))
        point("place", "_".join(f"{of:.{_DIGITS}f}" for of in place))
        return
    clicked = [of["customdata"] for of in selection.get("points", ()) if of.get("customdata") is not None]
    if clicked:
        point("case", str(cases.table["identifier"].iloc[int(clicked[0])]))


def _by_coordinates(cases: Cases, rows: np.ndarray, place: Box | None) -> None:
    """Let the visitor choose a place without a pointer."""
    with st.popover("Choose by coordinates", icon=":material/my_location:"), st.form("coordinates", border=False):
        shown = view_of(cases, rows, None)
        west, south, east, north = place or shown.box([shown.west, shown.east], [shown.south, shown.north])
        given = {
            name: st.number_input(f"{name}, °", -most, most, float(np.clip(value, -most, most)), format="%.4f")
            for name, value, most in (("West", west, 180.0), ("South", south, 90.0), ("East", east, 180.0),
                                      ("North", north, 90.0))
        }  # fmt: skip
        if st.form_submit_button("Choose this place"):
            if given["South"] > given["North"]:
                st.error("South is larger than north: swap them.")
                return
            point("place", "_".join(f"{of:.{_DIGITS}f}" for of in given.values()))
            st.rerun()


def means(cases: Cases, rows: np.ndarray) -> None:
    """Show the means of the chosen photos beside those of all photos of the gallery, what differs most first."""
    if not len(rows):
        return
    values = numbers(cases)
    known = [name for name, of in values.items() if not np.isnan(of).all()]
    every = np.arange(len(cases.table))
    groups = np.concatenate([np.zeros(len(rows), int), np.ones(len(every), int)])
    found = group_means(np.column_stack([values[name] for name in known]), np.concatenate([rows, every]), groups, 2)
    table = pd.DataFrame(
        {
            "mean of": [defused(name) for name in known],
            "these photos": found.mean[0],
            "95 %, from": found.low[0],
            "to": found.high[0],
            "n": found.count[0],
        }
    )
    column = "these photos"
    if len(rows) < len(every):
        column = "difference"
        table["all photos"], table[column] = found.mean[1], found.mean[0] - found.mean[1]
    first = sum(name in SCORES for name in known)
    table = pd.concat([table.iloc[:first], table.iloc[first:].sort_values(column, key=np.abs, ascending=False)])
    st.subheader("Means of these photos" + " beside those of all" * (len(rows) < len(every)), anchor=False)
    points = st.column_config.NumberColumn(format="%.3f")
    names = ("these photos", "95 %, from", "to", "all photos")
    config = {**dict.fromkeys(names, points), "difference": st.column_config.NumberColumn(format="%+.3f")}
    st.dataframe(table, hide_index=True, key="means", column_config=config)
    st.caption(
        f"{len(rows):,} of {len(every):,} photos, in points. The 95 % interval is that of a mean (Student’s t), as if "
        "these photos were drawn at random."
    )


def strip(cases: Cases, rows: np.ndarray) -> None:
    """Show the first of the chosen photos, in the chosen order, and the way to all of them."""
    if not len(rows):
        st.info("No picture matches these filters. Widen or clear one of them.", icon=":material/filter_alt_off:")
        return
    st.page_link(
        "pages/disagreements.py", label=f"Open these {len(rows):,} in Disagreements", icon=":material/compare_arrows:"
    )
    listing.strip(cases, rows[:_STRIP])
