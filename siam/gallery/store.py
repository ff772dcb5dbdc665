"""A gallery: photos with the crowd's ratings, both networks' scores and every contribution, in `gallery.parquet`.

::

    identifier      text      the photo's ID, or its name in the dataset
    image           text      its file below the gallery's folder, such as images/7.jpg, or its address; or null
    sha256          text      of the content of `image`, in hexadecimal digits; null if `image` is
    scored          text      its file below the gallery's folder that the networks scored, without loss, such as
                              scored/7.webp; null if they scored `image` itself
    crowd_mean      float     mean rating; this and the next three are null if nobody rated the photo
    crowd_sd        float     standard deviation of the ratings, where known
    votes           [int]     every rating, where known
    vote_count      int       how many people rated, where known
    siam            float     SIAM's score: bias + the sum of the contributions
    baseline        float     the baseline's score, if there is a baseline
    bias            float     SIAM's
    contributions   [float]   of the attributes, in the order given in the metadata
    presence        [float]   attribute scores, 0 to 1, in the same order
    biggest_cause   text      the attribute of the largest contribution by magnitude
    author, title, licence, link     text     of the photo, where known; link is its page
    source          text      the package that the photo comes from, where known
    file            text      the photo's name as its owner wrote it, in a table or on the disk, where known
    siam_low        float     between this and the next, people's mean lies for four of five photos like this one
    siam_high       float     (`siam.models.doubt`); null if unknown
    landscape       bool      whether it is like the landscapes that the networks learned from; null if unknown
    latitude        float     where it was taken, in degrees of WGS 84: −90 to 90, and −180 to 180; both null if that
    longitude       float     is unknown
    truth           text      JSON, of rendered scenes: bias, contributions, nuances, quality, votes, labels, areas,
                              place, light, verdict and errors (`siam.evaluation.what_where_how.errors`), mask (a file
                              below the folder) and sets (the attributes of each of the mask's values)

The file's metadata holds, as JSON under "siam_gallery": format, model, scale (name, low, high), attributes, data,
split, date, command, git_commit, crowd_scale, crowd_scale_known, version, networks, inputs. Scores and contributions
are in points of the scale, ratings in points of the crowd's scale if that is a different one. Older files lack the
columns source, file, scored, siam_low, siam_high, landscape, latitude and longitude, and do not say which version of
the networks scored them. A photo's own GPS data are no place: nothing here reads them.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from siam.archive import store as archive
from siam.archive.sources import is_local, is_of_web
from siam.datasets.base import RatingScale
from siam.errors import DatasetError
from siam.evaluation.what_where_how.verdicts import Verdict
from siam.models.versions import is_number
from siam.runtime.parsing import parse_json

FORMAT = 1
PLACE = {"latitude": 90.0, "longitude": 180.0}  # degrees, the largest by magnitude
_LATER = [  # columns that older files lack
    *(pa.field(name, pa.string()) for name in ("source", "file", "scored")),
    *(pa.field(name, pa.float32()) for name in ("siam_low", "siam_high")),
    pa.field("landscape", pa.bool_()),
    *(pa.field(name, pa.float64()) for name in PLACE),
]
_SUM = 1e-3  # points: contributions and bias sum to the score up to rounding
FILE = "gallery.parquet"
KEY = b"siam_gallery"
_REMEDY = "write it again with siam evaluate --gallery DIR"
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
        *_LATER,
    ]
)


@dataclass(frozen=True)
class About:
    """The provenance of a gallery: networks, rating scale, data and the command that wrote it.

    `crowd_scale` is the scale of the ratings if it differs from the networks', else None; `crowd_scale_known` is False
    if it is not known. `version` is that of the pair, `networks` a hash of all on which its scores depend
    (`siam.models.checkpoint.scores_key`), and `inputs` the size and multiple of its networks' input, in px; each is
    None if it is not known.
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
    crowd_scale_known: bool = True
    version: str | None = None
    networks: str | None = None
    inputs: tuple[tuple[int, int], ...] | None = None

    @property
    def rated_on(self) -> RatingScale | None:
        """The scale of the ratings, None if it is not known."""
        return (self.crowd_scale or self.scale) if self.crowd_scale_known else None


