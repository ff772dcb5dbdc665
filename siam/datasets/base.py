"""What every reader of a dataset returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from siam.errors import DatasetError

PRESENT = 0.5  # an attribute is present where more than half of the annotators saw it


@dataclass(frozen=True)
class RatingScale:
    """The scale on which the crowd rated: its name, its lowest and its highest value."""

    name: str
    low: float
    high: float


def _no_split(_root: Path) -> bool:
    return False


def _no_votes(_root: Path) -> dict[str, tuple[int, ...] | None]:
    return {}


def _no_credits(_root: Path, _files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    return {}


@dataclass(frozen=True)
class Layout:
    """What the module of a dataset tells of it besides reading it, as `LAYOUT`; everything has a default.

    Attributes:
        titles: what pages call its sets of photos, by the name of a folder: {"sun_test": "SUN photos"}.
        crowd: in words, whose the ratings are.
        names_scale: whether it says on which scale photos were rated; else the scores themselves tell it.
        has_split: of its folder: whether it says itself which photos are for testing; a hash of names is a makeshift.
        votes: of its folder: every vote on a photo, by the stem of its file; None where they cannot be read.
        credits: of its folder and photos: "author", "title", "licence", "link", and where the picture is public
            "image" with "sha256", by the name of the file, as far as is known.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    crowd: str = "rated by people"
    names_scale: bool = True
    has_split: Callable[[Path], bool] = _no_split
    votes: Callable[[Path], dict[str, tuple[int, ...] | None]] = _no_votes
    credits: Callable[[Path, Sequence[Path]], dict[str, dict[str, Any]]] = _no_credits


@dataclass(frozen=True, eq=False)
class AttributePhotos:
    """Photos with attribute labels.

    Attributes:
        files: (N,) paths.
        labels: (N, K) shares of annotators in [0, 1], in the order of `attributes`, float32.
        split: (N,) of "train", "val" or "test".
        attributes: (K,) names of what was labelled: the dataset's vocabulary.
    """

    files: tuple[Path, ...]
    labels: np.ndarray
    split: np.ndarray
    attributes: tuple[str, ...]

    def labels_of(self, names: Sequence[str]) -> np.ndarray:
        """Return the labels (N, len(names)) of some attributes, in the order of their names.

        Raises:
            DatasetError: an attribute was not labelled.
        """
        missing = [name for name in names if name not in self.attributes]
        if missing:
            raise DatasetError(
                f"these labels lack the attribute {missing[0]!r} and name {', '.join(self.attributes[:3])} …: take a "
                "dataset with the same attributes"
            )
        return self.labels[:, [self.attributes.index(name) for name in names]]


@dataclass(frozen=True, eq=False)
class ScoredPhotos:
    """Photos with the mean rating of a crowd.

    Attributes:
        files: (N,) paths.
        scores: (N,) mean ratings, on `scale`; NaN where a photo has none; float32.
        split: (N,) of "train", "val" or "test".
        scale: on which the crowd rated.
        variances: (N,) population variance of the votes, NaN where unknown; None where the dataset does not tell.
        votes: (N,) how many people rated, or None.
    """

    files: tuple[Path, ...]
    scores: np.ndarray
    split: np.ndarray
    scale: RatingScale
    variances: np.ndarray | None = None
    votes: np.ndarray | None = None
