"""Photos whose regions people outlined: `shares.csv` beside `images/` and `masks/`.

shares.csv has the columns file, source, unlabelled and one per region, such as sky or tree. `masks/NAME.png` belongs to
`images/NAME.jpg` and has its size; its pixels, one byte each, are the numbers of regions: 0 is "unlabelled", 1 the
first region after it. Nobody said what an unlabelled pixel shows, so it neither teaches nor judges anything.

J. Shotton, J. Winn, C. Rother, A. Criminisi, "TextonBoost", ECCV 2006 (MSRC v2); T. Malisiewicz, A. Efros, "Improving
Spatial Support for Objects via Multiple Segmentations", BMVC 2007 (its cleaned masks); G. Brostow, J. Fauqueur,
R. Cipolla, "Semantic Object Classes in Video", Pattern Recognition Letters 2009 (CamVid).
For research; CamVid is CC BY-NC.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d

from siam.datasets.base import Layout
from siam.datasets.tables import Finding, Problem, Sieve, files_named, find_table, hash_split, read_table
from siam.errors import DatasetError
from siam.images.reading import MAX_PIXELS, quiet_pillow, upright_size
from siam.runtime.reprs import brief

UNLABELLED = "unlabelled"
SHOWN = (0.03, 0.9)  # shares of a photo's labelled pixels between which a region shows, and does not fill the photo
SHARES = (80, 10, 10)  # of train, val and test, by a hash of the group

_LAYOUT = "the masks layout holds shares.csv, images/ and masks/"
_FIRST = ("file", "source", UNLABELLED)
_FRAME = re.compile(r"camvid_([^_]+)_")  # camvid_0016E5_07320.jpg: a frame of the sequence 0016E5


@dataclass(frozen=True)
class Outlined:
    """What people outlined for an attribute.

    Attributes:
        regions: the regions whose union it is.
        attributes: the attributes that it judges, by the maximum of their maps.
        said: what they outlined, in words, where it is not the attribute itself.
        teaches: whether it says where the attribute is and where it is not; otherwise it only judges.
    """

    regions: tuple[str, ...]
    attributes: tuple[str, ...]
    said: str = ""
    teaches: bool = True


OUTLINED = {  # name in figures → what people outlined for it
    "trees": Outlined(("tree",), ("trees",)),
    "grass": Outlined(("grass_field",), ("grass",)),
    "flowers": Outlined(("flower",), ("flowers",)),
    "water": Outlined(("water",), ("ocean", "still_water", "running_water")),  # people outlined any water
    "road": Outlined(("road_pavement",), ("road",)),
    "fencing_railing": Outlined(("fence_railing",), ("fencing_railing",)),
    "transport": Outlined(("vehicle", "boat"), ("transport",), "vehicles, boats"),
    "rugged_scene": Outlined(("mountain_hill",), ("rugged_scene",), "mountains"),
    "social": Outlined(("person",), ("social",), "people"),
    "clouds": Outlined(("sky",), ("clouds",), "sky", teaches=False),  # a clear sky is no cloud
}

# The attributes whose mean is the headline. Of the others, flowers and fences are outlined in ten photos or fewer, and
# a mountain need not be rugged.
HEADLINE = ("trees", "grass", "water", "road", "transport", "social", "clouds")


@dataclass(frozen=True, eq=False)
class OutlinedPhotos:
    """Photos with regions that people outlined.

    Attributes:
        files: (N,) paths of the photos.
        masks: N arrays uint8 (H, W) of each photo's size: numbers of regions, 0 where unlabelled.
        regions: names of the regions by number, "unlabelled" first.
        groups: (N,) names; photos of one group are frames of one film sequence, and all others are groups of their own.
        sources: (N,) collections that the photos are from.
        split: (N,) of "train", "val" or "test", the same for all of a group.
    """

    files: tuple[Path, ...]
    masks: tuple[np.ndarray, ...]
    regions: tuple[str, ...]
    groups: np.ndarray
    sources: np.ndarray
    split: np.ndarray

    __repr__ = brief

    def rows(self, chosen: np.ndarray | Sequence[int]) -> "OutlinedPhotos":
        """Return some of the photos, by row or by a mask (N,)."""
        rows = np.arange(len(self.files))[chosen].tolist()
        return OutlinedPhotos(
            tuple(self.files[row] for row in rows),
            tuple(self.masks[row] for row in rows),
            self.regions,
            self.groups[rows],
            self.sources[rows],
            self.split[rows],
        )

    def folds(self, count: int, seed: int) -> np.ndarray:
        """Return a fold number (N,) for each photo: no group in two folds, every source spread evenly over them.

        Args:
            count: number of folds.
            seed: seed of the order in which groups are dealt, the largest first, each to the fold with the fewest
                photos of its source.
        """
        generator = np.random.default_rng(seed)
        fold = np.empty(len(self.files), dtype=int)
        for source in np.unique(self.sources):
            names, sizes = np.unique(self.groups[self.sources == source], return_counts=True)
            filled, turn = np.zeros(count, dtype=int), generator.permutation(count)
            shuffled = generator.permutation(len(names))
            for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
                emptiest = turn[filled[turn].argmin()]
                fold[self.groups == names[group]] = emptiest
                filled[emptiest] += sizes[group]
        return fold

    def shares(self) -> np.ndarray:
        """Return the share (N, K) of each photo's labelled pixels that the K `OUTLINED` cover; 0 without any."""
        counts = np.stack([np.bincount(mask.ravel(), minlength=len(self.regions)) for mask in self.masks])
        covered = counts @ self._members().T.astype(int)
        return covered / np.maximum(counts[:, 1:].sum(axis=1, keepdims=True), 1)

    def covered(self, name: str, numbers: np.ndarray) -> np.ndarray:
        """Return where region numbers, of any shape, are those that people outlined for `name`, a key of `OUTLINED`."""
        return self._members()[list(OUTLINED).index(name)][numbers]

    def cells(self, photo: int, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return what each cell of a map should show, from labelled pixels alone.

        Args:
            photo: its row.
            size: (h, w) of the map.

        Returns:
            For the K `OUTLINED`, the share (K, h, w) of the labelled pixels of a cell that they cover, NaN where none
            is labelled; and the share (h, w) of a cell that is labelled. Both float32.
        """
        numbers = self.masks[photo]
        inside = np.concatenate([self._members()[:, numbers], (numbers > 0)[None]])  # (K + 1, H, W)
        height, width = size
        pooled = adaptive_avg_pool2d(torch.from_numpy(inside).float()[None], (height, width))[0].numpy()
        labelled = pooled[-1]
        nothing = np.full_like(pooled[:-1], np.nan)
        return np.divide(
            pooled[:-1], labelled, out=nothing, where=np.broadcast_to(labelled > 0, nothing.shape)
        ), labelled

    def _members(self) -> np.ndarray:
        """Return which regions (K, R) belong to each of the `OUTLINED`."""
        return np.array([[region in of.regions for region in self.regions] for of in OUTLINED.values()])


def read(root: Path, *, findings: list[Finding] | None = None) -> OutlinedPhotos:
    """Read the layout below `root`, masks included.

    Args:
        root: holds shares.csv, images/ and masks/.
        findings: a list that collects bad rows; without it, a bad row is an error.

    Returns:
        The photos in the table's order. A fixed hash of the group's name gives the split.

    Raises:
        DatasetError: the table is missing or lacks a column, a file is listed twice, or a mask is missing, unreadable,
            of another size than its photo, or holds the number of no region.
    """
    path = find_table(root, "shares")
    table = read_table(path, _FIRST, _LAYOUT)
    regions = tuple(table.columns[2:])
    if tuple(table.columns[:3]) != _FIRST or not set(regions) & {
        name for of in OUTLINED.values() for name in of.regions
    }:
        raise DatasetError(
            f"{path} begins with the columns {', '.join(table.columns[:4])}; expected {', '.join(_FIRST)}, then "
            "regions such as tree and sky, in the order of their numbers in the masks: restore the order"
        )
    names = table["file"].tolist()
    listed = Sieve(path, names, findings, table.attrs["rows"])
    files = files_named(names, root / "images", listed)
    names = [
        path.relative_to(root / "images").as_posix() if good else name
        for name, path, good in zip(names, files, listed.keep, strict=True)
    ]
    masks = Sieve(root / "masks", names, findings)
    masks.keep = listed.keep
    looked = [_look(root, name, len(regions)) if good else None for name, good in zip(names, listed.keep, strict=True)]
    problems = [one.problem if isinstance(one, Finding) else "" for one in looked]
    details = [one.detail if isinstance(one, Finding) else "" for one in looked]
    for problem, remedy in _REMEDIES.items():
        masks.reject(np.array(problems) == problem, problem, details.__getitem__, remedy)
    rows = np.flatnonzero(masks.keep).tolist()
    frames = {row: _FRAME.match(Path(names[row]).name) for row in rows}
    groups = np.array(
        [names[row] if (found := frames[row]) is None else f"camvid_{found[1]}" for row in rows], dtype=str
    )
    return OutlinedPhotos(
        files=tuple(files[row] for row in rows),
        masks=tuple(mask for row in rows if isinstance(mask := looked[row], np.ndarray)),
        regions=regions,
        groups=groups,
        sources=table["source"].to_numpy(dtype=str)[rows],
        split=hash_split(groups.tolist(), SHARES),
    )


_REMEDIES: dict[Problem, str] = {
    "missing": "add it, or remove the photo from shares.csv",
    "unreadable": "store the outlines as an 8-bit grey PNG of the photo's size",
    "out of range": "the numbers are those of the columns of shares.csv, from 0 for unlabelled",
}


def _look(root: Path, name: str, count: int) -> np.ndarray | Finding:
    """Return the mask of a photo (H, W), or what is wrong with it; `count` is the number of regions."""
    path = root / "masks" / Path(name).with_suffix(".png")
    file = Path(name).with_suffix(".png").as_posix()
    if not path.is_file():
        return Finding("missing", name, f"no {file}")
    try:
        with quiet_pillow(), Image.open(path) as picture:
            if picture.mode not in ("L", "P") or picture.width * picture.height > MAX_PIXELS:
                found = f"{file} with pixels of mode {picture.mode}, {picture.width} x {picture.height} px"
                return Finding("unreadable", name, found)
            mask = np.array(picture)
    except Exception as error:  # on damaged bytes, Pillow raises nearly anything
        return Finding("unreadable", name, f"a damaged {file} ({' '.join(str(error).split())})")
    size = upright_size(root / "images" / name)
    if size is not None and size != mask.shape[::-1]:
        found = f"{file} of {mask.shape[1]} x {mask.shape[0]} px beside a photo of {size[0]} x {size[1]} px"
        return Finding("unreadable", name, found)
    if mask.max() >= count:
        return Finding("out of range", name, f"{file} with the number {mask.max()} where the last is {count - 1}")
    return mask


LAYOUT = Layout(titles={"human_masks": "photos outlined by people"})
