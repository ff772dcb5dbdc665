"""The stages through which each photo of an archive passes before the networks score it: read, decode, prepare.

Each takes and returns photos as dicts. One that fails at a stage has an "error" from there on and passes through the
others as it is, so none is lost. None of this needs PyTorch, for which workers of Ray would have to wait.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from siam.archive.sources import is_local, is_of_web
from siam.datasets.downloads.web import DownloadError, Patience, Web
from siam.errors import ImageError
from siam.images.exif import taken
from siam.images.preprocessing import InputConfig, input_picture, least_side
from siam.images.reading import FULL_SIZE, MAX_BYTES, read_file, read_image
from siam.runtime.ahead import ahead
from siam.runtime.digests import digest

Photo = dict[str, Any]

_CONNECTIONS = 8  # photos that are fetched at the same time, by each process
_AT_ONCE = 32  # pictures that are taken from a Parquet file at a time
_PATIENCE = Patience(attempts=4, longest=20.0, longest_asked=60.0, silence=20.0)


class Reader:
    """Reads the files of photos; it may hold connections, which `close` ends."""

    def __init__(self) -> None:
        self._web = Web(_PATIENCE)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_details: object) -> None:
        self._web.close()

    def __call__(self, rows: pa.Table, image: str | None) -> Iterator[Photo]:
        """Yield photos of a listing with their "content", in order.

        Args:
            rows: in `siam.archive.sources.LISTING` and "row"; those in Parquet files, all in one row group.
            image: the column with the pictures, for photos in Parquet files.
        """
        photos = rows.to_pylist()
        if photos and photos[0]["group"] is not None:
            yield from _from_parquet(photos, str(image))
        elif all(photo["location"] is None or is_local(photo["location"]) for photo in photos):
            yield from map(self._fetched, photos)
        else:
            with closing(ahead(self._fetched, photos, ThreadPoolExecutor(_CONNECTIONS), 2 * _CONNECTIONS)) as fetched:
                yield from (future.result() for future in fetched)

    def _fetched(self, photo: Photo) -> Photo:
        location = photo["location"]
        try:
            if location is None:
                raise ImageError("There is no path or address in this row.")
            content = read_file(_spelled(Path(location))) if is_local(location) else downloaded(location, self._web)
        except (ImageError, DownloadError) as error:
            return failed(photo, str(error))
        except OSError as error:  # such as a folder that may not be entered
            return failed(photo, f"{location} cannot be read ({error.strerror or error}).")
        return {**photo, "content": content}


def downloaded(address: str, web: Web) -> bytes:
    """Return the content of a file at an address of the web, or of any file system of fsspec.

    Args:
        address: such as https://… or s3://bucket/photo.jpg.
        web: the client for addresses of the web.

    Raises:
        DownloadError: it cannot be read.
    """
    try:
        if is_of_web(address):
            return web.get(address, MAX_BYTES)
        system, path = fsspec.core.url_to_fs(address)
        return system.cat_file(path)
    except DownloadError:
        raise
    except Exception as error:  # a file system of fsspec may raise anything
        raise DownloadError(f"{address} cannot be read ({type(error).__name__}: {error}).") from error


def picture_in(location: str, group: int, row: int, image: str) -> bytes:
    """Return the content of one picture in a Parquet file.

    Args:
        location: of the file.
        group: the row group.
        row: in that group.
        image: the column with the pictures.

    Raises:
        ImageError: there is none, or the file cannot be read.
    """
    name = f"picture {row} of row group {group} of {location}"
    photo = next(_from_parquet([{"identifier": name, "location": location, "group": group, "place": row}], image), None)
    if photo is None or "error" in photo:
        raise ImageError(f"There is no {name}." if photo is None else photo["error"])
    return photo["content"]


def _from_parquet(photos: Sequence[Photo], image: str) -> Iterator[Photo]:
    wanted, location = {photo["place"]: photo for photo in photos}, photos[0]["location"]
    try:
        with fsspec.open(location) as opened:
            place = 0
            batches = pq.ParquetFile(opened).iter_batches(_AT_ONCE, row_groups=[photos[0]["group"]], columns=[image])
            for batch in batches:
                for row in range(len(batch)):
                    photo = wanted.pop(place + row, None)
                    if photo is not None:
                        cell = batch[image][row].as_py()
                        content = cell.get("bytes") if isinstance(cell, dict) else cell
                        name = photo["identifier"]
                        yield {**photo, "content": content} if content else failed(photo, f"{name} is empty.")
                place += len(batch)
    except Exception as error:  # a file system of fsspec may raise anything
        if is_local(location) and not isinstance(error, OSError | pa.ArrowException):
            raise
        for photo in wanted.values():
            yield failed(photo, f"{location} cannot be read ({error}).")


def _spelled(path: Path) -> Path:
    """Return a path as it is on the disk, where accents may be composed or not."""
    spellings = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((spelling for spelling in spellings if spelling.exists()), path)


def decode(photo: Photo, configs: Sequence[InputConfig], place: bool) -> Photo:
    """Return a photo as "pixels" and their "size", with what its file says: size, hash, when and where it was taken.

    Args:
        photo: with its content.
        configs: of the networks.
        place: whether to read where it was taken.
    """
    if "error" in photo:
        return photo
    rest = {name: value for name, value in photo.items() if name != "content"}
    content = photo["content"]
    try:
        picture = read_image(content, name=photo["identifier"], least=least_side(*configs))
    except (ImageError, MemoryError) as error:
        return failed(rest, str(error) or f"{photo['identifier']} needs more memory than is available.")
    width, height = picture.info.get(FULL_SIZE, picture.size)
    facts: Photo = {"sha256": digest(content), "width": width, "height": height}
    seen = taken(content)
    facts["time"] = seen.time
    if place:
        facts.update(photo_latitude=seen.latitude, photo_longitude=seen.longitude, heading=seen.heading)
        if rest["latitude"] is None:
            facts.update(latitude=seen.latitude, longitude=seen.longitude)
    return {**rest, **facts, **packed(picture)}


def prepare(photo: Photo, configs: Sequence[InputConfig]) -> Photo:
    """Return a decoded photo as small as the networks' input."""
    return photo if "error" in photo else {**photo, **packed(input_picture(picture_of(photo), configs))}


def packed(picture: Image.Image) -> Photo:
    """Return a picture as "pixels", RGB as bytes, and "size": width, height, and both as they are in its file."""
    return {"pixels": picture.tobytes(), "size": (*picture.size, *picture.info.get(FULL_SIZE, picture.size))}


def picture_of(photo: Photo) -> Image.Image:
    """Return the picture of a photo as `read_image` did."""
    width, height, *full = photo["size"]
    picture = Image.frombytes("RGB", (width, height), photo["pixels"])
    picture.info[FULL_SIZE] = tuple(full)
    return picture


def failed(photo: Photo, reason: str) -> Photo:
    """Return a photo that could not be scored, and why."""
    kept = {name: value for name, value in photo.items() if name not in ("content", "pixels", "size")}
    return {**kept, "error": " ".join(reason.split())}
