"""The SUN Attribute database, as the csv layout: `labels.csv` (file, split, 33 columns) beside `images/`.

A label is the share of three annotators who saw the attribute; it counts as present above one half.
G. Patterson, C. Xu, H. Su, J. Hays, "The SUN Attribute Database", IJCV 2014.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from siam.errors import DatasetError

# The 33 visual attributes that the SIAM paper keeps or merges from the database's 102, in its order.
ATTRIBUTES = (
    "trees", "grass", "flowers", "ocean", "running_water", "still_water", "road", "railroad", "fencing_railing", "wire",
    "transport", "wood", "ice_snow", "brick", "shingles", "metal", "cloth", "sand", "rock_stone", "glass", "aged_worn",
    "dirty", "rusty", "dry", "rugged_scene", "cluttered_space", "clouds", "horizon", "digging", "temple", "farming",
    "hiking", "social",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class AttributePhotos:
    """Photos with attribute labels: `files` (n), `labels` (n, 33) in [0, 1], `split` (n) of "train" or "test"."""

    files: tuple[Path, ...]
    labels: np.ndarray
    split: np.ndarray


def read(root: Path) -> AttributePhotos:
    """Read the csv layout below `root`.

    Raises:
        DatasetError: the table is missing or lacks a column, or a label is outside [0, 1].
    """
    path = root / "labels.csv"
    if not path.is_file():
        raise DatasetError(f"{path} is missing: the sun layout holds labels.csv and images/")
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # empty, not text, or not a table
        raise DatasetError(f"{path} is not readable as csv ({error}): export it again as UTF-8") from error
    missing = [name for name in ("file", "split", *ATTRIBUTES) if name not in table]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; expected file, split and the 33 attributes")
    labels = table[list(ATTRIBUTES)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float32)
    if not ((labels >= 0) & (labels <= 1)).all():
        raise DatasetError(f"{path} holds labels outside 0 to 1; expected shares of annotators")
    files = tuple(root / "images" / str(name) for name in table["file"])
    return AttributePhotos(files, labels, table["split"].to_numpy(dtype=str))
