"""The pictures and masks that a gallery copies from its dataset."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siam.datasets.rendered import ATTRIBUTES
from siam.datasets.rendered.truth import read_sets
from siam.errors import DatasetError
from siam.evaluation.assessment import Assessment
from siam.gallery import store
from siam.images.photos import bare
from siam.images.reading import read_image
from siam.runtime.digests import digest
from siam.runtime.files import write_atomically

PICTURE, MASK = "images/{}.jpg", "masks/{}.png"  # below the gallery's folder

_QUALITY = 78  # of JPEG


def names_of(files: Sequence[Path]) -> list[str]:
    """Return the copies' names without suffix: those of the photos, or numbers if these are unsuitable."""
    stems = [path.stem for path in files]
    plain = all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", stem) for stem in stems)
    if plain and len({stem.casefold() for stem in stems}) == len(stems):
        return stems
    return [f"{number:05d}" for number in range(1, len(stems) + 1)]


def refuse_to_overwrite(assessment: Assessment, folder: Path, names: Sequence[str]) -> None:
    """Raise a DatasetError if a copy would overwrite a photo of the dataset."""
    originals = {path.resolve() for path in assessment.photos.files}
    targets = [folder / kind.format(name) for name in names for kind in (PICTURE, MASK)]
    if folder.resolve() == assessment.root.resolve() or any(target.resolve() in originals for target in targets):
        raise DatasetError(f"{folder} holds photos of {assessment.root}: choose another folder for the gallery")


def copy_picture(path: Path, to: Path, longest: int) -> tuple[int, int]:
    """Save a photo again as JPEG, with a longer side of at most `longest` px; return its size."""
    data, size = small_jpeg(read_image(path), longest)
    write_atomically(to, data)
    return size


def small_jpeg(picture: Image.Image, longest: int) -> tuple[bytes, tuple[int, int]]:
    """Return a picture as a JPEG file with a longer side of at most `longest` px, and its size; shrinks it in place.

    Nothing but its pixels is kept: neither place nor camera nor comments.
    """
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    stored = BytesIO()
    bare(picture).save(stored, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return stored.getvalue(), picture.size


def columns_of(folder: Path, name: str) -> dict[str, str]:
    """Return the columns that describe a picture in the gallery."""
    image = PICTURE.format(name)
    return {"image": image, "sha256": digest(folder / image)}


def copy_mask(root: Path, stem: str, folder: Path, name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Store the masks of a rendered scene at the size of its picture; return what its truth records about them."""
    mask, member = read_sets(root, int(stem))
    sets = [[ATTRIBUTES[k] for k in np.flatnonzero(one)] for one in member.T]
    stored = BytesIO()
    mask.resize(size, Image.Resampling.NEAREST).save(stored, "PNG", optimize=True)
    write_atomically(folder / MASK.format(name), stored.getvalue())
    return {"mask": MASK.format(name), "sets": sets}


def files_of(folder: Path) -> set[str]:
    """Return the names of the pictures and masks of the gallery in a folder; empty if there is no gallery."""
    try:
        gallery = store.read(folder)
    except DatasetError:
        return set()
    images = {str(name) for name in gallery.photos["image"].dropna() if not store.is_address(name)}
    return images | {truth["mask"] for truth in gallery.truths if truth and "mask" in truth}
