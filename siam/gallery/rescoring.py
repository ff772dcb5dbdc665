"""Scores a gallery again with other networks: the photos, ratings, credits and truths stay, the scores are new.

A photo's numbers are those of its own file. Where `scored/` holds what the networks take from it at the size that these
networks want, that is scored; else the file itself, if it is still where the gallery's command found it, or the picture
that the gallery shows, if that is the file. Only where none of these is left, the smaller copy is scored.
The table is replaced at the end, in one step; until then, the gallery is what it was.
"""

import json
import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from siam.datasets.downloads.web import DownloadError, Web
from siam.datasets.rendered.truth import Truth
from siam.errors import DatasetError, ImageError
from siam.evaluation.what_where_how.errors import ErrorSplit, split_error, verdicts
from siam.evaluation.what_where_how.scenes import Scenes, pooled
from siam.explanation.inference import Explanation
from siam.gallery import pictures, store
from siam.gallery.copies import copy_of, files_of, settings_of
from siam.gallery.scoring import Progress, ScoreFile, about, explained, fingerprint, numbers_of
from siam.gallery.store import FILE, Gallery, is_address
from siam.gallery.upkeep import CROSS_VALIDATION
from siam.gallery.writing import Entry, entries_of, write
from siam.images.preprocessing import target_size
from siam.images.reading import read_image
from siam.models.checkpoint import BUNDLED, Pair
from siam.models.readout import pooling_matrix
from siam.runtime.digests import digest
from siam.runtime.files import check_folder, exclusive, storage_errors, write_atomically

SAME = 0.001  # points: a score that moves by less is the same, up to the rounding of different machines
_SCORES = "rescored.part"  # beside `FILE` until that is replaced
_ALIKE = 10.0  # levels of 256: the mean difference of two small versions of one picture stays below


@dataclass(frozen=True)
class Changes:
    """How many scores of a network changed, by how many points in the middle and at most, and of which photo."""

    count: int
    median: float = 0.0
    largest: float = 0.0
    name: str = ""

    def __str__(self) -> str:
        if not self.count:
            return "no score changed"
        scores = "1 score" if self.count == 1 else f"{self.count:,} scores"
        return f"{scores} changed, by {self.median:.2f} points (median), at most {self.largest:.2f} ({self.name})"


@dataclass(frozen=True)
class Rescored:
    """A gallery that was scored again.

    Attributes:
        folder: where it is.
        count: how many photos it holds.
        changes: of each network's scores, by its name; empty if the networks before had another scale.
        copies: how many photos were scored from copies that may be smaller, since nothing better is left of them.
    """

    folder: Path
    count: int
    changes: dict[str, Changes]
    copies: int

    def __str__(self) -> str:
        parts = [f"{network}: {of}" for network, of in self.changes.items()]
        parts = parts or ["the scale is another one, so scores are not compared"]
        if self.copies:
            parts.append(f"{self.copies:,} of them from the gallery's copies, since the photos' own files are not here")
        photos = "1 photo" if self.count == 1 else f"{self.count:,} photos"
        return f"{photos} scored again; {'; '.join(parts)}"


@dataclass(frozen=True)
class _Input:
    """What is scored of a photo: its content, whether it gives the photo's own numbers, and whether to store it."""

    content: bytes
    exact: bool = True
    new: bool = False


def rescore(
    pair: Pair,
    lock: AbstractContextManager[object],
    folder: Path,
    out: Path | None = None,
    progress: Progress = lambda _done, _of: None,
    web: Web | None = None,
) -> Rescored:
    """Score the photos of a gallery again and replace its table; after an interruption, calling it again resumes.

    Args:
        pair: the networks.
        lock: held while they work, photo by photo.
        folder: of the gallery.
        out: another folder, new or empty, for the result; by default the gallery's own.
        progress: called with the photos done and all photos; raising in it stops the work and leaves the gallery as
            it was.
        web: a client for pictures that are given by address.

    Raises:
        DatasetError: the gallery is damaged, or cannot be scored again: pictures are missing or cannot be read, or its
            scores are those of networks that had not seen the photos, and only another folder may get others.
        StorageError: something cannot be stored, or another process is writing there.
    """
    gallery, target = store.read(folder), out or folder
    _refuse(gallery, folder, out)
    check_folder(target)
    images = _images(gallery, folder, web)
    with exclusive(target):
        before = files_of(folder) if out is None else set()
        scores = ScoreFile(target / _SCORES, fingerprint(pair), pair.config.attributes)
        if out is not None:
            _copy_files(gallery, folder, out)
        entries, explanations, copies = [], [], 0
        for row, entry in enumerate(entries_of(gallery)):
            progress(row, len(gallery))
            try:
                found = images.of(row, pair)
                numbers, explanation = _scored(pair, lock, found.content, entry, scores)
            except ImageError as error:
                raise DatasetError(f"{folder} stays as it was, since a picture cannot be scored: {error}") from error
            copies += not found.exact
            explanations.append(explanation)
            stored = {"scored": _store(found.content, target, row, gallery)} if found.new else {}
            entries.append(replace(entry, **{**numbers, **stored}))
        progress(len(gallery), len(gallery))
        provenance = _provenance(pair, gallery, target)
        try:
            judged = _judged(gallery, entries, explanations, pair)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f"{folder} stays as it was, since the truth of a scene is damaged ({error!r})"
            ) from error
        write(target, provenance, judged)
        for stale in before - files_of(target):
            (target / stale).unlink(missing_ok=True)
        scores.remove()
    same_scale = gallery.about.scale == provenance.scale
    return Rescored(target, len(entries), _changes(gallery, entries) if same_scale else {}, copies)


