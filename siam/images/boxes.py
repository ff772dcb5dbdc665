"""The boxes of AVIF and JPEG 2000 files, and the colours that they tell: Pillow leaves them out."""

import struct
from collections.abc import Iterator

from siam.images.encodings import Encoding, coded


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and content of each box in `data`."""
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1 and place + 16 <= len(data):
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place  # 0: up to the end
        if size < head:
            return
        yield name, data[place + head : place + size]
        place += size


def _first(data: bytes, name: bytes) -> bytes:
    return next((content for found, content in _boxes(data) if found == name), b"")


def avif_encoding(data: bytes) -> Encoding | None:
    """Return the encoding that the main picture of an AVIF file tells by nclx; None without one."""
    meta = _first(data, b"meta")[4:]
    properties = _first(meta, b"iprp")
    listed = list(_boxes(_first(properties, b"ipco")))
    for place in _associated(_first(meta, b"pitm"), _first(properties, b"ipma")):
        name, content = listed[place - 1] if 0 < place <= len(listed) else (b"", b"")
        if name == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
            return coded(*struct.unpack_from(">HH", content, 4))
    return None


def _associated(primary: bytes, associations: bytes) -> list[int]:
    """Return the places, from 1, of the properties of the primary item (ISO/IEC 23008-12)."""
    try:
        (item,) = struct.unpack_from(">I" if primary[0] else ">H", primary, 4)
        wide, long = associations[0] > 0, associations[3] & 1
        (count,), place = struct.unpack_from(">I", associations, 4), 8
        for _ in range(count):
            (identity,) = struct.unpack_from(">I" if wide else ">H", associations, place)
            place += 4 if wide else 2
            many, place = associations[place], place + 1
            found = struct.unpack_from(f">{many}{'H' if long else 'B'}", associations, place)
            if identity == item:
                return [number & (0x7FFF if long else 0x7F) for number in found]
            place += many * (2 if long else 1)
    except (IndexError, struct.error):
        pass  # broken off
    return []


def jpeg2000_profile(data: bytes) -> bytes | None:
    """Return the ICC profile of a JPEG 2000 file; None without one."""
    for name, content in _boxes(_first(data, b"jp2h")):
        if name == b"colr" and content[:1] in (b"\2", b"\3"):
            return content[3:]
    return None
