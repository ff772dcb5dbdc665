"""The SUN Attribute database: the official archives, or `labels.csv` beside `images/`.

labels.csv has the columns file, split and one per attribute. A label is the share of three annotators who saw the
attribute, which counts as present above one half. The archives hold 102 attributes; the SIAM paper makes 33 of them,
some by merging: a merged label is the sum of its labels, at most 1.
G. Patterson, C. Xu, H. Su, J. Hays, "The SUN Attribute Database", IJCV 2014. For research purposes only.
D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps", ICCV Workshops 2019, arXiv:1909.08442.
"""

from pathlib import Path, PurePosixPath

import numpy as np
from scipy.io import loadmat

from siam.datasets.base import AttributePhotos, Layout
from siam.datasets.tables import (
    Finding,
    Sieve,
    columns,
    files_named,
    find_table,
    hash_split,
    numbers,
    read_split,
    read_table,
)
from siam.errors import DatasetError

# The paper's attributes in its order, each with the database's attributes (positions in attributes.mat) it is made of.
_PLACES = {
    "trees": "40", "grass": "41", "flowers": "46", "ocean": "65+66", "running_water": "67", "still_water": "68",
    "road": "47+48", "railroad": "39", "fencing_railing": "36+37", "wire": "38", "transport": "3", "wood": "56",
    "ice_snow": "69+70", "brick": "51", "shingles": "49", "metal": "54", "cloth": "59", "sand": "60",
    "rock_stone": "61", "glass": "64", "aged_worn": "77", "dirty": "83", "rusty": "84", "dry": "82",
    "rugged_scene": "94", "cluttered_space": "98", "clouds": "71", "horizon": "92", "digging": "33", "temple": "35",
    "farming": "27", "hiking": "6+7", "social": "16+18+19+20+26+29",
}  # fmt: skip
MERGED = {name: tuple(int(place) for place in places.split("+")) for name, places in _PLACES.items()}
ATTRIBUTES = tuple(MERGED)
# The groups whose union shows an attribute, for the attributes that could be outlined in a photo.
REGIONS = {
    "trees": ("tree",),
    "grass": ("grass_field",),
    "flowers": ("flower", "plant"),
    "ocean": ("sea", "water"),
    "running_water": ("river", "waterfall", "water"),
    "still_water": ("lake", "water", "river", "sea"),
    "road": ("road_pavement",),
    "fencing_railing": ("fence_railing",),
    "transport": ("vehicle", "boat"),
    "sand": ("sand",),
    "rock_stone": ("rock", "mountain_hill"),
    "rugged_scene": ("mountain_hill", "rock"),
    "clouds": ("sky",),
    "social": ("person",),
}
LAYOUT = Layout(titles={"sun_test": "SUN photos"}, has_split=lambda _root: True)
SPLIT_SIZES = (11_414, 1_497, 1_429)  # the paper's; which photo was in which split was never published

_ORIGINAL = 102  # attributes in the archives
_LAYOUT = "the sun layout holds labels.csv and images/, or SUNAttributeDB/ and images/ as in the official archives"


def read(root: Path, *, findings: list[Finding] | None = None) -> AttributePhotos:
    """Read either layout below `root`; if both are present, labels.csv.

    Args:
        root: holds labels.csv and images/, or SUNAttributeDB/ and images/.
        findings: a list that collects bad rows; without it, a bad row is an error.

    Returns:
        The photos in the table's order. If the table has no split, as in the archives, a fixed hash of the file name
        without its folders decides, in the paper's proportions.

    Raises:
        DatasetError: a table is missing or malformed; a label is outside [0, 1], or a file is listed twice.
    """
    if not find_table(root, "labels").exists() and (root / "SUNAttributeDB").is_dir():
        return _read_archives(root, findings)
    return _read_csv(root, findings)


def has_labels(root: Path) -> bool:
    """Return whether a folder holds a labels.csv with all of these attributes."""
    return {"file", *ATTRIBUTES} <= set(columns(find_table(root, "labels")))


