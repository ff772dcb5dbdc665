"""Any folder of photos, including subfolders, with `ratings.csv` (file, score) or `attributes.csv` at its top level.

The column file gives the path from the folder, such as `walk/lake.jpg`, in any spelling (`siam.datasets.names`). Photos
without a row have no score. An optional third column, split, says train, val or test. Both tables are optional;
`siam.datasets.vocabulary` describes attributes.csv.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from siam.datasets import region_files, vocabulary
from siam.datasets.base import AttributePhotos, Layout, LeftOut, RatingScale, ScoredPhotos
from siam.datasets.cells import SUFFIXES
from siam.datasets.names import Spellings, identity, is_there, known_as
from siam.datasets.ratings import read_ratings
from siam.datasets.tables import SHARES, Finding, columns, content, find_table, hash_split
from siam.errors import DatasetError
from siam.images.reading import ACCEPTED_SUFFIXES


def _has_split(root: Path) -> bool:
    table = find_table(root, "ratings")
    return "split" in columns(table) if table.is_file() else vocabulary.has_split(root)


MOST = 5000  # photos of a folder, and folders in it

LAYOUT = Layout(names_scale=False, has_split=_has_split)

_NOT_OF_PHOTOS = ("#recycle", "$RECYCLE.BIN", "__MACOSX", "System Volume Information", "lost+found")  # folders
_NO_FILES_OF_PEOPLE = ("thumbs.db", "desktop.ini")
_DESCRIPTIONS = (vocabulary.DESCRIPTION, region_files.NAME)


def read(root: Path, *, findings: list[Finding] | None = None, scale: RatingScale | None = None) -> ScoredPhotos:
    """Read the photos below `root`, except hidden files, and folders such as .thumbnails or @eaDir.

    Args:
        root: the folder.
        findings: a list that collects bad rows; without it, a bad row is an error.
        scale: the scale of the scores, unless the table tells it.

    Returns:
        The photos, sorted by name, including those that the table lists but the folder lacks. `left_out` tells what
        else is in the folder.

    Raises:
        DatasetError: the folder does not exist or holds no photo; the table lacks a column; a score is not a number or
            is outside the scale; a photo is listed twice, or is outside the folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder: give one that holds photos")
    table = find_table(root, "ratings")
    present, links, left_out = _present(root)
    rated, scale = _rated(table, scale, findings, Spellings([*present, *links], root), links)
    names = sorted({*present, *rated.index})
    if not names:
        raise DatasetError(f"{root} holds no photos: expected files such as lake.jpg, in it or in subfolders")
    scores = rated["score"].reindex(names).to_numpy(dtype=np.float32)
    split = rated["split"].reindex(names).to_numpy(dtype=object)
    split = np.where(pd.isna(split), hash_split([*map(known_as, names)], SHARES), split).astype(str)
    written = tuple(rated["name"].reindex(names).fillna(pd.Series(names, index=names)))
    files = tuple(root / name for name in names)
    if len(rated):
        left_out["no rating"] = [name for name in present if name not in rated.index]
        gone = {name for name in rated.index if not is_there(root / name)}
        left_out["a rating but no photo"] = [name for name, photo in zip(written, names, strict=True) if photo in gone]
    told = tuple(LeftOut(reason, tuple(of)) for reason, of in left_out.items() if of)
    variances, votes = _crowd(rated.reindex(names))
    return ScoredPhotos(files, scores, split, scale, variances, votes, names=written, left_out=told)


