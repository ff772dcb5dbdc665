"""Where the photos of an archive are: a folder, a table of paths or addresses, or Parquet files that hold the pictures.

Each may be on this machine or anywhere that fsspec reaches, such as s3://bucket/folder or hf://datasets/owner/name. A
source is listed before anything is scored, one row for each photo (`LISTING`), with the columns that are kept.
"""

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from siam.datasets.cells import SUFFIXES as TABLES
from siam.datasets.cells import numbers_in, read_cells
from siam.datasets.folder import walk
from siam.errors import DatasetError, SIAMError
from siam.images.reading import ACCEPTED_SUFFIXES

LISTING = pa.schema(
    [
        pa.field("identifier", pa.string(), nullable=False),  # as people know the photo
        pa.field("location", pa.string()),  # path or address of the photo, or of the Parquet file that holds it
        pa.field("group", pa.int32()),  # the row group of that file, and the row in it
        pa.field("place", pa.int64()),
        pa.field("latitude", pa.float64()),  # degrees, WGS 84
        pa.field("longitude", pa.float64()),
    ]
)
_IMAGES = ("image", "file", "path", "photo", "picture", "url", "address", "filename", "image_url", "file_name")
_LATITUDES, _LONGITUDES = ("latitude", "lat"), ("longitude", "lon", "lng", "long")
_PARQUET = ".parquet"
_MANY = 4096  # rows that are listed at a time

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Source:
    """What is to be scored.

    Attributes:
        address: a path or address, of a folder, of a table (CSV, a spreadsheet, Parquet), or of a Parquet file with
            pictures or a folder of such files.
        image: of a table or Parquet file, the column with paths, addresses or pictures; None finds it by its name.
        identifier: the column with names for the photos; None takes their paths.
        latitude: the column with degrees north; None finds it by its name, if there is one.
        longitude: the column with degrees east; the same.
        keep: further columns, which are carried over.
        kind: "folder", "table" or "pictures".
        files: of kind "pictures", its Parquet files; else empty.
    """

    address: str
    image: str | None
    identifier: str | None
    latitude: str | None
    longitude: str | None
    keep: tuple[str, ...]
    kind: str
    files: tuple[str, ...] = ()

    def listed(self) -> Iterator[pa.Table]:
        """Yield the photos in their order, some thousands at a time, in `LISTING` and the columns of `keep`.

        Raises:
            DatasetError: the source cannot be read, or lacks a column; or there are no photos.
        """
        rows = {"folder": _in_folder, "table": _in_table, "pictures": _in_pictures}[self.kind](self)
        some = False
        for table in rows:
            some = some or bool(len(table))
            yield table
        if not some:
            raise DatasetError(f"{self.address} holds no photos: give a folder of photos, a table, or Parquet files")


def source_of(
    address: str,
    *,
    image: str | None = None,
    identifier: str | None = None,
    latitude: str | None = None,
    longitude: str | None = None,
    keep: Sequence[str] = (),
) -> Source:
    """Look at what is at an address; the arguments are the attributes of `Source`.

    Raises:
        DatasetError: there is nothing, or nothing that holds photos; or its protocol is not known.
    """
    system, path = _system(address)
    named: dict[str, Any] = {
        "image": image,
        "identifier": identifier,
        "latitude": latitude,
        "longitude": longitude,
        "keep": tuple(keep),
    }
    with _reading(address):
        if system.isdir(path):
            parquet = sorted(system.unstrip_protocol(name) for name in system.glob(f"{path}/**/*{_PARQUET}"))
            if parquet and next(_photos_in(system, path), None) is None:
                named["image"], _ = _pictures_in(parquet[0], image)
                return Source(_absolute(address), **named, kind="pictures", files=tuple(map(_plain, parquet)))
            if asked := [name for name, value in named.items() if value]:
                raise DatasetError(
                    f"{address} is a folder of photos, which has no columns, so {asked[0]!r} means nothing: "
                    "leave it out, or give a table"
                )
            return Source(_absolute(address), **named, kind="folder")
        if not system.exists(path):
            raise DatasetError(f"{address} does not exist: check the path or address")
        if path.lower().endswith(_PARQUET):
            named["image"], pictures = _pictures_in(address, image)
            files = (_absolute(address),) if pictures else ()
            return Source(_absolute(address), **named, kind="pictures" if pictures else "table", files=files)
        if path.lower().endswith(TABLES):
            return Source(_absolute(address), **named, kind="table")
    raise DatasetError(
        f"{address} is not a source of photos: expected a folder, a table (CSV, a spreadsheet or Parquet), or an "
        "address such as s3://bucket/folder"
    )


