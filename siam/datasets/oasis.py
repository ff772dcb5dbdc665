"""Photos with people's beauty ratings, in the columns of OASIS: `ratings.csv` (file, beauty_mean, …) beside `images/`.

Ratings, 1 to 7: A. Brielmann, D. Pelli, "Intense beauty requires intense pleasure", Frontiers in Psychology 2019.
Pictures: B. Kurdi, S. Lozano, M. Banaji, "Introducing the Open Affective Standardized Image Set", Behavior Research
Methods 2017.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from siam.errors import DatasetError
from siam.model import RatingScale

SCALE = RatingScale("beauty, OASIS", 1, 7)


@dataclass(frozen=True, eq=False)
class RatedPhotos:
    """Photos with ratings: `files` (n) and `scores` (n), the mean rating of the crowd, 1 to 7."""

    files: tuple[Path, ...]
    scores: np.ndarray


def read(root: Path) -> RatedPhotos:
    """Read the layout below `root`.

    Raises:
        DatasetError: the table is missing or lacks a column, or a score is outside 1 to 7.
    """
    path = root / "ratings.csv"
    if not path.is_file():
        raise DatasetError(f"{path} is missing: the oasis layout holds ratings.csv and images/")
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # empty, not text, or not a table
        raise DatasetError(f"{path} is not readable as csv ({error}): export it again as UTF-8") from error
    missing = [name for name in ("file", "beauty_mean") if name not in table]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; expected file and beauty_mean")
    scores = np.asarray(pd.to_numeric(table["beauty_mean"], errors="coerce"), dtype=np.float32)
    if not ((scores >= SCALE.low) & (scores <= SCALE.high)).all():
        raise DatasetError(f"{path} holds scores outside {SCALE.low} to {SCALE.high}; expected mean beauty ratings")
    return RatedPhotos(tuple(root / "images" / str(name) for name in table["file"]), scores)
