"""The chunks of a PNG file: those that its picture needs, and what they tell of its colours."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from siam.images.encodings import SRGB, Encoding, coded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT, _MOST_PROFILE = 1_000_000, 16_000_000  # bytes, unpacked
_SRGB_GAMMA = 0.45455  # what sRGB files say for readers that know gAMA alone


@dataclass(frozen=True)
class Chunk:
    """A chunk, with its bytes in the file; `sound` if it is complete and its checksum is right."""

    name: bytes
    body: bytes
    whole: bytes
    sound: bool


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield a PNG's chunks up to its end, or up to where it breaks off."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        whole = data[place : place + 12 + length]
        sound = whole[8 + length :] == struct.pack(">I", zlib.crc32(whole[4 : 8 + length]))
        yield Chunk(name, whole[8 : 8 + length], whole, sound)
        if name == b"IEND":
            return
        place += 12 + length


def essence(data: bytes) -> bytes:
    """Return a PNG with what its picture needs alone: Pillow refuses all of it for flaws in the rest.

    Left out are other text than EXIF and XMP, profiles (see `profile`), animations, and ancillary chunks with a wrong
    checksum.
    """
    kept, seen = [SIGNATURE], set()
    for chunk in chunks(data):
        if chunk.name[:1].isupper():  # critical
            kept.append(chunk.whole)
        elif chunk.sound and chunk.name not in seen and _is_used(chunk):
            seen.add(chunk.name)
            kept.append(chunk.whole)
    return b"".join(kept)


def _is_used(chunk: Chunk) -> bool:
    """Whether a chunk holds transparency or how the picture is turned."""
    keyword, _, text = chunk.body.partition(b"\0")
    match chunk.name:
        case b"tRNS" | b"eXIf":
            return True
        case b"iTXt":
            return keyword == b"XML:com.adobe.xmp" and text[:1] == b"\0"  # not compressed
        case b"zTXt":
            return keyword == b"Raw profile type exif" and _inflated(text[1:], _MOST_TEXT) is not None
        case _:
            return chunk.name == b"tEXt" and keyword == b"Raw profile type exif"


def profile(data: bytes) -> bytes | None:
    """Return the ICC profile of a PNG; None without a sound one."""
    for chunk in chunks(data):
        if chunk.name == b"IDAT":
            break
        if chunk.name == b"iCCP" and chunk.sound:
            return _inflated(chunk.body.partition(b"\0")[2][1:], _MOST_PROFILE)
    return None


def _inflated(packed: bytes, most: int) -> bytes | None:
    """Return the content of compressed bytes; None if it is damaged or too long."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, most)
    except zlib.error:
        return None
    return content if inflater.eof else None


def encodings(data: bytes) -> tuple[Encoding | None, Encoding | None]:
    """Return the encoding that goes before an ICC profile (cICP), and the one after it (sRGB, gAMA, cHRM)."""
    first: dict[bytes, bytes] = {}
    for chunk in chunks(data):
        if chunk.name == b"IDAT":
            break
        if chunk.sound:
            first.setdefault(chunk.name, chunk.body)
    code_points, gamma, points = (first.get(name, b"") for name in (b"cICP", b"gAMA", b"cHRM"))
    return coded(code_points[0], code_points[1]) if len(code_points) == 4 else None, measured(
        b"sRGB" in first,
        struct.unpack(">I", gamma)[0] / 100_000 if len(gamma) == 4 else None,
        tuple(value / 100_000 for value in struct.unpack(">8I", points)) if len(points) == 32 else None,
    )


def measured(srgb: bool, gamma: float | None, points: tuple[float, ...] | None) -> Encoding | None:
    """Return the encoding by sRGB, gAMA and cHRM (x and y of white, red, green, blue); None where they say nothing."""
    if srgb or (gamma is None and points is None):
        return None
    curve, primaries = "sRGB", tuple(zip(points[::2], points[1::2], strict=True)) if points else SRGB.primaries
    if gamma and 0.1 <= gamma <= 2 and (abs(gamma - _SRGB_GAMMA) > 0.005 or not SRGB.has(primaries)):
        curve = 1 / gamma
    return Encoding(primaries, curve)
