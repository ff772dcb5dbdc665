"""Scores archives: into a folder that survives interruptions, or as an iterator."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from siam.archive import engines, store
from siam.archive.engines import Settings
from siam.archive.sources import Source, is_local, source_of
from siam.errors import DatasetError
from siam.models.checkpoint import Pair
from siam.runtime.files import exclusive

Progress = Callable[[int, int, int], object]  # called with how many are done, of how many, and how many failed
_DEFAULT, _HERE = Settings(), Settings(engine="local")


@dataclass(frozen=True)
class Scored:
    """A finished archive: its folder, how many photos it has, how many could not be scored, and the first reasons."""

    folder: Path
    photos: int
    failed: int
    reasons: tuple[str, ...]


def score(pair: Pair, source: str | Path, settings: Settings = _HERE, **columns: Any) -> Iterator[dict[str, Any]]:
    """Yield the scores of an archive's photos, one dict for each, as they are done: in order unless Ray computes them.

    Nothing is stored, so work that is interrupted starts anew; `score_into` goes on.

    Args:
        pair: the networks.
        source: path or address of a folder, a table, or Parquet files, as for `siam.archive.source_of`.
        settings: how to score; by default, in this process.
        columns: of `siam.archive.source_of`: image, identifier, latitude, longitude, keep.

    Returns:
        For each photo the columns of `siam.archive.store`, without those that are unknown. "error" says why a photo
        could not be scored; with `settings.maps`, "maps" are its attribute maps (K, h, w), float16.

    Raises:
        DatasetError: the source cannot be read, or holds no photos.
        EngineError: the engine cannot be started.

    Example:
        >>> import siam
        >>> from siam.runtime.paths import ASSETS
        >>> pair = siam.load("photo", device="cpu")
        >>> photo = next(siam.score(pair, ASSETS / "gallery/open-photos/images"))
        >>> f"{photo['identifier']}: {photo['siam']:.1f}"
        'after-the-rain.jpg: 6.0'
    """
    found = source_of(str(source), **columns)
    for photos in engines.run(pair, _units(found), found, settings):
        for photo in photos:
            kept = {name: value for name, value in photo.items() if name not in ("group", "place", "cells", "features")}
            if "maps" in photo:
                kept["maps"] = store.unpacked(photo["maps"], photo["cells"])
            yield kept


def score_into(
    pair: Pair,
    source: Source,
    folder: Path,
    settings: Settings = _DEFAULT,
    *,
    resume: bool = False,
    progress: Progress = lambda _done, _of, _failed: None,
) -> Scored:
    """Score an archive into a folder, in the files of `siam.archive.store`.

    Args:
        pair: the networks.
        source: of the photos.
        folder: for the scores.
        settings: how to score.
        resume: whether to go on with what was begun there.
        progress: called as photos are done; raising in it stops, and what is stored stays.

    Raises:
        DatasetError: the source cannot be read; or the folder holds scores already, unless `resume`; or it was begun
            with other networks or settings; or features are wanted of a pair without a baseline.
        EngineError: the engine cannot be started.
        StorageError: something cannot be stored, or another process is writing there.
    """
    if is_local(source.address) and folder.resolve().is_relative_to(Path(source.address).resolve()):
        raise DatasetError(f"{folder} is inside {source.address}, whose photos are scored: choose another folder")
    if settings.features and pair.baseline_config is None:
        raise DatasetError(f"{pair.name!r} has no baseline, whose features could be stored: leave out --features")
    about = store.of_pair(pair, source, settings.shard, settings.stored(source))
    with exclusive(folder):
        begun = store.holds_scores(folder)
        if begun and not resume:
            raise DatasetError(f"{folder} holds scores already: go on with --resume, or choose another folder")
        archive = store.resume(folder, about) if begun else store.begin(folder, about, source)
        of, failed = archive.about.photos, 0
        done = of - archive.left
        progress(done, of, failed)
        if archive.missing:
            with closing(engines.run(pair, archive.units(engines.unit(archive.left)), source, settings)) as batches:
                for photos in batches:
                    archive.add(photos)
                    done += len(photos)
                    failed += sum("error" in photo for photo in photos)
                    progress(done, of, failed)
    photos, errors, reasons = store.errors(folder)
    return Scored(folder, photos, errors, tuple(reasons))


def _units(source: Source) -> Iterator[pa.Table]:
    """Yield a source's photos in units, without storing a listing."""
    start = 0
    for table in source.listed():
        table = table.append_column("row", pa.array(range(start, start + len(table)), pa.int64()))
        start += len(table)
        if table["group"].null_count:
            most = engines.unit(len(table))
            yield from (table.slice(place, most) for place in range(0, len(table), most))
        else:
            yield table
