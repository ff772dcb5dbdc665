"""A small made-up rendered dataset: noise as pictures, patches as masks, and a truth derived from them."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.rendered import crowd, split_of
from siam.datasets.rendered.truth import Truth, write
from siam.datasets.sun_attributes import ATTRIBUTES

SIZE = 80  # px


def write_scenes(root: Path, count: int = 20, seed: int = 0, size: int = SIZE) -> list[Truth]:
    """Write scenes 1 to `count` as `data render` does, with votes, labels, masks and truth; return the truths.

    Each scene shows six of nine attributes, as rectangles that may share pixels, and less than half a percent of a
    tenth; some scenes carry nuances.
    """
    random = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    truths = [_write_scene(root, identifier, random, size) for identifier in range(1, count + 1)]
    with (root / "votes.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["ID", "Lat", "Lon", "Average", "Variance", "Votes", "Geograph URI"])
        for truth in truths:
            votes = truth.votes
            cells = f"{np.mean(votes):.4f}", f"{np.var(votes):.4f}", ",".join(map(str, votes))
            table.writerow([truth.identifier, "", "", *cells, ""])
    with (root / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "split", *ATTRIBUTES])
        for truth in truths:
            table.writerow([f"{truth.identifier}.jpg", truth.split, *truth.labels.values()])
    return truths


def random_masks(random: np.random.Generator, size: int = SIZE) -> np.ndarray:
    """Return masks (K, size, size): a top part of trees, rectangles of five others, a trace of a tenth."""
    masks = np.zeros((len(ATTRIBUTES), size, size), dtype=bool)
    masks[0, : random.integers(size // 4, size // 2)] = True
    for k in random.choice(np.arange(1, 9), 5, replace=False):
        top, left = random.integers(0, size // 2, 2)
        height, width = random.integers(size // 10, size // 2, 2)
        masks[k, top : top + height, left : left + width] = True
    masks[9, :1, : random.integers(size // 2)] = True
    return masks


def _write_scene(root: Path, identifier: int, random: np.random.Generator, size: int) -> Truth:
    masks = random_masks(random, size)
    pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC).save(root / "images" / f"{identifier}.jpg")
    points = crowd.contributions(masks)
    nuances = crowd.nuance_points({"litter": float(identifier % 3 == 0), "evening_light": float(identifier % 4 == 0)})
    areas = masks.mean(axis=(1, 2))
    truth = Truth(
        identifier=identifier,
        place="patches",
        light="noon",
        split=split_of(identifier),
        bias=crowd.BIAS,
        contributions=dict(zip(ATTRIBUTES, points.tolist(), strict=True)),
        nuances=nuances,
        votes=tuple(crowd.vote(crowd.BIAS + points.sum() + sum(nuances.values()), random)),
        labels=dict(zip(ATTRIBUTES, crowd.annotate(areas, random).tolist(), strict=True)),
        areas=dict(zip(ATTRIBUTES, areas.tolist(), strict=True)),
    )
    write(root, truth, masks)
    return truth
