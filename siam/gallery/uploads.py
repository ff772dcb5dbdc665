"""Uploaded photos, scored into a gallery in memory; nothing of them is ever written to disk."""

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from siam.datasets.base import LeftOut, RatingScale
from siam.datasets.names import Spellings, known_as
from siam.datasets.ratings import read_ratings
from siam.errors import DatasetError, ImageError
from siam.evaluation.predictions import PairPredictions
from siam.gallery.copies import Copy, copy_of, settings, settings_of
from siam.gallery.scoring import LONGEST, Progress, Refused, about, fingerprint, own_scale, score
from siam.gallery.store import Gallery, of_table
from siam.gallery.writing import Entry, table_of
from siam.images.preprocessing import InputConfig
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest

MOST = 200  # photos per batch


class Batch:
    """Photos on their way into a gallery in memory. Interrupted work resumes where it stopped.

    Of each photo, only what galleries keep (`siam.gallery.copies`) is kept, and its file is discarded.

    Args:
        photos: names and contents of the files, at most `MOST`; the list is emptied to free the memory.
        scores: file name → people's score (`read_scores`).
        scale: of the scores; by default the one that `read_scores` found, if any.
        others: the configs of further pairs, for each those of its networks, that may score the photos later.

    Attributes:
        unused: how many scores are for photos that are not among these.
        refused: photos that cannot be read or scored, or are there twice.

    Raises:
        DatasetError: there are too many photos, or two scores for one.
    """

    def __init__(
        self,
        photos: list[tuple[str, bytes]],
        scores: Mapping[str, float] | None = None,
        scale: RatingScale | None = None,
        others: Iterable[Sequence[InputConfig]] = (),
    ) -> None:
        if len(photos) > MOST:
            raise DatasetError(
                f"you chose {len(photos)} photos, but at most {MOST} are accepted at a time: choose fewer"
            )
        names = _unique(name for name, _data in photos)
        self._written = _written(scores or {}, [file for file, _data in photos], "The table")
        self._scale = scale or getattr(scores, "scale", None)
        self._scores = {file: (scores or {})[name] for file, name in self._written.items()}
        gone = tuple(name for name in scores or {} if name not in self._written.values())
        self.unused = len(gone)  # scores for photos that were not uploaded
        self._gone = gone
        self._unrated = [
            (name, file)
            for name, (file, _data) in zip(names, photos, strict=True)
            if scores and file not in self._written
        ]
        self.refused: list[Refused] = []
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        first: dict[tuple[str, str], str] = {}  # by identity and checksum
        for name, (file, data) in zip(names, photos, strict=True):
            if (same := first.setdefault((known_as(file), digest(data)), name)) == name:
                self._waiting.append((name, file, data))
            else:
                self.refused.append(Refused(name, f"{name} is the same photo as {same}, which is kept."))
        photos.clear()
        self._others = {settings(configs): configs for configs in others}
        self._copies: dict[str, tuple[str, Copy, str]] = {}  # by name: the file's name, the copy, the file's checksum
        self._numbers: dict[tuple[str, str], PairPredictions] = {}  # by networks and checksum

    def go_on(
        self, pair: Pair, lock: AbstractContextManager[object], progress: Progress = lambda _done, _of: None
    ) -> None:
        """Copy and score the remaining photos one by one; those that cannot be read or scored go to `refused`.

        Args:
            pair: the networks.
            lock: held while they work.
            progress: called after each photo with how many are done, and of how many; raising in it stops the work.

        Raises:
            DatasetError: photos were read for other networks, and not for these or `others`.
        """
        networks = fingerprint(pair)
        left = [
            name for name, (_file, _copy, checksum) in self._copies.items() if (networks, checksum) not in self._numbers
        ]
        done, total = 0, len(left) + len(self._waiting)
        while left or self._waiting:
            progress(done, total)
            name = left.pop(0) if left else self._copy_next(pair)
            if name is not None:
                _file, copy, checksum = self._copies[name]
                if (picture := copy.input_of(pair)) is None:
                    raise DatasetError(
                        f"your photos were prepared for other networks than {pair.name!r}: upload them again"
                    )
                try:
                    self._numbers[networks, checksum] = score(pair, lock, picture, name)
                except ImageError as error:
                    del self._copies[name]
                    self.refused.append(Refused(name, str(error)))
            done += 1
        progress(done, total)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The scores for photos that are not here, and the photos without one that were not refused."""
        refused = {one.name for one in self.refused}
        unrated = tuple(file for name, file in self._unrated if name not in refused)
        reasons = {"no rating": unrated, "a rating but no photo": self._gone}
        return tuple(LeftOut(reason, of) for reason, of in reasons.items() if of)

    @property
    def kept(self) -> tuple[int, int]:
        """How many photos are in memory, and their bytes."""
        sizes = [len(data) for _name, _file, data in list(self._waiting)]
        sizes += [copy.weight for _file, copy, _checksum in list(self._copies.values())]
        return len(sizes), sum(sizes)

    def left(self, pair: Pair) -> int:
        """Return how many photos a pair has not scored yet."""
        networks = fingerprint(pair)
        scored = sum((networks, checksum) in self._numbers for _file, _copy, checksum in self._copies.values())
        return len(self._waiting) + len(self._copies) - scored

    def gallery(self, pair: Pair) -> Gallery | None:
        """Return a gallery of the photos that a pair has scored, or None if there are none yet."""
        networks = fingerprint(pair)
        entries, contents, inputs = [], [], []
        for name, (file, copy, checksum) in self._copies.items():
            picture = copy.input_of(pair)
            if picture is not None and (numbers := self._numbers.get((networks, checksum))):
                told = {"file": self._written.get(file, file), "crowd_mean": self._scores.get(file)}
                entries.append(Entry(identifier=name, sha256=digest(copy.shown), **told, **numbers.photo(0)))
                contents.append(copy.shown)
                inputs.append(picture)
        if not entries:
            return None
        told = self._scale is not None or all(entry.crowd_mean is None for entry in entries)
        scale = own_scale(self._scale, pair.config.scale)
        description = about(pair, "own photos", "all", "uploaded", scale, told=told)
        named = "".join(f"{entry.identifier}\n{entry.sha256}\n{entry.crowd_mean}\n" for entry in entries)
        folder = Path("in memory") / hashlib.sha256(f"{networks}\n{scale}\n{named}".encode()).hexdigest()
        return of_table(table_of(description, entries), description, folder, tuple(contents), tuple(inputs))

    def _copy_next(self, pair: Pair) -> str | None:
        """Copy the next waiting photo and return its name, or None if it cannot be read."""
        name, file, data = self._waiting[0]
        try:
            needed = self._others | {settings_of(pair): pair.configs}
            self._copies[name] = file, copy_of(data, name, list(needed.values()), LONGEST), digest(data)
        except ImageError as error:
            self.refused.append(Refused(name, str(error)))
            name = None
        self._waiting.popleft()
        return name


class Scores(dict[str, float]):
    """File → score, and the `scale` of the scores, None if the table does not tell it."""

    scale: RatingScale | None = None


def read_scores(
    data: bytes, name: str = "The table", photos: Sequence[str] = (), scale: RatingScale | None = None
) -> Scores:
    """Return file → score from a table with the columns file and score.

    Args:
        data: the file's content, in any form that `siam.datasets.cells` reads.
        name: what error messages call it.
        photos: file names, of which the table must list at least one, if there are any.
        scale: of the scores, unless the table tells it.

    Raises:
        DatasetError: it is not such a table, and the message names the first bad row; or it lists none of the photos.
    """
    ratings = read_ratings(data, name, scale=scale, find=known_as)
    scores = Scores(zip(ratings.names, ratings.scores.tolist(), strict=True))
    scores.scale = ratings.scale
    if not scores:
        raise DatasetError(f"{name} holds no scores: give one row per photo, with its file name and its score")
    if photos and not _written(scores, photos, name):
        found = f"its column file has names like {next(iter(scores))[:60]!r}, the photos like {photos[0][:60]!r}"
        raise DatasetError(f"{name} lists none of these photos: {found}; use the photos' file names")
    return scores


def _written(scores: Iterable[str], files: Sequence[str], table: str) -> dict[str, str]:
    """Return the name in a table of scores by file, for the files that it lists.

    Raises:
        DatasetError: two names mean one file, or one may mean two.
    """
    spellings, written = Spellings(files, bare=True), dict[str, str]()
    for name in scores:
        try:
            file = spellings.find(name)
        except ValueError as error:
            raise DatasetError(f"{table} holds {error} ({name[:60]!r}): spell it as the photo's file") from error
        if file is not None and (earlier := written.setdefault(file, name)) != name:
            what = f"{table} lists {earlier[:60]!r} and {name[:60]!r}, which mean the same photo"
            raise DatasetError(f"{what}: keep one row per photo")
    return written


def _unique(names: Iterable[str]) -> list[str]:
    """Return the names made printable and unique."""
    unique: dict[str, None] = {}
    for name in names:
        plain = "".join(character if character.isprintable() else "?" for character in name) or "photo"
        copies = (plain if number == 1 else f"{plain} ({number})" for number in range(1, MOST + 2))
        unique[next(copy for copy in copies if copy not in unique)] = None
    return list(unique)
