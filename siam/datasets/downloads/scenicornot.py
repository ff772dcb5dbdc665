"""ScenicOrNot with pictures from the Hugging Face Hub, of which only the necessary row groups are downloaded.

Which photo is in which split depends on all IDs. If votes.tsv does not exist yet, the columns without pictures, a
hundredth of the data, are read from all shards, and votes.tsv is written from them. They are cached in `.hub/`.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from tqdm import tqdm

from siam.datasets.downloads import hub, pictures
from siam.datasets.downloads.attribution import PAGE, SEE_PAGE, Attribution, credit
from siam.datasets.downloads.selection import Progress, Request, Step, Summary, read_rows, wanted
from siam.datasets.downloads.web import DownloadError, Web
from siam.datasets.tables import Finding
from siam.datasets.votes import COLUMNS, read_votes
from siam.runtime.files import exclusive, storage_errors, write_atomically

REPOSITORY = "ddecosmo/ScenicOrNot_Uncompressed_Feb26"

_PARALLEL = 8  # shards read, or photos written, at a time


@dataclass(frozen=True)
class _Source:
    """A repository at one commit: its shards, their metadata, and the rows read from each."""

    web: Web
    shards: list[hub.Shard]
    footers: list[pq.FileMetaData]
    rows: list[pd.DataFrame]


def fetch(
    root: Path,
    web: Web,
    request: Request,
    repository: str = REPOSITORY,
    revision: str | None = None,
    progress: Progress = lambda _step: None,
) -> Summary:
    """Download votes.tsv and the requested photos to `root`.

    With a limit, the row groups with the most wanted photos come first, which keeps the download small; the order is
    the same in every run. A picture that cannot be decoded is named on stderr and skipped.

    Args:
        root: folder for votes.tsv, images/ and attribution.csv; an existing votes.tsv decides the splits.
        web: the client, with `hub.headers`.
        request: which photos.
        repository: on the Hub.
        revision: a commit, branch or tag; by default the commit of the previous run, or that of "main", which is then
            stored in hub.json.
        progress: called with each `Step`; raising in it stops the download and keeps what is complete.

    Raises:
        DownloadError: the repository cannot be downloaded.
        StorageError: something cannot be stored.
        DatasetError: votes.tsv is malformed.
    """
    with exclusive(root):
        commit, shards = _pin(root, web, repository, revision)
        cache = root / ".hub" / commit
        votes = root / "votes.tsv"
        if not votes.exists():
            _write_votes(votes, _read_rows(web, shards, cache, None, progress).rows)
        asked = wanted(read_rows(votes), request)
        identifiers = asked["ID"].to_numpy(dtype=np.int64)
        source = _read_rows(web, shards, cache, identifiers, progress)
        return _Photos(root, source, set(identifiers.tolist()), request.limit, progress).fetch()


def _pin(root: Path, web: Web, repository: str, revision: str | None) -> tuple[str, list[hub.Shard]]:
    """Return commit and shards; the commit is stored, so that a later run uses the same one."""
    pin = root / "hub.json"
    if revision is None and pin.exists():
        try:
            about = json.loads(pin.read_text(encoding="utf-8"))
            revision = about["commit"] if about["repository"] == repository else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DownloadError(f"{pin} is damaged: delete it or give --revision") from error
    commit, shards = hub.list_shards(web, repository, revision or "main")
    write_atomically(pin, json.dumps({"repository": repository, "commit": commit}).encode())
    return commit, shards


def _read_rows(
    web: Web, shards: list[hub.Shard], cache: Path, identifiers: np.ndarray | None, progress: Progress
) -> _Source:
    """Return the rows that may be wanted from all shards, which are read in parallel."""
    received, done = _Counter(), _Counter()

    def report(count: int) -> None:
        progress(Step("tables", done.value, len(shards), received.add(count)))

    def read(shard: hub.Shard) -> tuple[pq.FileMetaData, pd.DataFrame]:
        table = hub.read_cheap(web, shard, cache, identifiers, report)
        progress(Step("tables", done.add(1), len(shards), received.value))
        rows = table.to_pandas().dropna(subset=["id"]).fillna({"gridimage_id": 0, "votes": "", "title": ""})
        return hub.read_footer(web, shard, cache), rows.astype({"id": int, "gridimage_id": int})

    workers = ThreadPoolExecutor(_PARALLEL)
    try:
        answers = workers.map(read, shards)
        shown = tqdm(answers, desc="tables", total=len(shards), unit="shard", file=sys.stderr, disable=None)
        footers, rows = zip(*shown, strict=True)
    finally:  # also on Ctrl-C or an error: shards not yet started are dropped
        workers.shutdown(wait=True, cancel_futures=True)
    return _Source(web, shards, list(footers), list(rows))


def _write_votes(path: Path, rows: list[pd.DataFrame]) -> None:
    """Write votes.tsv from the Hub's columns; rows with unusable votes are named on stderr and skipped."""
    table = pd.concat(rows).drop_duplicates("id").sort_values("id")
    uris = "http://www.geograph.org.uk/photo/" + table["gridimage_id"].astype(str)
    votes = [re.sub(r"[\[\]\s]", "", text) for text in table["votes"]]
    columns = (table["id"], table["lat"], table["lon"], table["average"], table["variance"], votes, uris)
    frame = pd.DataFrame({name: list(values) for name, values in zip(COLUMNS, columns, strict=True)})
    unchecked = path.with_name(f"{path.name}.unchecked")
    findings: list[Finding] = []
    with storage_errors(path):
        unchecked.write_bytes(_as_tsv(frame))
        read_votes(unchecked, findings)
        unchecked.unlink()
    for finding in findings:
        sys.stderr.write(f"skipped: photo {finding.item}: {finding.detail}\n")
    bad = [finding.item for finding in findings]
    write_atomically(path, _as_tsv(frame.loc[~frame["ID"].astype(str).isin(bad)]))


