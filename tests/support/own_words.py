"""Photos with words and ratings of one's own, and a recipe of the method "own" that trains on them in seconds."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network

RECIPE = """\
method = "own"
folds = {folds}
[data]
attributes = {{ reader = "folder", folder = "." }}
scores = [{{ reader = "folder", folder = "." }}]
[network]
trunk = "{trunk}"
image_size = 64
[training]
steps = {steps}
"""


def write_photos(folder: Path, words: int = 3, count: int = 24, *, seed: int = 0) -> Path:
    """Write photos of noise, some tinted, with attributes.csv and ratings.csv; word 0 says which are green."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"word {k}" for k in range(words)]
    labels, ratings = [",".join(["file", *names])], ["file,score (1 to 5)"]
    for number in range(count):
        green = number % 2
        pixels = random.integers(0, 90, (64, 80, 3), dtype=np.uint8)
        pixels[..., 1] += np.uint8(150 * green)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        others = [str(int(random.random() < 0.5)) for _word in names[1:]]
        labels.append(",".join([f"{number}.png", str(green), *others]))
        ratings.append(f"{number}.png,{1 + 3 * green + random.random():.2f}")
    (folder / "attributes.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    (folder / "ratings.csv").write_text("\n".join(ratings) + "\n", encoding="utf-8")
    return folder


def write_recipe(folder: Path, *, folds: int = 2, steps: int = 3, further: str = "") -> Path:
    """Write the recipe, and the pair whose small backbone it uses."""
    network = siam_network()
    with torch.no_grad():  # features of a usual size, as a trained network has
        network.backbone.train()
        for shade in (1.0, 0.0) * 15:
            network.backbone(torch.rand(8, 3, 64, 64) * 2 - shade)
    save(Pair("trunk", network.eval(), baseline_network(), {}), folder / "trunk")
    path = folder / "words.toml"
    text = RECIPE.format(folds=folds, steps=steps, trunk=(folder / "trunk").as_posix())
    path.write_text(text + further, encoding="utf-8")
    return path
