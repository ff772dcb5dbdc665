"""What the readers share: tables read as text, bad rows as errors or findings, and splits by a fixed hash."""

import csv
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from siam.errors import DatasetError

SPLITS = ("train", "val", "test")

Problem = Literal["missing", "unreadable", "duplicate", "out of range"]


@dataclass(frozen=True)
class Finding:
    """A problem in a dataset: its kind, the file or row it concerns, and what was found."""

    problem: Problem
    item: str
    detail: str


def read_table(path: Path, columns: Sequence[str], layout: str, separator: str = ",") -> pd.DataFrame:
    """Return a table with all cells as text, so that a name such as 007 stays a name; empty cells are "".

    Args:
        path: of the table.
        columns: required columns; others are allowed.
        layout: description of the layout, for the message if the table is missing.
        separator: between the columns.

    Raises:
        DatasetError: the table is missing, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is missing: {layout}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # a separator at the end of a line does no harm
            table = pd.read_csv(
                path,
                sep=separator,
                quoting=csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                encoding="utf-8-sig",
            ).fillna("")  # lines that end early
    except (OSError, ValueError) as error:  # ValueError: empty, not text, or not a table
        what = " ".join(str(error).split())
        raise DatasetError(f"{path} is not readable as a table ({what}): export it again as UTF-8") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; expected {_listed(columns)}")
    return table


def columns(path: Path) -> list[str]:
    """Return the first row of a table, or an empty list if there is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        return []


def numbers(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return the columns as float64 (N, columns); NaN where a cell is not a number."""
    values = [np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64) for name in columns]
    return np.stack(values, axis=1) if len(table) else np.empty((0, len(columns)))


class Sieve:
    """Filters out the bad rows of one table.

    In strict mode (`findings` is None) the first bad row raises a `DatasetError`; otherwise each bad row is appended to
    `findings` once and its entry in `keep` becomes False.

    Attributes:
        keep: (N,) which rows are good so far.
    """

    def __init__(self, path: Path, items: Sequence[str], findings: list[Finding] | None) -> None:
        self.keep = np.ones(len(items), dtype=bool)
        self._path, self._items, self._findings = path, items, findings

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
            if self._findings is None:
                raise DatasetError(f"{self._path} holds {detail(row)} for {self._items[row]!r}; {remedy}")
            self._findings.append(Finding(problem, self._items[row], detail(row)))
        self.keep &= ~bad

    def reject_unnamed_and_repeated(self) -> None:
        """Reject rows without a name, and all but the first of rows with the same name.

        Raises:
            DatasetError: there is such a row, in strict mode.
        """
        items = np.array(self._items, dtype=object)
        unnamed = items == ""
        self.reject(unnamed, "unreadable", lambda row: f"no name in row {row + 1}", "name the photo or remove the row")
        repeated = np.asarray(pd.Series(items).duplicated(), dtype=bool)
        self.reject(repeated, "duplicate", lambda row: f"a second entry (row {row + 1})", "keep one row per photo")


def read_split(table: pd.DataFrame, names: Sequence[str], sieve: Sieve, shares: Sequence[float]) -> np.ndarray:
    """Return the column `split`, or if there is none, a split of the names by `hash_split`: (N,) of `SPLITS`.

    Raises:
        DatasetError: the column holds another word, in strict mode.
    """
    if "split" not in table:
        return hash_split(names, shares)
    split = table["split"].to_numpy(dtype=str)
    sieve.reject(
        ~np.isin(split, SPLITS),
        "out of range",
        lambda row: f"a split other than {_listed(SPLITS)} ({split[row]!r})",
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
