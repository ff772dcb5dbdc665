r"""The ratings of a study: one JSON object for each answer, added to the end of a file and on the disk at once.

::

    {"format": 1}
    {"rater": "k7m2", "kind": "rating", "photo": "7", "sha256": "9f…", "value": 5, "time": "2026-11-29T21:04:05Z"}
    {"rater": "k7m2", "kind": "pair", "photo": "7", "other": "12", "value": 2, …}     the second photo is more beautiful
    {"rater": "k7m2", "kind": "skip", "photo": "9", …}                                no answer to this photo
    {"rater": "k7m2", "kind": "undo", …}                                              withdraws the answer before

`siam.runtime.records` keeps them. Nothing is ever changed or removed, not even by an undo.
"""

import csv
import io
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from siam.datasets.cells import read_cells
from siam.errors import DatasetError
from siam.runtime import records
from siam.runtime.spreadsheets import defused

FORMAT = 1
LOWEST, HIGHEST = 1, 7
KINDS = ("rating", "skip", "undo", "pair")
COLUMNS = ("rater", "kind", "photo", "sha256", "other", "other_sha256", "value", "repeat", "time")

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Answer:
    """What somebody said to one photo, or to two.

    Attributes:
        rater: an anonymous code, such as `code` gives.
        kind: one of `KINDS`.
        photo: identifier of the photo, of a pair the first one; "" for an undo.
        sha256: of the photo's picture, in hexadecimal digits; "" if there is none.
        other: of a pair, the second photo; else "".
        other_sha256: of its picture, or "".
        value: of a rating, 1 to 7; of a pair, 1 or 2, the more beautiful photo; else None.
        repeat: whether the rater has answered to this before, and is asked again to see how consistent answers are.
        time: in UTC, such as "2026-11-29T21:04:05Z"; by default, now.

    Raises:
        ValueError: a field has no such value, or does not go with the kind; the message says so in a few words.
    """

    rater: str
    kind: str
    photo: str = ""
    sha256: str = ""
    other: str = ""
    other_sha256: str = ""
    value: int | None = None
    repeat: bool = False
    time: str = ""

    def __post_init__(self) -> None:
        if not self.time:
            object.__setattr__(self, "time", records.now())
        if problem := _problem(self):
            raise ValueError(problem)


@dataclass(frozen=True)
class Answers:
    """The answers of a study in the order in which they were given, and how many lines of the file are none."""

    answers: tuple[Answer, ...]
    damaged: int = 0

    @property
    def standing(self) -> tuple[Answer, ...]:
        """The answers that were not withdrawn, without the undos; an undo withdraws its rater's last standing one."""
        return standing(self.answers)

    @property
    def raters(self) -> tuple[str, ...]:
        """The codes of all who have an answer that stands, in the order of their first one."""
        return tuple(dict.fromkeys(answer.rater for answer in self.standing))


def code() -> str:
    """Return a new code for a rater: six letters and digits that do not look alike, drawn at random."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))


def standing(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """Return the answers that were not withdrawn, as `Answers.standing`."""
    kept: dict[int, Answer] = {}
    given: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        places = given.setdefault(answer.rater, [])
        if answer.kind != "undo":
            kept[place] = answer
            places.append(place)
        elif places:
            del kept[places.pop()]
    return tuple(kept.values())


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
        >>> from siam.taste.ratings import Answer, add, read
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "study.jsonl"
        ...     add(path, Answer("k7m2", "rating", "lake", value=5))
        ...     add(path, Answer("k7m2", "rating", "road", value=7))
        ...     add(path, Answer("k7m2", "undo"))
        ...     [(answer.photo, answer.value) for answer in read(path).standing]
        [('lake', 5)]
    """
    return Answers(*records.read(path, FORMAT, Answer))