@dataclass(frozen=True, eq=False)
class Gallery:
    """The photos of a gallery.

    Attributes:
        folder: the gallery's folder; if its pictures are only in memory, a unique name instead.
        about: its provenance.
        photos: one row per photo, with all columns except those below; null is a missing value in pandas.
        contributions: (N, K) in the order of `about.attributes`.
        presence: (N, K) attribute scores, 0 to 1, in the same order.
        truths: (N,) the truth of a rendered scene, or None.
        contents: (N,) the content of the pictures' files if they are only in memory, else None.
        inputs: likewise, of those that the networks scored.
    """

    folder: Path
    about: About
    photos: pd.DataFrame
    contributions: np.ndarray
    presence: np.ndarray
    truths: tuple[dict[str, Any] | None, ...]
    contents: tuple[bytes, ...] | None = field(default=None, repr=False)
    inputs: tuple[bytes, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.truths)

    def __repr__(self) -> str:
        about = self.about
        where = "in memory" if self.contents is not None else str(self.folder)
        return f"Gallery({len(self)} photos of {about.data!r}, scored by {about.model!r}; {where})"

    def facts(self, row: int) -> dict[str, Any]:
        """Return a photo's row of `photos`, with None for what is unknown."""
        cells = self.photos.iloc[row].to_dict()
        return {
            name: value if isinstance(value, np.ndarray) or not pd.isna(value) else None
            for name, value in cells.items()
        }

    def picture(self, row: int) -> Path | None:
        """Return a photo's file below the folder; None if it is elsewhere, in a Parquet file, or there is none."""
        image = self.photos["image"][row]
        return self.folder / image if isinstance(image, str) and is_local(image) and not is_inside(image) else None

    def scored(self, row: int) -> Path | None:
        """Return the file that the networks scored, if it is stored beside the photo's `picture`."""
        name = self.photos["scored"][row]
        return self.folder / name if isinstance(name, str) else None

    def verdict(self, row: int) -> Verdict | None:
        """Return the verdict on a rendered scene, or None if there is none."""
        text = (self.truths[row] or {}).get("verdict")
        return None if text is None else Verdict.parse(text)

    def masks(self, row: int) -> np.ndarray | None:
        """Return the masks of a rendered scene, bool (K, h, w), in the order of the attributes, or None without any.

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
            sets, attributes = truth["sets"], self.about.attributes
            member = np.array([[name in members for members in sets] for name in attributes], dtype=bool)
            return member[:, index]
        except (OSError, IndexError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is missing or does not match {FILE} ({error}): {_REMEDY}") from error


def is_address(image: str) -> bool:
    """Return whether `image` is an address rather than a file; an archive's may be any of fsspec, others of the web."""
    return not (is_local(image) or is_inside(image))


def is_inside(image: str) -> bool:
    """Return whether `image` is a place in a Parquet file: "FILE.parquet#GROUP.ROW"."""
    return re.fullmatch(r".+\.parquet#\d+\.\d+", image, re.DOTALL) is not None


def is_archive(folder: Path) -> bool:
    """Return whether a folder holds the scores of an archive, which open as a gallery, too."""
    return not (folder / FILE).exists() and archive.holds_scores(folder)


def galleries_in(place: Path) -> list[Path]:
    """Return the folders in a folder that hold galleries or scores of archives, by name."""
    folders = place.iterdir() if place.is_dir() else ()
    return sorted(folder for folder in folders if (folder / FILE).exists() or archive.holds_scores(folder))


def changed(folder: Path) -> int:
    """Return a number that is another one after a gallery has changed; 0 if there is none."""
    paths = [folder / FILE, folder] if is_archive(folder) else [folder / FILE]
    return sum(path.stat().st_mtime_ns for path in paths if path.exists())


def peek(folder: Path) -> tuple[About, int]:
    """Return a gallery's provenance and number of photos without reading them; raises what `read` raises."""
    if is_archive(folder):
        from siam.gallery import archives  # imported here, since it needs this module

        return archives.about(folder), archive.count(folder)
    path = folder / FILE
    file = _opened(path, pq.read_metadata)
    return _about(path, (file.metadata or {}).get(KEY)), file.num_rows


