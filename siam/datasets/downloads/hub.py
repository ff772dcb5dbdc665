"""A dataset repository on the Hugging Face Hub: its commit, and its parquet shards, which are read in parts.

The files of a commit never change, so everything already read from it stays valid.
"""

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants
from huggingface_hub.utils import build_hf_headers

from siam.datasets.downloads.ranges import RangeFile
from siam.datasets.downloads.web import DownloadError, RefusedError, Web
from siam.runtime.files import write_atomically

GROUP = "row_group"  # the column that `read_cheap` adds

_SCHEMA = pa.schema(
    {
        "id": pa.int64(), "gridimage_id": pa.int64(), "lat": pa.float64(), "lon": pa.float64(),
        "average": pa.float64(), "variance": pa.float64(), "votes": pa.string(), "title": pa.string(),
    }
)  # fmt: skip
_PICTURE = "image.bytes"
_AT_ONCE = 32  # photos decoded from parquet at a time

_Cached = TypeVar("_Cached")


def endpoint() -> str:
    """Return the Hub's address, which HF_ENDPOINT may override."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def headers() -> dict[str, str]:
    """Return the headers that identify us to the Hub, with the user's token if there is one."""
    return {name: value for name, value in build_hf_headers(library_name="siam-explorer").items() if value}


@dataclass(frozen=True)
class Shard:
    """One parquet file.

    Attributes:
        url: of the file at its commit.
        size: in bytes.
        name: of the file, without its folder.
    """

    url: str
    size: int
    name: str


