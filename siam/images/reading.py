"""Reads pictures safely: `read_image` checks a file and its size before it decodes it."""

import math
import stat
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image

from siam.errors import ImageError
from siam.images import colours, jpeg, levels, png, tiff
from siam.images.formats import FORMATS, NAMES, SUFFIXES
from siam.runtime.silence import without_warnings

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MIN_SIDE = 32  # px
MAX_ASPECT = 8  # longer side over shorter side
LEAST_SIDE = 1024  # px that the shorter side of a JPEG keeps at least, if it is decoded at reduced size
FULL_SIZE = "full_size"  # in a picture's `info`: (width, height) in the file, if it was decoded at reduced size
ACCEPTED_SUFFIXES = SUFFIXES  # lower case
_MB, _MEGAPIXELS = MAX_BYTES // 1_000_000, MAX_PIXELS // 1_000_000
ACCEPTED = f"{', '.join(NAMES[:-1])} or {NAMES[-1]}, at most {_MB} MB and {_MEGAPIXELS} megapixels"

_BEGINNINGS = (  # first bytes → what a file that Pillow cannot open seems to be
    (b"\xff\xd8\xff", "a damaged JPEG picture"),
    (b"\x89PNG", "a damaged PNG picture"),
    (b"GIF8", "a damaged GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
)
_UNREADABLE_TIFF = "is a damaged TIFF or one of a kind that is not read: save it as TIFF or PNG of 8 or 16 bits."
_TURNS = {  # EXIF orientation → the transposition that makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)  # of these: those that swap width and height
_SWAPPING = [_TURNS[orientation] for orientation in _SIDEWAYS]


def read_image(
    source: bytes | str | Path | Image.Image, *, name: str | None = None, least: int = LEAST_SIDE
) -> Image.Image:
    """Return a picture as upright 8-bit sRGB, on white where it was transparent; only the first frame if animated.

    A large JPEG is decoded at a half, a quarter or an eighth of its size, which takes a fraction of the time. Its
    `info["full_size"]` is then the size in the file.

    Args:
        source: a file's content or path, or an open picture, which is not changed, and is read at its full size.
        name: what error messages call the picture; by default its path, if it has one.
        least: px that the shorter side keeps at least; see `siam.images.preprocessing.least_side`.

    Raises:
        ImageError: the file cannot be read, is not of the `ACCEPTED` formats, is damaged, or is outside the limits.
        TypeError: `source` is none of the above.

    Example:
        >>> from siam.images import read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/lake-boats.jpg")
        >>> photo.mode, photo.size
        ('RGB', (800, 500))
    """
    if isinstance(source, Image.Image):
        label = _label(name or str(getattr(source, "filename", "")))
        with quiet_pillow():
            data = _content(source)
            _check_raw(data or b"", label)
            return _decode(source, label, data)
    if isinstance(source, bytes):
        label, data = _label(name or ""), source
        _check_bytes(len(data), label)
    elif isinstance(source, str | Path):
        label = _label(name or str(source))
        data = read_file(Path(source), label)
    else:
        raise TypeError(f"read_image takes bytes, a path or a PIL image, not {type(source).__name__}")
    _check_raw(data, label)
    with quiet_pillow(), _open(data, label) as image:
        if image.format == "TIFF":
            _turn_to_photo(image, data, label)
        try:
            return _decode(image, label, data, least)
        except ImageError:
            if image.format in ("JPEG", "MPO") and (whole := _without_end(data, label, least)):
                return whole
            raise


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return (width, height) of a picture as `read_image` would return it, from its header; None if it has none."""
    try:
        with path.open("rb") as file:
            start = file.read(len(jpeg.START))
        data = b"" if start == jpeg.START else read_file(path)  # of a JPEG, the header will do
        with quiet_pillow(), _open(data, "") if data else Image.open(path, formats=FORMATS) as image:
            if image.format == "TIFF":  # Pillow gives its size upright
                _turn_to_photo(image, data, "")
                return image.size
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in _SIDEWAYS
            return (image.height, image.width) if turned else image.size
    except Exception:  # on damaged bytes, Pillow raises nearly anything
        return None


def read_file(path: Path, name: str | None = None) -> bytes:
    """Return the content of a picture's file, whose size is checked before it is read.

    Args:
        path: of the file.
        name: what error messages call it; by default its path.

    Raises:
        ImageError: it is missing, no ordinary file, empty or too large, or cannot be opened.
    """
    label = _label(str(path) if name is None else name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device may never end
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
            raise ImageError(f"{label} is {kind}, not a picture: choose an ordinary file.")
        _check_bytes(status.st_size, label)
        with path.open("rb") as file:
            data = file.read(status.st_size + 1)  # asked for more, it would take memory for all of it at first
            if len(data) > status.st_size:  # the file has grown since
                data += file.read(MAX_BYTES + 1 - len(data))
    except FileNotFoundError as error:
        raise ImageError(f"{label} does not exist: check the path of the picture.") from error
    except (OSError, ValueError) as error:  # ValueError: the path holds a null character
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ImageError(
            f"{label} cannot be opened ({reason}): check its permissions or choose another file."
        ) from error
    _check_bytes(len(data), label)  # it may have grown or shrunk meanwhile
    return data


def quiet_pillow() -> AbstractContextManager[None]:
    """Ignore Pillow's warnings about odd metadata and sizes, which `ImageError` covers where they matter."""
    return without_warnings(module=r"(PIL|pillow_heif)\b")


def _label(name: str) -> str:
    """Return the name as it fits into a message: printable, and only its end if it is long."""
    name = "".join(character if character.isprintable() else "?" for character in name)
    return (f"…{name[-79:]}" if len(name) > 80 else name) or "The picture"


def _check_bytes(count: int, label: str) -> None:
    if count == 0:
        raise ImageError(f"{label} is empty: choose a picture ({ACCEPTED}).")
    if count > MAX_BYTES:
        size = math.ceil(count / 100_000) / 10
        raise ImageError(f"{label} is {size} MB, but at most {_MB} MB is accepted: save a smaller copy.")


def _check_raw(data: bytes, label: str) -> None:
    if tiff.is_raw(data):
        raise ImageError(f"{label} is a camera's raw file, which is not read: export it as JPEG, TIFF or PNG.")


def _check_size(width: int, height: int, label: str) -> None:
    shape = f"{label} is {width} × {height} pixels"
    if width * height > MAX_PIXELS:
        raise ImageError(f"{shape}, but at most {_MEGAPIXELS} megapixels are accepted: scale it down.")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{shape}, but each side must be at least {MIN_SIDE}: choose a larger picture.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(f"{shape}, but one side may be at most {MAX_ASPECT} times the other: crop it.")


def _guess(data: bytes) -> str:
    """Say in a few words what content that Pillow cannot open seems to be."""
    for beginning, words in _BEGINNINGS:
        if data.startswith(beginning):
            return words
    return "an SVG drawing" if b"<svg" in data[:1000] else "damaged or not a picture"


def _content(image: Image.Image) -> bytes | None:
    """Return the file of an open picture that Pillow tells too little of; None without one."""
    file = getattr(image, "fp", None)
    if file is None or image.format not in ("PNG", "AVIF", "JPEG2000", "TIFF"):
        return None
    try:
        place = file.tell()
        file.seek(0)
        data = file.read(MAX_BYTES)
        file.seek(place)
    except (OSError, ValueError):  # closed, or a stream
        return None
    return data


def _open(data: bytes, label: str) -> Image.Image:
    """Return an opened picture, of which nothing is decoded yet."""
    try:
        if data.startswith(png.SIGNATURE):
            return Image.open(BytesIO(png.essence(data)), formats=FORMATS)
        try:
            return Image.open(BytesIO(data), formats=FORMATS)
        except (SyntaxError, OSError):
            if not data.startswith(jpeg.START):
                raise
            return Image.open(BytesIO(jpeg.essence(data)), formats=FORMATS)
    except Image.DecompressionBombError as error:  # far above our own limit; Pillow does not give the size
        raise ImageError(f"{label} has more than {_MEGAPIXELS} megapixels: scale it down.") from error
    except Exception as error:  # on hostile bytes, Pillow's parsers raise nearly anything
        if any(tiff.directories(data)):
            raise ImageError(f"{label} {_UNREADABLE_TIFF}") from error
        raise ImageError(f"{label} is {_guess(data)}: choose a picture ({ACCEPTED}).") from error


def _without_end(data: bytes, label: str, least: int) -> Image.Image | None:
    """Return the picture of a JPEG whose end is missing; None if any of the picture is missing with it."""
    picture = None
    try:
        for whole in jpeg.ended(data):
            with _open(whole, label) as image:
                decoded = _decode(image, label, whole, least)
            if picture is not None and decoded.tobytes() != picture.tobytes():
                return None
            picture = decoded
    except ImageError:
        return None
    return picture


def _turn_to_photo(image: Image.Image, data: bytes, label: str) -> None:
    """Turn to the page of a TIFF that holds the photo: the first may be a small copy."""
    page = tiff.photo_page(data)
    if page is None:
        raise ImageError(f"{label} is a TIFF of which only a small preview can be read: save it again as TIFF or PNG.")
    try:
        image.seek(page)
    except Exception as error:  # on hostile bytes, Pillow's parsers raise nearly anything
        raise ImageError(f"{label} {_UNREADABLE_TIFF}") from error


def _decode(image: Image.Image, label: str, data: bytes | None, least: int | None = None) -> Image.Image:
    size = image.size
    _check_size(*size, label)  # from the header: nothing is decoded yet
    try:
        if least is not None and image.format == "JPEG":
            parts = next(parts for parts in (8, 4, 2, 1) if parts == 1 or min(size) // parts >= least)
            image.draft(None, (size[0] // parts, size[1] // parts))  # pyright: ignore[reportArgumentType] - stub
        if image.format == "TIFF":
            levels.mend_planes(image)
        image.load()
        turn = _turn(image)
        opaque, alpha = _split(image, label)
        rgb = colours.to_srgb(opaque, image, data)
        if alpha is not None:
            rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
        rgb = rgb if turn is None else rgb.transpose(turn)
    except ImageError:
        raise
    except Exception as error:  # on hostile bytes, Pillow's decoders raise nearly anything
        raise ImageError(f"{label} is damaged or incomplete: save it again or choose another picture.") from error
    rgb.info.clear()  # reading it again must not rotate it or convert its colours a second time
    if image.size != size:
        rgb.info[FULL_SIZE] = size if turn not in _SWAPPING else size[::-1]
    return rgb


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF data is no reason to refuse the photo
        return None


def _split(image: Image.Image, label: str) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture as 8-bit L, RGB, CMYK or LAB, and its alpha as L, if it has one."""
    if image.mode.startswith("I") or image.mode == "F":
        return levels.grey(image, label), None
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    grey = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        opaque, alpha = _apart(image, "L" if grey else "RGB")
        unused = image.format in ("BMP", "DIB") and alpha.getextrema() == (0, 0)  # Windows leaves the byte empty
        return opaque, None if unused else alpha
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("L" if grey else "RGB"), None


def _apart(image: Image.Image, mode: str) -> tuple[Image.Image, Image.Image]:
    """Return a transparent picture's colours in a mode, and its alpha."""
    image = image.convert("LA" if mode == "L" else "RGBA")
    return image.convert(mode), image.getchannel("A")
