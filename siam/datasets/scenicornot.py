"""ScenicOrNot: photos of Great Britain with all their votes, from 1 to 10: `votes.tsv` beside `images/<ID>.jpg`.

votes.tsv has the tab-separated columns ID, Lat, Lon, Average, Variance, Votes and Geograph URI; Average is the mean and
Variance the population variance of Votes. Ratings: scenicornot.datasciencelab.co.uk, ODbL. Photos: geograph.org.uk,
CC BY-SA 2.0, by the authors listed in attribution.csv (ID, file, author, title, page, licence).
Splits, of photos with at least 3 votes:

- "paper": the first 200,000 by ID, 150,000 / 20,000 / 30,000. D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable
  Activation Maps", ICCV Workshops 2019, arXiv:1909.08442.
- "authors": by row of votes.tsv, 150,000 / 5,000 / 35,000, as in their published code. It keeps the first 5,000
  of the last part for testing, and its figures show others of that part.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets.base import Layout, RatingScale, ScoredPhotos
from siam.datasets.tables import Finding
from siam.datasets.votes import (
    AUTHORS_SIZES,
    HIGHEST,
    LOWEST,
    SPLIT_SIZES,
    parse_votes,
    read_attribution,
    read_votes,
    split_by_order,
)
from siam.errors import DatasetError

SCALE = RatingScale("scenicness, ScenicOrNot", LOWEST, HIGHEST)
_SIZES = {"paper": SPLIT_SIZES, "authors": AUTHORS_SIZES}


def every_vote(root: Path) -> dict[str, tuple[int, ...] | None]:
    """Return ID → votes on that photo; raises DatasetError if the table is malformed."""
    table = read_votes(root / "votes.tsv")
    return {str(row): parse_votes(cell) for row, cell in zip(table["ID"], table["Votes"], strict=True)}


def _credits(root: Path, _files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    path = root / "attribution.csv"
    if not path.exists():
        return {}
    return {
        f"{number}.jpg": {**{key: row[key] for key in ("author", "title", "licence")}, "link": row["page"]}
        for number, row in read_attribution(path).items()
    }


LAYOUT = Layout(has_split=lambda _root: True, splits=tuple(_SIZES), votes=every_vote, credits=_credits)


def read(
    root: Path,
    *,
    findings: list[Finding] | None = None,
    split: str = "paper",
    sizes: Sequence[int] | None = None,
    scale: RatingScale = SCALE,
) -> ScoredPhotos:
    """Read the layout below `root`.

    Args:
        root: holds votes.tsv and images/. If the downloader has left an attribution.csv beside them, only the photos
            it lists belong to the dataset; their split still depends on the whole of votes.tsv.
        findings: a list that collects bad rows; without it, a bad row is an error.
        split: "paper" or "authors".
        sizes: of train, val and test, by default those of the split; if fewer rows have enough votes, these are
            proportions (`votes.split_by_order`).
        scale: of the scores.

    Returns:
        The photos, sorted by ID or, with the authors' split, in the order of the table.

    Raises:
        DatasetError: a table is missing or malformed (`votes.read_votes`), or there is no such split.
        ValueError: the sizes are not three numbers of photos.
    """
    if split not in _SIZES:
        raise DatasetError(f"there is no split {split!r} of ScenicOrNot: choose {' or '.join(map(repr, _SIZES))}")
    table = read_votes(root / "votes.tsv", findings, by_id=split == "paper")
    parts = split_by_order(len(table), _SIZES[split] if sizes is None else sizes)
    table = table.iloc[: len(parts)]
    attribution = root / "attribution.csv"
    here = np.ones(len(table), dtype=bool)
    if attribution.exists():
        here = table["ID"].isin(list(read_attribution(attribution))).to_numpy(dtype=bool)
    table = table.loc[here]
    return ScoredPhotos(
        files=tuple(root / "images" / f"{identifier}.jpg" for identifier in table["ID"]),
        scores=table["mean"].to_numpy(dtype=np.float32),
        split=parts[here],
        scale=scale,
        variances=table["variance"].to_numpy(dtype=np.float32),
        votes=table["count"].to_numpy(dtype=int),
    )
