"""Tiny photos outlined by people, in the layout `masks`: made-up pictures and regions."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.human_masks import OutlinedPhotos

REGIONS = (
    "unlabelled", "sky", "tree", "grass_field", "water", "vehicle", "boat", "person", "building",
)  # fmt: skip
NUMBER = {name: number for number, name in enumerate(REGIONS)}


def photos(masks: Sequence[np.ndarray], names: Sequence[str] | None = None) -> OutlinedPhotos:
    """Return outlined photos without files on disk; photos of the same name up to "_" are one group."""
    names = [f"{number}.jpg" for number in range(len(masks))] if names is None else list(names)
    groups = np.array([name.split("_")[0] for name in names])
    alike = np.array(["film" if "_" in name else "photos" for name in names])
    return OutlinedPhotos(tuple(map(Path, names)), tuple(masks), REGIONS, groups, alike, np.full(len(names), "test"))


def write_masks(root: Path, masks: Mapping[str, np.ndarray], regions: Sequence[str] = REGIONS) -> Path:
    """Write a dataset: file name → mask (H, W), each beside a picture of noise of its size; return its folder."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for name, mask in masks.items():
        pixels = random.integers(0, 256, (*mask.shape, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / name)
        Image.fromarray(mask).save((root / "masks" / name).with_suffix(".png"))
    with (root / "shares.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", *regions])
        for name, mask in masks.items():
            shares = [f"{(mask == number).mean():.4f}" for number in range(len(regions))]
            writer.writerow([name, "film" if name.startswith("camvid") else "photos", *shares])
    return root
