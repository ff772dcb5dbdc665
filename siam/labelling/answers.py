"""Whether photos show a word: answers, added to the end of a file and on the disk at once.

::

    {"format": 1}
    {"kind": "present", "word": "hedges", "photo": "walk/lake.jpg", "time": "2026-11-29T21:04:05Z"}
    {"kind": "absent", "word": "hedges", "photo": "road.jpg", …}
    {"kind": "unsure", "word": "hedges", "photo": "park.jpg", …}
    {"kind": "present", "word": "hedges", "photo": "oak.jpg", "where": "000…", …}   also marked (`siam.labelling.marks`)
    {"kind": "undo", "word": "hedges", …}                            withdraws the last answer to that word

`siam.runtime.records` keeps them. Of several answers to one photo, the last counts.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from siam.datasets.ratings import headings_for
from siam.errors import DatasetError
from siam.labelling import marks
from siam.runtime import records
from siam.runtime.spreadsheets import defused

FORMAT = 1
FILE = "labels.jsonl"
KINDS = ("present", "absent", "unsure", "undo")
LONGEST = 60  # characters of a word

_SEPARATORS = ",:"  # which attributes.csv allows in no name


@dataclass(frozen=True)
class Answer:
    """What somebody said to one photo.

    Attributes:
        kind: one of `KINDS`.
        word: that the photo shows or not.
        photo: its path from the folder of the photos; "" for an undo.
        time: in UTC, such as "2026-11-29T21:04:05Z"; by default, now.
        where: the cells that show it, as `siam.labelling.marks.written` writes them; "" if nobody marked any.

    Raises:
        ValueError: a field has no such value; the message says so in a few words.
    """

    kind: str
    word: str
    photo: str = ""
    time: str = ""
    where: str = ""

    def __post_init__(self) -> None:
        if not self.time:
            object.__setattr__(self, "time", records.now())
        if self.kind not in KINDS:
            raise ValueError(f"the kind {self.kind!r:.60} is none of {', '.join(KINDS)}")
        if not (records.is_text(self.word) and self.word and records.is_text(self.photo)):
            raise ValueError("a word or photo is no text")
        if bool(self.photo) == (self.kind == "undo"):
            raise ValueError("an undo has no photo" if self.photo else "there is no photo")
        if not records.is_time(self.time):
            raise ValueError(f"the time {self.time!r:.60} is not like 2026-11-29T21:04:05Z")
        if not isinstance(self.where, str) or (self.where and self.kind != "present"):
            raise ValueError("only what is present is somewhere")
        marks.cells_in(self.where)


@dataclass(frozen=True)
class Answers:
    """Answers in the order in which they were given, and how many lines of the file are none."""

    answers: tuple[Answer, ...] = ()
    damaged: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The words that were answered to, in the order of their first answer."""
        return tuple(dict.fromkeys(answer.word for answer in self.answers))

    def said(self, word: str) -> dict[str, str]:
        """Return what stands of the answers to a word: photo → "present", "absent" or "unsure", the latest last."""
        return {answer.photo: answer.kind for answer in standing(of for of in self.answers if of.word == word)}

    def marked(self, word: str) -> dict[str, str]:
        """Return what stands of the marks of a word: photo → text of the cells that show it, "" if it was withdrawn."""
        ever = {of.photo: "" for of in self.answers if of.word == word and of.where}
        return ever | {of.photo: of.where for of in standing(of for of in self.answers if of.word == word) if of.where}

    def touched(self, word: str) -> frozenset[str]:
        """Return the photos that were ever answered to for a word, even if that was withdrawn."""
        return frozenset(answer.photo for answer in self.answers if answer.word == word and answer.photo)


def standing(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Return the answers to one word that were neither withdrawn nor replaced, in the order in which they were given.

    An undo also brings back what the answer had replaced.
    """
    kept: list[Answer] = []
    for answer in answers:
        if answer.kind != "undo":
            kept.append(answer)
        elif kept:
            kept.pop()
    last = {answer.photo: place for place, answer in enumerate(kept)}
    return tuple(kept[place] for place in sorted(last.values()))


def add(path: Path, answer: Answer) -> None:
    """Add an answer to a file, which is created if missing; when this returns, the answer is on the disk.

    Several processes may add to one file at the same time.

    Raises:
        StorageError: the answer cannot be stored; the file then holds what it held.
    """
    records.add(path, asdict(answer), FORMAT)


def read(path: Path) -> Answers:
    """Return the answers in a file; there are none if there is no file.

    Raises:
        DatasetError: a newer version of the program wrote it.
        StorageError: it cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from siam.labelling.answers import Answer, add, read
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "labels.jsonl"
        ...     add(path, Answer("present", "hedges", "lake.jpg"))
        ...     add(path, Answer("absent", "hedges", "road.jpg"))
        ...     add(path, Answer("undo", "hedges"))
        ...     read(path).said("hedges")
        {'lake.jpg': 'present'}
    """
    return Answers(*records.read(path, FORMAT, Answer))


def word_of(text: str, known: Iterable[str] = ()) -> str:
    """Return a word that somebody typed, as networks and tables can name it.

    Args:
        text: as it was typed.
        known: words; if one of them looks the same, it is meant.

    Raises:
        DatasetError: it is empty, too long, looks like a formula, or is what a column of the table is called already.

    Example:
        >>> from siam.labelling.answers import word_of
        >>> word_of(" old   stone")
        'old stone'
        >>> word_of("old stone", ["Old_Stone"])
        'Old_Stone'
    """
    word = " ".join(text.encode(errors="replace").decode().split())
    if not alike(word):
        raise DatasetError("There is no word: type one that photos may show, such as hedges")
    odd = not word.isprintable() or any(mark in word for mark in _SEPARATORS) or defused(word) != word
    if odd or len(word) > LONGEST:
        raise DatasetError(
            f"The word {word[:LONGEST]!r} cannot name an attribute: use at most {LONGEST} characters without commas "
            "and colons, and begin with a letter"
        )
    if headings_for("file", [word]) or alike(word) in ("file", "split"):
        raise DatasetError(f"{word!r} is what tables call the photos themselves, or their split: take another word")
    return next((one for one in known if alike(one) == alike(word)), word)


def alike(word: str) -> str:
    """Return what is the same for words that look the same: without letter case, underscores and repeated blanks."""
    return " ".join(word.replace("_", " ").split()).casefold()