def _crowd(rated: pd.DataFrame) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return variances (N,) and numbers (N,) of the ratings of photos, as far as the table tells them."""
    deviations, counts = (rated[name].to_numpy(dtype=float) for name in ("sd", "n"))
    variances = None if np.isnan(deviations).all() else (deviations**2).astype(np.float32)
    unknown = np.isnan(counts) & ~pd.isna(rated["score"].to_numpy(dtype=float))
    votes = None if unknown.any() or np.isnan(counts).all() else np.nan_to_num(counts).astype(int)
    return variances, votes


def read_attributes(root: Path, *, findings: list[Finding] | None = None) -> AttributePhotos:
    """Read the labels of photos below `root`, in its attributes.csv (`siam.datasets.vocabulary.read`)."""
    return vocabulary.read(root, findings=findings)


def photos(root: Path) -> list[str]:
    """Return the names of the photos below `root` that `read` finds, sorted."""
    return _present(root)[0]


def refuse_large(root: Path, progress: Callable[[], object] = lambda: None) -> None:
    """Raise a DatasetError if a folder holds too many photos or folders, before all of it has been listed.

    Args:
        root: the folder.
        progress: called again and again meanwhile; raising in it stops the search.
    """
    count = 0
    for number, (_folder, files, _hidden) in enumerate(walk(root)):
        progress()
        count += sum(name.lower().endswith(ACCEPTED_SUFFIXES) for name in files)
        if count > MOST or number > MOST:
            what = f"{MOST} photos" if count > MOST else f"{MOST} folders"
            raise DatasetError(f"{root} holds more than {what}: choose a smaller folder")


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder below `root` that may hold photos, its files, and its folders that do not."""
    for place, folders, files in os.walk(root):
        hidden = [name for name in folders if name.startswith((".", "@")) or name in _NOT_OF_PHOTOS]
        folders[:] = sorted(set(folders) - set(hidden))
        yield Path(place), sorted(files), sorted(hidden)


def photos_in(root: Path) -> list[str]:
    """Return the photos below `root`, sorted by name, each file once; its tables are not read.

    Raises:
        DatasetError: the folder does not exist or holds no photo.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder: give one that holds photos")
    names, _links, _other = _present(root)
    if not names:
        raise DatasetError(f"{root} holds no photos: expected files such as lake.jpg, in it or in subfolders")
    return names


def _present(root: Path) -> tuple[list[str], dict[str, str], dict[str, list[str]]]:
    """Return the photos below `root`, the links to some of them, and by reason the names of what else is there."""
    found: list[str] = []
    other: dict[str, list[str]] = {"a suffix that is not read": [], "a hidden name": []}
    for place, files, hidden in walk(root):
        within = place.relative_to(root)
        other["a hidden name"] += [f"{(within / name).as_posix()}/" for name in hidden]
        for file in files:
            name, path = (within / file).as_posix(), place / file
            if file.lower() in _NO_FILES_OF_PEOPLE or (place == root and _is_table(path)):
                continue
            if path.suffix.lower() not in ACCEPTED_SUFFIXES:
                other["a suffix that is not read"] += [] if file.startswith(".") else [name]
            elif file.startswith("."):
                other["a hidden name"].append(name)
            elif path.is_file():
                found.append(name)
    first, links = dict[Path, str](), dict[str, str]()
    for name in sorted(found, key=lambda name: ((root / name).is_symlink(), name)):
        photo = first.setdefault((root / name).resolve(), name)
        if photo != name:
            links[name] = photo
            other.setdefault(f"the file of {photo}", []).append(name)
    return sorted(first.values()), links, other


def _is_table(path: Path) -> bool:
    if path.name in _DESCRIPTIONS:
        return True
    return path.stem.casefold() in ("ratings", "labels", vocabulary.STEM) and path.suffix.lower() in SUFFIXES


def _rated(
    path: Path, scale: RatingScale | None, findings: list[Finding] | None, spellings: Spellings, links: dict[str, str]
) -> tuple[pd.DataFrame, RatingScale | None]:
    """Return score, split, n and sd (missing where the table has none) and name in the table, by photo, and the scale.

    Without a table, there are no rows.
    """
    if not path.exists():
        empty = pd.Index([], dtype=object)
        return pd.DataFrame(columns=["score", "split", "name", "n", "sd"], index=empty, dtype=object), scale

    def find(name: str) -> str:
        photo = spellings.find(name) or identity(name, path.parent)
        return links.get(photo, photo)

    ratings = read_ratings(content(path), str(path), findings, scale, find)
    unknown = np.full(len(ratings.names), np.nan)
    told = {"split": ratings.split, "n": ratings.counts, "sd": ratings.deviations}
    table = pd.DataFrame(
        {
            "score": ratings.scores,
            "name": pd.Series(ratings.names, dtype=object),
            **{column: unknown if values is None else values.astype(object) for column, values in told.items()},
        },
        dtype=object,
    )
    return table.set_axis(pd.Index(ratings.photos, dtype=object)), ratings.scale
