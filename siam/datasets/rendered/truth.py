"""The truth of a rendered scene on disk: what is where in its picture, and what each thing adds to its score.

truth/<ID>.json   everything but the masks, and `sets`, the sets of attributes that occur together
masks/<ID>.png    8 bits per pixel: which of these sets the pixel shows, 0 for none
"""

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siam.datasets.rendered import ATTRIBUTES
from siam.errors import DatasetError
from siam.runtime.files import write_atomically

_REMEDY = "render the scenes again"


@dataclass(frozen=True)
class Truth:
    """What is known about a scene, except its masks; scores and contributions are in points of the scale from 1 to 10.

    Attributes:
        identifier: of the scene, a whole number.
        place: the kind of landscape, such as "mountain_lake".
        light: the time of day and the weather, such as "evening".
        split: "train", "val" or "test".
        bias: of the true scoring function (`crowd.BIAS`).
        contributions: of every attribute; 0 for those that are absent.
        nuances: name → points, for causes outside the vocabulary.
        votes: of the crowd.
        labels: attribute → share of three annotators who saw it.
        areas: attribute → share of the picture that it covers.
    """

    identifier: int
    place: str
    light: str
    split: str
    bias: float
    contributions: dict[str, float]
    nuances: dict[str, float]
    votes: tuple[int, ...]
    labels: dict[str, float]
    areas: dict[str, float]

    @property
    def quality(self) -> float:
        """The score that the crowd votes around: bias, contributions and nuances."""
        return self.bias + sum(self.contributions.values()) + sum(self.nuances.values())


def write(root: Path, truth: Truth, masks: np.ndarray) -> None:
    """Write a scene's truth and masks (K, H, W) below `root`; the JSON file last, to mark the scene as complete."""
    flat = masks.reshape(len(masks), -1).T  # (H W, K)
    rows, index = np.unique(np.packbits(flat, axis=1), axis=0, return_inverse=True)
    sets = np.unpackbits(rows, axis=1, count=len(masks)).astype(bool)
    if sets[0].any():  # 0 stands for none, wherever that occurs
        sets, index = np.concatenate([np.zeros_like(sets[:1]), sets]), index + 1
    if len(sets) > np.iinfo(np.uint8).max:
        raise ValueError(f"scene {truth.identifier} has {len(sets)} sets of attributes, more than a byte can number")
    picture = Image.fromarray(index.reshape(masks.shape[1:]).astype(np.uint8))
    names = [[ATTRIBUTES[k] for k in np.flatnonzero(row)] for row in sets]
    stored = BytesIO()
    picture.save(stored, "PNG", optimize=True)
    write_atomically(root / "masks" / f"{truth.identifier}.png", stored.getvalue())
    text = json.dumps({**vars(truth), "quality": truth.quality, "sets": names}, indent=1)
    write_atomically(_path(root, truth.identifier), text.encode())


def read_truth(root: Path, identifier: int) -> Truth:
    """Read a scene's truth.

    Raises:
        DatasetError: the file is missing or malformed.
    """
    stored = _load(root, identifier)
    try:
        fields = {name: stored[name] for name in Truth.__dataclass_fields__}
    except KeyError as error:
        raise DatasetError(f"{_path(root, identifier)} lacks {error.args[0]!r}: {_REMEDY}") from None
    return Truth(**{**fields, "votes": tuple(fields["votes"])})


def read_masks(root: Path, identifier: int) -> np.ndarray:
    """Read a scene's masks, bool (K, H, W): the pixels in which each attribute is visible.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    index, member = read_sets(root, identifier)
    return member[:, np.asarray(index)]


def read_sets(root: Path, identifier: int) -> tuple[Image.Image, np.ndarray]:
    """Read a scene's masks as stored: an 8-bit picture of set numbers, and the sets of attributes, bool (K, S).

    Raises:
        DatasetError: a file is missing or malformed.
    """
    path = root / "masks" / f"{identifier}.png"
    sets = _load(root, identifier).get("sets", [])
    try:
        with Image.open(path) as picture:
            index = picture.copy()
    except OSError as error:
        raise DatasetError(f"{path} is missing or damaged ({error}): {_REMEDY}") from error
    if index.mode != "L" or np.asarray(index).max() >= len(sets):
        raise DatasetError(f"{path} does not match {_path(root, identifier)}: {_REMEDY}")
    return index, np.array([[name in members for members in sets] for name in ATTRIBUTES], dtype=bool)


def _load(root: Path, identifier: int) -> dict[str, Any]:
    path = _path(root, identifier)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is missing or damaged ({error}): {_REMEDY}") from error
    if not isinstance(stored, dict):
        raise DatasetError(f"{path} does not hold the truth of a scene: {_REMEDY}")
    return stored


def _path(root: Path, identifier: int) -> Path:
    return root / "truth" / f"{identifier}.json"
