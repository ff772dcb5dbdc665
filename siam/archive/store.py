"""The folder of an archive: Parquet files of some hundred photos each, one row for every photo of the source.

::

    scores-00000.parquet …      in the order of the source
    _maps/00000.parquet …       attribute maps, if asked for
    _features/00000.parquet …   what both networks find in the cells of each photo, if asked for
    _tables/                    scores for other programs, if asked for (`siam.archive.tables`)
    _work/archive.json          what is scored, by which networks, with which settings
    _work/listing.parquet       the photos of the source; its n-th row group is the n-th file of scores

Programs that read a folder of Parquet files pass over names that begin with _, so the folder is one table to them.

Columns of scores (null where unknown; all numbers are null for a photo that could not be scored):

::

    row             int64     the photo's place in the source, from 0
    identifier      text      its path within the folder, or its name in the table
    location        text      its path or address; of the Parquet file that holds it
    error           text      why it could not be scored; else null
    sha256          text      of its file's content, in hexadecimal digits
    width, height   int32     px, upright
    siam, baseline  float     scores, in points of the scale
    siam_low        float     between this and the next, people's mean lies for four of five photos like this one
    siam_high       float
    landscape       bool      whether it is like the landscapes that the networks learned from
    bias            float     SIAM's: bias + the sum of the contributions = siam
    contributions   [float]   of the attributes, in the order of the metadata
    presence        [float]   attribute scores, 0 to 1, in the same order
    causes          [text]    the attributes with the three largest contributions by magnitude
    time            timestamp when the photo was taken, on the camera's clock, from EXIF
    latitude        float64   degrees north, WGS 84, of the table; without any there, from EXIF
    longitude       float64   degrees east
    photo_latitude, photo_longitude, heading   float64   from EXIF; heading: degrees clockwise from north

Then come the columns that were kept. The metadata of each file hold, as JSON under "siam_scores": format, model,
version, networks, scale (name, low, high), attributes, inputs.

Columns of maps: row; identifier; cells, height and width of the maps; maps, 16-bit floats (K, height, width), the last
axis running fastest, little-endian (`maps_of`).

Columns of features, for *Discover* (`features_of`): row; identifier; and 16-bit floats like those of maps, null for a
photo that could not be scored: maps (K, g, g), pooled to the grid of the templates; siam and baseline (7, 7, C), the
features of their backbones in 7 x 7 cells; and light (7, 7, 4): brightness, contrast, saturation and warmth
(`siam.models.cells`).
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from siam.archive.reading import Photo
from siam.archive.sources import LISTING, Source
from siam.datasets.base import RatingScale
from siam.errors import DatasetError
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.files import whole_file, write_atomically
from siam.runtime.parsing import parse_json

FORMAT = 1
KEY = b"siam_scores"
SIDE = 7  # `siam.models.cells.SIDE`, whose module needs PyTorch
SCORES, MAPS, WORK = "scores-{:05d}.parquet", "_maps/{:05d}.parquet", "_work"
FEATURES = "_features/{:05d}.parquet"
SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("location", pa.string()),
        pa.field("error", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("siam", pa.float32()),
        pa.field("baseline", pa.float32()),
        pa.field("siam_low", pa.float32()),
        pa.field("siam_high", pa.float32()),
        pa.field("landscape", pa.bool_()),
        pa.field("bias", pa.float32()),
        pa.field("contributions", pa.list_(pa.float32())),
        pa.field("presence", pa.list_(pa.float32())),
        pa.field("causes", pa.list_(pa.string())),
        pa.field("time", pa.timestamp("s")),
        *(pa.field(name, pa.float64()) for name in ("latitude", "longitude", "photo_latitude", "photo_longitude")),
        pa.field("heading", pa.float64()),
    ]
)
_OF_MAPS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("cells", pa.list_(pa.int32())),
        pa.field("maps", pa.binary()),
    ]
)
_OF_FEATURES = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("identifier", pa.string(), nullable=False),
        *(pa.field(name, pa.binary()) for name in ("maps", "siam", "baseline", "light")),
    ]
)
_OPTIONS = {"identifier": "--id"}  # of siam score that are not called like their settings
_TOGETHER = 50  # photos whose features are read at a time


@dataclass(frozen=True)
class About:
    """What made the scores of an archive.

    Attributes:
        model: name of the pair.
        version: of the pair, if it is known.
        networks: a hash of all on which its scores depend (`siam.models.identity`).
        scale: of both scores.
        attributes: in the order of contributions and presence.
        inputs: size and multiple of the networks' inputs, in px.
        source: what was scored, as it was given.
        photos: how many.
        shard: of how many photos each file holds the scores.
        date: when it was begun.
        settings: all else that must stay the same.
    """

    model: str
    version: str | None
    networks: str
    scale: RatingScale
    attributes: tuple[str, ...]
    inputs: tuple[tuple[int, int], ...]
    source: str
    photos: int
    shard: int
    date: str
    settings: Mapping[str, Any]


def of_pair(pair: Pair, source: Source, shard: int, settings: Mapping[str, Any]) -> About:
    """Return what an archive says of a pair and a source that is not listed yet."""
    config = pair.config
    inputs = tuple(dict.fromkeys((of.image_size, of.size_multiple) for of in pair.configs))
    return About(
        pair.name, pair.version, identity(pair, learnt=False), config.scale, config.attributes, inputs,
        source.address, 0, shard, datetime.now(UTC).date().isoformat(), settings,
    )  # fmt: skip


def about(folder: Path) -> About:
    """Return what made the scores of an archive.

    Raises:
        DatasetError: there is no archive, or its description is damaged.
    """
    path = folder / WORK / "archive.json"
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise DatasetError(f"{path} has a format other than {FORMAT}: update SIAM Explorer")
        scale = RatingScale.between(float(content["scale"]["low"]), float(content["scale"]["high"]))
        content["scale"] = replace(scale, name=str(content["scale"]["name"]))
        content["attributes"] = tuple(map(str, content["attributes"]))
        content["inputs"] = tuple((int(size), int(multiple)) for size, multiple in content["inputs"])
        found = About(**content)
        if not (isinstance(found.photos, int) and isinstance(found.shard, int) and found.shard > 0):
            raise ValueError("it does not say how many photos there are")
        return found
    except FileNotFoundError:
        raise DatasetError(f"{folder} holds no scores of an archive: write them with siam score") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is damaged ({error}): score the archive again, into another folder") from error


def command(about: About, out: Path, model: str | None = None) -> str:
    """Return the command that scores the source of an archive in the same way, into another folder.

    Args:
        about: the archive.
        out: the folder.
        model: name or folder of the networks; None leaves that out.
    """
    settings, words = about.settings, ["python", "-m", "siam", "score", about.source, "--out", out.as_posix()]
    words += ["--model", model] if model is not None else []
    for name in ("image", "identifier", "latitude", "longitude"):
        words += [_OPTIONS.get(name, f"--{name}"), str(settings[name])] if settings.get(name) else []
    words += ["--keep", *settings["keep"]] if settings.get("keep") else []
    words += [f"--{name}" for name in ("maps", "features") if settings.get(name)]
    words += [] if settings.get("place", True) else ["--no-place"]
    return shlex.join(words)


class Archive:
    """The folder of an archive that is being scored.

    Attributes:
        folder: the folder.
        about: what is scored, by what.
    """

    def __init__(self, folder: Path, about: About) -> None:
        self.folder, self.about = folder, about
        self._waiting: dict[int, dict[int, Photo]] = {}  # by file, then by row
        self._listing = pq.ParquetFile(folder / WORK / "listing.parquet")
        self._kept = [field for field in self._listing.schema_arrow if field.name not in (*LISTING.names, "row")]
        self.missing = [number for number in range(self.shards) if not self._path(SCORES, number).exists()]

    @property
    def shards(self) -> int:
        """How many files its scores will have."""
        return -(-self.about.photos // self.about.shard)

    @property
    def left(self) -> int:
        """How many photos are not stored yet."""
        return sum(self._listing.metadata.row_group(number).num_rows for number in self.missing)

    def units(self, most: int) -> Iterator[pa.Table]:
        """Yield what is to be scored, up to `most` photos at a time, or those of one row group of a Parquet file."""
        for number in list(self.missing):  # which get fewer meanwhile
            rows = self._listing.read_row_group(number)
            places = np.arange(number * self.about.shard, number * self.about.shard + len(rows))
            rows = rows.append_column("row", pa.array(places, pa.int64()))
            if rows["group"].null_count:
                yield from (rows.slice(start, most) for start in range(0, len(rows), most))
                continue
            homes = list(zip(rows["location"].to_pylist(), rows["group"].to_pylist(), strict=True))
            cuts = [0, *(row for row in range(1, len(rows)) if homes[row] != homes[row - 1]), len(rows)]
            yield from (rows.slice(start, stop - start) for start, stop in pairwise(cuts))

    def add(self, photos: Sequence[Photo]) -> None:
        """Take photos in any order; a file is stored once all of its photos are there.

        Raises:
            StorageError: it cannot be stored.
        """
        for photo in photos:
            number = photo["row"] // self.about.shard
            held = self._waiting.setdefault(number, {})
            held[photo["row"]] = photo
            if len(held) == self._listing.metadata.row_group(number).num_rows:
                rows = self._waiting.pop(number)
                self._write(number, [rows[row] for row in sorted(rows)])
                self.missing.remove(number)

    def _write(self, number: int, photos: Sequence[Photo]) -> None:
        if self.about.settings.get("maps"):
            kept = [{name: photo.get(name) for name in _OF_MAPS.names} for photo in photos]
            _store(self._path(MAPS, number), pa.Table.from_pylist(kept, schema=_OF_MAPS))
        if self.about.settings.get("features"):
            found = [
                {"row": photo["row"], "identifier": photo["identifier"], **photo.get("features", {})}
                for photo in photos
            ]
            _store(self._path(FEATURES, number), pa.Table.from_pylist(found, schema=_OF_FEATURES), _TOGETHER)
        schema = pa.schema([*SCHEMA, *self._kept])
        described = {
            name: getattr(self.about, name) for name in ("model", "version", "networks", "attributes", "inputs")
        }
        metadata = {"format": FORMAT, **described, "scale": asdict(self.about.scale)}
        rows = [{name: photo.get(name) for name in schema.names} for photo in photos]
        table = pa.Table.from_pylist(rows, schema=schema.with_metadata({KEY: json.dumps(metadata).encode()}))
        _store(self._path(SCORES, number), table)

    def _path(self, kind: str, number: int) -> Path:
        return self.folder / kind.format(number)


def begin(folder: Path, about: About, source: Source) -> Archive:
    """Begin an archive: list the photos of its source.

    Raises:
        DatasetError: the source cannot be read, or a column that is kept is called like one of the archive's own.
        StorageError: something cannot be stored.
    """
    if same := [name for name in source.keep if name in (*SCHEMA.names, *LISTING.names)]:
        raise DatasetError(f"the column {same[0]!r} cannot be kept, since the scores have one of that name: rename it")
    count = 0
    with whole_file(folder / WORK / "listing.parquet") as part:
        writer: pq.ParquetWriter | None = None
        held: list[pa.Table] = []
        try:
            for table in source.listed():
                writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
                held.append(table.cast(writer.schema))
                count += len(table)
                while sum(map(len, held)) >= about.shard:
                    rows = pa.concat_tables(held)
                    writer.write_table(rows.slice(0, about.shard).combine_chunks(), row_group_size=about.shard)
                    held = [rows.slice(about.shard)]
            rest = pa.concat_tables(held)
            if writer is not None and len(rest):
                writer.write_table(rest.combine_chunks(), row_group_size=about.shard)
        except pa.ArrowException as error:
            raise DatasetError(
                f"{source.address} has columns of several types ({error}): keep fewer of them"
            ) from error
        finally:
            if writer is not None:
                writer.close()
    found = replace(about, photos=count)
    content = {"format": FORMAT, **asdict(found)}
    write_atomically(folder / WORK / "archive.json", json.dumps(content, ensure_ascii=False, indent=1).encode())
    return Archive(folder, found)


def resume(folder: Path, wanted: About) -> Archive:
    """Go on with an archive.

    Raises:
        DatasetError: it was begun with other networks or settings, or its listing is missing.
    """
    found = about(folder)
    differing = [
        words
        for name, words in (
            ("networks", f"other networks ({found.model} {found.version or ''})".replace(" )", ")")),
            ("source", f"another source ({found.source})"),
            ("settings", f"other settings ({_differences(found.settings, wanted.settings)})"),
        )
        if getattr(found, name) != getattr(wanted, name)
    ]
    if differing:
        raise DatasetError(f"{folder} was begun with {differing[0]}: give the same again, or another folder")
    try:
        return Archive(folder, found)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{folder / WORK} is damaged ({error}): score into another folder") from error


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    names = [name for name in {**found, **wanted} if found.get(name, False) != wanted.get(name, False)]
    return ", ".join(f"{name} {found.get(name, False)}" for name in names)


def holds_scores(folder: Path) -> bool:
    """Return whether an archive was begun in a folder."""
    return (folder / WORK / "archive.json").exists()


def listing(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Return columns of an archive's listing (`siam.archive.sources.LISTING`), a row for each photo of the source.

    Raises:
        DatasetError: it is missing or damaged.
    """
    path = folder / WORK / "listing.parquet"
    try:
        return pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} is damaged ({error}): score the archive again, into another folder") from error


