"""A recipe of the method "joint", and small data for it."""

from pathlib import Path

import numpy as np
from PIL import Image

RECIPE = """\
method = "joint"
name = "tiny"
seed = 3
folds = 2
[data]
attributes = "sun"
weak_attributes = "scenes"
outlines = "masks"
scores = ["near", "far"]
summary = "Trained on noise."
training_data = "Generated pictures."
limits = "It knows nothing."
[network]
backbone = "test_efficientnet"
stages = 2
image_size = 64
grid = 2
border = 0
attribute_link = "tanh"
pooling = "area"
[views]
size = [64, 64]
labelled = { count = 3, smallest = 0.6, largest = 0.9, colour = 1.0 }
weak = { count = 2, smallest = 0.6, largest = 0.9, colour = 1.0 }
outlined = { count = 2, smallest = 0.6, largest = 0.9, colour = 1.0 }
rated = { count = 2, smallest = 0.8, largest = 1.0, colour = 0.0 }
[teacher]
backbones = ["test_efficientnet"]
image_size = 64
weak_image_size = 32
[joint]
frozen_stages = 2
references = 3
attribute_steps = 3
heads_first = 1
attribute_batch = { labelled = 4, weak = 2 }
steps = 2
batch = { labelled = 2, weak = 2, outlined = 2, rated = 3 }
late_rate = 1e-3
head_rate = 1e-3
template_rate = 1e-2
score_gradient = 0.5
second_share = 0.5
weak_weight = 0.4
teacher_weight = 0.5
label_weight = 2.0
region_weight = 1.0
outline_weight = 1.5
absent_weight = 0.2
reference_weight = 0.3
score_weight = 1.0
baseline_weight = 1.0
leak_weight = 0.1
ordinary = [0.9, 0.999]
template_weight = 0.02
"""


def write_masks(root: Path, count: int = 6) -> None:
    """Write photos with outlines: the left of each is a tree, the right grass or, in every second one, water."""
    random = np.random.default_rng(5)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = []
    for number in range(count):
        right = 2 + number % 2
        mask = np.zeros((64, 80), np.uint8)
        mask[:, :40], mask[4:, 44:] = 1, right
        pixels = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 64), Image.Resampling.BICUBIC).save(root / "images" / f"{number}.jpg")
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
        rows.append(f"{number}.jpg,made up,0.1,0.5,{0.4 if right == 2 else 0},{0.4 if right == 3 else 0}")
    (root / "shares.csv").write_text("\n".join(["file,source,unlabelled,tree,grass_field,water", *rows]) + "\n")
