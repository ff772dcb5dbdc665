"""The photos of a joint training: their views, and what is known about each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from siam.datasets import human_masks, region_files, regions
from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos
from siam.datasets.regions import Regions
from siam.models import backbones
from siam.models.siam import SIAM, SIAMConfig
from siam.runtime.digests import digest
from siam.runtime.reprs import brief
from siam.training.heads.examples import folder, labelled, rated, readable
from siam.training.joint import teacher
from siam.training.joint.views import Augmentation, Views, extract

KINDS: tuple[str, ...] = ("labelled", "weak", "outlined", "rated")


@dataclass(frozen=True, eq=False)
class JointPhotos:
    """All photos, by kind; N photos of a kind, V views of each, maps of h x w cells.

    Attributes:
        files: kind → N paths.
        views: kind → their views.
        pooled: kind → pooled features (N, C) of the teachers' backbones.
        labels: kind → (N, K) shares of annotators; "labelled" and "weak" only, the latter averages of a kind of scene.
        train: rows of "labelled" that may be trained on.
        test: the other rows.
        regions: kind → (N, V, R, h, w) uint8, 255 x the share of a cell that an attribute covers, by the segmenter.
        region_names: the R attributes.
        outlines: (N, V, O + 1, h, w) uint8, 255 x the share of a cell's labelled pixels that people outlined for each
            of `outlined_names`, and last the share of the cell that is labelled.
        outlined_names: the O names in `siam.datasets.human_masks.OUTLINED` that teach.
        outlined: the outlined photos.
        test_regions: where the segmenter sees attributes in the photos of `test`.
        scores: (m,) mean ratings of the photos of kind "rated".
        sources: (m,) the source of each.
        scale: of the first source.
        attributes: K names.
    """

    files: dict[str, tuple[Path, ...]]
    views: dict[str, Views]
    pooled: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    train: np.ndarray
    test: np.ndarray
    regions: dict[str, np.ndarray]
    region_names: tuple[str, ...]
    outlines: np.ndarray
    outlined_names: tuple[str, ...]
    outlined: human_masks.OutlinedPhotos
    test_regions: Regions
    scores: np.ndarray
    sources: np.ndarray
    scale: RatingScale
    attributes: tuple[str, ...]

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class Datasets:
    """The datasets of a recipe as they were read, without unreadable photos and before any picture is decoded.

    Attributes:
        own: photos with labels of their own.
        weak: photos with those of their kind of scene.
        ratings: each source of ratings.
        outlined: photos that people outlined.
        seen: kind → where the segmenter sees attributes in its photos; "labelled" and "weak" only.
    """

    own: AttributePhotos
    weak: AttributePhotos
    ratings: Sequence[ScoredPhotos]
    outlined: human_masks.OutlinedPhotos
    seen: dict[str, Regions]

    __repr__ = brief

    @property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """Kind → paths of its photos."""
        rated = tuple(path for source in self.ratings for path in source.files)
        return {"labelled": self.own.files, "weak": self.weak.files, "outlined": self.outlined.files, "rated": rated}

    def digest(self) -> str:
        """Return a digest of all pictures and of all that is known about them."""
        known = hashlib.sha256()
        for kind, files in self.files.items():
            known.update("\n".join([kind, *(digest(path) for path in files)]).encode())
        facts = [self.own.attributes, self.weak.attributes, self.outlined.regions, *(of.scale for of in self.ratings)]
        known.update(repr([*facts, *(of.attributes for of in self.seen.values())]).encode())
        outlined = self.outlined
        columns = [self.own.labels, self.own.split, self.weak.labels, *(source.scores for source in self.ratings)]
        columns += [*outlined.masks, outlined.groups, outlined.sources, *(of.shares for of in self.seen.values())]
        for values in columns:
            known.update(repr((values.shape, values.dtype.str)).encode() + np.ascontiguousarray(values).tobytes())
        return known.hexdigest()


def datasets(recipe: dict[str, Any], root: Path) -> Datasets:
    """Read the recipe's datasets below `root`.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
    """
    data = recipe["data"]
    own, weak = (readable(labelled(data[name], root)) for name in ("attributes", "weak_attributes"))
    seen = {
        kind: regions.read(folder(data[key], root) / region_files.NAME, [path.name for path in of.files], of.regions)
        for kind, key, of in (("labelled", "attributes", own), ("weak", "weak_attributes", weak))
    }
    ratings = [readable(rated(entry, root)) for entry in data["scores"]]
    return Datasets(own, weak, ratings, human_masks.read(root / data["outlines"]), seen)


def read(recipe: dict[str, Any], found: Datasets, cache: Path, network: SIAM) -> JointPhotos:
    """Return what is known about all photos of a recipe's datasets, and the features of each.

    Raises:
        ImageError: a photo cannot be read.
        StorageError: features cannot be stored in `cache`.
    """
    own, weak, ratings, outlined, seen = found.own, found.weak, found.ratings, found.outlined, found.seen
    files = found.files
    labels = {"labelled": own.labels, "weak": weak.labels_of(own.attributes)}
    size: tuple[int, int] = tuple(recipe["views"]["size"])
    early = nn.Sequential(*backbones.early_parts(network.backbone, recipe["joint"]["frozen_stages"])).eval()
    views = {
        kind: extract(early, network.config, size, files[kind], Augmentation(**recipe["views"][kind]), cache)
        for kind in KINDS
    }
    cells = _map_size(network, size)
    test = np.flatnonzero(own.split == "test")
    taught = tuple(name for name, about in human_masks.OUTLINED.items() if about.teaches)
    return JointPhotos(
        files=files,
        views=views,
        pooled={kind: _pooled(recipe, network.config, files[kind], kind, cache) for kind in KINDS},
        labels=labels,
        train=np.flatnonzero(own.split != "test"),
        test=test,
        regions={
            kind: _shown(views[kind], [of.share(n) for n in range(len(of.shares))], cells) for kind, of in seen.items()
        },
        region_names=seen["labelled"].attributes,
        outlines=_outlines(outlined, views["outlined"], taught, cells),
        outlined_names=taught,
        outlined=outlined,
        test_regions=regions.Regions(seen["labelled"].shares[test], seen["labelled"].attributes),
        scores=np.concatenate([source.scores for source in ratings]),
        sources=np.repeat(np.arange(len(ratings)), [len(source.scores) for source in ratings]),
        scale=ratings[0].known_scale(),
        attributes=own.attributes,
    )


def _map_size(network: SIAM, size: tuple[int, int]) -> tuple[int, int]:
    with torch.inference_mode():
        maps = network.backbone(torch.zeros(1, 3, *size))
    return maps.shape[2], maps.shape[3]


def _pooled(recipe: dict[str, Any], config: SIAMConfig, files: Sequence[Path], kind: str, cache: Path) -> np.ndarray:
    found = []
    for name in recipe["teacher"]["backbones"]:
        backbone, _channels = backbones.create_backbone(name)
        backbones.load_imagenet(name, backbone)
        size = recipe["teacher"]["weak_image_size" if kind == "weak" else "image_size"]
        settings = {**vars(config), **backbones.input_of(name), "backbone": name, "image_size": size}
        found.append(teacher.pooled_features(backbone.eval(), SIAMConfig(**settings), files, cache))
    return np.concatenate(found, axis=1)


def _shown(views: Views, cells: Sequence[Tensor], size: tuple[int, int]) -> np.ndarray:
    """Return what every view shows of its photo's cells (R, s, s) in [0, 1], as uint8 (N, V, R, *size)."""
    return np.stack(
        [
            np.stack([(view.of(of_photo, size) * 255).round().byte().numpy() for view in shown])
            for shown, of_photo in zip(views.shown, cells, strict=True)
        ]
    )


