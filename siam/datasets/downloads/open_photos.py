"""Open photos from software packages: which photo, by whom, from which package, and how to get it again.

`credits.csv` lists them, one a line::

    file              text   name of the picture, such as hay-field.jpg
    title, author     text   as the package names them; a title may be ours if the package gives none
    licence           text   SPDX identifier, or "Public Domain"
    licence_url       text   address of its text
    link, place       text   the photo's page, and where it was taken, where known
    kind              text   debian, pypi or npm
    package, version  text   that holds the photo
    archive           text   Debian: path of the package on a mirror; PyPI, npm: name of its file
    member            text   the photo's path in the package; after "#", its path in that Qt resource file
    sha256            text   of that file, in hexadecimal digits

The photos are scaled down to 800 px and saved again as JPEG, without metadata, in `images/`.
"""

import csv
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from html import unescape
from pathlib import Path, PurePosixPath
from struct import error as StructError
from struct import unpack_from
from urllib.parse import quote, unquote, urljoin

from PIL import Image

from siam.datasets.downloads.web import DownloadError, Web
from siam.errors import DatasetError
from siam.images.reading import read_image
from siam.runtime.digests import digest
from siam.runtime.files import storage_errors, write_atomically

LIST, IMAGES = "credits.csv", "images"
KINDS = ("debian", "pypi", "npm")
LONGEST = 800  # px of the longer side of a picture

_QUALITY = 78  # of JPEG
_MOST = 500_000_000  # bytes of a package
_DIRECTORY, _ZLIB, _ZSTD = 2, 1, 4  # flags of a file in a Qt resource file


@dataclass(frozen=True)
class OpenPhoto:
    """A line of `credits.csv`, which the module describes."""

    file: str
    title: str
    author: str
    licence: str
    licence_url: str
    link: str
    place: str
    kind: str
    package: str
    version: str
    archive: str
    member: str
    sha256: str

    @property
    def origin(self) -> str:
        """The package that holds the photo, in words: "Debian package scratch 1.4.0.6"."""
        names = {"debian": "Debian", "pypi": "PyPI", "npm": "npm"}
        return f"{names[self.kind]} package {self.package} {self.version}"


def read_list(path: Path) -> tuple[OpenPhoto, ...]:
    """Return the photos that a `credits.csv` lists, in its order.

    Raises:
        DatasetError: the file is missing or is not such a list, or a photo has no author, licence or valid name.
    """
    names = [field.name for field in fields(OpenPhoto)]
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path} is not readable as a list of open photos ({error})") from error
    photos: list[OpenPhoto] = []
    for number, row in enumerate(rows, start=2):
        cells = {name: (row.get(name) or "").strip() for name in names}
        needed = [name for name in names if not cells[name] and name not in ("link", "place")]
        if needed or None in row:
            raise DatasetError(f"{path}, row {number}: expected {', '.join(names)}, but {needed or 'a cell'} is wrong")
        if cells["kind"] not in KINDS or not re.fullmatch(r"[\w-]+\.jpg", cells["file"]):
            raise DatasetError(
                f"{path}, row {number}: expected a file such as lake.jpg and a kind of {', '.join(KINDS)}, but found "
                f"{cells['file']!r} and {cells['kind']!r}"
            )
        photos.append(OpenPhoto(**cells))
    if len({photo.file for photo in photos}) != len(photos) or not photos:
        raise DatasetError(f"{path} lists no photo, or one file twice: give each photo its own name")
    return tuple(photos)


