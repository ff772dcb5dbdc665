"""Photos with people's beauty ratings, in the columns of OASIS: `ratings.csv` (file, beauty_mean, …) beside `images/`.

Any other set in these columns reads the same way. Optional columns: beauty_sd (of the ratings), beauty_n (how many
people rated), split (train, val or test).

Ratings, 1 to 7: A. Brielmann, D. Pelli, "Intense beauty requires intense pleasure", Frontiers in Psychology 2019.
Pictures: B. Kurdi, S. Lozano, M. Banaji, "Introducing the Open Affective Standardized Image Set", Behavior Research
Methods 2017.
"""

from pathlib import Path

import numpy as np

from siam.datasets.base import RatingScale, ScoredPhotos
from siam.datasets.tables import Finding, Sieve, numbers, read_split, read_table

SCALE = RatingScale("beauty, OASIS", 1, 7)
SHARES = (80, 10, 10)  # of train, val and test, by a hash of the file's name, where the table has no split


def read(root: Path, *, findings: list[Finding] | None = None) -> ScoredPhotos:
    """Read the layout below `root`.

    Args:
        root: holds ratings.csv and images/.
        findings: where bad rows are told instead of being refused.

    Returns:
        The photos in the table's order. `variances` are the squares of beauty_sd.

    Raises:
        DatasetError: the table is missing or lacks a column; a score is outside 1 to 7, or a file is named twice.
    """
    path = root / "ratings.csv"
    table = read_table(path, ("file", "beauty_mean"), "the oasis layout holds ratings.csv and images/")
    names = table["file"].tolist()
    sieve = Sieve(path, names, findings)
    sieve.reject_unnamed_and_repeated()
    scores = numbers(table, ("beauty_mean",))[:, 0]
    sieve.reject(
        ~((scores >= SCALE.low) & (scores <= SCALE.high)),
        "out of range",
        lambda row: f"a score outside {SCALE.low} to {SCALE.high} ({table['beauty_mean'][row]!r})",
        "expected a mean beauty rating",
    )
    split = read_split(table, names, sieve, SHARES)
    keep = sieve.keep
    deviations = numbers(table, ("beauty_sd",))[keep, 0] if "beauty_sd" in table else None
    votes = numbers(table, ("beauty_n",))[keep, 0] if "beauty_n" in table else None
    return ScoredPhotos(
        files=tuple(root / "images" / names[row] for row in np.flatnonzero(keep)),
        scores=scores[keep].astype(np.float32),
        split=split[keep],
        scale=SCALE,
        variances=None if deviations is None else (deviations**2).astype(np.float32),
        votes=None if votes is None or not np.isfinite(votes).all() else votes.astype(int),
    )