def columns(folder: Path) -> set[str]:
    """Return the names of the columns of a gallery's file, some of which older files lack; raises as `read` does."""
    if is_archive(folder):
        return set(SCHEMA.names)
    return set(_opened(folder / FILE, pq.read_schema).names)


def read(folder: Path) -> Gallery:
    """Read a gallery, without opening its pictures.

    Raises:
        DatasetError: `gallery.parquet` is missing, damaged or not a gallery.

    Example:
        >>> from siam.gallery import read
        >>> from siam.runtime.paths import ASSETS
        >>> gallery = read(ASSETS / "gallery/rendered")
        >>> gallery.about.model, gallery.contributions.shape
        ('rendered', (300, 33))
    """
    if is_archive(folder):
        from siam.gallery import archives  # imported here, since it needs this module

        return archives.read(folder)
    path = folder / FILE
    table = _opened(path, _sound)
    about = _about(path, (table.schema.metadata or {}).get(KEY))
    for column in _LATER:
        if column.name not in table.schema.names:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    problem = _problem_of_columns(table) or _problem_of_rows(table, len(about.attributes))
    if problem:
        raise DatasetError(f"{path} {problem}: {_REMEDY}")
    return of_table(table, about, folder)


def of_table(
    table: pa.Table,
    about: About,
    folder: Path,
    contents: tuple[bytes, ...] | None = None,
    inputs: tuple[bytes, ...] | None = None,
) -> Gallery:
    """Make a gallery from a table in `SCHEMA`; the other arguments are those of `Gallery`."""
    others = table.drop_columns(["contributions", "presence", "truth"])
    return Gallery(
        folder=folder,
        about=about,
        photos=others.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get),
        contributions=_numbers(table, "contributions"),
        presence=_numbers(table, "presence"),
        truths=tuple(None if text is None else json.loads(text) for text in table["truth"].to_pylist()),
        contents=contents,
        inputs=inputs,
    )


def _problem_of_columns(table: pa.Table) -> str | None:
    """Return what is wrong with the columns, or None if they match `SCHEMA`."""
    for column in SCHEMA:
        if column.name not in table.schema.names:
            return f"lacks the column {column.name!r}"
        if table.schema.field(column.name).type != column.type:
            return f"has the column {column.name!r} as {table.schema.field(column.name).type}, not {column.type}"
        if not column.nullable and table[column.name].null_count:
            return f"has an empty cell in the column {column.name!r}"
    return None if len(table) else "holds no photos"


def _problem_of_rows(table: pa.Table, attributes: int) -> str | None:
    """Return what is wrong with the first bad row; checks by column, since there may be tens of thousands of rows."""
    names = table["identifier"].to_pylist()
    if len(set(names)) < len(names):
        return f"has two photos called {Counter(names).most_common(1)[0][0]!r}"
    for column in ("contributions", "presence"):
        counts = np.diff(table[column].combine_chunks().offsets.to_numpy())
        odd = np.flatnonzero(counts != attributes)
        if len(odd):
            many = f"{counts[odd[0]]} numbers as {column} of {names[odd[0]]!r}"
            return f"has {many}, not one for each of the {attributes} attributes"
    total = table["bias"].to_numpy() + _numbers(table, "contributions").sum(axis=1)
    scores = table["siam"].to_numpy().astype(float)
    odd = np.flatnonzero(~(np.abs(total - scores) <= _SUM * np.maximum(1.0, np.abs(scores))))
    if len(odd):
        return f"has contributions of {names[odd[0]]!r} that do not sum to SIAM's score"
    for name, image, digest in zip(names, table["image"].to_pylist(), table["sha256"].to_pylist(), strict=True):
        if image is not None and not is_of_web(image) and not _is_below(image):
            return f"has a picture of {name!r} outside its folder"
        if image is not None and not re.fullmatch(r"[0-9a-f]{64}", digest or ""):
            return f"has a picture of {name!r} without its SHA-256"
    for name, scored in zip(names, table["scored"].to_pylist(), strict=True):
        if scored is not None and not _is_below(scored):
            return f"has a picture of {name!r} outside its folder"
    for name, truth in zip(names, table["truth"].to_pylist(), strict=True):
        if truth is not None and (problem := _problem_of_truth(truth)):
            return f"{problem} of {name!r}"
    return _problem_of_places(table, names)


