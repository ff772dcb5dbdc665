"""Photos with people's beauty ratings, in the layout of OASIS: `ratings.csv` (file, beauty_mean, …) beside `images/`.

Any other dataset with these columns can be read the same way. Optional columns: beauty_sd (standard deviation of the
ratings), beauty_n (how many people rated), split (train, val or test).

Ratings, 1 to 7: A. Brielmann, D. Pelli, "Intense beauty requires intense pleasure", Frontiers in Psychology 2019.
Pictures: B. Kurdi, S. Lozano, M. Banaji, "Introducing the Open Affective Standardized Image Set", Behavior Research
Methods 2017. They are public in the folder images of the authors' GitHub repository; `PUBLIC` names one commit of it.
The columns public_name and sha256 of ratings.csv, if present, say which file there is which photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from siam.datasets.base import Layout, RatingScale, ScoredPhotos
from siam.datasets.tables import (
    MOST_VOTES,
    Finding,
    Sieve,
    columns,
    files_named,
    find_table,
    further,
    numbers,
    read_split,
    read_table,
)

SCALE = RatingScale("beauty, OASIS", 1, 7)
PUBLIC = "bkurdi/shiny-server", "1a3bcada01115bbe651bf0e69f7410c8ef63cc94"  # repository and commit
SHARES = (80, 10, 10)  # of train, val and test, by a hash of the file name, if the table has no split

_LAYOUT = "the oasis layout holds ratings.csv and images/"


def read(root: Path, *, findings: list[Finding] | None = None) -> ScoredPhotos:
    """Read the layout below `root`.

    Args:
        root: holds ratings.csv and images/.
        findings: a list that collects bad rows; without it, a bad row is an error.

    Returns:
        The photos in the table's order. `variances` are the squares of beauty_sd.

    Raises:
        DatasetError: the table is missing or lacks a column; a score is outside 1 to 7, or another number impossible;
            or a file is listed twice.
    """
    path = find_table(root, "ratings")
    table = read_table(path, ("file", "beauty_mean"), _LAYOUT, optional=("beauty_sd", "beauty_n"))
    names = table["file"].tolist()
    sieve = Sieve(path, names, findings, table.attrs["rows"])
    files = files_named(names, root / "images", sieve)
    scores = numbers(table, ("beauty_mean",))[:, 0]
    sieve.reject(
        ~((scores >= SCALE.low) & (scores <= SCALE.high)),
        "out of range",
        lambda row: f"a score outside {SCALE.low} to {SCALE.high} ({table['beauty_mean'][row]!r})",
        "expected a mean beauty rating",
    )
    split = read_split(table, names, sieve, SHARES)
    deviations = further(table, "beauty_sd", (0, SCALE.high - SCALE.low), "a standard deviation", sieve)
    votes = further(table, "beauty_n", (1, MOST_VOTES), "a number of raters", sieve)
    keep = sieve.keep
    deviations = None if deviations is None else deviations[keep]
    votes = None if votes is None else votes[keep]
    return ScoredPhotos(
        files=tuple(files[row] for row in np.flatnonzero(keep)),
        scores=scores[keep].astype(np.float32),
        split=split[keep],
        scale=SCALE,
        variances=None if deviations is None else (deviations**2).astype(np.float32),
        votes=None if votes is None or not np.isfinite(votes).all() else votes.astype(int),
    )


@dataclass(frozen=True)
class Public:
    """A public photo: its address and checksum, the page that shows it, and its author where known."""

    address: str
    sha256: str
    page: str
    author: str | None


def public_pictures(root: Path) -> dict[str, Public]:
    """Return file name → public photo for a dataset in the layout of OASIS; empty if it lists none.

    Raises:
        DatasetError: ratings.csv is missing or not a table.
    """
    table = read_table(find_table(root, "ratings"), ("file",), _LAYOUT, optional=("public_name", "sha256", "source"))
    if not {"public_name", "sha256"} <= set(table):
        return {}
    repository, commit = PUBLIC
    sources = table["source"] if "source" in table else [""] * len(table)
    known = {}
    for file, name, digest, source in zip(table["file"], table["public_name"], table["sha256"], sources, strict=True):
        if name and digest:
            known[str(file)] = Public(
                f"https://raw.githubusercontent.com/{repository}/{commit}/images/{quote(name)}",
                str(digest),
                f"https://github.com/{repository}/blob/{commit}/images/{quote(name)}",
                f"{source}, by way of OASIS" if source else "see OASIS",
            )
    return known


def _credits(root: Path, _files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    return {
        name: {"image": photo.address, "sha256": photo.sha256, "link": photo.page, "author": photo.author}
        for name, photo in public_pictures(root).items()
    }


LAYOUT = Layout(
    titles={"oasis_scenes": "OASIS outdoor scenes", "vessel_landscapes": "Vessel's nature photos"},
    has_split=lambda root: "split" in columns(find_table(root, "ratings")),
    credits=_credits,
)