def files(folder: Path) -> list[Path]:
    """Return the files of scores of an archive, in order."""
    return sorted(folder.glob("scores-*.parquet"))


def count(folder: Path) -> int:
    """Return how many photos of an archive are stored.

    Raises:
        DatasetError: a file of scores is damaged.
    """
    return len(_column(folder, "row"))


def errors(folder: Path) -> tuple[int, int, list[str]]:
    """Return how many photos of an archive are stored, how many could not be scored, and the first reasons."""
    column = _column(folder, "error")
    reasons = column.drop_null()
    return len(column), len(reasons), reasons.slice(0, 3).to_pylist()


def _column(folder: Path, name: str) -> pa.ChunkedArray:
    paths = [str(path) for path in files(folder)]
    try:
        return ds.dataset(paths, schema=pa.schema([SCHEMA.field(name)])).to_table()[name]
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{folder} is damaged ({error}): score the archive again, into another folder") from error


def maps_of(folder: Path, row: int) -> np.ndarray | None:
    """Return the attribute maps (K, h, w) of a photo of an archive, float16; None if it could not be scored.

    Args:
        folder: of the archive.
        row: of the photo, as its scores give it.

    Raises:
        DatasetError: the archive has no maps, or none of that row yet.
    """
    found = about(folder)
    path = folder / MAPS.format(row // found.shard)
    try:
        table = pq.read_table(path, filters=[("row", "=", row)])
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read ({error}): score with --maps") from error
    if not len(table):
        raise DatasetError(f"{folder} has no maps of row {row}: its photos have the rows 0 to {found.photos - 1}")
    cells, maps = table["cells"][0].as_py(), table["maps"][0].as_py()
    return None if maps is None else unpacked(maps, cells)


def scored_rows(folder: Path) -> np.ndarray:
    """Return the rows (N,) of the photos of an archive that could be scored, in order: those of its gallery.

    Raises:
        DatasetError: a file of scores is damaged.
    """
    rows, errors = (_column(folder, name) for name in ("row", "error"))
    return rows.to_numpy()[errors.is_null().to_numpy()]


def has_features(folder: Path) -> bool:
    """Return whether an archive keeps features beside its scores; raises as `about` does."""
    return bool(about(folder).settings.get("features"))


def features_of(folder: Path, rows: np.ndarray, names: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
    """Yield features of photos of an archive, of some dozen photos at a time.

    Args:
        folder: of the archive.
        rows: (N,) of photos that could be scored, ascending.
        names: of columns.

    Returns:
        The columns by name, (n, …) in the shapes that are told above, float16.

    Raises:
        DatasetError: the archive has no features, or not of these rows.
    """
    found, left = about(folder), rows
    while len(left):
        path = folder / FEATURES.format(int(left[0]) // found.shard)
        stop = np.searchsorted(left, (left[0] // found.shard + 1) * found.shard)
        wanted, left = left[:stop], left[stop:]
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    here = file.read_row_group(group, columns=["row"])["row"].to_numpy()
                    places = np.flatnonzero(np.isin(here, wanted))
                    if len(places):
                        table = file.read_row_group(group, columns=list(names)).take(places)
                        yield {name: _shaped(name, table[name], len(found.attributes)) for name in names}
                        wanted = np.setdiff1d(wanted, here[places])
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DatasetError(
                f"{path} cannot be read ({error}): score with --features, into another folder"
            ) from error
        if len(wanted):
            raise DatasetError(f"{path} has no features of row {wanted[0]}: score with --features, into another folder")


def _shaped(name: str, values: pa.ChunkedArray, attributes: int) -> np.ndarray:
    flat = np.stack([np.frombuffer(value, dtype="<f2") for value in values.to_pylist()])
    if name == "maps":
        grid = isqrt(flat.shape[1] // attributes)
        return flat.reshape(len(flat), attributes, grid, grid)
    return flat.reshape(len(flat), SIDE, SIDE, -1)


def unpacked(maps: bytes, cells: Sequence[int]) -> np.ndarray:
    """Return attribute maps (K, h, w), float16, from how they are stored; `cells` are h and w."""
    return np.frombuffer(maps, dtype="<f2").reshape(-1, *cells)


def _store(path: Path, table: pa.Table, together: int | None = None) -> None:
    """Store a table, in groups of some rows that are read together."""
    stored = BytesIO()
    pq.write_table(table, stored, row_group_size=together, compression="zstd")
    write_atomically(path, stored.getvalue())
