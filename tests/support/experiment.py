"""A tiny "end-to-end" experiment: made-up photos in the layouts of SUN and ScenicOrNot, and a recipe."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.sun_attributes import ATTRIBUTES
from tests.support.networks import BACKBONE


def write_photos(root: Path, labelled: int = 24, rated: int = 24) -> None:
    """Write photos whose colour matches their labels and scores, so that there is something to learn."""
    random = np.random.default_rng(0)
    for name in ("sun", "scenicornot"):
        (root / name / "images").mkdir(parents=True)
    with (root / "sun" / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "split", *ATTRIBUTES])
        for number in range(labelled):
            green = number % 2
            _write(root / "sun" / "images" / f"{number}.png", random, green)
            split = ("train", "train", "train", "val", "val", "test")[number % 6]
            writer.writerow([f"{number}.png", split, green, *[0] * (len(ATTRIBUTES) - 1)])
    with (root / "scenicornot" / "votes.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["ID", "Lat", "Lon", "Average", "Variance", "Votes", "Geograph URI"])
        for number in range(1, rated + 1):
            green = number % 2
            _write(root / "scenicornot" / "images" / f"{number}.jpg", random, green)
            votes = [7 + green, 3 + 4 * green, 5 + green]
            average, variance = f"{np.mean(votes):.4f}", f"{np.var(votes):.4f}"
            address = f"http://www.geograph.org.uk/photo/{number}"
            writer.writerow([number, 50, 0, average, variance, ",".join(map(str, votes)), address])


def _write(path: Path, random: np.random.Generator, green: int) -> None:
    height, width = (64, 80) if random.random() < 0.5 else (72, 64)
    pixels = random.integers(0, 90, (height, width, 3), dtype=np.uint8)
    pixels[..., 1] += np.uint8(140 * green)
    Image.fromarray(pixels).save(path)


SOURCES = (
    'attributes = { reader = "sun", folder = "sun" }',
    'scores = { reader = "scenicornot", folder = "scenicornot" }',
)


def write_recipe(
    path: Path, *, epochs: int = 2, rate: float = 1e-3, sources: tuple[str, ...] = SOURCES, **training: object
) -> Path:
    """Write the recipe: two epochs of three steps in each phase."""
    settings = {
        "precision": "no", "batch": 4, "steps": 3, "clip_norm": 1.0, "weight_decay": 0.0, "patience": 5,
        "validation_photos": 8, "scenicness_weight": 0.1, "template_penalty": 0.001, "frozen_statistics": True,
        "workers": 0, **training,
    }  # fmt: skip
    phase = f"{{ epochs = {epochs}, learning_rate = {rate}, trunk_learning_rate = {rate}, milestones = [1] }}"
    lines = [
        'method = "end-to-end"', 'name = "tiny"', "seed = 3",
        "[data]", *sources, 'summary = "made up"', 'training_data = "made up"', 'limits = "all"',
        "[network]", f'backbone = "{BACKBONE}"', "pretrained = false", "image_size = 64", "size_multiple = 32",
        "mean = [0.5, 0.5, 0.5]", "std = [0.5, 0.5, 0.5]", "grid = 2", "border = 0", "predicts_variance = true",
        "[augmentation]", "short_side = 72", "crop = 64", "rotation = 5.0", "mirror = true",
        "[training]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items()),
        "[phases]", *(f"{name} = {phase}" for name in ("baseline", "attributes", "siam", "siam-frozen")),
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path
