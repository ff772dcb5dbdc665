"""The scores of an archive (`siam.archive.store`) as a gallery: its photos are shown from where they are."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset as ds

from siam.archive import store as archive
from siam.archive.reading import picture_in
from siam.errors import DatasetError
from siam.gallery.store import SCHEMA, About, Gallery, of_table

pc: Any = pyarrow.compute  # whose functions are made when it is imported

_SAME = ("sha256", "siam", "baseline", "bias", "contributions", "presence", "siam_low", "siam_high", "landscape")
_PLACE = ("latitude", "longitude")
_NEEDED = ("row", "identifier", "location", "error", "causes", *_SAME, *_PLACE)


def about(folder: Path) -> About:
    """Return the provenance of an archive as that of a gallery.

    Raises:
        DatasetError: there is no archive, or its description is damaged.
    """
    found = archive.about(folder)
    command = archive.command(found, folder)
    name = found.source.rstrip("/").rpartition("/")[2] or found.source
    made_with = found.version, found.networks, found.inputs
    return About(
        found.model, found.scale, found.attributes, name, "all", found.date, command, None, None, True, *made_with
    )


def read(folder: Path) -> Gallery:
    """Read the photos of an archive that are scored so far, without opening them.

    Raises:
        DatasetError: there is no archive, it is damaged, or none of its photos is scored yet.
    """
    provenance, paths = about(folder), archive.files(folder)
    try:
        scores = ds.dataset([str(path) for path in paths], schema=_of_gallery()) if paths else None
        table = None if scores is None else scores.to_table(filter=pc.field("error").is_null())
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{folder} is damaged ({error}): score the archive again, into another folder") from error
    if table is None or not len(table):
        raise DatasetError(f"{folder} holds no scored photo yet: go on with siam score --resume")
    return of_table(_shown(table, folder), provenance, folder)


def picture(folder: Path, image: str) -> bytes:
    """Return the content of a picture in a Parquet file, whose place a gallery gives as "FILE.parquet#GROUP.ROW".

    Args:
        folder: of the archive, which knows the column.
        image: the picture's place.

    Raises:
        DatasetError: there is no archive.
        ImageError: the picture is no longer there.
    """
    location, _, place = image.rpartition("#")
    group, row = map(int, place.split("."))
    return picture_in(location, group, row, str(archive.about(folder).settings.get("image")))


def _of_gallery() -> pa.Schema:
    return pa.schema([archive.SCHEMA.field(name) for name in _NEEDED])


def _shown(table: pa.Table, folder: Path) -> pa.Table:
    """Return rows of an archive in the columns of a gallery."""
    names = table["identifier"].combine_chunks()
    if pc.count_distinct(names).as_py() < len(names):  # a table may list a photo twice, or call two the same
        names = pc.binary_join_element_wise(names, pc.cast(table["row"].combine_chunks(), pa.string()), "#")
    pictures = table["location"]
    if pc.any(pc.ends_with(pictures, ".parquet")).as_py():
        places = archive.listing(folder, ["group", "place"]).take(table["row"])
        group, place = (pc.cast(places[name], pa.string()) for name in ("group", "place"))
        inside = pc.binary_join_element_wise(pictures, pc.binary_join_element_wise(group, place, "."), "#")
        pictures = pc.coalesce(inside, pictures)
    columns = {
        **{name: table[name] for name in (*_SAME, *_PLACE)},
        "identifier": names,
        "image": pictures,
        "file": table["identifier"],
        "biggest_cause": pc.list_element(table["causes"], 0),
    }
    unknown = {field.name: pa.nulls(len(table), field.type) for field in SCHEMA if field.name not in columns}
    return pa.table({**columns, **unknown}).select(SCHEMA.names).cast(SCHEMA)
