"""Trains a small classifier of rendered flowers from scratch: the method "flowers" of the recipes.

::

    loss = cross-entropy of the logits of moved pictures;  AdamW, one-cycle learning rate

The learning rate rises and falls once over the whole run: L. N. Smith, N. Topin, "Super-Convergence", 2018,
arXiv:1708.07120. Pictures are mirrored, shifted and scaled, but their colours are left alone, because the classes
differ in nothing else. The test pictures are used once, with the weights as stored, and once more with the part that
identifies the class painted grey: accuracy must then drop, or the masks would not show what the network relies on.

Settings of a recipe: `name` and `seed`; [data] with `folder` below --root and the texts of the card; [network] as
`siam.models.baseline.BaselineConfig`, but without the scale; [training] as `Schedule`.
"""

import shlex
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from siam.datasets import flowers
from siam.datasets.flowers import FlowerPhotos
from siam.errors import CheckpointError, DatasetError, TrainingError
from siam.images.preprocessing import target_size
from siam.images.reading import read_image
from siam.models import card
from siam.models.backbones import check_backbone
from siam.models.baseline import BaselineConfig
from siam.models.flowers import LOGITS, FlowerNetwork, save
from siam.runtime.devices import threads
from siam.runtime.files import check_folder, exclusive
from siam.runtime.memory import keep_freed_memory
from siam.runtime.provenance import provenance

_TEXTS = ("summary", "training_data", "limits")  # of the card
_TOP, _DATA = {"method", "name", "seed", "data", "network", "training"}, {"folder", *_TEXTS}
_GREY = 128  # paints over the identifying part
_BATCH = 64  # pictures evaluated at once


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes:
        epochs: passes over the training pictures.
        small_epochs: how many of the first epochs use pictures at half the size, which takes a quarter of the time.
        batch: pictures per step.
        learning_rate: the highest in the cycle.
        weight_decay: of AdamW.
        shift: largest shift in either direction, as a share of the picture's side.
        zoom: largest change of scale: 0.2 means factors from 0.8 to 1.2.
        mirror: whether half of the views are mirrored left to right.
        threads: number of PyTorch threads in training; another number rounds sums differently.
    """

    epochs: int
    small_epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    shift: float
    zoom: float
    mirror: bool
    threads: int

    def __post_init__(self) -> None:
        """Raise a ValueError for settings with which no training is possible."""
        if min(self.epochs, self.batch, self.threads) < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError(
                "expected epochs, batch and threads of at least 1, learning_rate above 0, weight_decay at least 0, not "
                f"{self.epochs}, {self.batch}, {self.threads}, {self.learning_rate} and {self.weight_decay}"
            )
        if not (0 <= self.shift < 1 and 0 <= self.zoom < 1):
            raise ValueError(f"expected shift and zoom of at least 0 and below 1, not {self.shift} and {self.zoom}")


class Pictures(NamedTuple):
    """Decoded pictures (N, 3, H, W), uint8 RGB, and their classes (N,), int64."""

    pixels: Tensor
    labels: Tensor


def is_flower_recipe(path: Path) -> bool:
    """Return whether a file is a recipe of this method; False if it cannot be read, which others then report."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("method") == "flowers"
    except (OSError, ValueError):
        return False


def train_flowers(
    recipe_path: Path, root: Path, out: Path, seed: int | None = None, shuffle_labels: bool = False
) -> FlowerNetwork:
    """Train a classifier from a recipe, evaluate it and write it with its card to `out`; return it as stored.

    Args:
        recipe_path: a TOML file such as recipes/flowers-single-6c.toml.
        root: the folder that holds the datasets.
        out: folder for network and card.
        seed: random seed in place of the recipe's; it becomes part of the network's name.
        shuffle_labels: train on the labels in random order, as the data randomisation test of J. Adebayo et al.,
            "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv:1810.03292; it becomes part of the name, too, and
            the card also has the accuracy on the training pictures with their shuffled labels.

    Raises:
        DatasetError: the recipe has a missing or unknown setting, or the flowers do not match their layout.
        TrainingError: a setting is wrong, or the loss is no longer finite.
    """
    keep_freed_memory(large_blocks=True)
    recipe, config, schedule = _read(recipe_path)
    check_folder(out)
    chosen_seed = recipe["seed"] if seed is None else seed
    photos = flowers.read(root / recipe["data"]["folder"])
    with exclusive(out), threads(schedule.threads):
        train, val, test = (read_pictures(photos, split, config) for split in ("train", "val", "test"))
        if shuffle_labels:
            order = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(chosen_seed))
            train = train._replace(labels=train.labels[order])
        network = fit(config, photos.class_names, train, val, schedule, chosen_seed)
        network.half().float()  # evaluate exactly what is stored
        figures = _figures(network, val, test, read_pictures(photos, "test", config, hide_part=True))
        if shuffle_labels:
            figures["accuracy_on_shuffled_labels"] = round(accuracy(network, train), 4)
        words = ["python", "-m", "siam", "train", str(recipe_path), "--root", str(root), "--out", str(out)]
        words += [*([] if seed is None else ["--seed", str(seed)]), *(["--shuffle-labels"] if shuffle_labels else [])]
        record = {"variant": photos.variant, "figures": figures, "command": shlex.join(words), **provenance()}
        name = recipe["name"] + ("" if seed is None else f"-seed{seed}") + ("-shuffled" if shuffle_labels else "")
        texts = {name: recipe["data"][name] for name in _TEXTS}
        if shuffle_labels:
            texts["summary"] = "Trained on labels in random order, so it knows nothing: a control for explainers."
        save(network, out, {"name": name, **texts, **record})
    return network