def is_local(location: str) -> bool:
    """Return whether a location is a path on this machine."""
    return "://" not in location


def is_of_web(location: str) -> bool:
    """Return whether a location is an address of the web."""
    return location.startswith(("https://", "http://"))


# Folders


def _in_folder(source: Source) -> Iterator[pa.Table]:
    system, root = _system(source.address)
    with _reading(source.address):
        for names in _batched(_photos_in(system, root)):
            yield _table(source, pa.table({}), names, [_join(source.address, name) for name in names])


def _photos_in(system: Any, root: str) -> Iterator[str]:
    """Yield the photos below a folder by their paths within it, folder by folder."""
    if _is_of_this_machine(system):
        for place, files, _hidden in walk(Path(root)):
            within = place.relative_to(root)
            yield from ((within / name).as_posix() for name in files if _is_photo(name))
        return
    for place, _folders, files in system.walk(root):
        within = posixpath.relpath(place, root)
        yield from (posixpath.normpath(f"{within}/{name}") for name in sorted(files) if _is_photo(name))


def _is_photo(name: str) -> bool:
    return name.lower().endswith(ACCEPTED_SUFFIXES) and not name.startswith(".")


# Tables


def _in_table(source: Source) -> Iterator[pa.Table]:
    folder = source.address.replace("\\", "/").rpartition("/")[0]
    for columns in _rows_of(source):
        image = _image_of(columns.column_names, source.image, source.address)
        names = [(cell or "").strip() for cell in _texts(columns[image])]
        yield _table(source, columns, names, [_located(name, folder) for name in names])


def _rows_of(source: Source) -> Iterator[pa.Table]:
    """Yield some thousands of rows of a table at a time, of the columns that are needed; those of CSV are text."""
    system, path = _system(source.address)
    with _reading(source.address):
        if path.lower().endswith(_PARQUET):
            with system.open(path) as opened:
                file = pq.ParquetFile(opened)
                wanted = _wanted(source, file.schema_arrow.names)
                for batch in file.iter_batches(_MANY, columns=wanted):
                    yield pa.table(batch)
            return
        known = [name for name in (source.image, source.identifier, *source.keep) if name]
        cells = read_cells(system.cat_file(path), source.address, known)
    wanted = _wanted(source, cells.columns)
    places = {name: cells.columns.index(name) for name in wanted}
    for rows in _batched(cells.rows):
        yield pa.table({name: pa.array([row[place] for row in rows], pa.string()) for name, place in places.items()})


def _located(name: str, folder: str) -> str | None:
    """Return the path or address that a cell means: paths are relative to the table's folder."""
    if not name:
        return None
    return name if "://" in name else _join(folder, name.replace("\\", "/"))


# Parquet files that hold pictures


def _in_pictures(source: Source) -> Iterator[pa.Table]:
    for address in source.files:
        system, path = _system(address)
        with _reading(address), system.open(path) as opened:
            file = pq.ParquetFile(opened)
            schema, start = file.schema_arrow, 0
            image = _image_of(schema.names, source.image, address)
            if not _holds_pictures(schema.field(image).type):
                raise DatasetError(f"{address} holds no pictures in its column {image!r}: name another with --image")
            wanted = [name for name in _wanted(source, schema.names) if name != image]
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                paths = _paths_in(file, group, image, count)
                labels = [name or f"{posixpath.basename(path)}#{start + row}" for row, name in enumerate(paths)]
                columns = file.read_row_group(group, columns=wanted)
                yield _table(source, columns, labels, [address] * count, group)
                start += count


def _pictures_in(address: str, image: str | None) -> tuple[str, bool]:
    """Return the column of a Parquet file with its photos, and whether these are pictures rather than paths."""
    system, path = _system(address)
    with system.open(path) as opened:
        schema = pq.read_schema(opened)
    column = _image_of(schema.names, image, address)
    return column, _holds_pictures(schema.field(column).type)


def _paths_in(file: pq.ParquetFile, group: int, image: str, count: int) -> list[str | None]:
    """Return the names that a row group has for its pictures, where it has any."""
    kind = file.schema_arrow.field(image).type
    if not pa.types.is_struct(kind) or kind.get_field_index("path") < 0:
        return [None] * count
    cells = file.read_row_group(group, columns=[f"{image}.path"])[image].to_pylist()
    return [cell and cell["path"] for cell in cells]


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


# What they share


