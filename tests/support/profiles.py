"""ICC profiles made by hand, and the colours they mean, computed slowly in floats."""

import struct

import numpy as np

D65 = (0.3127, 0.3290)
PRIMARIES = {  # red, green, blue as CIE xy
    "sRGB": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "Display P3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "Adobe RGB": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    "BT.2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
_D50 = np.array([0.9642, 1, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_xyz(space: str) -> np.ndarray:
    """Return the matrix from linear RGB to XYZ under D65."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in PRIMARIES[space]]).T
    white = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]])
    return columns * np.linalg.solve(columns, white)


def linear(levels: np.ndarray, gamma: float | None) -> np.ndarray:
    """Return the light of levels from 0 to 1; gamma None is sRGB's curve."""
    if gamma is not None:
        return levels**gamma
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def encoded_light(light: np.ndarray) -> np.ndarray:
    """Return light as 8-bit sRGB."""
    light = light.clip(0, 1)
    return np.round(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(int)


def in_srgb(pixels: np.ndarray, space: str, gamma: float | None) -> np.ndarray:
    """Return what 8-bit pixels (…, 3) of a colour space are in sRGB."""
    light = linear(np.asarray(pixels) / 255, gamma)
    return encoded_light(light @ (np.linalg.inv(to_xyz("sRGB")) @ to_xyz(space)).T)


def _profile(colours: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags:
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, place + len(body), len(content))
        body += content
    kind, between = (b"prtr", b"Lab ") if colours == b"CMYK" else (b"mntr", b"XYZ ")
    head = struct.pack(">I4sI4s4s4s", place + len(body), b"none", 0x02200000, kind, colours, between)
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _numbers(_D50)
    return head.ljust(128, b"\0") + table + body


def _numbers(values: np.ndarray) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _description(text: str) -> tuple[bytes, bytes]:
    return b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text.encode() + bytes(79)


def _curve(gamma: float | None) -> bytes:
    if gamma is None:
        values = np.round(65535 * linear(np.linspace(0, 1, 1024), None)).astype(">u2")
        return b"curv\0\0\0\0" + struct.pack(">I", 1024) + values.tobytes()
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(name: str, space: str, gamma: float | None) -> bytes:
    """Return a profile of three primaries and one curve."""
    white = to_xyz("sRGB") @ np.ones(3)
    adapt = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white)) @ _BRADFORD
    columns = (adapt @ to_xyz(space)).T
    tags = [_description(name), (b"wtpt", b"XYZ \0\0\0\0" + _numbers(_D50))]
    tags += [
        (tag, b"XYZ \0\0\0\0" + _numbers(column))
        for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    ]
    return _profile(b"RGB ", [*tags, *((tag, _curve(gamma)) for tag in (b"rTRC", b"gTRC", b"bTRC"))])


def grey_profile(name: str, gamma: float | None) -> bytes:
    """Return a profile of one curve."""
    return _profile(
        b"GRAY", [_description(name), (b"wtpt", b"XYZ \0\0\0\0" + _numbers(_D50)), (b"kTRC", _curve(gamma))]
    )


def black_ink_profile() -> bytes:
    """Return a CMYK profile in which only black ink can be seen: L* falls from 100 to 0 with it."""
    head = struct.pack(">4sI4B", b"mft1", 0, 4, 3, 2, 0) + _numbers(np.eye(3).ravel())
    ramp = bytes(range(256))
    corners = b"".join(bytes([255 * (1 - corner % 2), 128, 128]) for corner in range(16))
    table = head + ramp * 4 + corners + ramp * 3
    return _profile(b"CMYK", [_description("black"), (b"wtpt", b"XYZ \0\0\0\0" + _numbers(_D50)), (b"A2B0", table)])
