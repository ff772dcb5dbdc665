"""The file `regions.npz` beside a dataset's table: what covers which cells of photos (`siam.datasets.regions`)."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from siam.errors import DatasetError
from siam.runtime.reprs import brief

NAME = "regions.npz"


@dataclass(frozen=True, eq=False)
class RegionFile:
    """What such a file holds.

    Attributes:
        files: (N,) names of photos.
        groups: (G,) names such as sky, tree or sea.
        share: uint8 (N, G, s, s), 255 x the share of each cell that a group covers.
        partial: whether it is silent about other photos, and about groups that cover nothing of a photo. A segmenter
            saw all photos; people mark some.
    """

    files: tuple[str, ...]
    groups: tuple[str, ...]
    share: np.ndarray
    partial: bool = False

    __repr__ = brief

    def content(self) -> bytes:
        """Return the file's content."""
        data = BytesIO()
        files, groups = (np.array(of, dtype=str) for of in (self.files, self.groups))
        np.savez_compressed(data, files=files, groups=groups, share=self.share, partial=np.array(self.partial))
        return data.getvalue()


def read_file(path: Path) -> RegionFile:
    """Read such a file.

    Raises:
        DatasetError: it is missing, damaged or not of this layout.
    """
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            files, groups, share = stored["files"], stored["groups"], stored["share"]
            partial = bool(stored["partial"]) if "partial" in stored else False
            found = RegionFile(tuple(map(str, files.tolist())), tuple(map(str, groups.tolist())), share, partial)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: add it, or set region_weight to 0 in the recipe") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path} is not readable as regions ({error}): copy it again") from error
    side = share.shape[-1] if share.ndim else 0
    expected = (len(files), len(groups), side, side)
    if share.shape != expected or not side or share.dtype != np.uint8:
        raise DatasetError(
            f"{path} is not readable as regions (share is {share.dtype} of {share.shape}, not uint8 of {expected}): "
            "copy it again"
        )
    return found