def _table(
    source: Source, columns: pa.Table, labels: Sequence[str], locations: Sequence[str | None], group: int | None = None
) -> pa.Table:
    """Return photos in `LISTING`, with the columns that are kept."""
    count = len(labels)
    if source.identifier is not None:
        labels = [cell or label for cell, label in zip(_texts(columns[source.identifier]), labels, strict=True)]
    latitude, longitude = _coordinates(source, columns, count)
    held = {
        "identifier": pa.array(labels, pa.string()),
        "location": pa.array(locations, pa.string()),
        "group": pa.array([group] * count, pa.int32()),
        "place": pa.array(range(count) if group is not None else [None] * count, pa.int64()),
        "latitude": pa.array(latitude, pa.float64(), from_pandas=True),
        "longitude": pa.array(longitude, pa.float64(), from_pandas=True),
    }
    return pa.table({**held, **{name: columns[name] for name in source.keep}})


def _coordinates(source: Source, columns: pa.Table, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return degrees north and east (N,), both NaN where one is missing or is none."""
    names = columns.column_names
    north, east = _column(names, source.latitude, _LATITUDES), _column(names, source.longitude, _LONGITUDES)
    if north is None or east is None:
        return np.full(count, np.nan), np.full(count, np.nan)
    degrees = [numbers_in([cell or "" for cell in _texts(columns[name])]) for name in (north, east)]
    good = (np.abs(degrees[0]) <= 90) & (np.abs(degrees[1]) <= 180)
    return np.where(good, degrees[0], np.nan), np.where(good, degrees[1], np.nan)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    return pc.cast(column, pa.string()).to_pylist()


def _batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    remaining = iter(items)
    while some := list(islice(remaining, _MANY)):
        yield some


def _wanted(source: Source, headings: Sequence[str]) -> list[str]:
    """Return the columns that are read, in their order in the file.

    Raises:
        DatasetError: one that was named is missing.
    """
    for name in filter(None, (source.identifier, source.latitude, source.longitude, *source.keep)):
        if name not in headings:
            raise DatasetError(f"{source.address} has no column {name!r}: it has {_listed(headings)}")
    found = {
        _image_of(headings, source.image, source.address),
        source.identifier,
        _column(headings, source.latitude, _LATITUDES),
        _column(headings, source.longitude, _LONGITUDES),
        *source.keep,
    }
    return [name for name in headings if name in found]


def _image_of(headings: Sequence[str], name: str | None, address: str) -> str:
    """Return the column with the photos."""
    found = _column(headings, name, _IMAGES)
    if found is None or found not in headings:
        asked = "no column that is named like photos" if name is None else f"no column {name!r}"
        raise DatasetError(f"{address} has {asked}: name one of its columns with --image ({_listed(headings)})")
    return found


def _column(headings: Sequence[str], name: str | None, usual: Iterable[str]) -> str | None:
    """Return the column that was named, or else the first with one of the usual names, or None."""
    if name is not None:
        return name
    lower = {heading.casefold(): heading for heading in reversed(headings)}
    return next((lower[candidate] for candidate in usual if candidate in lower), None)


def _listed(headings: Sequence[str]) -> str:
    return ", ".join(headings)[:200] or "no columns"


def _system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it.

    Raises:
        DatasetError: its protocol is not known, or needs a package.
    """
    try:
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise DatasetError(f"{address} needs another package ({error}): install it") from error
    except ValueError as error:
        raise DatasetError(f"{address} cannot be opened ({error}): check the address") from error


def _is_of_this_machine(system: Any) -> bool:
    return "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))


def _absolute(address: str) -> str:
    return address if "://" in address else Path(os.path.abspath(address)).as_posix()  # noqa: PTH100 - keeps links


def _plain(address: str) -> str:
    return address.removeprefix("file://")


def _join(folder: str, name: str) -> str:
    return name if name.startswith("/") and "://" not in folder else f"{folder.rstrip('/')}/{name}"


@contextmanager
def _reading(address: str) -> Iterator[None]:
    """Turn what goes wrong while a source is read into a DatasetError."""
    try:
        yield
    except pa.ArrowException as error:
        raise DatasetError(f"{address} is not readable as Parquet ({_first(error)}): write it again") from error
    except OSError as error:
        raise DatasetError(f"{address} cannot be read ({_first(error)}): check the path or address") from error
    except SIAMError:
        raise
    except Exception as error:  # a file system of fsspec may raise anything, such as botocore's or httpx's errors
        if is_local(address):
            raise
        raise DatasetError(
            f"{address} cannot be read ({_first(error)}): check the address, the connection and your credentials"
        ) from error


def _first(error: Exception) -> str:
    return (str(getattr(error, "strerror", None) or error).splitlines() or [type(error).__name__])[0][:200]
