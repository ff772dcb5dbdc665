"""Small pictures of the rendered scenes or flowers of a comparison: `NAME.zip` beside the result `NAME.json`.

They let *Results* show on which pictures methods differ. Nobody's photos are stored.
"""

import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch.nn.functional import interpolate

from siam.comparison.pictures import Case
from siam.errors import DatasetError
from siam.runtime.files import write_atomically

SIDE = 96  # px
_QUALITY = 75
_DATE = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same file


def beside(result: Path) -> Path:
    """Return the path of the pictures that belong to a stored result."""
    return result.with_suffix(".zip")


def write(cases: Iterable[Case], path: Path) -> None:
    """Write a picture of each case, whole or not at all.

    Raises:
        StorageError: it cannot be stored.
    """
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for case in cases:
            picture = BytesIO()
            _picture(case).save(picture, "JPEG", quality=_QUALITY)
            archive.writestr(zipfile.ZipInfo(f"{case.identifier}.jpg", _DATE), picture.getvalue())
    write_atomically(path, content.getvalue())


def read(path: Path, identifiers: Sequence[str]) -> dict[str, Image.Image]:
    """Return those of the pictures that are stored; none if there is no file.

    Raises:
        DatasetError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            known = set(archive.namelist())
            return {
                name: Image.open(BytesIO(archive.read(f"{name}.jpg"))).convert("RGB")
                for name in identifiers
                if f"{name}.jpg" in known
            }
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} cannot be read ({error}): compare again") from error


def _picture(case: Case) -> Image.Image:
    config = case.network.config
    mean, std = (torch.tensor(of).view(3, 1, 1) for of in (config.mean, config.std))
    pixels = interpolate((case.image[0] * std + mean)[None], (SIDE, SIDE), mode="area")[0]  # rendered ones are square
    return Image.fromarray((pixels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
