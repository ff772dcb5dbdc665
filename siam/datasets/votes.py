"""ScenicOrNot's table of votes: its columns, what a valid row is, and how its rows are split.

Separate from the reader because the downloader needs it too, and must not have to load PyTorch.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from siam.datasets.tables import SPLITS, Finding, Sieve, numbers, read_table
from siam.errors import DatasetError

COLUMNS = ("ID", "Lat", "Lon", "Average", "Variance", "Votes", "Geograph URI")
ATTRIBUTION_COLUMNS = ("ID", "file", "author", "title", "page", "licence")
LOWEST, HIGHEST = 1, 10  # the scale of the votes
MINIMUM_VOTES = 3
SPLIT_SIZES = (150_000, 20_000, 30_000)  # the paper's: the first 200,000 by ID
AUTHORS_SIZES = (150_000, 5_000, 35_000)  # by row; their code tests on 155,000 to 160,000 or 160,000 to 190,000

_ROUNDING = 1e-3  # Average and Variance are given with four digits
_NEEDED = ("ID", "Average", "Variance", "Votes")
_VOTES = re.compile(r"[0-9]{1,2}(,[0-9]{1,2})*")


def parse_votes(text: str) -> tuple[int, ...] | None:
    """Return the votes in a cell such as "7,4,6"; () for an empty cell, None for anything else."""
    if not text:
        return ()
    return tuple(int(vote) for vote in text.split(",")) if _VOTES.fullmatch(text) else None


def read_votes(path: Path, findings: list[Finding] | None = None, *, by_id: bool = True) -> pd.DataFrame:
    """Return the valid rows of votes.tsv with at least `MINIMUM_VOTES` votes each.

    Mean and variance are computed from the votes; the columns Average and Variance must agree with them.

    Args:
        path: of the table: ID, Lat, Lon, Average, Variance, Votes, Geograph URI, separated by tabs.
        findings: a list that collects bad rows; without it, a bad row is an error.
        by_id: whether to sort the rows by ID; else they stay in the order of the table.

    Returns:
        The table's own columns as text, and ID (int), mean, variance (of the population) and count (of votes).

    Raises:
        DatasetError: the table is missing or malformed; votes cannot be read, are outside 1 to 10, or do not agree with
            their Average or Variance; an ID is not a whole number or occurs twice.
    """
    table = read_table(path, _NEEDED, "the scenicornot layout holds votes.tsv and images/", separator="\t")
    items = table["ID"].tolist()
    sieve = Sieve(path, items, findings, table.attrs["rows"])
    sieve.reject_unnamed_and_repeated()
    identifiers = np.array([re.fullmatch(r"[0-9]{1,18}", item) is not None for item in items], dtype=bool)
    sieve.reject(
        ~identifiers, "unreadable", lambda row: "an ID that is not a whole number", "correct or remove the row"
    )
    mean, variance, count = _statistics(table["Votes"].tolist(), sieve)
    _compare(table, mean, variance, sieve)
    keep = sieve.keep & (count >= MINIMUM_VOTES)
    good = table.loc[keep].assign(
        ID=[int(items[row]) for row in np.flatnonzero(keep)],
        mean=mean[keep],
        variance=variance[keep],
        count=count[keep],
    )
    return good.sort_values("ID", ignore_index=True) if by_id else good.reset_index(drop=True)


def split_by_order(count: int, sizes: Sequence[int] = SPLIT_SIZES) -> np.ndarray:
    """Return the split of each of `count` rows in their order: first train, then val, then test.

    Args:
        count: number of rows with enough votes.
        sizes: of train, val and test. Any rows beyond their sum belong to no split. If there are fewer rows, the splits
            keep their proportions: each ends at the nearest row, halves rounded up.

    Returns:
        (min(count, sum of sizes),) of "train", "val" or "test".

    Raises:
        ValueError: a size is negative, or all are 0.
    """
    if len(sizes) != len(SPLITS) or min(sizes) < 0 or sum(sizes) == 0:
        raise ValueError(f"expected three numbers of photos, for train, val and test, not {sizes}")
    total = sum(sizes)
    used = min(count, total)
    ends = [(2 * used * int(end) + total) // (2 * total) for end in np.cumsum(sizes)]
    return np.repeat(SPLITS, np.diff([0, *ends]))


def read_attribution(path: Path) -> dict[int, dict[str, str]]:
    """Return the photos that attribution.csv lists, by ID; an unfinished last line, left by a crash, is ignored.

    Raises:
        DatasetError: the table cannot be read, or its header is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as UTF-8 text: download the photos again") from error
    rows = list(csv.reader(text[: text.rfind("\n") + 1].split("\n")))
    if not rows or tuple(rows[0]) != ATTRIBUTION_COLUMNS:
        raise DatasetError(
            f"{path} lacks its header: expected {', '.join(ATTRIBUTION_COLUMNS)}; download the photos again"
        )
    good = [row for row in rows[1:] if len(row) == len(ATTRIBUTION_COLUMNS) and row[0].isdecimal()]
    return {int(row[0]): dict(zip(ATTRIBUTION_COLUMNS, row, strict=True)) for row in good}


def _statistics(cells: Sequence[str], sieve: Sieve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, population variance and number (N,) of the votes in each cell; bad cells are rejected."""
    parsed = [parse_votes(cell) for cell in cells]
    sieve.reject(
        np.array([votes is None for votes in parsed], dtype=bool),
        "unreadable",
        lambda row: f"votes that are not whole numbers separated by commas ({_short(cells[row])})",
        "correct or remove the row",
    )
    counts = np.array([len(votes or ()) for votes in parsed], dtype=int)
    flat = np.array([vote for votes in parsed for vote in votes or ()], dtype=np.float64)
    owner = np.repeat(np.arange(len(parsed)), counts)
    outside = np.zeros(len(parsed), dtype=bool)
    outside[owner[(flat < LOWEST) | (flat > HIGHEST)]] = True
    sieve.reject(
        outside,
        "out of range",
        lambda row: f"votes outside {LOWEST} to {HIGHEST} ({_short(cells[row])})",
        "correct or remove the row",
    )
    several = np.maximum(counts, 1)
    mean = np.bincount(owner, flat, len(parsed)) / several
    variance = np.bincount(owner, (flat - mean[owner]) ** 2, len(parsed)) / several
    return mean, variance, counts


def _compare(table: pd.DataFrame, mean: np.ndarray, variance: np.ndarray, sieve: Sieve) -> None:
    """Reject rows whose Average or Variance disagrees with their votes."""
    stated = numbers(table, ("Average", "Variance"))
    voted = (table["Votes"] != "").to_numpy(dtype=bool)
    for column, (name, true) in enumerate((("Average", mean), ("Variance", variance))):
        sieve.reject(
            voted & ~(np.abs(stated[:, column] - true) <= _ROUNDING),
            "out of range",
            lambda row, name=name, true=true: f"{name} {table[name][row]!r} although its votes give {true[row]:.4f}",
            "correct or remove the row",
        )


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else f"{cell[:37]}…")
