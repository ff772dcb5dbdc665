"""What every reader of a dataset returns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

PRESENT = 0.5  # an attribute is present where more than half of the annotators saw it


@dataclass(frozen=True)
class RatingScale:
    """The scale on which the crowd rated: its name, its lowest and its highest value."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class AttributePhotos:
    """Photos with attribute labels.

    Attributes:
        files: (N,) paths.
        labels: (N, K) shares of annotators in [0, 1], in the order of `sun_attributes.ATTRIBUTES`, float32.
        split: (N,) of "train", "val" or "test".
    """

    files: tuple[Path, ...]
    labels: np.ndarray
    split: np.ndarray


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