def _outlines(
    outlined: human_masks.OutlinedPhotos, views: Views, names: Sequence[str], size: tuple[int, int]
) -> np.ndarray:
    pixels = []
    for mask in outlined.masks:
        planes = [outlined.covered(name, mask) for name in names]
        pixels.append(torch.from_numpy(np.stack([*planes, mask > 0])).float())
    found = _shown(views, pixels, size)
    known = found[:, :, -1:].astype(np.float32)
    shares = np.divide(found[:, :, :-1] * 255.0, known, out=np.zeros(found[:, :, :-1].shape), where=known > 0)
    return np.concatenate([shares.clip(0, 255).astype(np.uint8), found[:, :, -1:]], axis=2)


def outlined_labels(photos: JointPhotos) -> Tensor:
    """Return labels (N, K) of the outlined photos: 1 where an attribute's region shows, 0 without a pixel, else NaN.

    Any water shows that one of the three waters is there, but not which one; no water, that none is.
    """
    shares = photos.outlined.shares()  # (N, O')
    labels = torch.full((len(shares), len(photos.attributes)), torch.nan)
    for share, about in zip(shares.T, human_masks.OUTLINED.values(), strict=True):
        if not about.teaches:
            continue
        for name in about.attributes:
            k = photos.attributes.index(name)
            labels[torch.from_numpy(share == 0), k] = 0
            if len(about.attributes) == 1:
                labels[torch.from_numpy(share >= human_masks.SHOWN[0]), k] = 1
    return labels