def read_pictures(photos: FlowerPhotos, split: str, config: BaselineConfig, *, hide_part: bool = False) -> Pictures:
    """Decode the pictures of a split at the network's size; `hide_part` first paints the identifying part grey.

    Raises:
        DatasetError: the split is empty, or a mask is missing or damaged.
        ImageError: a picture is damaged.
    """
    chosen = np.flatnonzero(photos.split == split)
    if not len(chosen):
        raise DatasetError(f"the flowers have no pictures in the split {split}: render at least ten per class")
    height, width = target_size((photos.size, photos.size), config)
    pixels = torch.empty(len(chosen), 3, height, width, dtype=torch.uint8)
    for row, index in enumerate(tqdm(chosen.tolist(), desc=f"{split} pictures", file=sys.stderr, disable=None)):
        image = read_image(photos.files[index])
        if hide_part:
            image.paste((_GREY,) * 3, mask=Image.fromarray(photos.mask(index)))
        scaled = image.resize(
            (width, height), Image.Resampling.BICUBIC
        )  # as `siam.images.preprocessing.preprocess` does it
        pixels[row] = torch.from_numpy(np.array(scaled)).permute(2, 0, 1)
    return Pictures(pixels, torch.from_numpy(photos.labels[chosen]))


def fit(
    config: BaselineConfig, class_names: tuple[str, ...], train: Pictures, val: Pictures, schedule: Schedule, seed: int
) -> FlowerNetwork:
    """Return a network trained on pictures, in evaluation mode; accuracy on `val` is shown on stderr as it trains.

    The weights are those after the last step; `val` does not influence them.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        network = FlowerNetwork(config, class_names)
    count, loss = len(train.labels), torch.zeros(())
    steps = -(-count // schedule.batch) * schedule.epochs
    optimiser = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.learning_rate, total_steps=steps)
    with tqdm(total=steps, desc="training", unit="step", file=sys.stderr) as progress:
        for epoch in range(schedule.epochs):
            network.train()
            for rows in torch.randperm(count, generator=generator).split(schedule.batch):
                views = moved(train.pixels[rows] / 255, schedule, generator)
                views = F.avg_pool2d(views, 2) if epoch < schedule.small_epochs else views
                loss = F.cross_entropy(network(normalised(views, config)), train.labels[rows])
                if not torch.isfinite(loss):
                    raise TrainingError(f"the loss became {loss.item()}: lower learning_rate in the recipe")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                rates.step()
                progress.update()
            progress.set_postfix(loss=f"{loss.item():.3f}", val_accuracy=f"{accuracy(network, val):.3f}")
    return network.eval()


def moved(pixels: Tensor, schedule: Schedule, generator: torch.Generator) -> Tensor:
    """Return random views of pictures (N, 3, H, W), of the same shape; the border is repeated beyond the edges."""
    draws = torch.rand(len(pixels), 4, generator=generator)  # always four, whatever the settings
    scale = 1 / (1 + (2 * draws[:, 0] - 1) * schedule.zoom)
    flip = torch.where((draws[:, 1] < 0.5) & schedule.mirror, -1.0, 1.0)
    shift = 2 * (2 * draws[:, 2:] - 1) * schedule.shift  # in units of half a side, as `affine_grid` counts
    views = torch.zeros(len(pixels), 2, 3)
    views[:, 0, 0], views[:, 1, 1], views[:, :, 2] = scale * flip, scale, shift
    grid = F.affine_grid(views, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def normalised(pixels: Tensor, config: BaselineConfig) -> Tensor:
    """Return pixels (N, 3, H, W) in [0, 1] as the network expects them: (pixel - mean) / std."""
    mean, std = (torch.tensor(rgb).view(1, 3, 1, 1) for rgb in (config.mean, config.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def accuracy(network: FlowerNetwork, pictures: Pictures) -> float:
    """Return the share of pictures whose highest logit is that of their class; puts the network in evaluation mode."""
    network.eval()
    views = (normalised(pixels / 255, network.config) for pixels in pictures.pixels.split(_BATCH))
    predicted = torch.cat([network(images).argmax(dim=1) for images in views])
    return int((predicted == pictures.labels).sum()) / len(predicted)


def wilson_interval(share: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` trials, valid at 0 and 1 too: E. B. Wilson, JASA 22 (1927) 209."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _figures(network: FlowerNetwork, val: Pictures, test: Pictures, hidden: Pictures) -> dict[str, Any]:
    right, count = accuracy(network, test), len(test.labels)
    figures = {
        "test_accuracy": right,
        "test_pictures": count,
        "interval": [round(end, 4) for end in wilson_interval(right, count)],
        "val_accuracy": accuracy(network, val),
        "val_pictures": len(val.labels),
        "accuracy_without_the_part": accuracy(network, hidden),
        "chance": 1 / len(network.class_names),
    }
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def _read(path: Path) -> tuple[dict[str, Any], BaselineConfig, Schedule]:
    recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    data = recipe.get("data", {})
    odd = sorted((recipe.keys() ^ _TOP) | (data.keys() ^ _DATA if isinstance(data, dict) else {"data"}))
    if odd:
        raise DatasetError(f"{path}: {odd[0]!r} is missing or unknown: compare it with recipes/flowers-single-6c.toml")
    try:
        config = card.config(BaselineConfig, {**recipe["network"], "scale": asdict(LOGITS)}, path)
        check_backbone(config.backbone)
        return recipe, config, Schedule(**recipe["training"])
    except (CheckpointError, TypeError, ValueError) as error:
        reason = str(error).replace("Schedule.__init__() ", "[training] ")
        raise TrainingError(f"{path} has a wrong setting: {reason}") from error
