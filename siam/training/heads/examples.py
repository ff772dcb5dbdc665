"""The training data of heads: a recipe's datasets as frozen features, and how they are split and batched."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from siam.datasets import read_rated, reader, region_files, regions
from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos
from siam.datasets.check import usable
from siam.errors import DatasetError
from siam.models import features as frozen
from siam.models.siam import SIAM
from siam.runtime.reprs import brief
from siam.training.recipes import scale_of

_Photos = TypeVar("_Photos", AttributePhotos, ScoredPhotos)
_PRIOR_ABSENT = 0.05  # an attribute seen by at most this share of a scene's annotators counts as absent


@dataclass(frozen=True, eq=False)
class Examples:
    """Photos as frozen features: first those with their own labels, then the weakly labelled, then the rated.

    Attributes:
        features: (2, C, h, w) per photo, as it is and mirrored.
        labels: (n, K) of the first n photos: shares of annotators, for the photo itself or, if weakly labelled,
            averaged over its kind of scene.
        region_targets: (2, K, h, w) per labelled photo: what the cells of its maps should show, NaN where unknown.
        train: indices of the photos with their own labels that may be trained on.
        test: indices of the other photos with their own labels.
        weak: indices of the weakly labelled photos.
        scores: (m,) mean ratings of the last m photos.
        sources: (m,) the source of each rating; source 0 sets the scale.
        attributes: (K,) names of the labels.
        scale: of the first source of ratings.
        test_regions: where attributes are in the photos of `test`, in their order, or None.
    """

    features: list[Tensor]
    labels: np.ndarray
    region_targets: list[Tensor]
    train: np.ndarray
    test: np.ndarray
    weak: np.ndarray
    scores: np.ndarray
    sources: np.ndarray
    attributes: tuple[str, ...]
    scale: RatingScale
    test_regions: regions.Regions | None = None

    __repr__ = brief

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
        DatasetError: a dataset is missing or does not match its layout.
        ImageError: a photo cannot be read.
    """
    data = recipe["data"]
    own = readable(labelled(data["attributes"], root))
    ratings = [readable(rated(entry, root)) for entry in data["scores"]]
    wanted, weak = bool(recipe["siam"]["region_weight"]), None
    seen, seen_weak = _seen(data["attributes"], root, own, wanted), None
    if data["weak_attributes"]:
        weak = readable(labelled(data["weak_attributes"], root))
        weak = replace(weak, labels=weak.labels_of(own.attributes), attributes=own.attributes)
        seen_weak = _seen(data["weak_attributes"], root, weak, wanted)
    features = frozen.extract(network.backbone, network.config, own.files, cache)  # long; nothing is missing by now
    targets = region_targets(seen, own, features, 0.0)
    labels, labelled_count = own.labels, len(features)
    if weak is not None:
        config = replace(network.config, image_size=data["weak_image_size"])
        features = features + frozen.extract(network.backbone, config, weak.files, cache)
        targets = targets + region_targets(seen_weak, weak, features[labelled_count:], _PRIOR_ABSENT)
        labels = np.concatenate([labels, weak.labels])
    photos = [path for source in ratings for path in source.files]
    test = np.flatnonzero(own.split == "test")
    return Examples(
        features=features + frozen.extract(network.backbone, network.config, photos, cache),
        labels=labels,
        region_targets=targets,
        train=np.flatnonzero(own.split != "test"),
        test=test,
        weak=np.arange(labelled_count, len(labels)),
        scores=np.concatenate([source.scores for source in ratings]),
        sources=np.repeat(np.arange(len(ratings)), [len(source.scores) for source in ratings]),
        attributes=own.attributes,
        scale=ratings[0].known_scale(),
        test_regions=None if seen is None else regions.Regions(seen.shares[test], seen.attributes),
    )


def labels_and_scale(recipe: dict[str, Any], root: Path) -> tuple[tuple[str, ...], RatingScale]:
    """Return the attributes of the recipe's labels and the scale of its first ratings.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
    """
    data = recipe["data"]
    return labelled(data["attributes"], root).attributes, rated(data["scores"][0], root).known_scale()


def source_name(entry: str | dict[str, str]) -> str:
    """Return the folder in an entry of [data]: "folder", or { reader = …, folder = … }.

    Raises:
        DatasetError: the entry is neither.
    """
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict) or not {"reader", "folder"} <= entry.keys():
        raise DatasetError(f"[data] of the recipe holds {entry!r}; expected a folder or {{ reader = …, folder = … }}")
    return entry["folder"]


