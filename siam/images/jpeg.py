"""JPEG files with flaws beside the picture: odd segments of metadata, and an end that is missing."""

import struct
from collections.abc import Iterator

START, END = b"\xff\xd8\xff", b"\xff\xd9"
_FRAMES = {0xC0 + number for number in range(16)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_SCAN, _RESTARTS = 0xDA, range(0xD0, 0xD8)
_METADATA = {0xFE, *range(0xE0, 0xF0)}  # comments and the segments of applications
_NEEDED = {b"JFIF\0": 14, b"Exif\0\0": 14, b"ICC_PROFILE\0": 15, b"Adobe": 12}  # their beginnings → least length
_FILLINGS = (b"\x5a\xc3\x17\xe9\x3c\x86" * 16, b"\xfe\xdc\xba\x98\x76\x54" * 16)


def ended(data: bytes) -> Iterator[bytes]:
    """Yield the file with an end, after several fillings; nothing if scans are missing.

    All of the picture is there if it is the same whatever fills the gap: then no pixel depends on it.
    """
    data = data.rstrip(b"\xff")
    if not _has_all_scans(data):
        return
    yield data + END
    for filling in _FILLINGS:
        yield data + filling + END
        yield data + b"".join(bytes([0xFF, marker]) + filling for marker in _RESTARTS) + END


def essence(data: bytes) -> bytes:
    """Return a JPEG with what its picture, colours and orientation need alone, if its segments can be told apart."""
    kept, place = [data[:2]], 2
    for marker, body in _segments(data):
        start = data.index(bytes([0xFF, marker]), place)
        if marker == _SCAN:
            return b"".join(kept) + data[start:]
        place = start + 4 + len(body)
        needed = next((length for name, length in _NEEDED.items() if body.startswith(name)), None)
        if marker not in _METADATA or (needed is not None and len(body) >= needed):
            kept.append(data[start:place])
    return data


def is_bare(data: bytes) -> bool:
    """Whether a JPEG file in colour or grey holds nothing but its picture: no metadata, profile, thumbnail or tail."""
    if not data.startswith(START) or data.find(END) != len(data) - len(END):
        return False
    for marker, body in _segments(data):
        if marker in _METADATA and not (body.startswith(b"JFIF\0") and len(body) == 14 and body[12:] == b"\0\0"):
            return False
        if marker in _FRAMES and (len(body) < 6 or body[5] not in (1, 3)):
            return False
    return True


def _has_all_scans(data: bytes) -> bool:
    """Whether every component's coefficients have all been announced, to their last bit."""
    wanted: set[tuple[int, int]] = set()  # component, coefficient
    progressive = False
    for marker, body in _segments(data):
        try:
            if marker in _FRAMES:
                progressive = marker in _PROGRESSIVE
                wanted = {(part, place) for part in body[6 : 6 + 3 * body[5] : 3] for place in range(64)}
            elif marker == _SCAN:
                parts = body[1 : 1 + 2 * body[0] : 2]
                first, last, bits = body[1 + 2 * body[0] :][:3]
                if not progressive:
                    wanted -= {(part, place) for part in parts for place in range(64)}
                elif bits & 15 == 0:  # the lowest bit
                    wanted -= {(part, place) for part in parts for place in range(first, last + 1)}
        except (IndexError, ValueError):
            return False
    return not wanted


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and content of each segment, up to the end or to where the file breaks off."""
    place = 2
    while 0 <= (place := data.find(b"\xff", place)) < len(data) - 3:
        marker = data[place + 1]
        if marker == 0xD9:
            return
        if marker in (0, 0xFF, 1) or marker in _RESTARTS:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        yield marker, data[place + 4 : place + 2 + length]
        place += 2 + length