def _as_tsv(frame: pd.DataFrame) -> bytes:
    text = io.StringIO()
    frame.to_csv(text, sep="\t", index=False, quoting=csv.QUOTE_NONE, lineterminator="\n")
    return text.getvalue().encode("utf-8")


class _Counter:
    """A counter shared by several threads."""

    def __init__(self) -> None:
        self.value, self._lock = 0, Lock()

    def add(self, count: int) -> int:
        """Add to the count and return the new value."""
        with self._lock:
            self.value += count
            return self.value


class _Photos:
    """Downloads the photos of a request, row group by row group."""

    def __init__(
        self, root: Path, source: _Source, identifiers: set[int], limit: int | None, progress: Progress
    ) -> None:
        self._root, self._source, self._progress = root, source, progress
        self._attribution = Attribution(root)
        self._plan = self._choose(identifiers, limit)

    def fetch(self) -> Summary:
        """Download the photos that are not here yet."""
        asked = {identifier for group in self._plan.values() for identifier in group}
        left = {place: {i for i in group if not self._attribution.has(i)} for place, group in self._plan.items()}
        left = {place: group for place, group in left.items() if group}
        size = sum(hub.picture_bytes(self._source.footers[shard], [group]) for shard, group in left)
        here, received = len(asked) - sum(map(len, left.values())), _Counter()
        with tqdm(desc="photos", total=size, unit="B", unit_scale=True, file=sys.stderr, disable=None) as bar:

            def report(count: int) -> None:
                bar.update(count)
                self._progress(Step("photos", here, len(asked), received.add(count), size))

            for (shard, group), identifiers in left.items():
                report(0)
                self._fetch_group(shard, group, identifiers, bar, report)
                here += len(identifiers)
        return Summary(len(asked), sum(self._attribution.has(identifier) for identifier in asked))

    def _choose(self, identifiers: set[int], limit: int | None) -> dict[tuple[int, int], list[int]]:
        """Return the photos to download by shard and row group, the fullest groups first, up to the limit."""
        groups: dict[tuple[int, int], list[int]] = {}
        taken: set[int] = set()
        for shard, rows in enumerate(self._source.rows):
            for identifier, group in zip(rows["id"].tolist(), rows[hub.GROUP].tolist(), strict=True):
                if identifier in identifiers and identifier not in taken:
                    taken.add(identifier)
                    groups.setdefault((shard, group), []).append(identifier)
        chosen: dict[tuple[int, int], list[int]] = {}
        room = len(identifiers) if limit is None else limit
        for place in sorted(groups, key=lambda place: (-len(groups[place]), place)):
            if room > 0:
                chosen[place] = groups[place][:room]
                room -= len(chosen[place])
        return chosen

    def _fetch_group(
        self, shard: int, group: int, identifiers: set[int], bar: tqdm, report: Callable[[int], object]
    ) -> None:
        source = self._source
        rows = source.rows[shard].drop_duplicates("id").set_index("id")
        read = hub.read_pictures(source.web, source.shards[shard], source.footers[shard], group, report)
        data_of = {identifier: data or b"" for identifier, data in read if identifier in identifiers}
        with ThreadPoolExecutor(_PARALLEL) as workers:  # each waits until its file is safely on disk
            saved = list(workers.map(lambda item: pictures.save(self._root, *item), data_of.items()))
        for identifier in [identifier for identifier, good in zip(data_of, saved, strict=True) if not good]:
            bar.clear()
            sys.stderr.write(f"skipped: photo {identifier}: its picture cannot be read\n")
            del data_of[identifier]
        titles, pages = rows["title"], rows["gridimage_id"]
        self._attribution.add(credit(i, SEE_PAGE, str(titles[i]), f"{PAGE}{pages[i]}") for i in data_of)
