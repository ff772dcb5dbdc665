"""Pictures on which explainers are compared, with the known place of what moves the target.

- "rendered": scenes of a gallery with true masks. The target is the baseline's score; the truth is the smallest region
  that holds half of what truly raises it (`true_density`, `siam.comparison.agreement.evidence`).
- "flowers": the target is the logit of the picture's own class; the truth is the part whose colour identifies it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from torch import Tensor

from siam.comparison.agreement import evidence
from siam.datasets import flowers
from siam.datasets.rendered.crowd import true_templates
from siam.errors import DatasetError
from siam.explainers import names_for
from siam.explainers.attribution import Network, network_for
from siam.gallery.store import Gallery, read
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import flowers as flower_network
from siam.models.baseline import Baseline
from siam.models.checkpoint import load
from siam.models.identity import record_name
from siam.models.siam import SIAM
from siam.runtime.paths import ASSETS

BUNDLED_SCENES = ASSETS / "gallery" / "rendered"


@dataclass(frozen=True, eq=False)
class Case:
    """One picture, its networks, and its truth.

    Attributes:
        identifier: the picture's identifier.
        baseline: the network to explain.
        siam: the SIAM that scores the same picture and explains itself, or None.
        image: the picture (1, 3, H, W), as both networks take it.
        mask: (H', W'), bool, over the same picture: the region that a map should mark.
        density: (H', W'), what each place truly adds; None if only the mask is known.
    """

    identifier: str
    baseline: Baseline
    siam: SIAM | None
    image: Tensor
    mask: np.ndarray
    density: np.ndarray | None

    def network(self, name: str) -> Network:
        """Return the network that an explainer or a reference explains; for "siam_random" it is the SIAM."""
        return network_for(self, "siam" if name == "siam_random" else name)


@dataclass(frozen=True)
class World:
    """Which pictures and networks are compared; every process rebuilds the same from it.

    Attributes:
        kind: "rendered" or "flowers".
        model: name or folder of a pair, or the variant of flowers.
        folder: folder of the gallery or of the rendered flowers.
        count: most pictures to use.
        size: short side in px to which pictures are scaled; 0 for the networks' own.
        device: the networks' device; "" for a GPU if there is one.
    """

    kind: str
    model: str
    folder: Path
    count: int
    size: int = 0
    device: str = ""


@lru_cache(maxsize=1)
def cases_of(world: World) -> tuple[Case, ...]:
    """Return the pictures of a world, in an order that does not depend on their number.

    Raises:
        CheckpointError: there are no such networks.
        DatasetError: the pair has no baseline, the folder is not a gallery, or none of its pictures can be used.
    """
    return _flower_cases(world) if world.kind == "flowers" else _rendered_cases(world)


def _rendered_cases(world: World) -> tuple[Case, ...]:
    pair, gallery = load(world.model, world.device or None), read(world.folder)
    if pair.baseline is None:
        raise DatasetError(f"the pair {pair.name!r} has no baseline to compare explainers on: choose a pair with one")
    config = replace(pair.baseline.config, image_size=world.size or pair.baseline.config.image_size)
    cases: list[Case] = []
    for row in np.random.default_rng(0).permutation(len(gallery)).tolist():
        truth = _truth(gallery, row)
        if truth is None:
            continue
        path, mask, density = truth
        identifier = str(gallery.photos["identifier"][row])
        cases.append(Case(identifier, pair.baseline, pair.siam, preprocess(read_image(path), config), mask, density))
        if len(cases) == world.count:
            break
    if not cases:
        raise DatasetError(f"no scene in {world.folder} has a picture and true masks: use a gallery of rendered scenes")
    return tuple(cases)


def _truth(gallery: Gallery, row: int) -> tuple[Path, np.ndarray, np.ndarray] | None:
    """Return picture, mask and density of a scene; None if one is missing or nothing raises the score."""
    path, masks = gallery.picture(row), gallery.masks(row)
    if path is None or masks is None:
        return None
    density = true_density(masks)
    mask = evidence(density)
    return (path, mask, density) if 0 < mask.mean() < 1 else None


def true_density(masks: np.ndarray) -> np.ndarray:
    """Return where the score of a rendered scene truly comes from, D (H, W), float32: the truth for maps.

    ::

        D(x, y) = sum_k  T_k(x, y) mask_k(x, y),        mean over the picture of D = sum_k c_k

    T_k and c_k are the true templates and contributions of `siam.datasets.rendered.crowd`. D is in points of the
    scale: what the attributes would add if the whole scene looked like that cell. The bias and the nuances, which no
    attribute stands for, have no place in the picture and are not part of D.

    Args:
        masks: masks (K, H, W) of a square scene, bool or shares of pixels, in the order of the attributes.

    Raises:
        ValueError: the masks have another shape.
    """
    count, *sides = true_templates(1).shape[0], *masks.shape[1:]
    if masks.ndim != 3 or len(masks) != count or len(set(sides)) != 1:
        raise ValueError(f"the masks have shape {masks.shape}; expected ({count}, H, H), one for each attribute")
    return np.einsum("kij,kij->ij", true_templates(sides[0]), masks)


def _flower_cases(world: World) -> tuple[Case, ...]:
    network = flower_network.load(world.model, world.device or None)
    photos = flowers.read(world.folder)
    of_class = [network.of_class(label) for label in range(len(network.class_names))]
    config = replace(network.config, image_size=world.size or network.config.image_size)
    return tuple(
        Case(
            identifier=photos.files[row].stem,
            baseline=of_class[photos.labels[row]],
            siam=None,
            image=preprocess(read_image(photos.files[row]), config),
            mask=photos.mask(row),
            density=None,
        )
        for row in _visible(photos)[: world.count]
    )


def network_of(world: World, name: str) -> Network:
    """Return the network that an explainer explains, from the first picture."""
    return cases_of(world)[0].network(name)


def identity(case: Case) -> str:
    """Return a hash of the networks of a picture, which stored records refer to."""
    return record_name(case.baseline, case.siam)


def names_in(world: World) -> tuple[str, ...]:
    """Return the names of the explainers that can explain the networks of a world."""
    case = cases_of(world)[0]
    return (*(["siam"] if case.siam is not None else []), *names_for(case.baseline))


def _visible(photos: flowers.FlowerPhotos) -> Sequence[int]:
    """Return the rows of pictures that show any of the part."""
    return [row for row in range(len(photos.files)) if photos.mask(row).any()]
