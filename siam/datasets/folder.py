"""Any folder of photos, including subfolders, with an optional `ratings.csv` (file, score) at its top level.

The column file gives the path from the folder, such as `walk/lake.jpg`, in any spelling (`siam.datasets.names`). Photos
without a row have no score. An optional third column, split, says train, val or test.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from siam.datasets.base import Layout, RatingScale, ScoredPhotos
from siam.datasets.names import Spellings, identity, known_as
from siam.datasets.ratings import read_ratings
from siam.datasets.tables import Finding, columns, content, find_table, hash_split
from siam.errors import DatasetError
from siam.images.reading import ACCEPTED_SUFFIXES

LAYOUT = Layout(names_scale=False, has_split=lambda root: "split" in columns(find_table(root, "ratings")))
SHARES = (80, 10, 10)  # of train, val and test, by a hash of the file name, if the table has no split


def read(root: Path, *, findings: list[Finding] | None = None, scale: RatingScale | None = None) -> ScoredPhotos:
    """Read the photos below `root`, except hidden files and folders.

    Args:
        root: the folder.
        findings: a list that collects bad rows; without it, a bad row is an error.
        scale: the scale of the scores; by default from the lowest to the highest score found, or 0 to 1 if there is
            none.

    Returns:
        The photos, sorted by name, including those that the table lists but the folder lacks.

    Raises:
        DatasetError: the folder does not exist or holds no photo; the table lacks a column; a score is not a number or
            is outside the scale; a photo is listed twice, or is outside the folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder: give one that holds photos")
    present = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if _is_photo(path, root))
    rated = _rated(find_table(root, "ratings"), scale, findings, Spellings(present, root), root)
    names = sorted({*present, *rated.index})
    if not names:
        raise DatasetError(f"{root} holds no photos: expected files such as lake.jpg, in it or in subfolders")
    scores = rated["score"].reindex(names).to_numpy(dtype=np.float32)
    split = rated["split"].reindex(names).to_numpy(dtype=object)
    split = np.where(pd.isna(split), hash_split([*map(known_as, names)], SHARES), split).astype(str)
    written = tuple(rated["name"].reindex(names).fillna(pd.Series(names, index=names)))
    files = tuple(root / name for name in names)
    return ScoredPhotos(files, scores, split, scale or _scale_of(scores), names=written)


def _is_photo(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.suffix.lower() in ACCEPTED_SUFFIXES and path.is_file()


def _rated(
    path: Path, scale: RatingScale | None, findings: list[Finding] | None, spellings: Spellings, root: Path
) -> pd.DataFrame:
    """Return score, split (missing where the table has none) and name in the table, by photo; empty without a table."""
    if not path.exists():
        return pd.DataFrame({"score": [], "split": [], "name": []}, index=pd.Index([], dtype=object), dtype=object)

    def find(name: str) -> str:
        return spellings.find(name) or identity(name, root)

    ratings = read_ratings(content(path), str(path), findings, scale, find)
    split = np.full(len(ratings.names), None, dtype=object) if ratings.split is None else ratings.split.astype(object)
    table = pd.DataFrame(
        {"score": ratings.scores, "split": split, "name": pd.Series(ratings.names, dtype=object)}, dtype=object
    )
    return table.set_axis(pd.Index(ratings.photos, dtype=object))


def _scale_of(scores: np.ndarray) -> RatingScale:
    known = scores[np.isfinite(scores)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    return RatingScale("score, own photos", low, high)
