"""What the readers share: tables read as text, bad rows as errors or findings, and splits by a fixed hash."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from siam.datasets.cells import SUFFIXES, Cells, numbers_in, read_cells
from siam.datasets.names import Spellings, identity, is_there
from siam.errors import DatasetError

SPLITS = ("train", "val", "test")
SHARES = (80, 10, 10)  # of these, by a hash of the file name, if a table of somebody's own has no split

MOST_VOTES = 1e9  # on one photo

Problem = Literal["missing", "unreadable", "duplicate", "out of range"]


@dataclass(frozen=True)
class Finding:
    """A problem in a dataset: its kind, the file or row it concerns, and what was found."""

    problem: Problem
    item: str
    detail: str


def find_table(root: Path, stem: str) -> Path:
    """Return a dataset's table, such as Ratings.CSV or ratings.xlsx for the stem "ratings".

    Without one, it is the path at which a .csv is missing.

    Raises:
        DatasetError: there are several.
    """
    beside = root.iterdir() if root.is_dir() else ()
    found = sorted(
        path for path in beside if path.stem.casefold() == stem and path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if len(found) > 1:
        raise DatasetError(f"{root} holds {_listed([path.name for path in found])}: keep one table of {stem}")
    return found[0] if found else root / f"{stem}.csv"


def read_table(
    path: Path, columns: Sequence[str], layout: str, separator: str | None = None, optional: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a table with all cells as text, so that a name such as 007 stays a name; empty cells are "".

    Args:
        path: of the table, in any form that `siam.datasets.cells` reads.
        columns: required columns, in any letter case; others are allowed.
        layout: description of the layout, for the message if the table is missing.
        separator: between the cells, which then have no quotes; found out by default.
        optional: further columns that the reader knows, besides "split".

    Raises:
        DatasetError: the table is missing, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is missing: {layout}")
    return table_of(read_cells(content(path), str(path), columns, separator), str(path), columns, optional)


def content(path: Path) -> bytes:
    """Return the content of a table's file.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}): check its permissions") from error


