"""Means per region of a GeoJSON file that the visitor uploads, or per cell, as a table and as files for a GIS."""

import streamlit as st

from siam.errors import DatasetError
from siam.gallery.cases import Cases
from siam.runtime.spreadsheets import defused
from ui.photos import quota
from ui.state.public import message

_FILES = {
    "csv": ("CSV", "text/csv"),
    "geojson": ("GeoJSON", "application/geo+json"),
    "parquet": ("GeoParquet", "application/vnd.apache.parquet"),
}
_NUMBERS = ("siam", "siam_low", "siam_high", "with_context", "baseline", "crowd", "difference")


def show(cases: Cases) -> None:
    """Offer the means of the gallery's photos per region or cell."""
    with st.expander("Means per region or cell", icon=":material/pentagon:"):
        kind = st.segmented_control("Over", ["regions", "cells"], default="regions", required=True, key="over")
        if kind == "cells":
            side = st.number_input("Side of a cell, km", 0.1, 2000.0, 25.0, key="cell")
            _table(cases, None, float(side))
            return
        file = st.file_uploader("Regions: a GeoJSON file of polygons", ["geojson", "json"], key="regions")
        if refused := quota.problem([file]):
            st.warning(refused, icon=":material/error:")
        elif file is not None:
            _table(cases, (file.getvalue(), file.name), 0.0)


def _table(cases: Cases, file: tuple[bytes, str] | None, side: float) -> None:
    # Imported here, since most visitors of the page do not need shapes.
    from siam.gallery.geojson import regions_of
    from siam.gallery.region_files import FORMATS
    from siam.gallery.regions import means_by_cell, means_by_region

    if file is None:
        means = means_by_cell(cases, side)
    else:
        try:
            found = regions_of(*file)
        except DatasetError as error:
            st.error(message(error), icon=":material/error:")
            return
        means = means_by_region(cases, found.regions)
        for note in found.notes:
            st.warning(message(note), icon=":material/info:")
    table = means.table
    contributions = [
        name for name in table if name.startswith("contribution_") and not name.endswith(("_low", "_high"))
    ]
    shown = table[["region", "n", *_NUMBERS, *contributions]].assign(region=table["region"].map(defused))
    points = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        shown.sort_values("n", ascending=False), hide_index=True, key="region-means",
        column_config=dict.fromkeys((*_NUMBERS, *contributions), points),
    )  # fmt: skip
    st.caption(
        f"{means}. In points; siam_low and siam_high are the 95 % interval of the mean (Student’s t). The files hold "
        "the interval of every number, and the last two the shapes."
    )
    with st.container(horizontal=True):
        for kind, (label, mime) in _FILES.items():
            st.download_button(
                label,
                lambda kind=kind: FORMATS[f".{kind}"](means), f"means.{kind}", mime, key=f"means-{kind}",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