def _refuse(gallery: Gallery, folder: Path, out: Path | None) -> None:
    """Raise a DatasetError if a gallery cannot be scored again, or its result cannot go to a folder."""
    if store.is_archive(folder):
        raise DatasetError(f"{folder} holds the scores of an archive: score it again with siam score --out, elsewhere")
    if gallery.about.split == CROSS_VALIDATION and out is None:
        raise DatasetError(
            f"{folder} holds scores by networks that had not seen the photos, which only training makes again: "
            f"{gallery.about.command}; with --out, others go elsewhere"
        )
    if out is not None and out.is_dir() and any(of.name != _SCORES for of in out.iterdir()) and _is_taken(out):
        raise DatasetError(f"{out} is not empty: choose a new folder")


def _is_taken(out: Path) -> bool:
    """Return whether a folder holds anything but what an interrupted run left there."""
    return (out / FILE).exists() or not (out / _SCORES).exists()


# Pictures


class _Images:
    """The pictures of a gallery, all of which are known to be there.

    Args:
        gallery: on the disk.
        shown: (N,) the file of each photo that the gallery shows, or None.
        originals: (N,) the photo's own file where the gallery's command found it, or None.
        own: whether `scored` being null means that the networks scored what is shown, not so in older files.
    """

    def __init__(
        self, gallery: Gallery, shown: Sequence[Path | None], originals: Sequence[Path | None], own: bool
    ) -> None:
        self._gallery, self._shown, self._originals, self._own = gallery, shown, originals, own

    def of(self, row: int, pair: Pair) -> _Input:
        """Return what to score of a photo.

        Raises:
            ImageError: it cannot be read.
        """
        kept, shown, name = self._gallery.scored(row), self._shown[row], str(self._gallery.photos["identifier"][row])
        lossless = None if kept is None else _read(kept)
        if lossless is not None and self._fits(lossless, name, pair):
            return _Input(lossless)
        content = None if shown is None else _read(shown)
        if (of_original := self._of_original(row, name, content, pair)) is not None:
            return of_original
        if lossless is None:
            assert content is not None  # else it were missing
            address = is_address(str(self._gallery.photos["image"][row]))
            return _Input(content, exact=self._own or address)
        if content is None or _least(lossless) >= max(of.image_size for of in pair.configs):
            return _Input(lossless, exact=False)
        return _Input(max(lossless, content, key=_least), exact=False)

    def _fits(self, lossless: bytes, name: str, pair: Pair) -> bool:
        """Return whether a pair takes from the stored input what it would take from the photo."""
        inputs = self._gallery.about.inputs
        if inputs is not None:
            return inputs == settings_of(pair)
        width, height = read_image(lossless, name=name).size
        return {target_size((height, width), config) for config in pair.configs} == {(height, width)}

    def _of_original(self, row: int, name: str, shown: bytes | None, pair: Pair) -> _Input | None:
        """Return what a pair takes from the photo's own file; None if that is gone or is another picture by now."""
        path = self._originals[row]
        if path is None:
            return None
        try:
            longest = _longest(shown) if shown is not None else 1
            copy = copy_of(path, name, [pair.configs], longest)
        except (ImageError, OSError):
            return None
        if shown is not None and copy.shown != shown and not _alike(copy.shown, shown):
            return None
        picture = copy.input_of(pair)
        assert picture is not None  # it was made for this pair
        return _Input(picture, new=bool(copy.scored) and shown is not None)


