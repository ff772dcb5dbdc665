"""Small pictures of every format and kind, and what can be wrong with them."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from siam.images.reading import FULL_SIZE, MAX_ASPECT, MAX_PIXELS, MIN_SIDE, read_image, upright_size
from tests.fuzz.inputs import Input, Part, Refusals
from tests.fuzz.mutations import ODD_NUMBERS, blind
from tests.support.profiles import black_ink_profile, grey_profile, rgb_profile
from tests.support.tiffs import pixel_tags, tiff

SIZE = 48, 40  # px, wide and high
_ODD_SIZES = (
    (2**31 - 1, 2**31 - 1), (2**32 - 1, 2**32 - 1), (100_000, 100_000), (200_000, 200),
    (0, 0), (0, 40), (1, 1), (31, 31), (32, 257), (7000, 7000), (8192, 6100), (20_000, 2500), (65_535, 65_535),
    (320, 40), (48, 41), (49, 40), (47, 39),
)  # fmt: skip
_SUFFIXES = {
    "JPEG": "jpg", "MPO": "mpo", "PNG": "png", "WebP": "webp", "TIFF": "tif", "BMP": "bmp", "GIF": "gif",
    "JPEG 2000": "jp2", "HEIC": "heic", "AVIF": "avif",
}  # fmt: skip


def _pixels(mode: str = "RGB") -> Image.Image:
    """Return a smooth picture with an edge and some noise."""
    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 40, (height, width))
    channels = [columns * 4 + noise, rows * 5 + noise, 255 - columns * 3 - noise]
    image = Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))
    if "A" in mode or mode in ("La", "RGBa"):
        alpha = Image.fromarray(((rows + columns) * 2).astype(np.uint8))
        image = image.convert("L" if mode.startswith("L") else "RGB")
        image.putalpha(alpha)
        return image.convert(mode)
    return image.convert(mode)


def _saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0xA005)[1] = "R03"
    return exif


def _deep(kind: type = np.uint16, channels: int = 1) -> np.ndarray:
    """Return pixels of many bits, (H, W) or (H, W, C)."""
    values = np.asarray(_pixels("L")).astype(kind)
    values = values * (257 if kind is np.uint16 else 1)
    return values if channels == 1 else np.stack([values] * channels, axis=-1)


@lru_cache(maxsize=1)
def seeds() -> dict[str, tuple[bytes, ...]]:
    """Return sound files by format."""
    rgb, grey = _pixels(), _pixels("L")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = rgb_profile("P3", "Display P3", 2.2)
    frames = [rgb.rotate(30), rgb.rotate(60)]
    found: dict[str, list[bytes]] = {name: [] for name in _SUFFIXES}
    for image, settings in (
        (rgb, {}), (rgb, {"progressive": True, "exif": _exif(6)}),
        (_pixels("CMYK"), {"icc_profile": black_ink_profile()}),
        (grey, {"icc_profile": grey_profile("grey", 1.8), "comment": b"words"}),
        (rgb, {"subsampling": 0, "exif": _exif(1)}), (rgb, {"icc_profile": wide, "restart_marker_blocks": 2}),
        (rgb.resize((160, 120)), {"optimize": True, "xmp": b"<x/>"}),
    ):  # fmt: skip
        found["JPEG"].append(_saved(image, "JPEG", quality=80, **settings))
    found["MPO"].append(_saved(rgb, "MPO", save_all=True, append_images=frames, exif=_exif(8)))
    found["PNG"] += _pngs(rgb, srgb, wide)
    found["WebP"] += [
        _saved(rgb, "WEBP"), _saved(_pixels("RGBA"), "WEBP", lossless=True, icc_profile=wide, exif=_exif(3)),
        _saved(rgb, "WEBP", save_all=True, append_images=frames, duration=50),
    ]  # fmt: skip
    found["TIFF"] += _tiffs(rgb, wide)
    found["BMP"] += [_saved(_pixels(mode), "BMP") for mode in ("RGB", "L", "P", "1", "RGBA")] + [_saved(rgb, "DIB")]
    found["GIF"] += [
        _saved(rgb.quantize(16), "GIF"), _saved(rgb, "GIF", save_all=True, append_images=frames, loop=0, disposal=2),
        _saved(rgb.quantize(8), "GIF", transparency=1, interlace=1, comment=b"words"),
    ]  # fmt: skip
    found["JPEG 2000"] += [
        _saved(rgb, "JPEG2000"), _saved(grey, "JPEG2000", no_jp2=True),
        _saved(_pixels("RGBA"), "JPEG2000", irreversible=True, tile_size=(32, 32)),
    ]  # fmt: skip
    found["HEIC"] += [
        _saved(rgb, "HEIF", quality=50), _saved(_pixels("RGBA"), "HEIF", quality=50, exif=_exif(6)),
        _saved(rgb, "HEIF", quality=50, icc_profile=wide), _saved(rgb, "HEIF", save_all=True, append_images=frames[:1]),
    ]  # fmt: skip
    found["AVIF"] += [
        _saved(rgb, "AVIF", speed=10), _saved(_pixels("RGBA"), "AVIF", speed=10, exif=_exif(5)),
        _saved(rgb, "AVIF", speed=10, icc_profile=wide),
        _saved(rgb, "AVIF", speed=10, save_all=True, append_images=frames),
    ]  # fmt: skip
    return {name: tuple(files) for name, files in found.items()}


def _pngs(rgb: Image.Image, srgb: bytes, wide: bytes) -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        yield _saved(Image.fromarray(_deep()) if mode == "I;16" else _pixels(mode), "PNG")
    yield _saved(rgb.quantize(7), "PNG", bits=4, transparency=bytes(range(0, 140, 20)))
    yield _saved(rgb, "PNG", icc_profile=wide, exif=_exif(7))
    yield _saved(rgb, "PNG", icc_profile=srgb)
    yield _saved(rgb, "PNG", save_all=True, append_images=[rgb.rotate(30)], duration=50)
    plain = _saved(rgb, "PNG")
    for name, body in _COLOURS:
        yield _with_chunk(plain, name, body)
    head = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 1)  # RGB of 16 bits, interlaced
    yield _png(
        [(b"IHDR", head), (b"IDAT", zlib.compress(_interlaced(_deep(channels=3).astype(">u2")))), (b"IEND", b"")]
    )


_COLOURS = (
    (b"gAMA", struct.pack(">I", 100_000)), (b"cICP", bytes([9, 16, 0, 1])), (b"cICP", bytes([12, 13, 0, 1])),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)), (b"sRGB", b"\0"),
    (b"tRNS", struct.pack(">3H", 1, 2, 3)), (b"bKGD", struct.pack(">3H", 1, 2, 3)),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>"),
    (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n      10\n45786966000049492a00\n")),
    (b"tEXt", b"Comment\0words"), (b"pHYs", struct.pack(">IIB", 1000, 1000, 1)), (b"tIME", bytes(7)),
)  # fmt: skip


def _interlaced(pixels: np.ndarray) -> bytes:
    """Return the scan lines of Adam7, each with filter 0."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    lines = [pixels[top::down, left::right] for top, left, down, right in passes]
    return b"".join(b"\0" + line.tobytes() for part in lines for line in part if line.size)


