"""What heads are trained on: a recipe's datasets as frozen features, and how they are split and batched."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from siam import features as frozen
from siam.datasets import oasis, sun_attributes
from siam.errors import DatasetError
from siam.model import SIAM

_SETTINGS = {
    "data": ("attributes", "scores", "summary", "training_data", "limits"),
    "network": ("backbone", "image_size"),
    "siam": (
        "members", "attribute_epochs", "joint_epochs", "attribute_batch", "scenicness_batch", "learning_rate",
        "weight_decay", "scenicness_weight", "anchor_weight", "template_penalty",
    ),
    "baseline": ("ridge_penalty",),
}  # fmt: skip


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe.

    Raises:
        DatasetError: the file is missing, is not TOML, or lacks a section.
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: give a recipe such as recipes/photo.toml") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not readable as TOML ({error}): compare it with recipes/photo.toml") from error
    for section in ("name", "seeds", "folds", "data", "network", "siam", "baseline"):
        if section not in recipe:
            raise DatasetError(f"{path} lacks {section!r}: compare it with recipes/photo.toml")
    for section, keys in _SETTINGS.items():
        missing = [key for key in keys if key not in recipe[section]]
        if missing:
            raise DatasetError(f"{path} lacks {missing[0]!r} in [{section}]: compare it with recipes/photo.toml")
    return recipe


@dataclass(frozen=True, eq=False)
class Examples:
    """Photos as frozen features, first those with attribute labels, then those with ratings.

    Attributes:
        features: per photo (2, C, h, w), as it is and mirrored.
        labels: (n, K) shares of annotators, of the first n photos.
        train: indices of the photos with labels that may be trained on; `test` of the others.
        scores: (m,) mean ratings of the following m photos.
        sources: (m,) the source of each rating: 0 gives the scale.
    """

    features: list[Tensor]
    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray
    scores: np.ndarray
    sources: np.ndarray

    def rated(self, chosen: np.ndarray) -> np.ndarray:
        """Return the indices into `features` of the rated photos `chosen`."""
        return chosen + len(self.labels)

    def source_means(self, chosen: np.ndarray) -> np.ndarray:
        """Return the mean score of each source among the rated photos `chosen`."""
        scores, sources = self.scores[chosen], self.sources[chosen]
        return np.array([scores[sources == s].mean() for s in range(self.sources.max() + 1)], dtype=np.float32)


def read_examples(recipe: dict[str, Any], root: Path, cache: Path, network: SIAM) -> Examples:
    """Read the recipe's datasets below `root` and the features of all their photos.

    Raises:
        DatasetError: a dataset is missing or not as its layout says.
        ImageError: a photo cannot be read.
    """
    attributes = sun_attributes.read(root / recipe["data"]["attributes"])
    rated = [oasis.read(root / name) for name in recipe["data"]["scores"]]
    files = [*attributes.files, *(path for photos in rated for path in photos.files)]
    return Examples(
        features=frozen.extract(network.backbone, network.config, files, cache),
        labels=attributes.labels,
        train=np.flatnonzero(attributes.split == "train"),
        test=np.flatnonzero(attributes.split == "test"),
        scores=np.concatenate([photos.scores for photos in rated]),
        sources=np.repeat(np.arange(len(rated)), [len(photos.scores) for photos in rated]),
    )


def folds(sources: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return a fold number (m,) for each rated photo, every source spread evenly over the folds."""
    generator = np.random.default_rng(seed)
    fold = np.empty(len(sources), dtype=int)
    for source in np.unique(sources):
        shuffled = generator.permutation(np.flatnonzero(sources == source))
        fold[shuffled] = np.arange(len(shuffled)) % count
    return fold


def batches(items: np.ndarray, size: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield batches without end, every item once before any comes again."""
    waiting = np.empty(0, dtype=int)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, generator.permutation(items)])
        batch, waiting = waiting[:size], waiting[size:]
        yield batch
