"""The photos of a dataset that a pair is judged on, and what its networks say of them: each photo is read once."""

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siam.checkpoint import Pair
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.datasets.tables import SPLITS
from siam.errors import DatasetError, ImageError
from siam.scoring import OnError, predict, predict_pair

ALL = "all"


@dataclass(frozen=True, eq=False)
class JudgedPhotos:
    """The photos that are judged.

    Attributes:
        split: that they are from.
        places: (n,) in the dataset.
        files: (n,) their paths.
        skipped: names of those of the split that cannot be read.
        found: (n, …) what the networks say of them.
    """

    split: str
    places: np.ndarray
    files: list[Path]
    skipped: list[str]
    found: tuple[np.ndarray, ...]


def judge(
    photos: AttributePhotos | ScoredPhotos,
    data: str,
    root: Path,
    split: str | None,
    known: np.ndarray,
    networks: Callable[[list[Path], OnError], tuple[np.ndarray, ...]],
) -> JudgedPhotos:
    """Run the networks on the photos of a split; those that cannot be read are named once on stderr, and skipped.

    Args:
        photos: of the dataset.
        data: name of its layout.
        root: its folder.
        split: "train", "val", "test" or "all"; None for test where the dataset has one of its own, else all.
        known: (N,) which photos have labels.
        networks: `attribute_logits` or `scores_and_logits` of a pair.

    Raises:
        DatasetError: there is no such split, or no photo in it.
        ImageError: none of its photos can be read.
    """
    if split is None:
        split = "test" if _has_split(data, root) and (known & (photos.split == "test")).any() else ALL
    if split not in (*SPLITS, ALL):
        raise DatasetError(f"no split is called {split!r}: choose one of {', '.join((*SPLITS, ALL))}")
    places = np.flatnonzero(known & ((split == ALL) | (photos.split == split)))
    if len(places) == 0:
        raise DatasetError(f"{root} has no labelled photos in the split {split!r}: choose another, or all")
    files = [photos.files[place] for place in places]
    good = np.ones(len(files), dtype=bool)

    def skip(place: int, error: ImageError) -> None:
        good[place] = False
        with tqdm.external_write_mode(sys.stderr):
            sys.stderr.write(f"skipped: {' '.join(str(error).split())}\n")

    found = networks(files, skip)
    kept = [file for file, can in zip(files, good, strict=True) if can]
    skipped = [file.relative_to(root).as_posix() for file, can in zip(files, good, strict=True) if not can]
    return JudgedPhotos(split, places[good], kept, skipped, tuple(part[good] for part in found))


def _has_split(data: str, root: Path) -> bool:
    """Return whether the dataset says itself which photos are for testing; a hash of names is only a makeshift."""
    return data in ("sun", "scenicornot") or "split" in columns(root / "ratings.csv")


def columns(path: Path) -> list[str]:
    """Return the first row of a table, nothing where there is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        return []


def attribute_logits(pair: Pair, files: list[Path], on_error: OnError) -> tuple[np.ndarray, ...]:
    """Return the attribute logits (n, K) of photos; in their order the same as the scores, but they do not saturate."""
    return predict(
        pair.siam, files, lambda output: (output.attribute_logits,), description="attributes", on_error=on_error
    )


def scores_and_logits(pair: Pair, files: list[Path], on_error: OnError) -> tuple[np.ndarray, ...]:
    """Return SIAM's scores (n,) and attribute logits (n, K), and the baseline's scores (n,) if there is one."""
    own, other = predict_pair(
        pair,
        files,
        lambda output: (output.scenicness, output.attribute_logits),
        description="scores",
        on_error=on_error,
    )
    return own if other is None else (*own, other)
