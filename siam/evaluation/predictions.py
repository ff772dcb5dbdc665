"""The photos of a dataset that a pair is judged on, and what its networks say of them: each photo is read once."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from siam.datasets import layout
from siam.datasets.base import AttributePhotos, ScoredPhotos
from siam.datasets.tables import SPLITS
from siam.errors import DatasetError, ImageError
from siam.explanation.batch import OnError, predict, predict_pair
from siam.images.reading import quiet_pillow
from siam.models.checkpoint import Pair
from siam.models.siam import SIAMOutput

ALL = "all"


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a pair says of n photos.

    Attributes:
        scores: (n,) SIAM's.
        logits: (n, K) of the attributes; in their order the same as the attribute scores, but they do not saturate.
        contributions: (n, K).
        maps: (n, K, h, w) attribute maps, where they were asked for.
        total: (n, h, w) total maps, where they were asked for.
        baseline: (n,) its scores, where there is one.
    """

    scores: np.ndarray
    logits: np.ndarray
    contributions: np.ndarray
    maps: np.ndarray | None = None
    total: np.ndarray | None = None
    baseline: np.ndarray | None = None

    def of(self, good: np.ndarray) -> "Predictions":
        """Return those of some of the photos."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        return Predictions(**{name: values[good] for name, values in known.items() if values is not None})


@dataclass(frozen=True, eq=False)
class JudgedPhotos:
    """The photos that are judged.

    Attributes:
        split: that they are from.
        places: (n,) in the dataset.
        files: (n,) their paths.
        skipped: names of those of the split that cannot be read.
        found: what the networks say of them.
    """

    split: str
    places: np.ndarray
    files: list[Path]
    skipped: list[str]
    found: Predictions


def judge(
    photos: AttributePhotos | ScoredPhotos,
    data: str,
    root: Path,
    split: str | None,
    known: np.ndarray,
    networks: Callable[[list[Path], OnError], Predictions],
) -> JudgedPhotos:
    """Run the networks on the photos of a split; those that cannot be read are named once on stderr, and skipped.

    Args:
        photos: of the dataset.
        data: name of its layout.
        root: its folder.
        split: "train", "val", "test" or "all"; None for test where the dataset has one of its own, else all.
        known: (N,) which photos have labels.
        networks: `predictions` of a pair.

    Raises:
        DatasetError: there is no such split, or no photo in it.
        ImageError: none of its photos can be read.
    """
    if split is None:
        split = "test" if layout(data).has_split(root) and (known & (photos.split == "test")).any() else ALL
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
    return JudgedPhotos(split, places[good], kept, skipped, found.of(good))


def predictions(
    pair: Pair, files: list[Path], on_error: OnError, *, baseline: bool = True, maps: bool = False
) -> Predictions:
    """Run a pair on photos, each of which is read once where both networks take the same input.

    Args:
        pair: the networks.
        files: (n,) photos.
        on_error: told the place and the reason of each that cannot be read; its rows are NaN.
        baseline: whether its scores are asked for, too.
        maps: whether the maps are; all photos must be square then, so that the maps have one size.

    Raises:
        DatasetError: maps are asked for, and a photo is not square.
        ImageError: none of the photos can be read.
    """
    if maps and (odd := [path for path in files if _is_oblong(path)]):
        raise DatasetError(f"{odd[0]} is not square, as rendered scenes are: render the scenes again")

    def parts(output: SIAMOutput) -> tuple[Tensor, ...]:
        found = output.scenicness, output.attribute_logits, output.contributions
        return (*found, output.attribute_maps, output.total_map) if maps else found

    if baseline:
        own, other = predict_pair(pair, files, parts, description="scores", on_error=on_error)
    else:
        own, other = predict(pair.siam, files, parts, description="attributes", on_error=on_error), None
    return Predictions(*own, **{} if other is None else {"baseline": other})


def _is_oblong(path: Path) -> bool:
    try:
        with quiet_pillow(), Image.open(path) as picture:
            return picture.width != picture.height
    except Exception:  # it will be told, and skipped, when it is read
        return False
