"""The chunks of a PNG file, and what they tell of its colours."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from siam.images.encodings import SRGB, Encoding, coded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SRGB_GAMMA = 0.45455  # what sRGB files say for readers that know gAMA alone


@dataclass(frozen=True)
class Chunk:
    """A chunk; `sound` if it is whole and its checksum is right."""

    name: bytes
    body: bytes
    sound: bool


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield a PNG's chunks up to its end, or up to where it breaks off."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        body, check = data[place + 8 : place + 8 + length], data[place + 8 + length : place + 12 + length]
        yield Chunk(name, body, check == struct.pack(">I", zlib.crc32(name + body)))
        if name == b"IEND":
            return
        place += 12 + length


def told(data: bytes) -> tuple[Encoding | None, Encoding | None]:
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