def list_shards(web: Web, repository: str, revision: str) -> tuple[str, list[Shard]]:
    """Return the commit that a revision stands for, and its parquet shards below data/, sorted by name.

    Raises:
        DownloadError: there is no such repository or revision, it cannot be reached, or it holds no shards.
    """
    if constants.HF_HUB_OFFLINE:
        raise DownloadError("HF_HUB_OFFLINE is set: unset it to download")
    url = f"{endpoint()}/api/datasets/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    try:
        about = web.get_json(url)
    except RefusedError as error:
        raise DownloadError(f"{repository} at revision {revision!r}: {error}") from error
    try:
        commit = str(about["sha"])
        files = {str(file["rfilename"]): file.get("size") for file in about["siblings"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"{url} did not return the description of a repository: check HF_ENDPOINT") from error
    names = sorted(name for name in files if re.fullmatch(r"data/[^/]+\.parquet", name))
    if not names or not re.fullmatch(r"[0-9a-f]{40}", commit) or not all(isinstance(files[n], int) for n in names):
        raise DownloadError(f"{repository} at revision {revision!r} holds no parquet shards below data/: check both")
    base = f"{endpoint()}/datasets/{repository}/resolve/{commit}"
    return commit, [Shard(f"{base}/{quote(name)}", int(files[name]), Path(name).name) for name in names]


def read_cheap(
    web: Web,
    shard: Shard,
    cache: Path,
    identifiers: np.ndarray | None,
    progress: Callable[[int], object] = lambda _: None,
) -> pa.Table:
    """Return the rows of a shard without their pictures, from all row groups that may hold the wanted photos.

    The statistics of the column `id` show which may; groups without statistics are always read. Everything read is
    cached.

    Args:
        web: the client.
        shard: of the repository.
        cache: a folder for this commit.
        identifiers: (n,) wanted IDs, sorted; None for all rows.
        progress: called with the number of bytes received.

    Returns:
        All columns except the pictures, and `GROUP`; at least all wanted rows.

    Raises:
        DownloadError: the shard cannot be downloaded or is malformed.
    """
    footer = read_footer(web, shard, cache, progress)
    stored = cache / shard.name
    tables = _read_cached(stored, lambda path: [pq.ParquetFile(path).read()]) or []
    have = {group for table in tables for group in table.column(GROUP).to_pylist()}
    groups = [g for g in range(footer.num_row_groups) if g not in have and _may_hold(footer.row_group(g), identifiers)]
    if groups:
        with _opened(web, shard, footer, progress) as file:
            for group in groups:
                table = file.read_row_group(group, columns=_SCHEMA.names).cast(_SCHEMA)
                tables.append(table.append_column(GROUP, pa.array([group] * table.num_rows, pa.int64())))
        sink = pa.BufferOutputStream()
        pq.write_table(pa.concat_tables(tables), sink)
        write_atomically(stored, sink.getvalue().to_pybytes())
    return pa.concat_tables(tables) if tables else _SCHEMA.append(pa.field(GROUP, pa.int64())).empty_table()


def read_footer(
    web: Web, shard: Shard, cache: Path, progress: Callable[[int], object] = lambda _: None
) -> pq.FileMetaData:
    """Return a shard's metadata: its row groups, their positions and statistics. It is cached.

    `progress` is called with the number of bytes received.

    Raises:
        DownloadError: the shard cannot be downloaded or is malformed.
    """
    stored = cache / f"{shard.name}.footer"
    cached = _read_cached(stored, pq.read_metadata)
    if cached is not None:
        return cached
    with _opened(web, shard, None, progress) as file:
        footer = file.metadata
        lacking = {*_SCHEMA.names, _PICTURE} - {footer.schema.column(c).path for c in range(footer.num_columns)}
        if lacking:
            raise DownloadError(f"{shard.url} lacks the column {min(lacking)!r}: expected ScenicOrNot with pictures")
    sink = io.BytesIO()
    footer.write_metadata_file(sink)
    write_atomically(stored, sink.getvalue())
    return footer


def picture_bytes(footer: pq.FileMetaData, groups: Sequence[int]) -> int:
    """Return how many bytes the IDs and pictures of some row groups take."""
    columns = [c for c in range(footer.num_columns) if footer.schema.column(c).path in ("id", _PICTURE)]
    return sum(footer.row_group(group).column(c).total_compressed_size for group in groups for c in columns)


def read_pictures(
    web: Web, shard: Shard, footer: pq.FileMetaData, group: int, progress: Callable[[int], object] = lambda _: None
) -> Iterator[tuple[int, bytes | None]]:
    """Yield the ID and the picture (a file's content, None if empty) of each row of a row group.

    Args:
        web: the client.
        shard: of the repository.
        footer: of the shard.
        group: which of its row groups; its pictures are held in memory.
        progress: called with the number of bytes received.

    Raises:
        DownloadError: the shard cannot be downloaded or is malformed.
    """
    with _opened(web, shard, footer, progress) as file:
        for batch in file.iter_batches(_AT_ONCE, row_groups=[group], columns=["id", _PICTURE], use_threads=False):
            for row in batch.to_pylist():
                yield row["id"], (row["image"] or {}).get("bytes")


@contextmanager
def _opened(
    web: Web, shard: Shard, footer: pq.FileMetaData | None, progress: Callable[[int], object] = lambda _: None
) -> Iterator[pq.ParquetFile]:
    """Open a shard; PyArrow's errors then name it. `pre_buffer` joins neighbouring columns into one request."""
    source = RangeFile(web, shard.url, shard.size, progress)
    try:
        with pq.ParquetFile(source, metadata=footer, pre_buffer=True) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DownloadError(f"{shard.url} is malformed ({what}): check the repository") from error


def _read_cached(stored: Path, read: Callable[[Path], _Cached]) -> _Cached | None:
    """Return what the cache holds, or None if it holds nothing usable."""
    try:
        return read(stored) if stored.exists() else None
    except (pa.ArrowException, OSError):
        stored.unlink()  # damaged: download it again
        return None


def _may_hold(group: pq.RowGroupMetaData, identifiers: np.ndarray | None) -> bool:
    """Return whether a row group may hold one of the sorted IDs, judging by its statistics if it has any."""
    if identifiers is None:
        return True
    columns = (group.column(c) for c in range(group.num_columns))
    statistics = next(column.statistics for column in columns if column.path_in_schema == "id")
    if statistics is None or not statistics.has_min_max:
        return True
    begin, end = np.searchsorted(identifiers, [statistics.min, statistics.max + 1])
    return bool(begin < end)