def table_of(cells: Cells, name: str, columns: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """Return cells as a table, with required and optional columns, among them "split", as they are spelled here.

    Its `attrs["rows"]` are the numbers of its rows in the file.

    Raises:
        DatasetError: a required column is missing, or there are two of it.
    """
    spelled = {column.casefold(): column for column in ("split", *optional, *columns)}
    headings = [spelled.get(heading.casefold(), heading) for heading in cells.columns]
    for column in columns:
        if column not in headings:
            found = ", ".join(filter(None, cells.columns))[:80]
            raise DatasetError(
                f"{name} lacks the column {column!r}: it begins with {found}; expected {_listed(columns)}"
            )
    for column in spelled.values():
        if headings.count(column) > 1:
            raise DatasetError(f"{name} has two columns {column!r}: keep one")
    table = pd.DataFrame(cells.rows, columns=headings, dtype=str)
    table.attrs["rows"] = cells.numbers
    return table.loc[:, [bool(heading) for heading in headings]]


def columns(path: Path, wanted: Sequence[str] = ("file",)) -> list[str]:
    """Return the headings of a table, in lower case, or an empty list if there is none.

    Args:
        path: of the table.
        wanted: columns that it should have, which tell its separator.
    """
    try:
        return [heading.casefold() for heading in read_cells(content(path), str(path), wanted).columns]
    except DatasetError:
        return []


def numbers(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return the columns as float64 (N, columns); NaN where a cell is not a number."""
    values = [numbers_in(table[name]) for name in columns]
    return np.stack(values, axis=1) if len(table) else np.empty((0, len(columns)))


class Sieve:
    """Filters out the bad rows of one table.

    In strict mode (`findings` is None) the first bad row raises a `DatasetError`; otherwise each bad row is appended to
    `findings` once and its entry in `keep` becomes False.

    Args:
        path: of the table, or what messages call it.
        items: (N,) what each row is about.
        findings: collects the bad rows; None in strict mode.
        rows: (N,) numbers of the rows in the file, for messages; by default they are not named.

    Attributes:
        keep: (N,) which rows are good so far.
    """

    def __init__(
        self,
        path: Path | str,
        items: Sequence[str],
        findings: list[Finding] | None,
        rows: Sequence[int] | None = None,
    ) -> None:
        self.keep = np.ones(len(items), dtype=bool)
        self._path, self._items, self._findings, self._rows = path, items, findings, rows

    def reject(self, bad: np.ndarray, problem: Problem, detail: Callable[[int], str], remedy: str) -> None:
        """Reject the rows where `bad` (N,) is True.

        Args:
            bad: which rows to reject; those already rejected are not reported again.
            problem: the kind of finding.
            detail: given a row's index, returns what it holds, such as "a score outside 1 to 7 (9)".
            remedy: what to do, for the error message.

        Raises:
            DatasetError: a row is bad, in strict mode.
        """
        for row in np.flatnonzero(bad & self.keep).tolist():
            what, item = detail(row), self._items[row]
            if self._findings is None:
                about = f" for {item[:80]!r}" if item.strip() else ""
                raise DatasetError(f"{self._path} holds {what}{about}{self._place(row)}; {remedy}")
            self._findings.append(Finding(problem, item, f"{what}{self._place(row)}"))
        self.keep &= ~bad

    def reject_unnamed_and_repeated(self, photos: Sequence[str] | None = None) -> None:
        """Reject rows without a name, and all but the first of rows on the same photo.

        Args:
            photos: (N,) what each row is about, if it can be spelled in several ways.

        Raises:
            DatasetError: there is such a row, in strict mode.
        """
        unnamed = np.array([not item.strip() for item in self._items], dtype=bool)
        self.reject(unnamed, "unreadable", lambda _row: "no name", "name the photo or remove the row")
        first: dict[str, int] = {}
        keys = self._items if photos is None else photos
        earlier = [first.setdefault(key, row) if self.keep[row] else row for row, key in enumerate(keys)]

        def second(row: int) -> str:
            other = earlier[row]
            alike = self._items[other] == self._items[row]
            return "a second entry" if alike else f"the photo of {self._items[other]!r}{self._place(other)} again,"

        repeated = np.array([other != row for row, other in enumerate(earlier)], dtype=bool)
        self.reject(repeated, "duplicate", second, "keep one row per photo")

    def locate(self, find: Callable[[str], str]) -> list[str]:
        """Return the photo (N,) that each item means, and reject unnamed and repeated rows and those that mean none.

        Args:
            find: returns the photo of a name, or raises a ValueError whose message says what is wrong in a few words.

        Raises:
            DatasetError: there is such a row, in strict mode.
        """
        photos, problems = [], []
        for item in self._items:
            try:
                found, problem = find(item), ""
            except ValueError as error:
                found, problem = item, str(error)
            photos.append(found)
            problems.append(problem)
        wrong = np.array([bool(problem) for problem in problems], dtype=bool)
        self.reject(wrong, "unreadable", problems.__getitem__, "give the photo's path within the folder")
        self.reject_unnamed_and_repeated(photos)
        return photos

    def _place(self, row: int) -> str:
        return "" if self._rows is None else f" in row {self._rows[row]}"


def further(
    table: pd.DataFrame, column: str, bounds: tuple[float, float], what: str, sieve: Sieve
) -> np.ndarray | None:
    """Return an optional column of numbers (N,), NaN where it is blank; None without it.

    Args:
        table: as text.
        column: its name.
        bounds: lowest and highest possible number; rows outside them are rejected.
        what: what it holds, for messages: "a number of raters".
        sieve: of the table's rows.

    Raises:
        DatasetError: a row is bad, in strict mode.
    """
    if column not in table:
        return None
    values, (low, high) = numbers(table, (column,))[:, 0], bounds
    blank = table[column].str.strip().to_numpy(dtype=str) == ""
    sieve.reject(
        ~blank & ~((values >= low) & (values <= high)),
        "out of range",
        lambda row: f"{what} outside {low:g} to {high:g} ({table[column][row][:40]!r})",
        "correct it or leave it blank",
    )
    return values


def files_named(names: Sequence[str], folder: Path, sieve: Sieve) -> list[Path]:
    """Return the photos (N,) in a folder that a table names, however it spells them; bad names are rejected.

    Args:
        names: (N,) as the table writes them.
        folder: of the photos.
        sieve: of the table's rows, with the names as items.

    Raises:
        DatasetError: a row is bad, in strict mode.
    """
    spellings: Spellings | None = None

    def find(name: str) -> str:
        nonlocal spellings
        within = identity(name, folder)
        if not within or is_there(folder / within):
            return within
        if spellings is None:  # listed only if a name is spelled differently or its photo is missing
            present = (path for path in folder.rglob("*") if path.is_file())
            spellings = Spellings((path.relative_to(folder).as_posix() for path in present), folder)
        return spellings.find(name) or within

    return [folder / photo for photo in sieve.locate(find)]


def read_split(table: pd.DataFrame, names: Sequence[str], sieve: Sieve, shares: Sequence[float]) -> np.ndarray:
    """Return the column `split`, or if there is none, a split of the names by `hash_split`: (N,) of `SPLITS`.

    Raises:
        DatasetError: the column holds another word, in strict mode.
    """
    if "split" not in table:
        return hash_split(names, shares)
    split = table["split"].str.strip().str.casefold().to_numpy(dtype=str)
    sieve.reject(
        ~np.isin(split, SPLITS),
        "out of range",
        lambda row: f"a split other than {_listed(SPLITS)} ({table['split'][row]!r})",
        "use one of these words",
    )
    return split


def hash_split(names: Sequence[str], shares: Sequence[float]) -> np.ndarray:
    """Return a split for each name (N,) that depends on the name alone, so it stays the same as photos come and go.

    The first eight bytes of the SHA-256 of the UTF-8 name, read as a number in [0, 1), decide the split.

    Args:
        names: of the files.
        shares: of train, val and test, in any unit.
    """
    digests = (hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:8] for name in names)
    places = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    bounds = np.cumsum(shares)[:-1] / np.sum(shares)
    return np.array(SPLITS)[np.searchsorted(bounds, places, side="right")]


def _listed(words: Sequence[str]) -> str:
    """Return a few words in full, many as the first three and how many more."""
    if len(words) <= 7:  # the longest list of columns worth showing in full
        return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]
    return f"{', '.join(words[:3])} and {len(words) - 3} more"
