"""Means over regions as files: CSV, GeoJSON (RFC 7946) and GeoParquet 1.1, the last two with the regions' shapes."""

import csv
import json
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from siam.gallery.regions import RegionMeans
from siam.runtime.spreadsheets import defused


def csv_of(means: RegionMeans) -> bytes:
    """Return the table as CSV in UTF-8; six decimals, unknown numbers are empty, formulas are defused."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([defused(name) for name in means.table.columns])
    for row in means.table.itertuples(index=False):
        writer.writerow([_cell(of) for of in row])
    return text.getvalue().encode()


def geojson_of(means: RegionMeans) -> bytes:
    """Return a FeatureCollection: the table's rows are the properties, unknown numbers `null`."""
    rows = means.table.to_dict("records")
    features = [
        {
            "type": "Feature",
            "properties": {name: _plain(of) for name, of in row.items()},
            "geometry": shapely.geometry.mapping(shapely.orient_polygons(region.shape)),
        }
        for row, region in zip(rows, means.regions, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False).encode()


def geoparquet_of(means: RegionMeans) -> bytes:
    """Return a Parquet table with the shapes as WKB in the column `geometry`, in WGS 84, longitude first."""
    shapes = [region.shape for region in means.regions]
    column = {
        "encoding": "WKB",
        "geometry_types": sorted({shape.geom_type for shape in shapes}),
        "edges": "planar",
        "bbox": [float(of) for of in shapely.total_bounds(shapes)] if shapes else [],
    }
    if not shapes:
        del column["bbox"]
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    table = pa.Table.from_pandas(means.table, preserve_index=False)  # NaN becomes null
    table = table.append_column("geometry", pa.array([*shapely.to_wkb(shapes)] if shapes else [], pa.binary()))
    stored = BytesIO()
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(about)}), stored, compression="zstd")
    return stored.getvalue()


FORMATS: dict[str, Callable[[RegionMeans], bytes]] = {
    ".csv": csv_of,
    ".geojson": geojson_of,
    ".parquet": geoparquet_of,
}


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value


def _cell(value: Any) -> str | int:
    plain = _plain(value)
    if isinstance(plain, float):
        return f"{plain:.6f}"
    return "" if plain is None else defused(plain) if isinstance(plain, str) else plain
