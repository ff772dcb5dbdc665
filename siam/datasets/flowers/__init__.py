"""Flowers in pots, rendered by the project: classes that differ in the colour of one part, and masks of that part.

::

    images/<N>.jpg    the pictures, square, RGB
    masks/<N>.png     1 bit per pixel, the size of the picture: which pixels show the part that identifies the class
    flowers.tsv       id (N), class (index from 0), name, split (train, val or test) and seed of each picture
    flowers.json      variant, seed, size (px), the classes in order, their colours

`python -m siam data render --world flowers --variant single-6c --count 600 --out DIR` writes such a folder;
`siam.datasets.flowers.classes` describes the variants and the published dataset that inspired them. Everything else
varies independently of the class: view, distance, light, background, pot and shape of the plant
(`siam.worlds.flowers.traits`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.flowers.layout import COLUMNS, FACTS, TABLE, image_path, mask_path
from siam.datasets.tables import Sieve, numbers, read_split, read_table
from siam.errors import DatasetError
from siam.runtime.reprs import brief

_REMEDY = "render the flowers again (the same command restores what is missing)"


@dataclass(frozen=True, eq=False)
class FlowerPhotos:
    """Pictures of flowers with their classes and the masks of the part that identifies the class.

    Attributes:
        files: (N,) paths of the pictures.
        labels: (N,) indices into `class_names`, int64.
        class_names: (K,) such as "red petals".
        parts: (K,) the part that identifies each class, "petals" or "stem".
        split: (N,) of "train", "val" or "test".
        variant: "single-6c" or "double-12c".
        size: side of the square pictures, in px.
    """

    files: tuple[Path, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    parts: tuple[str, ...]
    split: np.ndarray
    variant: str
    size: int

    __repr__ = brief

    def mask(self, index: int) -> np.ndarray:
        """Read the mask of picture `index` (0 to N - 1): bool (H, W), True where the identifying part is visible.

        Raises:
            DatasetError: the file is missing, damaged, or not the size of the picture.
            IndexError: there is no such picture.
        """
        path = mask_path(self.files[index].parents[1], int(self.files[index].stem))
        try:
            with Image.open(path) as picture:
                mode, size = picture.mode, picture.size
                mask = np.asarray(picture, dtype=bool)
        except (OSError, SyntaxError) as error:  # SyntaxError: what Pillow calls a broken PNG
            what = " ".join(str(error).split())
            raise DatasetError(f"{path} is missing or damaged ({what}): delete it and {_REMEDY}") from error
        if mode != "1" or size != (self.size, self.size):
            raise DatasetError(
                f"{path} is a picture of mode {mode} and {size[0]} × {size[1]} px, not 1 bit and {self.size} × "
                f"{self.size}: delete it and {_REMEDY}"
            )
        return mask


def read(root: Path) -> FlowerPhotos:
    """Read the flowers below `root`, in the order of their table.

    The pictures themselves are not opened, but each must exist.

    Raises:
        DatasetError: flowers.tsv or flowers.json is missing, they disagree, or a picture or mask is missing.
    """
    facts, path = _read_facts(root), root / TABLE
    names = tuple(str(kind["name"]) for kind in facts["classes"])
    table = read_table(
        path, COLUMNS, f"a folder of flowers holds images/, masks/, {TABLE} and {FACTS}; {_REMEDY}", "\t"
    )
    if not len(table):
        raise DatasetError(f"{path} lists no flowers, expected at least one: {_REMEDY}")
    ids = table["id"].tolist()
    sieve = Sieve(path, ids, None)
    sieve.reject_unnamed_and_repeated()
    natural = np.array([text.isdecimal() and text == str(int(text)) and int(text) > 0 for text in ids])
    sieve.reject(~natural, "out of range", lambda _row: "an id that is not a whole number of at least 1", _REMEDY)
    kinds = numbers(table, ("class",))[:, 0]
    sieve.reject(
        ~np.isin(kinds, np.arange(len(names))),
        "out of range",
        lambda row: f"a class outside 0 to {len(names) - 1} ({table['class'][row]!r})",
        _REMEDY,
    )
    labels = kinds.astype(np.int64)
    sieve.reject(
        np.array(names)[labels] != table["name"].to_numpy(dtype=str),
        "out of range",
        lambda row: (
            f"the name {table['name'][row]!r} although {FACTS} calls class {labels[row]} {names[labels[row]]!r}"
        ),
        _REMEDY,
    )
    split = read_split(table, ids, sieve, (7, 1, 2))
    for path_of in (image_path, mask_path):
        here = {path.name for path in path_of(root, 0).parent.glob("*")}
        missing = [number for number in ids if path_of(root, int(number)).name not in here]
        if missing:
            others = f", as are {len(missing) - 1} other files like it" if len(missing) > 1 else ""
            raise DatasetError(f"{path_of(root, int(missing[0]))} is missing{others}: {_REMEDY}")
    files = tuple(image_path(root, int(number)) for number in ids)
    parts = tuple(str(kind["part"]) for kind in facts["classes"])
    return FlowerPhotos(files, labels, names, parts, split, str(facts["variant"]), int(facts["size"]))


def _read_facts(root: Path) -> dict:
    path = root / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())
        raise DatasetError(f"{path} is missing or damaged ({what}): delete it and {_REMEDY}") from error
    try:
        whole = facts["world"] == "flowers" and facts["variant"] and facts["size"] > 0 and facts["classes"]
        whole = whole and all({"name", "part"} <= kind.keys() for kind in facts["classes"])
    except (AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise DatasetError(f"{path} does not give world, variant, size and classes: delete it and {_REMEDY}")
    return facts
