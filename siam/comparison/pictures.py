"""Pictures on which explainers are compared, with the known place of what moves the target.

- "gallery": scenes of a gallery with true masks. The target is the score of the pair's baseline or SIAM; the truth is
  the smallest region that holds half of what truly raises it (`true_density`, `siam.comparison.agreement.evidence`).
- "scenes": the same for a folder of `python -m siam data render`. If it was rendered with --without-each, it is also
  known what each object truly adds to the network's score.
- "flowers": the target is the logit of the picture's own class; the truth is the part whose colour identifies it.
- "photos": photos in which people outlined things (`siam.datasets.human_masks`). The target is the presence of one
  attribute in a pair's SIAM, the truth its outline; pixels that nobody labelled do not count. Of several frames of one
  film, one is taken, so that no two photos resemble each other.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from siam.comparison.agreement import evidence
from siam.datasets import flowers, human_masks
from siam.datasets.rendered.crowd import true_templates
from siam.datasets.rendered.truth import read_masks
from siam.errors import DatasetError
from siam.explainers import names_for
from siam.explainers.base import Target
from siam.explainers.targets import attribute, output, score_up
from siam.gallery.store import Gallery, read
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import card as cards
from siam.models import flowers as flower_network
from siam.models import zoo
from siam.models.checkpoint import find, load
from siam.models.identity import record_name
from siam.models.siam import SIAM
from siam.runtime.devices import best_device
from siam.runtime.paths import ASSETS

KINDS = ("gallery", "scenes", "flowers", "photos")
OF_SIAM = ("siam", "grad_cam", "integrated_gradients", "occlusion", "rise")  # explain a SIAM by default

BUNDLED_SCENES = ASSETS / "gallery" / "rendered"

# Outlines that say where one attribute is, and where it is not, in enough photos.
OUTLINES = tuple(
    name
    for name in human_masks.HEADLINE
    if human_masks.OUTLINED[name].teaches and len(human_masks.OUTLINED[name].attributes) == 1
)


@dataclass(frozen=True, eq=False)
class Case:
    """One picture, the network to explain, and the truth.

    Attributes:
        identifier: the picture's identifier.
        network: the network that is explained, a `torch.nn.Module`.
        image: the picture (1, 3, H, W), as the network takes it.
        mask: (H', W'), bool, over the same picture: the region that a map should mark.
        density: (H', W'), what each place truly adds; None if only the mask is known.
        without: files of the same picture without one object each.
        target: what is explained.
        channel_mean: by which the picture was normalised; None for the network's `config.mean`.
        channel_std: likewise.
        known: (H', W'), bool, where the mask is known; None for everywhere.
    """

    identifier: str
    network: Any
    image: Tensor
    mask: np.ndarray
    density: np.ndarray | None
    without: tuple[Path, ...] = ()
    target: Target = field(default_factory=score_up)
    channel_mean: tuple[float, ...] | None = None
    channel_std: tuple[float, ...] | None = None
    known: np.ndarray | None = None

    def altered(self) -> Iterator[Tensor]:
        """Yield the picture (1, 3, H, W) without each of its objects."""
        config = replace(self.network.config, image_size=min(self.image.shape[2:]))
        for path in self.without:
            yield preprocess(read_image(path), config)


@dataclass(frozen=True)
class World:
    """Which pictures and networks are compared; every process rebuilds the same from it.

    Attributes:
        kind: one of `KINDS`.
        model: name or folder of a pair, or of a network of flowers; or a classifier, as for `siam.models.zoo.load`.
        folder: folder of the gallery, of the scenes, of the rendered flowers or of the outlined photos.
        count: most pictures to use.
        size: short side in px to which pictures are scaled; 0 for the network's own.
        device: the network's device; "" for a GPU if there is one.
        network: which of a pair's networks is explained: "baseline" or "siam", which it must be for photos.
        weights: file of a classifier's weights.
    """

    kind: str
    model: str
    folder: Path
    count: int
    size: int = 0
    device: str = ""
    network: str = "baseline"
    weights: str = ""


@lru_cache(maxsize=1)
def cases_of(world: World) -> tuple[Case, ...]:
    """Return the pictures of a world, in an order that does not depend on their number.

    Raises:
        CheckpointError: there are no such networks.
        DatasetError: the pair has no baseline, the folder holds no such pictures, or no picture can be used.
    """
    made = {"flowers": _flower_cases, "photos": _photo_cases}
    return made.get(world.kind, _rendered_cases)(world)


def _rendered_cases(world: World) -> tuple[Case, ...]:
    scenes = _of_gallery(read(world.folder)) if world.kind == "gallery" else _of_folder(world.folder)
    pair = load(world.model, world.device or None)
    network = pair.siam if world.network == "siam" else pair.baseline
    if network is None:
        raise DatasetError(f"the pair {pair.name!r} has no baseline to compare explainers on: choose a pair with one")
    config = replace(network.config, image_size=world.size or network.config.image_size)
    cases: list[Case] = []
    for identifier, path, masks, without in scenes:
        density = true_density(masks)
        mask = evidence(density)
        if 0 < mask.mean() < 1:  # else nothing raises the score
            cases.append(Case(identifier, network, preprocess(read_image(path), config), mask, density, without))
        if len(cases) == world.count:
            break
    if not cases:
        raise DatasetError(f"no scene in {world.folder} has a picture and true masks: use rendered scenes")
    return tuple(cases)


_Scene = tuple[str, Path, np.ndarray, tuple[Path, ...]]  # identifier, picture, masks, pictures without each object


def _of_gallery(gallery: Gallery) -> Iterator[_Scene]:
    for row in np.random.default_rng(0).permutation(len(gallery)).tolist():
        path, masks = gallery.picture(row), gallery.masks(row)
        if path is not None and masks is not None:
            yield str(gallery.photos["identifier"][row]), path, masks, ()


def _of_folder(folder: Path) -> Iterator[_Scene]:
    numbers = sorted(int(path.stem) for path in (folder / "truth").glob("*.json"))
    if not numbers:
        raise DatasetError(
            f"{folder} holds no rendered scenes: make some with python -m siam data render --out {folder}"
        )
    for number in numbers:
        listed = folder / "without" / f"{number}.json"
        try:
            names = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else []
        except (OSError, ValueError) as error:
            raise DatasetError(f"{listed} is damaged ({error}): delete it and render again") from error
        without = tuple(folder / "without" / name / f"{number}.jpg" for name in names)
        yield str(number), folder / "images" / f"{number}.jpg", read_masks(folder, number), without


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
    if is_classifier(world.model):
        return _classifier_cases(world)
    network = flower_network.load(world.model, world.device or None)
    photos = flowers.read(world.folder)
    of_class = [network.of_class(label) for label in range(len(network.class_names))]
    config = replace(network.config, image_size=world.size or network.config.image_size)
    return tuple(
        Case(
            identifier=photos.files[row].stem,
            network=of_class[photos.labels[row]],
            image=preprocess(read_image(photos.files[row]), config),
            mask=photos.mask(row),
            density=None,
        )
        for row in _visible(photos)[: world.count]
    )


def is_classifier(model: str) -> bool:
    """Return whether a name is that of a network of timm or torchvision, or of an exported program."""
    return model.startswith(("timm:", "torchvision:")) or model.endswith(zoo.PROGRAM)


def _classifier_cases(world: World) -> tuple[Case, ...]:
    photos = flowers.read(world.folder)
    size = (world.size, world.size) if world.size else None
    loaded = zoo.load(world.model, world.weights or None, size=size, device=world.device or best_device())
    cases = []
    for row in _visible(photos)[: world.count]:
        _part, pixels = zoo.seen(read_image(photos.files[row]), loaded.expects)
        cases.append(
            Case(
                identifier=photos.files[row].stem,
                network=loaded.model,
                image=pixels,
                mask=photos.mask(row),
                density=None,
                target=output(int(photos.labels[row])),
                channel_mean=loaded.expects.mean,
                channel_std=loaded.expects.std,
            )
        )
    return tuple(cases)


def _photo_cases(world: World) -> tuple[Case, ...]:
    network, photos = load(world.model, world.device or None).siam, human_masks.read(world.folder)
    config = replace(network.config, image_size=world.size or network.config.image_size)
    cases = []
    for row, name in one_outline_each(photos, network.config.attributes)[: world.count]:
        numbers, path = photos.masks[row], photos.files[row]
        cases.append(
            Case(
                identifier=f"{path.stem}, {name}",
                network=network,
                image=preprocess(read_image(path), config),
                mask=photos.covered(name, numbers),
                density=None,
                target=attribute(human_masks.OUTLINED[name].attributes[0]),
                known=numbers > 0,
            )
        )
    if not cases:
        raise DatasetError(
            f"no photo in {world.folder} shows an outlined attribute that {network.config.backbone} knows, such as "
            f"{OUTLINES[0]}: use outlines and a pair with the same attributes"
        )
    return tuple(cases)


def one_outline_each(photos: human_masks.OutlinedPhotos, attributes: Sequence[str]) -> list[tuple[int, str]]:
    """Return rows of photos, each with one of `OUTLINES` that shows in it, one photo of each film.

    The order is random but always the same. Each photo stands for that of its attributes which the photos before it
    stand for least, so that the attributes come about equally often.

    Args:
        photos: the outlined photos.
        attributes: those that the network knows.
    """
    low, high = human_masks.SHOWN
    shares, names = photos.shares(), list(human_masks.OUTLINED)
    usable = [name for name in OUTLINES if human_masks.OUTLINED[name].attributes[0] in attributes]
    counts, seen, found = dict.fromkeys(usable, 0), set[str](), list[tuple[int, str]]()
    for row in np.random.default_rng(0).permutation(len(photos.files)).tolist():
        shown = [name for name in usable if low <= shares[row, names.index(name)] <= high]
        if not shown or str(photos.groups[row]) in seen:
            continue
        seen.add(str(photos.groups[row]))
        name = min(shown, key=counts.__getitem__)
        counts[name] += 1
        found.append((row, name))
    return found


def learned_from(world: World) -> bool | None:
    """Return whether a pair was trained on the photos of a world; None if its card does not say."""
    known = cards.training_folders(cards.read(find(world.model)))
    return world.folder.resolve().name in known if known else None


def network_of(world: World) -> Any:
    """Return the network that is explained, from the first picture."""
    return cases_of(world)[0].network


def identity(case: Case) -> str:
    """Return a hash of the network of a picture, which stored records refer to."""
    return record_name(case.network)


def names_in(world: World) -> tuple[str, ...]:
    """Return the names of the explainers to compare: for a SIAM `OF_SIAM`, else all that suit the network."""
    network = network_of(world)
    return OF_SIAM if isinstance(network, SIAM) else names_for(network)


def _visible(photos: flowers.FlowerPhotos) -> Sequence[int]:
    """Return the rows of pictures that show any of the part."""
    return [row for row in range(len(photos.files)) if photos.mask(row).any()]