def folder(entry: str | dict[str, str], root: Path) -> Path:
    """Return the folder below `root` of an entry of [data]."""
    return root / source_name(entry)


def _read(entry: str | dict[str, Any], usual: str, root: Path) -> AttributePhotos | ScoredPhotos:
    place = folder(entry, root)
    name = usual if isinstance(entry, str) else entry["reader"]
    if usual == "sun" and hasattr(reader(name), "read_attributes"):  # a dataset with ratings and labels
        return reader(name).read_attributes(place)
    return read_rated(name, place, None if isinstance(entry, str) else scale_of(entry))


def labelled(entry: str | dict[str, str], root: Path) -> AttributePhotos:
    """Read an entry of [data] with attribute labels; raises a DatasetError if it has none."""
    photos = _read(entry, "sun", root)
    if not isinstance(photos, AttributePhotos):
        raise DatasetError(
            f"[data] of the recipe: {entry!r} has no labels: choose a dataset with labels for attributes"
        )
    return photos


def rated(entry: str | dict[str, str], root: Path) -> ScoredPhotos:
    """Read the rated photos of an entry of [data]; raises a DatasetError if it is no dataset with ratings."""
    photos = _read(entry, "oasis", root)
    if not isinstance(photos, ScoredPhotos):
        raise DatasetError(f"[data] of the recipe: {entry!r} has no ratings: choose a dataset with ratings for scores")
    place = folder(entry, root)
    if np.isnan(photos.scores).all():
        raise DatasetError(f"{place} holds no ratings: add a ratings.csv with the columns file and score (1 to 5), say")
    if photos.scale is None:
        raise DatasetError(
            f"the scale of the ratings in {place} is not known: head their column “score (1 to 5)”, say, or add "
            "scale = [1, 5] to the entry in [data] of the recipe"
        )
    return some(photos, ~np.isnan(photos.scores))


def readable(photos: _Photos) -> _Photos:
    """Return the photos without the unreadable ones, which are named on stderr."""
    return some(photos, usable(photos.files))


def some(photos: _Photos, chosen: np.ndarray) -> _Photos:
    """Return some of the photos, by a mask (N,), with their labels or scores alone."""
    of_files = {"files": tuple(photos.files[row] for row in np.flatnonzero(chosen)), "split": photos.split[chosen]}
    if isinstance(photos, AttributePhotos):
        return replace(photos, **of_files, labels=photos.labels[chosen])
    return replace(photos, **of_files, scores=photos.scores[chosen], variances=None, votes=None, names=None)


def _seen(entry: str | dict[str, str], root: Path, photos: AttributePhotos, wanted: bool) -> regions.Regions | None:
    """Return the regions of labelled photos; None if there are none and none are wanted."""
    path = folder(entry, root) / region_files.NAME
    if not wanted and not (photos.regions and path.exists()):
        return None
    return regions.read(path, [photo.name for photo in photos.files], photos.regions)


def region_targets(
    seen: regions.Regions | None, photos: AttributePhotos, features: list[Tensor], absent: float
) -> list[Tensor]:
    """Return what the maps of labelled photos should show, (2, K, h, w) each: as they are and mirrored.

    Args:
        seen: where a segmenter sees attributes in them; if None, all is NaN.
        photos: the photos, with their labels.
        features: of each, (2, C, h, w).
        absent: labels up to this value count as absent.
    """
    if seen is None:
        count = len(photos.attributes)
        return [torch.full((2, count, *stored.shape[2:]), torch.nan).half() for stored in features]
    expected = []
    for photo, stored in enumerate(features):
        of_photo = regions.targets(
            seen.share(photo), seen.attributes, photos.labels[photo], photos.attributes, absent, stored.shape[2:]
        ).half()  # (K, h, w)
        expected.append(torch.stack([of_photo, of_photo.flip(2)]))
    return expected


def folds(sources: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return a fold number (m,) for each rated photo, with every source spread evenly over the folds."""
    generator = np.random.default_rng(seed)
    fold = np.empty(len(sources), dtype=int)
    for source in np.unique(sources):
        shuffled = generator.permutation(np.flatnonzero(sources == source))
        fold[shuffled] = np.arange(len(shuffled)) % count
    return fold


def batches(items: np.ndarray, size: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield batches forever; every item comes once before any comes again."""
    waiting = np.empty(0, dtype=int)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, generator.permutation(items)])
        batch, waiting = waiting[:size], waiting[size:]
        yield batch
