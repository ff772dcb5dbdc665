"""The scores of an archive for other tools."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from PIL import Image

from siam.archive import store
from siam.archive.sources import is_local
from siam.errors import DatasetError
from siam.runtime.files import whole_file, write_atomically
from siam.runtime.spreadsheets import defused

pc: Any = pyarrow.compute  # whose functions are made when it is imported

_LISTS = ("contributions", "presence")
_NOT_IN_SAMPLES = ("location", "error", "contributions", "presence", "time", "latitude", "longitude")
_FIELD, _DOCUMENT = "fiftyone.core.fields.{}", "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.{})"
_FIFTYONE = (  # names that mean something else there
    "id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "media_type", "dataset_id", "pk",
    "contributions", "location", "time",
)  # fmt: skip
_BATCH = 2000  # photos at a time


def write_csv(folder: Path) -> Path:
    """Write the scores of an archive to _tables/scores.csv in its folder, and return that path.

    The columns are those of `siam.archive.store`, with causes in one cell, and "contribution: ATTRIBUTE" and "presence:
    ATTRIBUTE" for all attributes. Numbers have a decimal point; unknown values are empty. An apostrophe is put before
    text that a spreadsheet would take for a formula.

    Raises:
        DatasetError: there is no archive in the folder.
        StorageError: the table cannot be stored.
    """
    about, path = store.about(folder), folder / "_tables" / "scores.csv"
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names: list[str] = []
        for row in _rows(folder):
            if not names:
                names = [name for name in row if name not in _LISTS]
                lists = [f"{kind}: {name}" for kind in ("contribution", "presence") for name in about.attributes]
                writer.writerow([*names, *lists])
            unknown = [None] * len(about.attributes)
            numbers = [cell for name in _LISTS for cell in row[name] or unknown]
            writer.writerow([*(_cell(row[name]) for name in names), *map(_cell, numbers)])
    return path


def write_geoparquet(folder: Path) -> Path:
    """Write the photos of an archive whose place is known to _tables/points.parquet, for a GIS; return that path.

    It is GeoParquet 1.1: the columns of `siam.archive.store`, but for lists, one for the contribution of each attribute
    ("contribution: ATTRIBUTE"), and geometry, points as WKB in WGS 84, longitude first.

    Raises:
        DatasetError: there is no archive in the folder, or no photo's place is known.
        StorageError: the table cannot be stored.
    """
    about, path = store.about(folder), folder / "_tables" / "points.parquet"
    with whole_file(path) as part:
        writer: pq.ParquetWriter | None = None
        try:
            for scores in store.files(folder):
                points = _points(pq.read_table(scores), about.attributes)
                writer = writer or pq.ParquetWriter(part, points.schema, compression="zstd")
                writer.write_table(points)
        finally:
            if writer is not None:
                writer.close()
        if writer is None or not pq.read_metadata(part).num_rows:
            raise DatasetError(f"{folder} has no photo whose place is known, so there are no points to write")
    return path


def write_fiftyone(folder: Path) -> Path:
    """Write the scored photos of an archive to _tables/fiftyone.json, and return that path.

    `fiftyone.Dataset.from_json` reads it (tried with FiftyOne 1.22). Each sample has siam, baseline and the other
    numbers of `siam.archive.store`, "contributions" by attribute, such as "contributions.trees", "time" as text in ISO
    8601, "location" where its place is known, and the columns that were kept. If the archive has maps, those of the
    three largest causes are heatmaps in fields called after their attributes, such as "map_trees", with the files in
    _tables/fiftyone-maps.

    Names that FiftyOne does not allow for fields are changed: dots and signs become underscores, and a column whose
    name it uses itself, such as "tags", becomes "kept_tags".

    Raises:
        DatasetError: there is no archive in the folder, or no photo that was scored is a file of its own.
        StorageError: the files cannot be stored.
    """
    about, path = store.about(folder), folder / "_tables" / "fiftyone.json"
    samples = _Samples(folder, about)
    told = {"model": about.model, "version": about.version, "scale": asdict(about.scale)}
    head = {
        "name": folder.absolute().name,
        "media_type": "image",
        "sample_fields": samples.fields(),
        "info": {"siam": told},
    }
    begun = False
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "samples": [')
        for row in _rows(folder):
            if row["error"] is None and is_local(row["location"]) and not row["location"].endswith(".parquet"):
                file.write(",\n" if begun else "\n")
                file.write(json.dumps(samples.sample(row), ensure_ascii=False))
                begun = True
        file.write("\n]}\n")
        if not begun:
            raise DatasetError(f"{folder} has no scored photo that is a file of its own, which FiftyOne could show")
    return path


class _Samples:
    """The photos of an archive as samples of FiftyOne, which must know the type of each field beforehand."""

    def __init__(self, folder: Path, about: store.About) -> None:
        self._folder, self._about = folder, about
        schema = pq.read_schema(store.files(folder)[0]) if store.files(folder) else store.SCHEMA
        self._types = {field.name: field.type for field in schema if field.name not in _NOT_IN_SAMPLES}
        self._parts = _named(about.attributes)
        self._plain = _named(self._types, (*_FIFTYONE, *(f"map_{part}" for part in self._parts.values())))
        self._maps = bool(about.settings.get("maps"))

    def fields(self) -> dict[str, str]:
        """Return the type of each field, as FiftyOne writes it."""
        plain = {self._plain[name]: _FIELD.format(_type_of(kind)) for name, kind in self._types.items()}
        part = _FIELD.format("FloatField")
        return {
            **plain,
            "time": _FIELD.format("StringField"),
            "location": _DOCUMENT.format("labels.GeoLocation"),
            "contributions": _DOCUMENT.format("odm.embedded_document.DynamicEmbeddedDocument"),
            **{f"contributions.{name}": part for name in self._parts.values()},
            **{f"map_{self._parts[name]}": _DOCUMENT.format("labels.Heatmap") for name in self._causes()},
        }

    def sample(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a photo that was scored, and store its heatmaps."""
        known = {
            self._plain[name]: _as_json(row[name], kind) for name, kind in self._types.items() if row[name] is not None
        }
        sample = {"filepath": row["location"], "tags": [], **known}
        parts = dict(zip(self._parts.values(), row["contributions"], strict=True))
        sample["contributions"] = {"_cls": "DynamicEmbeddedDocument", **parts}
        if row["time"] is not None:
            sample["time"] = row["time"].isoformat()
        if row["latitude"] is not None:
            point = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
            sample["location"] = {"_cls": "GeoLocation", "point": point}
        return sample | self._heatmaps(row)

    def _causes(self) -> list[str]:
        """Return the attributes of which there are heatmaps."""
        if not self._maps:
            return []
        found = {name for path in store.files(self._folder) for name in _causes_in(path)}
        return [name for name in self._about.attributes if name in found]

    def _heatmaps(self, row: Mapping[str, Any]) -> dict[str, Any]:
        maps, found = store.maps_of(self._folder, row["row"]) if self._maps else None, {}
        for name in row["causes"] if maps is not None else []:
            assert maps is not None
            of_cause = np.asarray(maps[self._about.attributes.index(name)], dtype=float)
            of_cause = of_cause - min(0.0, of_cause.min())  # some networks have maps below 0
            levels = np.round(255 * of_cause / max(of_cause.max(), 1e-9)).astype(np.uint8)
            path = self._folder / "_tables" / "fiftyone-maps" / f"{row['row']}-{self._parts[name]}.png"
            stored = BytesIO()
            Image.fromarray(levels).save(stored, "PNG")
            write_atomically(path, stored.getvalue())
            field = f"map_{self._parts[name]}"
            found[field] = {"_cls": "Heatmap", "map_path": path.absolute().as_posix(), "range": [0, 255]}
        return found