def _images(gallery: Gallery, folder: Path, web: Web | None) -> _Images:
    """Return the pictures of a gallery, those given by address from the cache or the web.

    Raises:
        DatasetError: some are missing, damaged, or cannot be downloaded.
    """
    problem = None
    shown = pictures.here(gallery)
    addresses = [isinstance(of, str) and is_address(of) for of in gallery.photos["image"]]
    if any(path is None for path, address in zip(shown, addresses, strict=True) if address):
        try:
            shown = pictures.fetch(gallery, web=web)
        except DownloadError as error:
            shown, problem = pictures.here(gallery), str(error)
    good = [path if path is not None and _is_whole(gallery, row, path) else None for row, path in enumerate(shown)]
    originals = _originals(gallery)
    kept = [path is not None and path.is_file() for path in map(gallery.scored, range(len(gallery)))]
    absent = [row for row, path in enumerate(good) if path is None and originals[row] is None and not kept[row]]
    if absent:
        many = f"{len(absent):,} of its {len(gallery):,} pictures"
        first = str(gallery.photos["identifier"][absent[0]])[:60]
        why = f"cannot be downloaded ({problem})" if problem else f"are missing or damaged, such as that of {first!r}"
        raise DatasetError(
            f"{folder} stays as it was, since {many} {why}: bring them back, or make the gallery anew by "
            f"{gallery.about.command}"
        )
    return _Images(gallery, good, originals, "scored" in store.columns(folder))


def _is_whole(gallery: Gallery, row: int, path: Path) -> bool:
    with storage_errors(path):
        return digest(path) == gallery.photos["sha256"][row]


def _originals(gallery: Gallery) -> list[Path | None]:
    """Return the file of each photo below the root that the gallery's command names, where it is there."""
    try:
        words = shlex.split(gallery.about.command)
        root = Path(words[words.index("--root") + 1])
    except (ValueError, IndexError):
        return [None] * len(gallery)
    found: list[Path | None] = []
    for file, identifier in zip(gallery.photos["file"], gallery.photos["identifier"], strict=True):
        names = [of for of in (file, identifier) if isinstance(of, str) and _is_below(of)]
        ways = [root / part / f"{name}{end}" for name in names for part in ("", "images") for end in ("", ".jpg")]
        found.append(next((path for path in ways if path.is_file()), None))
    return found


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _longest(picture: bytes) -> int:
    return max(read_image(picture, name="the copy").size)


def _least(picture: bytes) -> int:
    return min(read_image(picture, name="the copy").size)


def _alike(first: bytes, second: bytes) -> bool:
    """Return whether two files hold one picture, perhaps compressed by other programs."""
    small = [
        np.asarray(read_image(of, name="the copy").resize((16, 16), Image.Resampling.BOX), dtype=float)
        for of in (first, second)
    ]
    return float(np.abs(small[0] - small[1]).mean()) < _ALIKE


def _store(content: bytes, target: Path, row: int, gallery: Gallery) -> str:
    """Store what the networks scored under a name of its own, so that the gallery as it was keeps its files."""
    image = gallery.photos["image"][row]
    stem = PurePosixPath(image).stem if isinstance(image, str) and not is_address(image) else f"{row + 1:05d}"
    name = f"scored/{stem}-{digest(content)[:8]}.webp"
    write_atomically(target / name, content)
    return name


def _copy_files(gallery: Gallery, folder: Path, out: Path) -> None:
    for name in sorted(files_of(folder)):
        with storage_errors(folder / name):
            content = (folder / name).read_bytes() if (folder / name).is_file() else None
        if content is not None:
            write_atomically(out / name, content)


# Scores


def _scored(
    pair: Pair, lock: AbstractContextManager[object], content: bytes, entry: Entry, scores: ScoreFile
) -> tuple[dict[str, Any], Explanation | None]:
    """Return a photo's numbers and, of a rendered scene, whose errors need its maps, the explanation."""
    checksum = digest(content)
    known = scores.get(checksum)
    if known is not None and entry.truth is None:
        return known.photo(0), None
    explanation = explained(pair, lock, content, entry.identifier)
    numbers = scores.add(checksum, numbers_of(explanation))
    return numbers.photo(0), explanation if entry.truth is not None else None


def _provenance(pair: Pair, gallery: Gallery, target: Path) -> store.About:
    """Return the gallery's provenance with these networks; its command then names them, too.

    Whatever made a gallery by cross-validation makes no other, and these networks may have seen the photos.
    """
    old = gallery.about
    unrated = bool(np.isnan(gallery.photos["crowd_mean"].to_numpy(dtype=float)).all())
    rated = pair.config.scale if unrated and old.crowd_scale is None else old.rated_on
    command, split = old.command, old.split
    if split == CROSS_VALIDATION:
        place = pair.name if pair.files is None else pair.files.folder.as_posix()
        words = ["python", "-m", "siam", "gallery", "rescore", gallery.folder.as_posix(), "--model", place]
        command, split = shlex.join([*words, "--out", target.as_posix()]), "all"
    elif old.model != pair.name:
        with suppress(ValueError):  # no --model, or quotes without an end
            words = shlex.split(old.command)
            place = None if pair.files is None else pair.files.folder
            bundled = place is None or place.parent == BUNDLED
            words[words.index("--model") + 1] = pair.name if bundled else str(place)
            command = shlex.join(words)
    return about(pair, old.data, split, command, rated, told=old.crowd_scale_known)


