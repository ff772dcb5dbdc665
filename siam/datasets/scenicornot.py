"""ScenicOrNot: photos of Great Britain with all their votes, from 1 to 10: `votes.tsv` beside `images/<ID>.jpg`.

votes.tsv has the tab-separated columns ID, Lat, Lon, Average, Variance, Votes and Geograph URI; Average is the mean and
Variance the population variance of Votes. Ratings: scenicornot.datasciencelab.co.uk, ODbL. Photos: geograph.org.uk,
CC BY-SA 2.0, by the authors listed in attribution.csv (ID, file, author, title, page, licence).
Splits: D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps", ICCV Workshops 2019,
arXiv:1909.08442: at least 3 votes, the first 200,000 by ID, 150,000 / 20,000 / 30,000 by ID.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siam.datasets.base import Layout, RatingScale, ScoredPhotos
from siam.datasets.tables import Finding
from siam.datasets.votes import HIGHEST, LOWEST, SPLIT_SIZES, parse_votes, read_attribution, read_votes, split_by_order

SCALE = RatingScale("scenicness, ScenicOrNot", LOWEST, HIGHEST)


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


LAYOUT = Layout(has_split=lambda _root: True, votes=every_vote, credits=_credits)


def read(
    root: Path, *, findings: list[Finding] | None = None, sizes: Sequence[int] = SPLIT_SIZES, scale: RatingScale = SCALE
) -> ScoredPhotos:
    """Read the layout below `root`.

    Args:
        root: holds votes.tsv and images/. If the downloader has left an attribution.csv beside them, only the photos
            it lists belong to the dataset; their split still depends on the whole of votes.tsv.
        findings: a list that collects bad rows; without it, a bad row is an error.
        sizes: of train, val and test, in the order of the IDs; if fewer rows have enough votes, these are proportions
            (`votes.split_by_order`).
        scale: of the scores.

    Returns:
        The photos, sorted by ID.

    Raises:
        DatasetError: a table is missing or malformed (`votes.read_votes`).
        ValueError: the sizes are not three numbers of photos.
    """
    table = read_votes(root / "votes.tsv", findings)
    split = split_by_order(len(table), sizes)
    table = table.iloc[: len(split)]
    attribution = root / "attribution.csv"
    here = np.ones(len(table), dtype=bool)
    if attribution.exists():
        here = table["ID"].isin(list(read_attribution(attribution))).to_numpy(dtype=bool)
    table = table.loc[here]
    return ScoredPhotos(
        files=tuple(root / "images" / f"{identifier}.jpg" for identifier in table["ID"]),
        scores=table["mean"].to_numpy(dtype=np.float32),
        split=split[here],
        scale=scale,
        variances=table["variance"].to_numpy(dtype=np.float32),
        votes=table["count"].to_numpy(dtype=int),
    )
