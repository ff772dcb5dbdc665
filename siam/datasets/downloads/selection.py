"""Which of ScenicOrNot's photos to download: those of a split, as the reader defines it, up to a limit."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from siam.datasets.tables import Finding
from siam.datasets.votes import read_votes, split_by_order


@dataclass(frozen=True)
class Request:
    """Which photos are wanted.

    Attributes:
        split: "train", "val" or "test"; None for all three.
        limit: at most this many, including those already here; None for no limit.
    """

    split: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Summary:
    """The result of a download: how many photos were `asked` for, and how many of those are `here` at the end."""

    asked: int
    here: int


@dataclass(frozen=True)
class Step:
    """How far a download has got.

    Attributes:
        kind: "tables", which are read first, or "photos".
        done: tables read, or photos here.
        of: how many there will be.
        come: bytes received for them in this run.
        size: bytes that this run needs for them, None if unknown.
    """

    kind: Literal["tables", "photos"]
    done: int
    of: int
    come: int
    size: int | None = None


Progress = Callable[[Step], object]  # called repeatedly, from several threads; raising in it stops the download


def read_rows(path: Path) -> pd.DataFrame:
    """Return the valid rows of votes.tsv by ID; reports the number of bad ones on stderr."""
    findings: list[Finding] = []
    table = read_votes(path, findings)
    if findings:
        sys.stderr.write(f"{path}: {len(findings)} rows are invalid and skipped: see python -m siam data check\n")
    return table


def wanted(table: pd.DataFrame, request: Request) -> pd.DataFrame:
    """Return the rows of the requested split, sorted by ID."""
    split = split_by_order(len(table))
    used = table.iloc[: len(split)]
    return used if request.split is None else used.loc[split == request.split]
