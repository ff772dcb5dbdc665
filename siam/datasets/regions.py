"""Regions: where an external segmenter sees things in a photo, stored as `regions.npz` beside a dataset's table.

The file holds `files` (N,), `groups` (G,) names such as sky, tree or sea, and `share` uint8 (N, G, s, s), 255 times the
share of each of s x s cells that a group covers. The labels' reader says which groups show an attribute
(`AttributePhotos.regions`), and what they mean depends on the labels: where sky shows clouds, it does so only in photos
labelled with clouds.

A file of *Label* (`siam.labelling.outlines`) also holds `partial`, and only photos that somebody marked; nothing is
known of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from siam.datasets.base import PRESENT
from siam.datasets.region_files import read_file
from siam.errors import DatasetError
from siam.runtime.reprs import brief

MINIMUM_SHARE = 0.005  # of the picture: if the segmenter finds less than this of a labelled attribute, it missed it


@dataclass(frozen=True, eq=False)
class Regions:
    """Where attributes are: `shares` uint8 (N, R, s, s), 255 x the share of each cell, of the R names `attributes`."""

    shares: np.ndarray
    attributes: tuple[str, ...]

    __repr__ = brief

    def share(self, photo: int) -> Tensor:
        """Return the shares (R, s, s) of a photo, from 0 to 1."""
        return torch.from_numpy(self.shares[photo]).float() / 255


def read(path: Path, files: Sequence[str], shown: Mapping[str, Sequence[str]]) -> Regions:
    """Read the regions of `files`, in that order.

    Args:
        path: of regions.npz.
        files: names of photos.
        shown: attribute → the groups whose union shows it.

    Raises:
        DatasetError: the file is missing, damaged, not of this layout, lacks a photo, or shows none of the attributes.
    """
    stored = read_file(path)
    place = {name: number for number, name in enumerate(stored.files)}
    missing = [name for name in files if name not in place]
    if missing and not stored.partial:
        raise DatasetError(f"{path} lacks {missing[0]!r} and {len(missing) - 1} more photos: segment these too")
    groups = stored.groups
    share = np.zeros((len(files), *stored.share.shape[1:]), dtype=np.uint8)
    known = [row for row, name in enumerate(files) if name in place]
    share[known] = stored.share[[place[files[row]] for row in known]]
    used = {name: [groups.index(group) for group in members if group in groups] for name, members in shown.items()}
    used = {name: columns for name, columns in used.items() if columns}
    if not used:
        raise DatasetError(
            f"{path} holds the groups {', '.join(groups[:3])} …, which show none of the attributes: name their groups, "
            "or set region_weight to 0 in the recipe"
        )
    union = [share[:, columns].sum(axis=1, dtype=np.uint16).clip(max=255) for columns in used.values()]
    return Regions(np.stack(union, axis=1).astype(np.uint8), tuple(used))


def targets(
    share: Tensor,
    outlined: Sequence[str],
    labels: np.ndarray,
    attributes: Sequence[str],
    absent: float,
    size: Sequence[int],
) -> Tensor:
    """Return what each cell of a photo's attribute maps should show: (K, h, w), NaN where nothing is known.

    For an attribute labelled present, that is the share of each cell it covers; for one labelled absent, 0 everywhere.

    Args:
        share: (R, s, s) shares of a photo.
        outlined: the R names; those missing from `attributes` are ignored.
        labels: (K,) shares of annotators.
        attributes: the K names.
        absent: labels up to this value count as absent.
        size: (h, w) of the maps.
    """
    height, width = size
    expected = torch.full((len(attributes), height, width), torch.nan)
    expected[torch.from_numpy(labels <= absent)] = 0
    cells = adaptive_avg_pool2d(share[None], (height, width))[0]  # (R, h, w)
    for row, name in enumerate(outlined):
        if name not in attributes:
            continue
        k = attributes.index(name)
        if labels[k] > PRESENT and share[row].mean() >= MINIMUM_SHARE:
            expected[k] = cells[row]
    return expected
