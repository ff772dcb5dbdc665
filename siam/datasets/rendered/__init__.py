"""Landscapes rendered by `python -m siam data render`, in which it is known what is where and how much it counts.

::

    votes.tsv           the crowd's votes, as in ScenicOrNot (`siam.datasets.scenicornot`)
    images/<ID>.jpg     the pictures
    labels.csv          file, split, and the share of three annotators who saw each attribute, as SUN's csv layout
    truth/<ID>.json     the true bias, contributions and nuances (`truth.Truth`)
    masks/<ID>.png      which pixels show which attributes

By ID, a tenth of the scenes is for validation and a fifth for testing, so a scene keeps its split when more are
rendered.
"""

from pathlib import Path

import numpy as np

from siam.datasets import scenicornot, sun_attributes
from siam.datasets.base import AttributePhotos, Layout, RatingScale, ScoredPhotos
from siam.datasets.tables import Finding

ATTRIBUTES = sun_attributes.ATTRIBUTES  # those in a scene's labels, truth and masks, in this order
SCALE = RatingScale("scenicness of rendered landscapes", scenicornot.SCALE.low, scenicornot.SCALE.high)
_CREDIT = {"author": "rendered by SIAM Explorer", "licence": "Apache-2.0"}
LAYOUT = Layout(
    titles={"rendered": "rendered landscapes", "rendered_test": "rendered landscapes"},
    crowd="rated by a simulated crowd, a formula with noise",
    has_split=lambda _root: True,
    votes=scenicornot.every_vote,
    credits=lambda _root, files: {path.name: _CREDIT for path in files},
)


def split_of(identifier: int) -> str:
    """Return a scene's split: of every ten, seven are "train", one is "val" and two are "test"."""
    return (*["train"] * 7, "val", "test", "test")[identifier % 10]


def read(root: Path, *, findings: list[Finding] | None = None) -> ScoredPhotos:
    """Read the scenes below `root` with the crowd's votes, sorted by ID.

    Raises:
        DatasetError: a table is missing or malformed.
    """
    photos = scenicornot.read(root, findings=findings, scale=SCALE)
    split = np.array([split_of(int(path.stem)) for path in photos.files])
    return ScoredPhotos(photos.files, photos.scores, split, SCALE, photos.variances, photos.votes)


def read_attributes(root: Path, *, findings: list[Finding] | None = None) -> AttributePhotos:
    """Read the scenes below `root` with their labels.

    Raises:
        DatasetError: a table is missing or malformed.
    """
    return sun_attributes.read(root, findings=findings)