def _changes(gallery: Gallery, entries: Sequence[Entry]) -> dict[str, Changes]:
    found = {}
    for network, column in (("SIAM", "siam"), ("baseline", "baseline")):
        before = gallery.photos[column].to_numpy(dtype=float)
        now = np.array([np.nan if (score := getattr(of, column)) is None else score for of in entries], dtype=float)
        moved = np.abs(now - before)
        if np.isnan(moved).all():
            continue
        changed = moved[moved > SAME]
        most = int(np.nanargmax(moved))
        largest = float(moved[most]), entries[most].identifier
        found[network] = Changes(len(changed), float(np.median(changed)), *largest) if len(changed) else Changes(0)
    return found


# The truth of rendered scenes


def _judged(
    gallery: Gallery, entries: Sequence[Entry], explanations: Sequence[Explanation | None], pair: Pair
) -> list[Entry]:
    """Return the entries with the errors and verdicts of the new scores in the truths; the truths themselves stay."""
    rows = [row for row, of in enumerate(explanations) if of is not None]
    if not rows:
        return list(entries)
    names, split, outcomes = gallery.about.attributes, None, None
    masked = all("mask" in (gallery.truths[row] or {}) for row in rows)
    if masked and set(pair.config.attributes) == set(names) and gallery.about.rated_on == pair.config.scale:
        split = _split(gallery, rows, [of for of in explanations if of is not None], pair)
        scores = [entries[row].baseline for row in rows]
        quality = np.array([truth["quality"] for row in rows if (truth := gallery.truths[row])])
        known = not any(score is None for score in scores)
        outcomes = verdicts(split, np.array(scores, dtype=float) - quality if known else None)
    parts, judged = split.parts() if split else {}, list(entries)
    for place, row in enumerate(rows):
        errors = {name: round(float(part[place]), 5) for name, part in parts.items()}
        verdict = str(outcomes[place]) if outcomes else None
        truth = {**(gallery.truths[row] or {}), "errors": errors, "verdict": verdict}
        judged[row] = replace(judged[row], truth=json.dumps(truth, ensure_ascii=False))
    return judged


def _split(gallery: Gallery, rows: Sequence[int], explanations: Sequence[Explanation], pair: Pair) -> ErrorSplit:
    """Return the parts of the errors on rendered scenes, with their masks at the size of the gallery's pictures."""
    names, config = gallery.about.attributes, pair.config
    order = [config.attributes.index(name) for name in names]
    grid = np.zeros((len(rows), len(names), config.grid, config.grid), dtype=np.float32)
    maps = np.zeros_like(grid)
    for place, (row, explanation) in enumerate(zip(rows, explanations, strict=True)):
        masks = gallery.masks(row)
        assert masks is not None  # asked before
        grid[place] = pooled(masks.astype(np.float32), grid.shape[2:])
        down, across = (
            pooling_matrix(size, config.grid, config.pooling) for size in explanation.attribute_maps.shape[1:]
        )
        maps[place] = down @ explanation.attribute_maps[order] @ across.T
    truths = [_truth(row, truth, names) for row in rows if (truth := gallery.truths[row]) is not None]
    nuances = tuple(sorted({name for truth in truths for name in truth.nuances}))
    nothing = np.zeros((len(rows), 1, 1), dtype=np.float32)
    scenes = Scenes(
        attributes=names,
        truths=tuple(truths),
        contributions=np.array([[truth.contributions[name] for name in names] for truth in truths]),
        nuances=np.array([[truth.nuances.get(name, 0.0) for name in nuances] for truth in truths], dtype=float),
        nuance_names=nuances,
        labels=np.zeros((len(rows), len(names))),
        on_grid=grid,
        causes=nothing,
        total=nothing,
        shown=(),
        shares=(),
    )
    contributions = np.array([of.contributions[order] for of in explanations])
    bias = np.array([of.bias for of in explanations])
    return split_error(maps, explanations[0].templates[order], contributions, bias, scenes)


def _truth(row: int, stored: dict[str, Any], names: Sequence[str]) -> Truth:
    contributions, labels = (
        {name: float(stored[kind].get(name, 0.0)) for name in names} for kind in ("contributions", "labels")
    )
    nuances, bias = stored["nuances"], float(stored["bias"])
    return Truth(row, stored["place"], stored["light"], "", bias, contributions, nuances, (), labels, {})
