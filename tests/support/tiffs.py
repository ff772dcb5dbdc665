"""TIFF files written by hand, with any tags, pages and pictures below pages."""

import struct

import numpy as np

_FORMATS = {1: "B", 3: "H", 4: "I"}
Tags = dict[int, tuple[int, bytes | tuple[int, ...]]]  # tag → type, and the values or, as text, the bytes


def pixel_tags(pixels: np.ndarray, **more: int) -> Tags:
    """Return the tags of uncompressed pixels (H, W) or (H, W, C); those of single numbers can be replaced by name."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    one = {"reduced": 0, "compression": 1, "photometric": 2 if channels >= 3 else 1, "planes": 1} | more
    return {
        254: (4, (one["reduced"],)),
        256: (4, (pixels.shape[1],)),
        257: (4, (pixels.shape[0],)),
        258: (3, (pixels.dtype.itemsize * 8,) * channels),
        259: (3, (one["compression"],)),
        262: (3, (one["photometric"],)),
        277: (3, (channels,)),
        278: (4, (pixels.shape[0],)),
        284: (3, (one["planes"],)),
        339: (3, (kind,) * channels),
    }


def tiff(*pages: tuple[np.ndarray, Tags], below: tuple[tuple[np.ndarray, Tags], ...] = (), order: str = "<") -> bytes:
    """Return a file of pages, each its pixels and tags; pictures `below` hang under the first page."""
    data = bytearray((b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 0))
    children = [_written(data, pixels, tags, order)[0] for pixels, tags in below]
    link = 4
    for number, (pixels, tags) in enumerate(pages):
        more: Tags = {330: (4, tuple(children))} if children and number == 0 else {}
        place, following = _written(data, pixels, tags | more, order)
        struct.pack_into(f"{order}I", data, link, place)
        link = following
    return bytes(data)


def _written(data: bytearray, pixels: np.ndarray, tags: Tags, order: str) -> tuple[int, int]:
    """Append pixels and their directory; return where it is, and where the place of the next one is written."""
    planes = np.moveaxis(pixels, -1, 0) if tags[284][1] == (2,) else pixels[None]
    places, sizes = [], []
    for plane in planes:
        places.append(len(data))
        raw = np.ascontiguousarray(plane).astype(plane.dtype.newbyteorder(order)).tobytes()
        sizes.append(len(raw))
        data += raw
    tags = tags | {273: (4, tuple(places)), 279: (4, tuple(sizes))}
    entries = []
    for tag in sorted(tags):
        kind, values = tags[tag]
        packed = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{_FORMATS[kind]}", *values)
        if len(packed) > 4:
            data += bytes(len(data) % 2)
            packed, start = struct.pack(f"{order}I", len(data)), packed
            data += start
        entries.append(struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))
    data += bytes(len(data) % 2)
    place = len(data)
    data += struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
    return place, len(data) - 4