def to_csv(answers: Iterable[Answer]) -> bytes:
    """Return answers as a table in UTF-8, one row each, with the columns `COLUMNS`; no cell is a formula."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for answer in answers:
        writer.writerow([_cell(getattr(answer, name)) for name in COLUMNS])
    return table.getvalue().encode()


def from_csv(data: bytes, name: str) -> tuple[Answer, ...]:
    """Return the answers in a table as `to_csv` writes it, in any form that `siam.datasets.cells` reads.

    Args:
        data: the content of the file.
        name: what error messages call it.

    Raises:
        DatasetError: it is not such a table; the message names the row and what is wrong there.
    """
    cells = read_cells(data, name, COLUMNS)
    missing = [column for column in ("rater", "kind", "photo", "value", "time") if column not in cells.columns]
    if missing:
        raise DatasetError(f"{name} lacks the column {missing[0]!r}: give a table of ratings that this program wrote")
    answers = []
    for number, row in zip(cells.numbers, cells.rows, strict=True):
        of_row = {column: _text(cell) for column, cell in zip(cells.columns, row, strict=True) if column in COLUMNS}
        try:
            answers.append(_answer(of_row))
        except ValueError as error:
            raise DatasetError(f"{name}, row {number}: {error}: correct or remove the row") from error
    return tuple(answers)


def _answer(cells: dict[str, str]) -> Answer:
    value, repeat = cells.pop("value"), cells.pop("repeat", "")
    if value and not re.fullmatch(r"[0-9]{1,3}(\.0+)?", value):
        raise ValueError(f"the value {value[:40]!r} is no whole number")
    if repeat.casefold() not in ("", "yes", "no", "true", "false", "1", "0"):
        raise ValueError(f"the repeat {repeat[:40]!r} is neither yes nor no")
    if not cells["time"]:
        raise ValueError("there is no time")
    return Answer(**cells, value=int(float(value)) if value else None, repeat=repeat.casefold() in ("yes", "true", "1"))


def _cell(value: str | int | bool | None) -> str:
    """Return a value as a cell; text that begins with an apostrophe gets another, so that `_text` finds it again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    return f"'{value}" if value.startswith("'") else defused(value)


def _text(cell: str) -> str:
    return cell.removeprefix("'")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _problem(answer: Answer) -> str | None:
    """Return what is wrong with an answer, or None."""
    texts: Sequence[Any] = (answer.photo, answer.other, answer.sha256, answer.other_sha256)
    if not (isinstance(answer.rater, str) and _CODE.fullmatch(answer.rater)):
        return f"the rater {answer.rater!r:.60} is no code of up to 40 letters, digits, - and _"
    if answer.kind not in KINDS:
        return f"the kind {answer.kind!r:.60} is none of {', '.join(KINDS)}"
    if not all(map(records.is_text, texts)):
        return "a photo is no text"
    if not all(text == "" or _SHA256.fullmatch(text) for text in texts[2:]):
        return "a SHA-256 does not have 64 hexadecimal digits"
    if not records.is_time(answer.time):
        return f"the time {answer.time!r:.60} is not like 2026-11-29T21:04:05Z"
    if not isinstance(answer.repeat, bool):
        return f"the repeat {answer.repeat!r:.60} is neither yes nor no"
    return _problem_of_kind(answer)


def _problem_of_kind(answer: Answer) -> str | None:
    if bool(answer.photo) == (answer.kind == "undo"):
        return "an undo has no photo" if answer.photo else "there is no photo"
    if bool(answer.other) != (answer.kind == "pair"):
        return "only a pair has another photo, and always has"
    if answer.other == answer.photo != "":
        return "a pair has the same photo twice"
    values = {"rating": range(LOWEST, HIGHEST + 1), "pair": (1, 2)}.get(answer.kind)
    if values is None:
        return None if answer.value is None else f"{answer.kind} has a value"
    if not _whole(answer.value) or answer.value not in values:
        return f"the value {answer.value!r:.60} of a {answer.kind} is not {values[0]} to {values[-1]}"
    return None
