"""A gallery: photos with the crowd's scores, both networks' and every contribution, in `gallery.parquet`.

    identifier      text      of the photo: its ID, or its name in the dataset
    image           text      its file below the gallery's folder, such as images/7.jpg, or the address of it; or null
    sha256          text      of the content of `image`, in hexadecimal digits; null where that is
    crowd_mean      float     mean rating; null where nobody rated the photo, as all of these
    crowd_sd        float     standard deviation of the ratings, where known
    votes           [int]     every rating, where known
    vote_count      int       how many people rated, where known
    siam            float     SIAM's score: bias + the sum of the contributions
    baseline        float     the baseline's, where there is one
    bias            float     of SIAM
    contributions   [float]   of the attributes, in the order that the metadata tells
    presence        [float]   attribute scores, 0 to 1, in the same order
    biggest_cause   text      the attribute of the largest contribution by magnitude
    author, title, licence, link     text     of the photo, where known; link is its page
    truth           text      JSON, of rendered scenes: bias, contributions, nuances, quality, votes, labels, areas,
                              place, light, verdict and errors (`siam.evaluation.what_where_how.errors`), mask (a file
                              below the folder) and sets (the attributes of each of the mask's values)

The file's metadata holds, as JSON under "siam_gallery": format, model, scale (name, low, high), attributes, data,
split, date, command, git_commit, crowd_scale. Scores and contributions are in points of the scale; ratings are in those
of the crowd's, where it is another one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from siam.datasets.base import RatingScale
from siam.errors import DatasetError
from siam.evaluation.what_where_how.verdicts import Verdict
from siam.gallery.checks import is_address as is_address
from siam.gallery.checks import numbers, problem_of_columns, problem_of_rows

FORMAT = 1
FILE = "gallery.parquet"
KEY = b"siam_gallery"
_REMEDY = "write it again by siam evaluate --gallery DIR"
SCHEMA = pa.schema(
    [
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("image", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("crowd_mean", pa.float32()),
        pa.field("crowd_sd", pa.float32()),
        pa.field("votes", pa.list_(pa.int16())),
        pa.field("vote_count", pa.int32()),
        pa.field("siam", pa.float32(), nullable=False),
        pa.field("baseline", pa.float32()),
        pa.field("bias", pa.float32(), nullable=False),
        pa.field("contributions", pa.list_(pa.float32()), nullable=False),
        pa.field("presence", pa.list_(pa.float32()), nullable=False),
        pa.field("biggest_cause", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in ("author", "title", "licence", "link", "truth")),
    ]
)


@dataclass(frozen=True)
class About:
    """Where the numbers of a gallery come from: networks, rating scale, data and the command that wrote it.

    `crowd_scale` is that of the ratings where it is another one than the networks', else None.
    """

    model: str
    scale: RatingScale
    attributes: tuple[str, ...]
    data: str
    split: str
    date: str
    command: str
    git_commit: str | None
    crowd_scale: RatingScale | None = None


@dataclass(frozen=True, eq=False)
class Gallery:
    """The photos of a gallery.

    Attributes:
        folder: that holds it; where its pictures are in memory there is none, but a name that no other gallery has.
        about: where its numbers come from.
        photos: one row each, with all columns but those below; what is null is missing to pandas, too.
        contributions: (N, K) in the order of `about.attributes`.
        presence: (N, K) attribute scores, 0 to 1, in the same order.
        truths: (N,) what is true of a rendered scene, or None.
        contents: (N,) the content of the pictures' files, where they are in memory alone; else None.
    """

    folder: Path
    about: About
    photos: pd.DataFrame
    contributions: np.ndarray
    presence: np.ndarray
    truths: tuple[dict[str, Any] | None, ...]
    contents: tuple[bytes, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.truths)

    def facts(self, row: int) -> dict[str, Any]:
        """Return what `photos` tells of a photo, None for what is not known."""
        cells = self.photos.iloc[row].to_dict()
        return {
            name: value if isinstance(value, np.ndarray) or not pd.isna(value) else None
            for name, value in cells.items()
        }

    def picture(self, row: int) -> Path | None:
        """Return the file of a photo below the folder; None for an address, or where there is no picture."""
        image = self.photos["image"][row]
        return self.folder / image if isinstance(image, str) and not is_address(image) else None

    def verdict(self, row: int) -> Verdict | None:
        """Return what happened on a rendered scene; None where that is not known."""
        text = (self.truths[row] or {}).get("verdict")
        return None if text is None else Verdict.parse(text)

    def masks(self, row: int) -> np.ndarray | None:
        """Return the masks (K, h, w) of a rendered scene, bool, in the order of the attributes; None where unknown.

        Raises:
            DatasetError: the file is missing or damaged.
        """
        truth = self.truths[row]
        if truth is None or "mask" not in truth:
            return None
        path = self.folder / truth["mask"]
        try:
            with Image.open(path) as picture:
                index = np.asarray(picture)
            member = np.array([[name in of for of in truth["sets"]] for name in self.about.attributes], dtype=bool)
            return member[:, index]
        except (OSError, IndexError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is missing or does not fit {FILE} ({error}): {_REMEDY}") from error


def peek(folder: Path) -> tuple[About, int]:
    """Return what a gallery tells of itself, and how many photos it has, without reading them; errors as `read`."""
    path = folder / FILE
    file = _opened(path, pq.read_metadata)
    return _about(path, (file.metadata or {}).get(KEY)), file.num_rows


def read(folder: Path) -> Gallery:
    """Read a gallery; its pictures are not looked at.

    Raises:
        DatasetError: `gallery.parquet` is missing, damaged, or something else.
    """
    path = folder / FILE
    table = _opened(path, lambda path: pq.read_table(BytesIO(path.read_bytes())))
    about = _about(path, (table.schema.metadata or {}).get(KEY))
    problem = problem_of_columns(table, SCHEMA) or problem_of_rows(table, len(about.attributes))
    if problem:
        raise DatasetError(f"{path} {problem}: {_REMEDY}")
    return of_table(table, about, folder)


def of_table(table: pa.Table, about: About, folder: Path, contents: tuple[bytes, ...] | None = None) -> Gallery:
    """Return a gallery of a table as `SCHEMA` has it; the other arguments are those of `Gallery`."""
    others = table.drop_columns(["contributions", "presence", "truth"])
    return Gallery(
        folder=folder,
        about=about,
        photos=others.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get),
        contributions=numbers(table, "contributions"),
        presence=numbers(table, "presence"),
        truths=tuple(None if text is None else json.loads(text) for text in table["truth"].to_pylist()),
        contents=contents,
    )


def _opened(path: Path, reader: Callable[[Path], Any]) -> Any:
    try:
        return reader(path)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: {_REMEDY}") from None
    except (OSError, pa.ArrowException) as error:
        what = " ".join(str(error).split())
        raise DatasetError(f"{path} is not readable as parquet ({what[:200]}): {_REMEDY}") from error


def _about(path: Path, stored: bytes | None) -> About:
    """Return what the metadata of a file tells."""
    try:
        told = json.loads(stored or b"null")
    except ValueError:
        told = None
    if not isinstance(told, dict) or "format" not in told:
        raise DatasetError(f"{path} is no gallery, but another parquet file: {_REMEDY}")
    if told.pop("format") != FORMAT:
        raise DatasetError(f"{path} has another format than {FORMAT}: update SIAM Explorer, or {_REMEDY}")
    try:
        scale, crowd = _scale(told["scale"]), told.get("crowd_scale")
        scales = {"scale": scale, "crowd_scale": None if crowd is None else _scale(crowd)}
        return About(**{**told, **scales, "attributes": tuple(map(str, told["attributes"]))})
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} does not tell where its numbers come from ({error}): {_REMEDY}") from error


def _scale(told: dict[str, Any]) -> RatingScale:
    return RatingScale(str(told["name"]), float(told["low"]), float(told["high"]))
