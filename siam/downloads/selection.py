"""Which of ScenicOrNot's photos to fetch: those of a split, as the reader will split them, up to a number."""

import sys
from dataclasses import dataclass
from pathlib import Path

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