def fetch(
    root: Path,
    photos: Sequence[OpenPhoto],
    web: Web,
    mirrors: Mapping[str, str],
    packages: Path | None = None,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> int:
    """Put those photos into `root`/images that are not there yet; return how many were new.

    Args:
        root: folder of the photos.
        photos: which ones.
        web: a client.
        mirrors: kind → address of a Debian mirror, of a PyPI index ("…/simple") or of an npm registry.
        packages: a folder of packages that are at hand; looked up before anything is downloaded.
        progress: called after each package with how many are done, and of how many.

    Raises:
        DownloadError: a package cannot be downloaded, there is no address for its kind, it is damaged, or the photo in
            it is not the one on the list.
        StorageError: a photo cannot be stored.
    """
    missing = [photo for photo in photos if not (root / IMAGES / photo.file).is_file()]
    archives = list(dict.fromkeys((photo.kind, photo.archive) for photo in missing))
    for done, (kind, archive) in enumerate(archives):
        wanted = [photo for photo in missing if (photo.kind, photo.archive) == (kind, archive)]
        path = _at_hand(packages, wanted[0])
        with storage_errors(path or root):
            data = path.read_bytes() if path else web.get(_address(wanted[0], web, mirrors), _MOST)
        for photo, content in _contents(data, wanted):
            write_atomically(root / IMAGES / photo.file, _picture(content, photo))
        progress(done + 1, len(archives))
    return len(missing)


def _at_hand(packages: Path | None, photo: OpenPhoto) -> Path | None:
    """Return the package's file in a folder, under the mirror's name or under that of the package's own client."""
    if packages is None:
        return None
    name = PurePosixPath(photo.archive).name
    names = [name, name.replace(f"_{photo.version.rpartition(':')[2]}_", f"_{quote(photo.version, safe='~+')}_")]
    found = [path for path in packages.iterdir() if path.is_file() and unquote(path.name) in map(unquote, names)]
    return found[0] if found else None


def _address(photo: OpenPhoto, web: Web, mirrors: Mapping[str, str]) -> str:
    if photo.kind not in mirrors:
        raise DownloadError(
            f"{photo.package} {photo.version} is not at hand: download it into the folder --packages, or give an "
            f"address that serves it with --{photo.kind}"
        )
    base = mirrors[photo.kind].rstrip("/")
    if photo.kind == "debian":
        return f"{base}/{quote(photo.archive, safe='/~')}"
    if photo.kind == "npm":
        return f"{base}/{quote(photo.package, safe='@/')}/-/{photo.archive}"
    page = f"{base}/{re.sub('[-_.]+', '-', photo.package).lower()}/"
    links = re.findall(r"""href\s*=\s*["']([^"']+)["']""", web.get(page).decode("utf-8", "replace"))
    addresses = [urljoin(page, unescape(link).partition("#")[0]) for link in links]
    named = [address for address in addresses if unquote(address).endswith(f"/{photo.archive}")]
    if not named:
        raise DownloadError(f"{page} does not list {photo.archive}: choose another index")
    return named[0]


def _contents(data: bytes, photos: Sequence[OpenPhoto]) -> Iterator[tuple[OpenPhoto, bytes]]:
    """Yield each photo of one package with its file's content, checked against the list."""
    outer = {photo.member.partition("#")[0] for photo in photos}
    try:
        members = dict(_members(data, outer))
        for photo in photos:
            name, _, inner = photo.member.partition("#")
            content = members[name]
            content = resources(content)[inner] if inner else content
            if digest(content) != photo.sha256:
                raise DownloadError(
                    f"{photo.member} in {photo.package} {photo.version} is not the photo on the list (its SHA-256 "
                    "differs): use the version on the list"
                )
            yield photo, content
    except (KeyError, EOFError, OSError, ValueError, StructError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DownloadError(
            f"{photos[0].package} {photos[0].version} is damaged or lacks a photo on the list ({error})"
        ) from error


def _members(data: bytes, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of some files in a package: a .deb, a wheel or zip, or a compressed tar file."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from ((name, archive.read(name)) for name in sorted(names & set(archive.namelist())))
        return
    if data.startswith(b"!<arch>\n"):
        data = next(content for name, content in _ar(data) if name.startswith("data.tar"))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name in names and member.isfile() and (file := archive.extractfile(member)) is not None:
                yield name, file.read()


def _ar(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the parts of an ar archive, such as a .deb."""
    place = 8
    while place + 60 <= len(data):
        name, size = data[place : place + 16].decode("ascii").strip().rstrip("/"), int(data[place + 48 : place + 58])
        yield name, data[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    raise ValueError("no part is called data.tar")


def resources(data: bytes) -> dict[str, bytes]:
    """Return path → content of the files in a Qt resource file (`rcc --binary`, versions 1 to 3).

    Raises:
        ValueError: it is not such a file, or it is compressed in a way that cannot be read.

    The format is that of `RCCResourceLibrary::output` in Qt's rcc.cpp.
    """
    magic, version, tree, contents, names = unpack_from(">4s4I", data)
    if magic != b"qres" or version not in (1, 2, 3):
        raise ValueError("expected a Qt resource file, version 1 to 3")
    node_size = 14 if version == 1 else 22
    files: dict[str, bytes] = {}
    waiting = [(0, "")]  # number of a node, and the path of its folder
    for number, folder in waiting:  # grows while it is walked
        place = tree + node_size * number
        name_place, flags = unpack_from(">IH", data, place)
        (length,) = unpack_from(">H", data, names + name_place)
        name = data[names + name_place + 6 :][: 2 * length].decode("utf-16-be") if number else ""
        path = f"{folder}/{name}" if folder else name
        if flags & _DIRECTORY:
            count, first = unpack_from(">II", data, place + 6)
            waiting += [(child, path) for child in range(first, first + count)]
            if len(waiting) > len(data) // node_size:
                raise ValueError("its tree of files has no end")
            continue
        (content_place,) = unpack_from(">I", data, place + 10)
        (size,) = unpack_from(">I", data, contents + content_place)
        content = data[contents + content_place + 4 :][:size]
        if flags & _ZSTD:
            raise ValueError(f"{path} is compressed with zstd")
        try:
            files[path] = zlib.decompress(content[4:]) if flags & _ZLIB else content
        except zlib.error as error:
            raise ValueError(f"{path} cannot be decompressed ({error})") from error
    return files


def _picture(content: bytes, photo: OpenPhoto) -> bytes:
    """Return the JPEG that a gallery keeps of a photo."""
    picture = read_image(content, name=f"{photo.member} in {photo.package}")
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    picture.info.clear()  # a comment would be saved, too
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return stored.getvalue()
