"""What every reader of a dataset returns."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from siam.errors import DatasetError
from siam.runtime.reprs import brief

PRESENT = 0.5  # an attribute counts as present if more than half of the annotators saw it


@dataclass(frozen=True)
class RatingScale:
    """The scale on which the crowd rated: its name, its lowest and its highest value."""

    name: str
    low: float
    high: float

    def same_points(self, other: "RatingScale | None") -> bool:
        """Return whether both scales have the same ends, so that their points can be compared."""
        return other is not None and (self.low, self.high) == (other.low, other.high)

    @classmethod
    def between(cls, low: float, high: float) -> "RatingScale":
        """Return the scale of somebody's own ratings.

        Raises:
            DatasetError: the ends are not two numbers, the lowest first.
        """
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise DatasetError(f"a scale of {low:g} to {high:g}: expected two numbers, the lowest rating first")
        return cls("score, own photos", float(low), float(high))


def _no_split(_root: Path) -> bool:
    return False


def _no_votes(_root: Path) -> dict[str, tuple[int, ...] | None]:
    return {}


def _no_credits(_root: Path, _files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    return {}


@dataclass(frozen=True)
class Layout:
    """What a dataset's module says about it beyond reading it, as `LAYOUT`; everything has a default.

    Attributes:
        titles: folder name → what pages call that set of photos: {"sun_test": "SUN photos"}.
        crowd: whose ratings these are, in words.
        names_scale: whether the rating scale is always the same; if not, its owner must tell it.
        has_split: given the folder, returns whether the dataset itself says which photos are for testing; otherwise a
            hash of the file names decides.
        splits: what `read` takes as `split`, if there are several; the first is the default.
        votes: given the folder, returns file stem → every vote on that photo, or None if they cannot be read.
        credits: given the folder and its photos, returns file name → "author", "title", "licence" and "link", and for
            public pictures "image" and "sha256", where known.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    crowd: str = "rated by people"
    names_scale: bool = True
    has_split: Callable[[Path], bool] = _no_split
    splits: tuple[str, ...] = ()
    votes: Callable[[Path], dict[str, tuple[int, ...] | None]] = _no_votes
    credits: Callable[[Path, Sequence[Path]], dict[str, dict[str, Any]]] = _no_credits


@dataclass(frozen=True, eq=False)
class AttributePhotos:
    """Photos with attribute labels.

    Attributes:
        files: (N,) paths.
        labels: (N, K) shares of annotators in [0, 1], NaN where unknown, in the order of `attributes`, float32.
        split: (N,) of "train", "val" or "test".
        attributes: (K,) names of the attributes that were labelled.
        regions: attribute → the groups of a segmenter that show it, where some do (`siam.datasets.regions`).
        groups: attribute → the group to which it belongs, in words, if their owner has grouped them.
    """

    files: tuple[Path, ...]
    labels: np.ndarray
    split: np.ndarray
    attributes: tuple[str, ...]
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    __repr__ = brief

    def labels_of(self, names: Sequence[str]) -> np.ndarray:
        """Return the labels (N, len(names)) of the named attributes, in the order of `names`.

        Raises:
            DatasetError: an attribute was not labelled.
        """
        missing = [name for name in names if name not in self.attributes]
        if missing:
            raise DatasetError(
                f"these labels lack the attribute {missing[0]!r}; they have {', '.join(self.attributes[:3])} …: use a "
                "dataset with the same attributes"
            )
        return self.labels[:, [self.attributes.index(name) for name in names]]


@dataclass(frozen=True)
class LeftOut:
    """What is left out of a dataset, and why: "a suffix that is not read" and the names of the files."""

    reason: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.names[:3]) + (" …" if len(self.names) > 3 else "")
        return f"{len(self.names)} with {self.reason} ({shown})"


@dataclass(frozen=True, eq=False)
class ScoredPhotos:
    """Photos with the mean rating of a crowd.

    Attributes:
        files: (N,) paths.
        scores: (N,) mean ratings on `scale`, NaN for photos without one, float32.
        split: (N,) of "train", "val" or "test".
        scale: the scale the crowd rated on; None if it is not known.
        variances: (N,) population variance of the votes, NaN where unknown; None if the dataset does not give it.
        votes: (N,) how many people rated, or None if the dataset does not say.
        names: (N,) of the files, as the dataset's table writes them; None if they are those on the disk.
        left_out: files that are not among these, photos without rating and ratings without photo; nothing without them.
    """

    files: tuple[Path, ...]
    scores: np.ndarray
    split: np.ndarray
    scale: RatingScale | None
    variances: np.ndarray | None = None
    votes: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    left_out: tuple[LeftOut, ...] = ()

    __repr__ = brief

    def known_scale(self) -> RatingScale:
        """Return the scale; raise a DatasetError if it is not known."""
        if self.scale is None:
            raise DatasetError("the scale of the ratings is not known: head their column “score (1 to 5)”")
        return self.scale