def merge(labels: np.ndarray) -> np.ndarray:
    """Return the paper's labels (N, K) from the database's (N, 102): merged labels are summed and capped at 1."""
    return np.stack([labels[:, places].sum(axis=1).clip(max=1) for places in MERGED.values()], axis=1)


def _read_csv(root: Path, findings: list[Finding] | None) -> AttributePhotos:
    path = find_table(root, "labels")
    table = read_table(path, ("file", *ATTRIBUTES), _LAYOUT)
    names = table["file"].tolist()
    sieve = Sieve(path, names, findings, table.attrs["rows"])
    files = files_named(names, root / "images", sieve)
    labels = numbers(table, ATTRIBUTES)
    _reject_labels(sieve, labels, ATTRIBUTES)
    split = read_split(table, _bare(names), sieve, SPLIT_SIZES)
    return _photos(files, labels, split, sieve)


def _read_archives(root: Path, findings: list[Finding] | None) -> AttributePhotos:
    path = root / "SUNAttributeDB" / "attributeLabels_continuous.mat"
    labels = _load(path, "labels_cv")
    names = [str(name) for name in np.atleast_1d(_load(path.with_name("images.mat"), "images"))]
    attributes = [str(name) for name in np.atleast_1d(_load(path.with_name("attributes.mat"), "attributes"))]
    if labels.dtype.kind not in "fiu" or labels.shape != (len(names), _ORIGINAL) or len(attributes) != _ORIGINAL:
        raise DatasetError(
            f"{path} holds {labels.shape} labels of {len(names)} images and {len(attributes)} attributes, but "
            f"(images, {_ORIGINAL}) were expected: unpack SUNAttributeDB.tar.gz again"
        )
    sieve = Sieve(path, names, findings)
    sieve.reject_unnamed_and_repeated()
    used = sorted(place for places in MERGED.values() for place in places)
    _reject_labels(sieve, labels[:, used].astype(np.float64), [attributes[place] for place in used])
    split = hash_split(_bare(names), SPLIT_SIZES)
    return _photos([root / "images" / name for name in names], merge(labels.astype(np.float64)), split, sieve)


def _bare(names: list[str]) -> list[str]:
    """Return the names without their folders, which differ between copies of the database."""
    return [PurePosixPath(name).name for name in names]


def _load(path: Path, name: str) -> np.ndarray:
    """Return one variable of a .mat file, with axes of length 1 dropped except for the first."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing: {_LAYOUT}")
    try:
        values = loadmat(path, variable_names=[name])[name]
    except KeyError:
        raise DatasetError(f"{path} lacks {name!r}: unpack SUNAttributeDB.tar.gz again") from None
    except Exception as error:  # on damaged bytes, SciPy's reader raises nearly anything
        raise DatasetError(f"{path} is damaged: unpack SUNAttributeDB.tar.gz again") from error
    if values.dtype == object:  # a column of cells, each holding one text
        return np.array([cell.item() if np.size(cell) == 1 else "" for cell in values.ravel()], dtype=object)
    return values


def _reject_labels(sieve: Sieve, labels: np.ndarray, attributes: tuple[str, ...] | list[str]) -> None:
    """Reject photos with a label outside [0, 1] among `labels` (N, len(attributes))."""
    bad = ~((labels >= 0) & (labels <= 1))

    def detail(row: int) -> str:
        place = int(bad[row].argmax())
        return f"a label outside 0 to 1 ({attributes[place]}: {labels[row, place]:g})"

    sieve.reject(np.asarray(bad.any(axis=1)), "out of range", detail, "expected a share of annotators")


def _photos(files: list[Path], labels: np.ndarray, split: np.ndarray, sieve: Sieve) -> AttributePhotos:
    keep = sieve.keep
    kept = tuple(files[row] for row in np.flatnonzero(keep))
    return AttributePhotos(kept, labels[keep].astype(np.float32), split[keep], ATTRIBUTES, REGIONS)