def _problem_of_places(table: pa.Table, names: list[str]) -> str | None:
    """Return what is wrong with the first bad place; a NaN is one, too."""
    known = {column: ~table[column].is_null().to_numpy() for column in PLACE}
    odd = np.flatnonzero(known["latitude"] != known["longitude"])
    if len(odd):
        return f"has only one of latitude and longitude of {names[odd[0]]!r}"
    for column, most in PLACE.items():
        degrees = table[column].to_numpy()
        odd = np.flatnonzero(known[column] & ~(np.abs(degrees) <= most))
        if len(odd):
            return f"has the {column} {degrees[odd[0]]:g} of {names[odd[0]]!r}, not {-most:g} to {most:g}"
    return None


def _numbers(table: pa.Table, column: str) -> np.ndarray:
    """Return a column of lists as (N, K); an empty cell is NaN."""
    flat = table[column].combine_chunks().flatten()
    return flat.to_numpy(zero_copy_only=False).astype(float).reshape(len(table), -1)


def _problem_of_truth(text: str) -> str | None:
    try:
        truth = parse_json(text)
    except ValueError:
        return "has a damaged truth"
    if not isinstance(truth, dict) or not _is_below(str(truth.get("mask", "mask"))):
        return "has something other than the truth"
    try:
        if truth.get("verdict") is not None:
            Verdict.parse(str(truth["verdict"]))
    except ValueError:
        return "has an unknown verdict in the truth"
    return None


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name


def _sound(path: Path) -> pa.Table:
    """Return a file's table; an `ArrowException` if cells are not of their type, such as text not in UTF-8."""
    table = pq.read_table(BytesIO(path.read_bytes()))
    table.validate(full=True)
    return table


def _opened(path: Path, reader: Callable[[Path], Any]) -> Any:
    try:
        return reader(path)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: {_REMEDY}") from None
    except (OSError, pa.ArrowException) as error:
        what = " ".join(str(error).split())
        raise DatasetError(f"{path} is not readable as parquet ({what[:200]}): {_REMEDY}") from error


def _about(path: Path, stored: bytes | None) -> About:
    """Return the provenance in a file's metadata."""
    try:
        content = parse_json(stored or b"null")
    except ValueError:
        content = None
    if not isinstance(content, dict) or "format" not in content:
        raise DatasetError(f"{path} is a parquet file but not a gallery: {_REMEDY}")
    if content.pop("format") != FORMAT:
        raise DatasetError(f"{path} has a format other than {FORMAT}: update SIAM Explorer or {_REMEDY}")
    try:
        scale, crowd = _scale(content["scale"]), content.get("crowd_scale")
        scales = {"scale": scale, "crowd_scale": None if crowd is None else _scale(crowd)}
        about = About(**{**content, **scales, "attributes": tuple(map(str, content["attributes"]))})
        return replace(about, **_made_with(content))
    except (KeyError, TypeError, ValueError, DatasetError) as error:
        raise DatasetError(f"{path} does not say where its scores come from ({error}): {_REMEDY}") from error


def _made_with(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata say of the networks; a ValueError if they say something else."""
    version, networks, inputs = (content.get(name) for name in ("version", "networks", "inputs"))
    if version is not None and not is_number(version):
        raise ValueError(f"the version {version!r}")
    if networks is not None and not re.fullmatch(r"[0-9a-f]{64}", str(networks)):
        raise ValueError(f"the networks {networks!r}")
    sizes = None if inputs is None else tuple((size, multiple) for size, multiple in inputs)
    if sizes is not None and not all(type(side) is int for size in sizes for side in size):
        raise ValueError(f"the inputs {inputs!r}")
    return {"version": version, "networks": networks, "inputs": sizes}


def _scale(content: dict[str, Any]) -> RatingScale:
    ends = RatingScale.between(float(content["low"]), float(content["high"]))
    return replace(ends, name=str(content["name"]))
