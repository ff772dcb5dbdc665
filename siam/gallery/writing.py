"""Writes a gallery (`siam.gallery.store`) of the photos a pair was judged on, with pictures, scores and credits."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from siam.datasets import oasis
from siam.datasets.base import RatingScale, ScoredPhotos
from siam.datasets.check import usable
from siam.errors import DatasetError
from siam.evaluation.assessment import Assessment
from siam.gallery import metadata as facts
from siam.gallery.copies import copy_mask, copy_of, files_of, names_of, refuse_to_overwrite, settings, settings_of
from siam.gallery.store import FILE, FORMAT, KEY, PLACE, SCHEMA, About, Gallery, read
from siam.models import versions
from siam.models.card import read as read_card
from siam.models.checkpoint import Pair, read_configs, scores_key
from siam.models.identity import identity
from siam.runtime.files import exclusive, write_atomically
from siam.runtime.provenance import git_commit
from siam.training.heads.held_out import OutOfFold


@dataclass(frozen=True)
class Entry:
    """A photo of a gallery, in the columns of `siam.gallery.store`; `biggest_cause` follows from the contributions."""

    identifier: str
    siam: float
    bias: float
    contributions: Sequence[float]
    presence: Sequence[float]
    image: str | None = None
    sha256: str | None = None
    crowd_mean: float | None = None
    crowd_sd: float | None = None
    votes: Sequence[int] | None = None
    vote_count: int | None = None
    baseline: float | None = None
    author: str | None = None
    title: str | None = None
    licence: str | None = None
    link: str | None = None
    source: str | None = None
    truth: str | None = None
    file: str | None = None
    scored: str | None = None
    siam_low: float | None = None
    siam_high: float | None = None
    landscape: bool | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Choice:
    """What goes into a gallery.

    Attributes:
        count: at most this many photos, the first by ID; None for all.
        size: px; larger pictures are scaled down to this longer side.
        pictures: whether to copy pictures and masks. If not, `image` is the photo's public address if the dataset gives
            one with its checksum, else null.
    """

    count: int | None = None
    size: int = 400
    pictures: bool = True


def write(folder: Path, about: About, entries: Sequence[Entry]) -> None:
    """Write `gallery.parquet` atomically; pictures and masks must be in place already.

    Raises:
        StorageError: it cannot be stored.
        ValueError: there are no entries, or one lacks a contribution or presence for some attribute.
    """
    metadata = json.dumps({"format": FORMAT, **asdict(about)}, ensure_ascii=False).encode()
    stored = BytesIO()
    pq.write_table(table_of(about, entries).replace_schema_metadata({KEY: metadata}), stored, compression="zstd")
    write_atomically(folder / FILE, stored.getvalue())


def table_of(about: About, entries: Sequence[Entry]) -> pa.Table:
    """Return the rows of a gallery as a table in `SCHEMA`; raises what `write` raises."""
    count = len(about.attributes)
    if not entries or any({len(entry.contributions), len(entry.presence)} != {count} for entry in entries):
        raise ValueError(f"expected at least one entry, with {count} contributions and presences in each")
    largest = [about.attributes[int(np.argmax(np.abs(entry.contributions)))] for entry in entries]
    rows = [{**vars(entry), "biggest_cause": cause} for entry, cause in zip(entries, largest, strict=True)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def build(pair: Pair, assessment: Assessment, folder: Path, command: str, choice: Choice = Choice()) -> int:
    """Write a gallery of the photos that a pair was judged on, `gallery.parquet` last; return how many there are.

    Its numbers are those of the photos themselves; if pictures are copied, the input that gave them is stored beside
    each. An existing gallery is replaced, and pictures that only it needed are removed.

    Args:
        pair: the networks.
        assessment: of the pair, on the dataset.
        folder: for the gallery; not the dataset's own.
        command: the command that repeats this.
        choice: which photos, and whether to copy pictures.

    Raises:
        DatasetError: the gallery would overwrite photos of the dataset, or one of its tables is malformed.
        StorageError: something cannot be stored, or another process is writing there.
    """
    with exclusive(folder):
        return _build(pair, assessment, folder, command, choice)


def _build(pair: Pair, assessment: Assessment, folder: Path, command: str, choice: Choice) -> int:
    judged, root, before = assessment.judged, assessment.root, files_of(folder)
    rows = sorted(range(len(judged.files)), key=lambda row: facts.order(judged.files[row]))[: choice.count]
    files = [judged.files[row] for row in rows]
    names = names_of(files)
    credits = facts.credits(assessment.data, root, files)
    if choice.pictures:
        refuse_to_overwrite(assessment, folder, names)
    predictions, truths = assessment.judged.predictions, facts.truths(assessment)
    crowd = facts.crowd(assessment.photos, assessment.data, root, assessment.judged.places)
    written = facts.written(assessment.photos, root, assessment.judged.places)
    entries, labels = [], facts.identifiers(files, root)
    shown = tqdm(files, desc="gallery", unit="photo", file=sys.stderr, disable=None if choice.pictures else True)
    for place, (row, path, name) in enumerate(zip(rows, shown, names, strict=True)):
        truth, credit = truths[row], credits[place]
        if choice.pictures:
            copy = copy_of(path, labels[place], [pair.configs], choice.size)
            credit = {**credit, **copy.write(folder, name, pair)}
            truth = truth and {**truth, **copy_mask(root, path.stem, folder, name, copy.size)}
        entries.append(
            Entry(
                identifier=labels[place],
                file=written[row],
                truth=json.dumps(truth, ensure_ascii=False) if truth else None,
                **predictions.photo(row),
                **crowd[row],
                **credit,
            )
        )
    config = pair.config
    about = _about(pair.name, config.scale, config.attributes, assessment.figures["folder"], judged.split, command)
    about = replace(about, version=pair.version, networks=identity(pair, learnt=False), inputs=settings_of(pair))
    if isinstance(assessment.photos, ScoredPhotos) and not assessment.figures["same_scale"]:
        scale = assessment.photos.scale
        about = replace(about, crowd_scale=scale, crowd_scale_known=scale is not None)
    write(folder, about, entries)
    for stale in before - files_of(folder):
        (folder / stale).unlink(missing_ok=True)
    return len(entries)


def build_out_of_fold(model: str, judged: OutOfFold, source: int, root: Path, folder: Path, command: str) -> int:
    """Write a gallery, without pictures, of one source of ratings; each photo is scored by networks that never saw it.

    Args:
        model: name of the pair.
        judged: the predictions of a cross-validation.
        source: the number of the source.
        root: folder of that source, a dataset in the layout of OASIS.
        folder: for the gallery.
        command: the command that repeats this.

    Returns:
        How many photos it holds.

    Raises:
        DatasetError: the dataset does not match its layout, or is not the one that was cross-validated.
        StorageError: the gallery cannot be stored.
    """
    photos, rows = oasis.read(root), np.flatnonzero(judged.sources == source)
    places = np.arange(len(photos.files))
    if len(places) != len(rows):  # some cannot be read
        places = np.flatnonzero(usable(photos.files))
    if len(places) != len(rows):
        raise DatasetError(f"{root} has {len(places)} rated photos, but {len(rows)} were scored: train again")
    files = [photos.files[place] for place in places]
    known = zip(facts.crowd(photos, "oasis", root, places), facts.credits("oasis", root, files), strict=True)
    entries = [
        Entry(
            identifier=label,
            **judged.predictions.photo(row),
            **crowd,
            **credit,
        )
        for row, label, (crowd, credit) in zip(rows, facts.identifiers(files, root), known, strict=True)
    ]
    write(
        folder,
        _about(model, oasis.SCALE, judged.predictions.attributes, root.name, "cross-validation", command),
        entries,
    )
    return len(entries)


def stamp(folder: Path, networks: Path) -> None:
    """Say in a gallery that a stored pair, or its cross-validation, scored it; all else stays as it is.

    Args:
        folder: of the gallery.
        networks: folder of the pair.

    Raises:
        CheckpointError: the pair is damaged.
        DatasetError: the gallery is.
        StorageError: it cannot be stored.
    """
    gallery = read(folder)
    inputs = settings([config for config in read_configs(networks) if config is not None])
    version = versions.known(read_card(networks))
    about = replace(gallery.about, version=version, networks=scores_key(networks), inputs=inputs)
    write(folder, about, entries_of(gallery))


def locate(folder: Path, places: Mapping[str, tuple[float, float]]) -> int:
    """Say in a gallery where photos were taken; all else stays as it is.

    Args:
        folder: of the gallery.
        places: latitude and longitude, in degrees, of photos by their identifier or, where that is none, by the name
            that their owner wrote (`file`). Photos that are not among them keep their place, or have none.

    Returns:
        How many photos of the gallery now have a place.

    Raises:
        DatasetError: the gallery is damaged, a name is of no photo in it, or a place is none; it stays as it was.
        StorageError: it cannot be stored.
    """
    gallery = read(folder)
    entries = entries_of(gallery)
    rows = {**{entry.file: row for row, entry in enumerate(entries) if entry.file is not None},
            **{entry.identifier: row for row, entry in enumerate(entries)}}  # fmt: skip
    for name, (latitude, longitude) in places.items():
        if name not in rows:
            raise DatasetError(f"{folder} has no photo {name!r}: give names such as {entries[0].identifier!r}")
        if not (abs(latitude) <= PLACE["latitude"] and abs(longitude) <= PLACE["longitude"]):
            raise DatasetError(
                f"{name!r} cannot be at latitude {latitude:g}, longitude {longitude:g}: give degrees, latitude first"
            )
        entries[rows[name]] = replace(entries[rows[name]], latitude=float(latitude), longitude=float(longitude))
    write(folder, gallery.about, entries)
    return sum(entry.latitude is not None for entry in entries)


def entries_of(gallery: Gallery) -> list[Entry]:
    """Return the rows of a gallery, from which `write` makes the same file again."""
    entries = []
    for row, truth in enumerate(gallery.truths):
        facts = gallery.facts(row)
        facts.pop("biggest_cause")
        numbers = {"contributions": gallery.contributions[row].tolist(), "presence": gallery.presence[row].tolist()}
        votes = None if facts["votes"] is None else [int(vote) for vote in facts["votes"]]
        stored = None if truth is None else json.dumps(truth, ensure_ascii=False)
        entries.append(Entry(**{**facts, **numbers, "votes": votes, "truth": stored}))
    return entries


def _about(model: str, scale: RatingScale, attributes: tuple[str, ...], data: str, split: str, command: str) -> About:
    """Return a gallery's provenance, as of today."""
    return About(model, scale, attributes, data, split, datetime.now(UTC).date().isoformat(), command, git_commit())
