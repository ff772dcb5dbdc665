"""The features of a frozen backbone, computed once per photo and cached on disk."""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from siam.images.preprocessing import InputConfig, input_settings, preprocess
from siam.images.reading import read_image
from siam.models.identity import take_weights
from siam.runtime.digests import digest
from siam.runtime.files import whole_file

VIEWS = 2  # a photo as it is, and flipped left to right


def extract(backbone: nn.Module, config: InputConfig, files: Sequence[Path], cache: Path) -> list[Tensor]:
    """Return the features of each photo, (2, C, h, w) in half precision: of the photo as it is, and mirrored.

    They are cached in a file below `cache`, whose name is a hash of everything they depend on.

    Raises:
        ImageError: a photo cannot be read.
        StorageError: the features cannot be stored.
    """
    # even if they are cached: what is computed with it later must be the same
    backbone = backbone.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - stub lacks it
    stored = cache / f"features-{_key(backbone, config, files)}.pt"
    if stored.is_file():
        return torch.load(stored, weights_only=True)
    features = []
    with torch.inference_mode():
        for path in tqdm(files, desc="features", unit="photo", file=sys.stderr):
            pixels = preprocess(read_image(path), config)
            views = torch.cat([pixels, pixels.flip(3)]).to(memory_format=torch.channels_last)  # (2, 3, H, W)
            features.append(backbone(views).half().contiguous())
    with whole_file(stored) as part:
        torch.save(features, part)
    return features


def apply(
    function: Callable[..., tuple[Tensor, ...]],
    columns: Sequence[Sequence[Tensor]],
    photos: np.ndarray,
    views: np.ndarray,
) -> tuple[Tensor, ...]:
    """Apply a head to one view of each chosen photo, batching maps of the same size; results keep the photos' order.

    Args:
        function: maps features (n, C, h, w), and whatever else the columns hold, to tensors whose first axis is n.
        columns: the arguments of `function`, each (views, …) per photo; the first holds the features.
        photos: indices (N,) into every column.
        views: (N,) which view of each.
    """
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for position, photo in enumerate(photos):
        groups[tuple(columns[0][photo].shape[2:])].append(position)
    parts = [
        function(*(torch.stack([column[photos[p]][views[p]] for p in positions]).float() for column in columns))
        for positions in groups.values()
    ]
    order = torch.tensor([position for positions in groups.values() for position in positions]).argsort()
    return tuple(torch.cat(pieces)[order] for pieces in zip(*parts, strict=True))


def _key(backbone: nn.Module, config: InputConfig, files: Sequence[Path]) -> str:
    key = hashlib.sha256()
    take_weights(key, backbone)
    key.update(repr(input_settings(config)).encode())
    for path in files:
        key.update(bytes.fromhex(digest(path)) if path.is_file() else bytes(path))
    return key.hexdigest()[:16]
