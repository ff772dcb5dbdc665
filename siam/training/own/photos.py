"""The photos of a recipe of the method "own": which are labelled, which rated, and which must share a fold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from siam.datasets import layout, region_files, regions, vocabulary
from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos
from siam.errors import DatasetError, TrainingError
from siam.models import features as frozen
from siam.models.siam import SIAM
from siam.runtime.digests import digest
from siam.runtime.reprs import brief
from siam.training.heads.examples import Examples, folder, labelled, rated, readable, region_targets, some, source_name


@dataclass(frozen=True, eq=False)
class OwnPhotos:
    """Photos that may be labelled, rated or both. Copies of a photo are the same photo, whatever they are called.

    Attributes:
        labelled: with their labels; NaN where unknown.
        sources: name of each source of ratings, the resolved name of its folder.
        ratings: the photos of each source.
        place: the folder of the labels.
        number_of_labelled: (n,) the number of each labelled photo among all.
        number_of_rated: (m,) the number of each rated photo, source after source.
        source: (m,) of each rated photo.
        files: (P,) one file of each photo.
    """

    labelled: AttributePhotos
    sources: tuple[str, ...]
    ratings: tuple[ScoredPhotos, ...]
    place: Path
    number_of_labelled: np.ndarray
    number_of_rated: np.ndarray
    source: np.ndarray
    files: tuple[Path, ...]

    __repr__ = brief

    @property
    def scale(self) -> RatingScale:
        """The scale of the first source of ratings."""
        return self.ratings[0].known_scale()

    @property
    def scores(self) -> np.ndarray:
        """The mean rating (m,) of each rated photo, on the scale of its source."""
        return np.concatenate([of.scores for of in self.ratings])

    def folds(self, count: int, seed: int) -> np.ndarray:
        """Return a fold (P,) for each photo, with those of every kind spread evenly over the folds.

        Raises:
            TrainingError: there are so few photos that a fold would hold all labels, or all ratings of a source.
        """
        kinds = np.zeros((len(self.files), 1 + len(self.ratings)), dtype=bool)
        kinds[self.number_of_labelled, 0] = True
        kinds[self.number_of_rated, 1 + self.source] = True
        shuffled = np.random.default_rng(seed).permutation(len(self.files))
        order = shuffled[np.lexsort(kinds[shuffled].T)]
        fold = np.empty(len(self.files), dtype=int)
        fold[order] = np.arange(len(order)) % count
        for number, what in enumerate(("labelled photos", *(f"rated photos in {name}" for name in self.sources))):
            of_kind = fold[kinds[:, number]]
            if len(of_kind) < count or len(np.unique(of_kind)) < 2:
                raise TrainingError(
                    f"{len(of_kind)} {what} are too few for {count} folds: add photos, or set folds in the recipe to "
                    "2 or more, but not more than there are photos"
                )
        return fold


def read(recipe: dict[str, Any], root: Path) -> OwnPhotos:
    """Read the labels and the ratings that a recipe names; unreadable photos are named on stderr and left out.

    Photos that a table marks for testing are left out, too.

    Raises:
        DatasetError: a dataset is missing or does not match its layout, or there are no ratings.
        TrainingError: all ratings are the same.
    """
    data = recipe["data"]
    entry, entries = data["attributes"], data["scores"] if isinstance(data["scores"], list) else [data["scores"]]
    if not entries:
        raise DatasetError("[data] of the recipe names no scores: SIAM learns from ratings what its words are worth")
    sources = tuple((root / source_name(one)).resolve().name for one in entries)
    if alike := sorted({name for name in sources if sources.count(name) > 1}):
        raise DatasetError(f"[data] of the recipe names several folders of scores {alike[0]!r}: rename all but one")
    ratings = [rated(one, root) for one in entries]
    for one, of in zip(entries, ratings, strict=True):
        place, alike = folder(one, root), np.unique(of.scores)
        if len(alike) == 1:
            raise TrainingError(f"all ratings in {place} are {alike[0]:g}: there is nothing to learn")
    known = labelled(entry, root)
    sets = [readable(known), *map(readable, ratings)]
    digests = [np.array([digest(path) for path in of.files], dtype=object) for of in sets]
    tested = {
        one
        for number, (of, prints) in enumerate(zip(sets, digests, strict=True))
        if _has_split((entry, *entries)[number], root, labels=number == 0)
        for one in prints[of.split == "test"]
    }
    numbers: dict[str, int] = {}
    files: list[Path] = []
    numbered = []
    for place, prints in enumerate(digests):
        kept = np.array([one not in tested for one in prints], dtype=bool)
        sets[place] = some(sets[place], kept)
        for one, path in zip(prints[kept], sets[place].files, strict=True):
            if one not in numbers:
                numbers[one] = len(files)
                files.append(path)
        numbered.append(np.array([numbers[one] for one in prints[kept]], dtype=int))
    return OwnPhotos(
        labelled=cast("AttributePhotos", sets[0]),
        sources=sources,
        ratings=tuple(cast("list[ScoredPhotos]", sets[1:])),
        place=folder(entry, root),
        number_of_labelled=numbered[0],
        number_of_rated=np.concatenate(numbered[1:]),
        source=np.repeat(np.arange(len(ratings)), [len(of) for of in numbered[1:]]),
        files=tuple(files),
    )


def examples(photos: OwnPhotos, network: SIAM, cache: Path) -> Examples:
    """Return the photos as frozen features, with where a segmenter or people see attributes if there is a regions.npz.

    Raises:
        DatasetError: regions.npz lacks a photo or shows none of the attributes.
        ImageError: a photo cannot be read.
        StorageError: the features cannot be stored.
    """
    known, seen, path = photos.labelled, None, photos.place / region_files.NAME
    if known.regions and path.exists():
        names = [_within(file, photos.place) for file in known.files]
        seen = regions.read(path, names, known.regions)
    features = frozen.extract(network.backbone, network.config, photos.files, cache)
    of_labelled = [features[number] for number in photos.number_of_labelled]
    return Examples(
        features=of_labelled + [features[number] for number in photos.number_of_rated],
        labels=known.labels,
        region_targets=region_targets(seen, known, of_labelled, 0.0),
        train=np.arange(len(of_labelled)),
        test=np.arange(0),
        weak=np.arange(0),
        scores=photos.scores,
        sources=photos.source,
        attributes=known.attributes,
        scale=photos.scale,
    )


def _has_split(entry: str | dict[str, Any], root: Path, *, labels: bool) -> bool:
    """Return whether a dataset itself says which photos are for testing."""
    place = folder(entry, root)
    name = ("sun" if labels else "oasis") if isinstance(entry, str) else entry["reader"]
    return vocabulary.has_split(place) if labels and name == "folder" else layout(name).has_split(place)


def _within(file: Path, place: Path) -> str:
    return file.relative_to(place).as_posix() if file.is_relative_to(place) else file.name