def _causes_in(path: Path) -> list[str]:
    return pc.unique(pc.list_flatten(pq.read_table(path, columns=["causes"])["causes"])).to_pylist()


def _named(names: Iterable[str], taken: Sequence[str] = ()) -> dict[str, str]:
    """Return a name for each that FiftyOne takes for a field, all of them different."""
    found: dict[str, str] = {}
    used = set(taken)
    for name in names:
        plain = re.sub(r"\W", "_", name).lstrip("_") or "field"
        plain = f"kept_{plain}" if plain in taken else plain
        numbered = (f"{plain}_{number}" for number in count(2))
        made = next(one for one in chain([plain], numbered) if one not in used)
        used.add(made)
        found[name] = made
    return found


def _type_of(kind: pa.DataType) -> str:
    """Return the class of FiftyOne's for a column's type; the rest becomes text, also times, which JSON lacks."""
    if pa.types.is_boolean(kind):
        return "BooleanField"
    if pa.types.is_integer(kind):
        return "IntField"
    if pa.types.is_floating(kind):
        return "FloatField"
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return f"ListField({_FIELD.format('StringField')})"
    return "StringField"


def _as_json(value: Any, kind: pa.DataType) -> Any:
    """Return a value as JSON has it for the field of its type."""
    if _type_of(kind) != "StringField":
        return value
    return value.isoformat() if isinstance(value, date) else str(value)  # datetime is a date, too


def _points(table: pa.Table, attributes: Sequence[str]) -> pa.Table:
    known = pc.and_(pc.is_valid(table["latitude"]), pc.is_valid(table["contributions"]))
    table = table.filter(known)
    values = table["contributions"].combine_chunks().flatten().to_numpy().reshape(len(table), len(attributes))
    plain = table.drop_columns([*_LISTS, "causes", "error"])
    for place, name in enumerate(attributes):
        plain = plain.append_column(f"contribution: {name}", pa.array(values[:, place].copy(), pa.float32()))
    points = np.empty(len(table), dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    points["order"], points["kind"] = 1, 1  # little-endian; a point
    points["x"], points["y"] = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    plain = plain.append_column("geometry", pa.array([point.tobytes() for point in points], pa.binary()))
    column = {"encoding": "WKB", "geometry_types": ["Point"], "edges": "planar"}
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    metadata = {**(table.schema.metadata or {}), b"geo": json.dumps(about).encode()}
    return plain.replace_schema_metadata(metadata)


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in store.files(folder):
        for batch in pq.ParquetFile(path).iter_batches(_BATCH):
            yield from batch.to_pylist()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, list):
        return defused(", ".join(map(str, value)))
    return defused(value) if isinstance(value, str) else "" if value is None else value