def _tiffs(rgb: Image.Image, wide: bytes) -> Iterator[bytes]:
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"):
        yield _saved(rgb, "TIFF", compression=compression)
    yield _saved(_pixels("1"), "TIFF", compression="group4")
    for mode in ("L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "F", "I"):
        yield _saved(_pixels(mode), "TIFF")
    yield _saved(Image.fromarray(_deep()), "TIFF", big_tiff=True)
    yield _saved(rgb, "TIFF", icc_profile=wide, exif=_exif(6), save_all=True, append_images=[rgb.rotate(20)])
    tiles = TiffImagePlugin.ImageFileDirectory_v2()
    tiles[322] = tiles[323] = 16
    yield _saved(rgb, "TIFF", tiffinfo=tiles, compression="tiff_lzw")
    yield _saved(rgb, "TIFF", strip_size=600, compression="tiff_adobe_deflate")
    for order in "<>":
        for kind in (np.uint8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64):
            pixels = _deep(kind)
            yield tiff((pixels, pixel_tags(pixels) | {42113: (2, b"-9999\0")}), order=order)
        planes = _deep(channels=3)
        yield tiff((planes, pixel_tags(planes, planes=2)), order=order)
        yield tiff((planes, pixel_tags(planes)), order=order)
    small, large = _deep(np.uint8, 3)[::4, ::4], _deep(np.uint8, 3)
    yield tiff((small, pixel_tags(small, reduced=1)), (large, pixel_tags(large)), below=((large, pixel_tags(large)),))


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    whole = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + whole


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], 8
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        found.append((name, data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def _with_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    """Return a PNG with a chunk after its header."""
    first, *others = _png_chunks(data)
    return _png([first, (name, body), *others])


def _odd_png(random: Random, data: bytes) -> bytes:
    """Change chunks, with sound checksums, so that what reads them sees the change."""
    chunks = _png_chunks(data)
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        place = random.randrange(len(chunks))
        name, body = chunks[place]
        match random.randrange(8):
            case 0:
                chunks.insert(place, random.choice(chunks))
            case 1 if len(chunks) > 1:
                chunks.pop(place)
            case 2:
                chunks.insert(
                    min(1, place), (random.choice(_COLOURS)[0], random.randbytes(random.choice((0, 1, 4, 6, 32, 200))))
                )
            case 3:
                chunks.insert(1, random.choice(_COLOURS))
            case 4:
                chunks[place] = (
                    random.choice((b"IDAT", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"eXIf", b"IEND", b"abCd")),
                    body,
                )
            case 5 if name == b"IDAT":
                chunks[place] = name, zlib.compress(blind(random, _inflated(body)))
            case 6:
                head = list(struct.unpack(">IIBBBBB", chunks[0][1][:13])) if len(chunks[0][1]) >= 13 else [1] * 7
                field = random.randrange(2, 7)
                head[field] = random.choice(ODD_NUMBERS) & 255
                head[:2] = random.choice((head[:2], random.choice(_ODD_SIZES)))
                chunks[0] = chunks[0][0], struct.pack(">IIBBBBB", *head)
            case _:
                chunks[place] = name, blind(random, body)
    written = _png(chunks)
    if random.random() < 0.1:  # a length that is not the chunk's
        written = written[:8] + struct.pack(">I", random.choice(ODD_NUMBERS)) + written[12:]
    return written


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return body


def _odd_jpeg(random: Random, data: bytes) -> bytes:
    """Change segments, with lengths that fit or not."""
    segments, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, place + 2)
        segments.append((data[place + 1], data[place + 4 : place + 2 + length]))
        place += 2 + length
    scan = data[place:]
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        place = random.randrange(len(segments)) if segments else 0
        marker, body = segments[place] if segments else (0xE1, b"")
        segments[place : place + 1] = _odd_segments(random, marker, body, segments)
    if random.random() < 0.2:
        scan = blind(random, scan)
    written = b"\xff\xd8"
    for marker, body in segments:
        length = min(65535, len(body) + 2)
        if random.random() < 0.04:
            length = random.choice(ODD_NUMBERS) & 65535
        written += struct.pack(">BBH", 0xFF, marker, length) + body
    return written + scan


def _odd_segments(random: Random, marker: int, body: bytes, others: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return what stands in a segment's place."""
    match random.randrange(6):
        case 0:
            return []
        case 1:
            return [(marker, body), random.choice(others or [(marker, body)])]
        case 2:
            return [(random.choice((*range(0xC0, 0xD0), 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE)), body)]
        case 3:
            start = random.choice(
                (b"Exif\0\0II*\0", b"Exif\0\0MM\0*", b"ICC_PROFILE\0\1\1", b"Adobe\0d", b"MPF\0II*\0", b"JFIF\0")
            )
            beginning = start + random.randbytes(random.choice((0, 4, 8, 60, 400)))
            return [(random.choice((0xE0, 0xE1, 0xE2, 0xEE)), beginning), (marker, body)]
        case 4 if marker in range(0xC0, 0xC3) and len(body) > 9:  # size, components and sampling
            frame = bytearray(body)
            if random.random() < 0.5:
                struct.pack_into(">HH", frame, 1, *(side & 65535 for side in random.choice(_ODD_SIZES)))
            else:
                frame[random.randrange(len(frame))] = random.randrange(256)
            return [(marker, bytes(frame))]
        case _:
            return [(marker, blind(random, body))]


def _odd_tiff(random: Random, data: bytes) -> bytes:
    """Change tags, types, counts and values of the directories."""
    changed = bytearray(data)
    order = "<" if data[:2] == b"II" else ">"
    big = len(data) > 16 and struct.unpack_from(f"{order}H", data, 2)[0] == 43
    number, size, head = ("Q", 20, 8) if big else ("I", 12, 2)
    places, links = [], [8 if big else 4]
    while len(links) < 9 and links[-1] + (8 if big else 4) <= len(data):
        (start,) = struct.unpack_from(f"{order}{number}", data, links[-1])
        if not 0 < start <= len(data) - head:
            break
        (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, start)
        entries = [start + head + size * entry for entry in range(min(count, 60))]
        places += [place for place in entries if place + size <= len(data)]
        links.append(start + head + size * count)
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        place = random.choice(places)
        value, wide = place + size - (8 if big else 4), 2 ** (64 if big else 32) - 1
        match random.randrange(9):
            case 8:
                sides = dict(zip((256, 257), random.choice(_ODD_SIZES), strict=True))
                for entry in places:
                    (tag,) = struct.unpack_from(f"{order}H", data, entry)
                    if tag in sides:
                        struct.pack_into(f"{order}HH{number}I", changed, entry, tag, 4, 1, sides[tag])
            case 0:
                struct.pack_into(f"{order}H", changed, place, random.choice(_TAGS))
            case 1:
                struct.pack_into(f"{order}H", changed, place + 2, random.randrange(20))
            case 2:
                struct.pack_into(f"{order}{number}", changed, place + 4, random.choice((*ODD_NUMBERS, wide)))
            case 3:
                link = random.choice(links)
                if link + 4 <= len(changed):
                    struct.pack_into(
                        f"{order}I", changed, link, random.choice((0, place - head, 8, len(data), 2**32 - 1))
                    )
            case _:
                form = random.choice(("B", "H", "I"))
                limit = 256 ** struct.calcsize(form) - 1
                struct.pack_into(
                    f"{order}{form}", changed, value, random.choice((*ODD_NUMBERS, 5, 6, 34712, 50000)) & limit
                )
    return bytes(changed)


_TAGS = (254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339)
_TAGS += (347, 529, 530, 532, 34665, 34675, 33432, 42113, 50706)


_BOXES = (
    b"ftyp", b"meta", b"iprp", b"ipco", b"ipma", b"ispe", b"colr", b"pixi", b"irot", b"iloc", b"iinf", b"iref", b"auxC",
    b"hvcC", b"av1C", b"clap", b"imir", b"pitm", b"moov", b"mdat", b"jp2h", b"ihdr", b"pclr", b"cdef", b"jp2c", b"iprp",
    b"hdlr",
)  # fmt: skip


def _odd_boxes(random: Random, data: bytes) -> bytes:
    """Change boxes at any depth: their sizes, names and contents."""
    changed = bytearray(data)
    places = [place - 4 for name in _BOXES if (place := data.find(name)) >= 4]
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        place = random.choice(places) if places else 0
        length = max(9, min(200, struct.unpack_from(">I", data, place)[0]))
        match random.randrange(5):
            case 0:
                struct.pack_into(">I", changed, place, random.choice((*ODD_NUMBERS, length + 1, length - 1)))
            case 1:
                changed[place + 4 : place + 8] = random.choice(
                    (b"colr", b"irot", b"clap", b"free", b"ispe", random.randbytes(4))
                )
            case 2 if place + 12 < len(changed):
                at = place + 8 + 4 * random.randrange(4)
                if at + 4 <= len(changed):
                    struct.pack_into(">I", changed, at, random.choice(ODD_NUMBERS))
            case _:
                end = min(len(changed), place + length)
                changed[place + 8 : end] = blind(random, bytes(changed[place + 8 : end]))[
                    : max(0, end - place - 8)
                ].ljust(max(0, end - place - 8), b"\0")
    return bytes(changed)


def _odd_head(random: Random, data: bytes) -> bytes:
    """Change numbers of the first bytes, where sizes stand."""
    changed = bytearray(data)
    if random.random() < 0.2:  # the screen of a GIF, the size in a BMP
        form, place = ("<HH", 6) if data.startswith(b"GIF") else ("<II", 18)
        struct.pack_into(form, changed, place, *random.choice(_ODD_SIZES[4 if form == "<HH" else 0 :]))
        return bytes(changed)
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        form = random.choice(("<B", "<H", "<I", "<i"))
        size = struct.calcsize(form)
        value = random.choice(ODD_NUMBERS) & (256**size - 1)
        place = random.randrange(2, min(120, len(changed) - 4))
        struct.pack_into(form.upper(), changed, place, value)
    return bytes(changed)


_ODD: dict[str, Callable[[Random, bytes], bytes]] = {
    "JPEG": _odd_jpeg, "MPO": _odd_jpeg, "PNG": _odd_png, "TIFF": _odd_tiff, "HEIC": _odd_boxes, "AVIF": _odd_boxes,
    "JPEG 2000": _odd_boxes, "WebP": _odd_head, "BMP": _odd_head, "GIF": _odd_head,
}  # fmt: skip
_SHARES = {
    "JPEG": 5,
    "PNG": 5,
    "TIFF": 6,
    "WebP": 3,
    "HEIC": 2,
    "AVIF": 2,
    "JPEG 2000": 2,
    "BMP": 2,
    "GIF": 2,
    "MPO": 1,
}


def make(random: Random) -> Input:
    """Return a damaged picture, under a name that usually fits."""
    kind = random.choices(list(_SHARES), list(_SHARES.values()))[0]
    data = random.choice(seeds()[kind])
    if random.random() < 0.6:
        data = _ODD[kind](random, data)
        if random.random() < 0.2:
            data = blind(random, data)
    else:
        data = blind(random, data, others=tuple(file for files in seeds().values() for file in files))
    suffix = _SUFFIXES[kind] if random.random() < 0.95 else random.choice(list(_SUFFIXES.values()))
    return Input(kind, {f"picture.{suffix}": data})


def read(given: Input, folder: Path) -> None:
    """Read a picture by its content and by its path, and compare; and its size alone.

    Raises:
        ImageError: it is refused both ways.
        AssertionError: an answer is not what `read_image` promises.
    """
    (name, data), told = next(iter(given.files.items())), Refusals()
    size = upright_size(folder / name)
    by_content, by_path = (
        told.of(lambda: read_image(data, name="It")),
        told.of(lambda: read_image(folder / name, name="It")),
    )
    assert (by_content is None) == (by_path is None), "content and path are not judged alike"
    if by_content is None or by_path is None:
        told.end()
    assert isinstance(by_content, Image.Image) and isinstance(by_path, Image.Image)
    _check(by_content, size)
    assert by_content.size == by_path.size and by_content.tobytes() == by_path.tobytes(), "content and path differ"


def _check(image: Image.Image, size: tuple[int, int] | None) -> None:
    pixels = np.asarray(image)
    assert image.mode == "RGB" and pixels.dtype == np.uint8 and pixels.shape == (image.height, image.width, 3)
    assert not image.info.keys() - {FULL_SIZE}, f"info holds {sorted(image.info)}"
    full = image.info.get(FULL_SIZE, image.size)
    assert full[0] * full[1] <= MAX_PIXELS and min(full) >= MIN_SIDE and max(full) <= MAX_ASPECT * min(full), full
    assert size is None or size == full, f"its header says {size}, it is {full}"


PART = Part("pictures", make, read, prepare=seeds)
