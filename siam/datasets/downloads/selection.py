"""Which of ScenicOrNot's photos to fetch: those of a split, as the reader will split them, up to a number."""

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
        limit: how many at most, those here already included; None for no limit.
    """

    split: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Summary:
    """How it went: photos `asked` for, and of those `here` at the end."""

    asked: int
    here: int


@dataclass(frozen=True)
class Step:
    """How far a download is.

    Attributes:
        kind: "tables" are read before "photos".
        done: tables that were read, or photos that are here.
        of: how many there will be.
        come: bytes that came for them in this run.
        size: bytes that this run needs for them, None where that is not known.
    """

    kind: Literal["tables", "photos"]
    done: int
    of: int
    come: int
    size: int | None = None


Progress = Callable[[Step], object]  # called again and again, from several threads; what it raises ends the download


def read_rows(path: Path) -> pd.DataFrame:
    """Return the good rows of votes.tsv by ID; how many were bad is told on stderr, `data check` names them."""
    findings: list[Finding] = []
    table = read_votes(path, findings)
    if findings:
        sys.stderr.write(f"{path}: {len(findings)} rows are not as they should be: see python -m siam data check\n")
    return table


def wanted(table: pd.DataFrame, request: Request) -> pd.DataFrame:
    """Return the rows of the requested split, in the order of their IDs."""
    split = split_by_order(len(table))
    used = table.iloc[: len(split)]
    return used if request.split is None else used.loc[split == request.split]
