"""The directories of a TIFF file: which of its pictures is the photo, and whether it is a camera's raw file."""

import struct
from collections.abc import Iterator

_WIDTH, _HEIGHT, _PHOTOMETRIC, _REDUCED = 256, 257, 262, 254
_CHILDREN, _DNG = 330, 50706
_RAW = (32803, 34892)  # colour filter array, linear raw
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 18: 8}
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
_MOST = 64  # directories, and values of a tag
_RAW_BEGINNINGS = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")  # Olympus to Minolta

Directory = dict[int, tuple[int, ...]]  # tag → its values, if they are integers


def is_raw(data: bytes) -> bool:
    """Whether a file is a camera's raw file: DNG, NEF, CR2, CR3, CRW, ARW, ORF, RW2, RAF and others."""
    if data.startswith(_RAW_BEGINNINGS) or data[4:12] == b"ftypcrx " or data[6:14] == b"HEAPCCDR":
        return True
    if data[8:10] == b"CR" and data[:2] in (b"II", b"MM"):
        return True
    return any(_DNG in directory or directory.get(_PHOTOMETRIC, (0,))[0] in _RAW for _, directory in directories(data))


def directories(data: bytes) -> Iterator[tuple[int | None, Directory]]:
    """Yield each directory with its place among the file's pages; None for one below another."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    try:
        version = struct.unpack_from(f"{order}H", data, 2)[0] if order else 0
        if version not in (42, 43):
            return
        big = version == 43
        (place,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)
    except struct.error:
        return
    waiting: list[tuple[int | None, int]] = [(0, place)]
    seen = set()
    while waiting and len(seen) < _MOST:
        page, place = waiting.pop(0)
        if place == 0 or place in seen:
            continue
        seen.add(place)
        directory, following = _directory(data, place, f"{order}", big)
        yield page, directory
        waiting += [(None, child) for child in directory.get(_CHILDREN, ())]
        if page is not None:
            waiting.append((page + 1, following))


def _directory(data: bytes, place: int, order: str, big: bool) -> tuple[Directory, int]:
    """Return the directory at a place and where the next one is; only as much as is there."""
    directory: Directory = {}
    entry, inline, number = (20, 8, "Q") if big else (12, 4, "I")
    try:
        (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, place)
        place += 8 if big else 2
        for at in range(place, place + entry * min(count, 4096), entry):
            tag, kind, many = struct.unpack_from(f"{order}HH{number}", data, at)
            at += entry - inline
            if kind in _FORMATS and many:
                if many * _SIZES[kind] > inline:
                    (at,) = struct.unpack_from(f"{order}{number}", data, at)
                directory[tag] = struct.unpack_from(f"{order}{min(many, _MOST)}{_FORMATS[kind]}", data, at)
        (following,) = struct.unpack_from(f"{order}{number}", data, place + entry * count)
    except (struct.error, OverflowError):
        following = 0
    return directory, following


def photo_page(data: bytes) -> int | None:
    """Return the page that holds the photo: the first that is not a reduced copy, or else the largest of these.

    None if no page holds it: then the file has a larger picture elsewhere.
    """
    found = [(page, each) for page, each in directories(data) if _WIDTH in each and _HEIGHT in each]
    whole = [
        (page, _pixels(each)) for page, each in found if not each.get(_REDUCED, (0,))[0] & 5
    ]  # neither copy nor mask
    page, pixels = next((place for place in whole if place[0] is not None), (None, 0))
    if page is None:
        copies = [(page, _pixels(each)) for page, each in found if page is not None]
        page, pixels = max(copies, key=lambda place: place[1], default=(0, 0))
    return page if pixels >= max((size for place, size in whole if place is None), default=0) else None


def _pixels(directory: Directory) -> int:
    return directory[_WIDTH][0] * directory[_HEIGHT][0]
