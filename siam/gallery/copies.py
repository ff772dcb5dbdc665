"""The pictures and masks that a gallery keeps: what it shows of a photo, and what the networks scored.

A photo is shown as a small JPEG. Its numbers are those of the photo itself, so a lossless picture of the size of the
networks' input is stored beside it: explaining that one gives the same numbers again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
from siam.images import jpeg
from siam.images.photos import bare
from siam.images.preprocessing import InputConfig, input_picture, least_side
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest
from siam.runtime.files import write_atomically

PICTURE, SCORED, MASK = "images/{}.jpg", "scored/{}.webp", "masks/{}.png"  # below the gallery's folder

_QUALITY = 78  # of JPEG
_EFFORT = 20  # of 100, for WebP without loss

Settings = tuple[tuple[int, int], ...]  # image_size and size_multiple, of each network that differs


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
    targets = [folder / kind.format(name) for name in names for kind in (PICTURE, SCORED, MASK)]
    if folder.resolve() == assessment.root.resolve() or any(target.resolve() in originals for target in targets):
        raise DatasetError(f"{folder} holds photos of {assessment.root}: choose another folder for the gallery")


@dataclass(frozen=True)
class Copy:
    """What a gallery keeps of a photo, as contents of files; nothing of it tells place, camera or comments.

    Attributes:
        shown: a JPEG.
        size: its width and height.
        scored: WebP without loss, by the settings of the networks' input: what they take from the photo; or nothing if
            they take it from `shown`, since that is the photo's own file.
    """

    shown: bytes
    size: tuple[int, int]
    scored: dict[Settings, bytes]

    @property
    def weight(self) -> int:
        """How many bytes it has."""
        return len(self.shown) + sum(map(len, self.scored.values()))

    def input_of(self, pair: Pair) -> bytes | None:
        """Return the file that a pair scores, None if its input was not kept."""
        return self.scored.get(settings_of(pair)) if self.scored else self.shown

    def write(self, folder: Path, name: str, pair: Pair) -> dict[str, str]:
        """Store the files of a gallery of a pair; return its columns that name them."""
        image, columns = PICTURE.format(name), dict[str, str]()
        if self.scored:
            columns["scored"] = SCORED.format(name)
            write_atomically(folder / columns["scored"], self.scored[settings_of(pair)])
        write_atomically(folder / image, self.shown)
        return {"image": image, "sha256": digest(self.shown), **columns}


def settings_of(pair: Pair) -> Settings:
    """Return what the input of a pair's networks depends on."""
    return settings(pair.configs)


def settings(configs: Sequence[InputConfig]) -> Settings:
    """Return what the input of networks depends on: pairs for which it is equal score the same file."""
    return tuple(dict.fromkeys((config.image_size, config.size_multiple) for config in configs))


def copy_of(photo: bytes | Path, name: str, pairs: Sequence[Sequence[InputConfig]], longest: int) -> Copy:
    """Return what galleries keep of a photo.

    Args:
        photo: the content or path of its file.
        name: what error messages call it.
        pairs: for each pair whose networks may score it, their configs.
        longest: px of the longer side of what is shown.

    Raises:
        ImageError: the photo cannot be read.
    """
    picture = read_image(photo, name=name, least=least_side(*(config for configs in pairs for config in configs)))
    content = photo if isinstance(photo, bytes) else photo.read_bytes()
    if max(picture.size) <= longest and jpeg.is_bare(content):
        return Copy(content, picture.size, {})
    scored = {settings(configs): _lossless(input_picture(picture, configs)) for configs in pairs}
    shown, size = small_jpeg(picture, longest)
    return Copy(shown, size, scored)


def small_jpeg(picture: Image.Image, longest: int) -> tuple[bytes, tuple[int, int]]:
    """Return a picture as a JPEG file with a longer side of at most `longest` px, and its size; shrinks it in place.

    Nothing but its pixels is kept: neither place nor camera nor comments.
    """
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    stored = BytesIO()
    bare(picture).save(stored, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return stored.getvalue(), picture.size


def _lossless(picture: Image.Image) -> bytes:
    stored = BytesIO()
    picture.save(stored, "WEBP", lossless=True, quality=_EFFORT, method=0)
    return stored.getvalue()


def copy_mask(root: Path, stem: str, folder: Path, name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Store the masks of a rendered scene at the size of its picture; return what its truth records about them."""
    mask, member = read_sets(root, int(stem))
    sets = [[ATTRIBUTES[k] for k in np.flatnonzero(one)] for one in member.T]
    stored = BytesIO()
    mask.resize(size, Image.Resampling.NEAREST).save(stored, "PNG", optimize=True)
    write_atomically(folder / MASK.format(name), stored.getvalue())
    return {"mask": MASK.format(name), "sets": sets}


def files_of(folder: Path) -> set[str]:
    """Return the names of the files of the gallery in a folder, without its table; empty if there is no gallery."""
    try:
        gallery = store.read(folder)
    except DatasetError:
        return set()
    images = {str(name) for name in gallery.photos["image"].dropna() if not store.is_address(name)}
    images |= set(gallery.photos["scored"].dropna())
    return images | {truth["mask"] for truth in gallery.truths if truth and "mask" in truth}
