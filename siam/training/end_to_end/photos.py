"""The readable photos of a recipe, by split, and what is known about each."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siam.datasets import layout, reader, rendered
from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos
from siam.datasets.check import usable
from siam.datasets.rendered import truth
from siam.errors import DatasetError
from siam.runtime.reprs import brief
from siam.training.recipes import scale_of

_VALIDATION_SHARE = 10  # if a dataset has no validation photos, every tenth training photo becomes one


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos of one kind.

    Attributes:
        files: split ("train", "val", "test") → paths.
        known: split → name → what is known about each photo: "labels" (N, K), or "scores" (N,) and "variances" (N,).
        scale: of the ratings, or None.
        attributes: (K,) names of the labels; empty for rated photos.
        masks: reads the masks of a photo, if the recipe asks for them and the dataset has them; else None.
    """

    files: dict[str, tuple[Path, ...]]
    known: dict[str, dict[str, np.ndarray]]
    scale: RatingScale | None
    attributes: tuple[str, ...] = ()
    masks: Callable[[Path], tuple[Image.Image, np.ndarray]] | None = None

    __repr__ = brief

    def digest(self) -> str:
        """Return a digest of all names and numbers, by which a resumed run checks that the photos are the same."""
        digest = hashlib.sha256()
        for split, files in self.files.items():
            digest.update("\n".join([split, *(path.name for path in files)]).encode())
            for name, values in self.known[split].items():
                digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def with_known(self, other: "Photos") -> "Photos":
        """Return these photos with what another collection of the same files knows about them added."""
        known = {split: {**values, **other.known[split]} for split, values in self.known.items()}
        return Photos(
            self.files,
            known,
            self.scale or other.scale,
            self.attributes or other.attributes,
            self.masks or other.masks,
        )


def read_photos(source: dict[str, Any], root: Path) -> Photos:
    """Read the photos of a recipe's entry { reader, folder }, without unreadable ones.

    With `regions = true` in the entry, for a folder of rendered scenes, the masks teach where attributes are. With
    `split`, for readers that know several splits, such as scenicornot, the photos are split in that way.

    Raises:
        DatasetError: there is no such reader or split, the dataset does not match its layout, or a split is empty.
    """
    if not isinstance(source, dict) or not {"reader", "folder"} <= source.keys():
        raise DatasetError(f"[data] of the recipe holds {source!r}; expected {{ reader = …, folder = … }}")
    scale = scale_of(source)
    told = {} if scale is None else {"scale": scale}
    photos = reader(source["reader"]).read(root / source["folder"], **_split_of(source), **told)
    if not isinstance(photos, AttributePhotos | ScoredPhotos):
        raise DatasetError(
            f"[data] of the recipe: the dataset {source['reader']!r} has neither labels nor ratings for whole photos: "
            "choose another reader"
        )
    known = {"labels": photos.labels} if isinstance(photos, AttributePhotos) else _ratings(photos)
    if source.get("regions") and getattr(photos, "attributes", rendered.ATTRIBUTES) != rendered.ATTRIBUTES:
        raise DatasetError(
            f"{root / source['folder']} has labels for other attributes than the masks of rendered scenes: leave out "
            "regions in [data] of the recipe"
        )
    whole = usable(photos.files) & ~np.isnan(next(iter(known.values())).reshape(len(photos.files), -1)).any(axis=1)
    split = _with_validation(photos.split)
    chosen = {name: np.flatnonzero(whole & (split == name)) for name in ("train", "val", "test")}
    for name in ("train", "val"):
        if len(chosen[name]) == 0:
            raise DatasetError(
                f"{root / source['folder']} has no readable photos in the split {name!r}: run siam data check"
            )
    return Photos(
        {name: tuple(photos.files[index] for index in rows) for name, rows in chosen.items()},
        {name: {key: values[rows] for key, values in known.items()} for name, rows in chosen.items()},
        getattr(photos, "scale", None),
        getattr(photos, "attributes", ()),
        _masks if source.get("regions") else None,
    )


def _split_of(source: dict[str, Any]) -> dict[str, Any]:
    """Return the reader's argument `split`, if the recipe's entry has it."""
    if "split" not in source:
        return {}
    splits = layout(source["reader"]).splits
    if source["split"] not in splits:
        expected = f"expected {' or '.join(map(repr, splits))}" if splits else "leave it out, as there is no choice"
        raise DatasetError(
            f"[data] of the recipe: the split of the reader {source['reader']!r} is {source['split']!r}; {expected}"
        )
    return {"split": source["split"]}


def _masks(path: Path) -> tuple[Image.Image, np.ndarray]:
    """Read the masks of a rendered scene, given its picture DIR/images/ID.jpg."""
    if not path.stem.isdecimal():
        raise DatasetError(f"{path} is not a rendered scene: leave out regions in [data] of the recipe")
    return truth.read_sets(path.parent.parent, int(path.stem))


def _ratings(photos: ScoredPhotos) -> dict[str, np.ndarray]:
    ratings = {"scores": photos.scores, "variances": photos.variances}
    return {name: values.astype(np.float32) for name, values in ratings.items() if values is not None}


def _with_validation(split: np.ndarray) -> np.ndarray:
    if (split == "val").any():
        return split
    split = split.astype("U5")
    split[np.flatnonzero(split == "train")[::_VALIDATION_SHARE]] = "val"
    return split
