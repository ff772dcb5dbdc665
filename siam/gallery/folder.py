"""Builds galleries by scoring photos one by one, such as those of a folder.

A photo's numbers are its own, not those of the copy that is shown (`siam.gallery.copies`). Scores are saved one by one,
so interrupted work can be resumed.
"""

import re
import shlex
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets import layout, read_rated
from siam.datasets.base import LeftOut, RatingScale, ScoredPhotos
from siam.datasets.folder import refuse_large
from siam.errors import DatasetError, ImageError
from siam.gallery import metadata as facts
from siam.gallery.copies import copy_of, files_of, names_of
from siam.gallery.scoring import LONGEST, Progress, Refused, ScoreFile, about, fingerprint, own_scale, score
from siam.gallery.store import FILE, peek
from siam.gallery.writing import Entry, write
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest
from siam.runtime.files import exclusive

_SCORES = "scores.part"  # beside `FILE` until that is written


@dataclass(frozen=True)
class Source:
    """The photos of a gallery to be built.

    Attributes:
        data: name of the layout.
        root: the dataset's folder.
        model: name or address from which the pair is loaded.
        split: of the dataset, or "all".
        count: at most this many, the first by ID or name; None for all.
        scale: lowest and highest rating, for layouts that do not name the scale.
    """

    data: str
    root: Path
    model: str
    split: str = "all"
    count: int | None = None
    scale: tuple[float, float] | None = None

    def command(self, folder: Path) -> str:
        """Return the command that writes the same gallery of the rated photos."""
        words = ["python", "-m", "siam", "evaluate", "--data", self.data, "--root", str(self.root)]
        words += ["--split", self.split, "--model", self.model, "--gallery", folder.as_posix()]
        words += [] if self.scale is None else ["--scale", *(f"{end:g}" for end in self.scale)]
        words += [] if self.count is None else ["--gallery-count", str(self.count)]
        return shlex.join([*words, "--gallery-size", str(LONGEST)])


@dataclass(frozen=True)
class Built:
    """A finished gallery: its folder, how many photos it holds, which could not be scored, and what else was found."""

    folder: Path
    count: int
    refused: tuple[Refused, ...]
    left_out: tuple[LeftOut, ...] = ()


def folder_for(base: Path, name: str, source: Source) -> Path:
    """Return the folder for a source's gallery: `base`/`name`, with a number if something else is already there."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "photos"
    others = (f"{plain}-{number}" for number in range(2, 1000))
    folders = (base / plain, *(base / other for other in others))
    return next((folder for folder in folders if _may_hold(folder, source)), base / plain)


def build(
    pair: Pair,
    lock: AbstractContextManager[object],
    source: Source,
    folder: Path,
    progress: Progress = lambda _done, _of: None,
) -> Built:
    """Score the photos of a source and write their gallery; after an interruption, calling it again resumes.

    Args:
        pair: the networks.
        lock: held while they work, photo by photo.
        source: of the photos.
        folder: for the gallery.
        progress: called after each photo with how many are done, and of how many.

    Raises:
        DatasetError: the dataset does not match its layout, is too large or contains `folder`, or no photo can be
            scored.
        StorageError: something cannot be stored, or another process is writing there.
    """
    if folder.resolve().is_relative_to(source.root.resolve()):
        raise DatasetError(
            f"{source.root} also holds the gallery {folder}: choose a folder that holds only your photos"
        )
    if source.data == "folder":
        refuse_large(source.root, lambda: progress(0, 0))
    photos = read_rated(source.data, source.root, None if source.scale is None else RatingScale.between(*source.scale))
    assert isinstance(photos, ScoredPhotos)
    places = [place for place in range(len(photos.files)) if source.split in ("all", photos.split[place])]
    places = sorted(places, key=lambda place: facts.order(photos.files[place]))[: source.count]
    if not places:
        raise DatasetError(f"{source.root} has no photos in the split {source.split!r}: choose another split, or all")
    files = [photos.files[place] for place in places]
    crowd = facts.crowd(photos, source.data, source.root, np.array(places))
    credits = facts.credits(source.data, source.root, files)
    written = [{"file": name} for name in facts.written(photos, source.root, np.array(places))]
    known = [{**name, **rated, **credit} for name, rated, credit in zip(written, crowd, credits, strict=True)]
    with exclusive(folder):
        before = files_of(folder)
        scores = ScoreFile(folder / _SCORES, fingerprint(pair), pair.config.attributes)
        entries, refused = _entries(pair, lock, source.root, files, known, folder, scores, progress)
        if not entries:
            raise DatasetError(f"none of the {len(files)} photos in {source.root} could be scored: {refused[0].reason}")
        own = not layout(source.data).names_scale
        scale = own_scale(photos.scale, pair.config.scale) if own else photos.scale
        told = scale is not None or all(entry.crowd_mean is None for entry in entries)
        name, command = source.root.resolve().name, source.command(folder)
        write(folder, about(pair, name, source.split, command, scale, told=told), entries)
        for stale in before - files_of(folder):
            (folder / stale).unlink(missing_ok=True)
        scores.remove()
    return Built(folder, len(entries), tuple(refused), photos.left_out)


def _entries(
    pair: Pair,
    lock: AbstractContextManager[object],
    root: Path,
    files: list[Path],
    known: list[dict[str, Any]],
    folder: Path,
    scores: ScoreFile,
    progress: Progress,
) -> tuple[list[Entry], list[Refused]]:
    """Copy and score photos; `known` holds further gallery columns for each."""
    entries: list[Entry] = []
    refused: list[Refused] = []
    labels = facts.identifiers(files, root)
    for done, (path, name, columns) in enumerate(zip(files, names_of(files), known, strict=True)):
        label = labels[done]
        try:
            copy, checksum = copy_of(path, label, [pair.configs], LONGEST), digest(path)
            picture = copy.input_of(pair)
            assert picture is not None
            predictions = scores.get(checksum) or scores.add(checksum, score(pair, lock, picture, label))
        except ImageError as error:
            refused.append(Refused(label, str(error)))
        else:
            columns = {key: cell for key, cell in columns.items() if not (isinstance(cell, float) and np.isnan(cell))}
            stored = copy.write(folder, name, pair)
            entries.append(Entry(**{**columns, **predictions.photo(0), **stored}, identifier=label))
        progress(done + 1, len(files))
    return entries, refused


def _may_hold(folder: Path, source: Source) -> bool:
    """Return whether a source's gallery may go there: the folder is new, empty, or holds that gallery or part of it."""
    if (folder / FILE).exists():
        try:
            return peek(folder)[0].command == source.command(folder)
        except DatasetError:
            return False
    return not folder.exists() or (folder / _SCORES).exists() or (folder.is_dir() and not any(folder.iterdir()))
