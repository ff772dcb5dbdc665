"""Colours are those of sRGB, whatever a file says they are in, and however it says so."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageCms

from siam.images import read_image
from tests.support.profiles import (
    black_ink_profile,
    encoded_light,
    grey_profile,
    in_srgb,
    linear,
    rgb_profile,
    to_xyz,
)

EXACT = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True, "exact": True}}
CLOSE = {
    "JPEG": {"quality": 98, "subsampling": 0},
    "AVIF": {"quality": 98, "subsampling": "4:4:4"},
    "HEIF": {"quality": 98, "chroma": 444},
}
LEVELS = (20, 90, 160, 235)


def patches() -> Image.Image:
    """Return 64 colours, in squares of 16 pixels."""
    grid = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), -1).reshape(8, 8, 3).astype(np.uint8)
    return Image.fromarray(grid.repeat(16, axis=0).repeat(16, axis=1))


def greys() -> Image.Image:
    """Return 64 greys, in squares of 16 pixels."""
    grid = np.linspace(3, 252, 64).round().reshape(8, 8).astype(np.uint8)
    return Image.fromarray(grid.repeat(16, axis=0).repeat(16, axis=1))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **{**EXACT.get(kind, {}), **CLOSE.get(kind, {}), **options})
    return stream.getvalue()


def centres(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return the colours of the squares, away from their edges."""
    return np.asarray(image)[8::16, 8::16].astype(int)


def stored(data: bytes) -> np.ndarray:
    """Return the squares' colours as the file holds them."""
    with Image.open(BytesIO(data)) as image:
        return centres(image.convert("RGB"))


def gap(data: bytes | Image.Image, expected: np.ndarray) -> int:
    """Return the largest difference of the squares from what they should be."""
    picture = read_image(data)
    assert picture.mode == "RGB"
    return int(np.abs(centres(picture) - (expected if expected.ndim == 3 else expected[..., None])).max())


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG with more chunks after its header."""
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return data[:33] + b"".join(packed) + data[33:]


# ICC profiles


@pytest.mark.parametrize("kind", [*EXACT, *CLOSE])
@pytest.mark.parametrize(
    ("space", "gamma"), [("sRGB", 1.0), ("sRGB", 2.2), ("Display P3", None), ("Adobe RGB", 2.2), ("BT.2020", 2.4)]
)
@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "something"])
def test_a_profile_is_applied_whatever_it_is_called(kind: str, space: str, gamma: float | None, name: str):
    data = encoded(patches(), kind, icc_profile=rgb_profile(name, space, gamma))
    assert gap(data, in_srgb(stored(data), space, gamma)) <= 1


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("name", ["sRGB", "My camera", ""])
def test_a_profile_that_means_srgb_changes_no_pixel(kind: str, name: str):
    data = encoded(patches(), kind, icc_profile=rgb_profile(name, "sRGB", None))
    assert read_image(data).tobytes() == patches().tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_a_profile_applies_to_colours_with_alpha_and_in_palettes(mode: str):
    image = patches().quantize(64) if mode == "P" else patches().convert(mode)
    data = encoded(image, "PNG", icc_profile=rgb_profile("P3", "Display P3", None))
    assert gap(data, in_srgb(centres(image.convert("RGB")), "Display P3", None)) <= 1


@pytest.mark.parametrize("kind", [*EXACT, "JPEG", "AVIF", "HEIF"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
def test_a_grey_profile_applies(kind: str, gamma: float):
    data = encoded(greys(), kind, icc_profile=grey_profile("Grey", gamma))
    assert gap(data, encoded_light(linear(stored(data) / 255, gamma))) <= 1


@pytest.mark.parametrize("mode", ["LA", "I;16"])
def test_a_grey_profile_applies_below_alpha_and_to_16_bits(mode: str):
    deep = Image.fromarray(np.asarray(greys()).astype(np.uint16) * 257)
    image = deep if mode == "I;16" else greys().convert("LA")
    data = encoded(image, "PNG", icc_profile=grey_profile("Grey", 1.8))
    assert gap(data, encoded_light(linear(centres(greys()) / 255, 1.8))) <= 1


def test_a_colour_profile_applies_to_grey_and_a_grey_one_not_to_colours():
    data = encoded(greys(), "PNG", icc_profile=rgb_profile("linear", "sRGB", 1.0))
    assert gap(data, encoded_light(centres(greys()) / 255)) <= 1
    assert gap(encoded(patches(), "PNG", icc_profile=grey_profile("Grey", 1.0)), centres(patches())) == 0


def test_a_broken_profile_leaves_the_picture_as_it_is():
    sound = rgb_profile("P3", "Display P3", None)
    no_curves = sound.replace(b"rTRC", b"zzzz").replace(b"gTRC", b"zzzz").replace(b"bTRC", b"zzzz")
    black = sound.replace(b"XYZ \0\0\0\0", b"XYZ \0\0\0\0" + bytes(12))[: len(sound)]
    for broken in (b"", b"\0", b"no profile", sound[:100], sound[:300], no_curves, black, bytes(500)):
        data = encoded(patches(), "PNG", icc_profile=broken)
        assert gap(data, centres(patches())) <= 2, broken[:20]


def test_cmyk_with_a_profile():
    black = np.linspace(0, 255, 128).round().astype(np.uint8)[None].repeat(128, axis=0)
    image = Image.merge("CMYK", [*patches().split(), Image.fromarray(black)])
    for kind in ("TIFF", "JPEG"):
        pixels = np.asarray(read_image(encoded(image, kind, icc_profile=black_ink_profile()))).astype(int)
        lightness = 100 * (1 - black / 255)
        shown = encoded_light(np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3))
        assert np.abs(pixels - shown[..., None]).max() <= (2 if kind == "TIFF" else 8)


def test_cmyk_of_a_jpeg_is_inverted_only_where_adobe_says_so():
    inks = Image.merge("CMYK", [*ImageChops.invert(patches()).split(), Image.new("L", patches().size)])
    adobe = encoded(inks, "JPEG")
    assert gap(adobe, centres(patches())) <= 6
    marker = adobe.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", adobe, marker + 2)
    plain = encoded(ImageChops.invert(inks), "JPEG")  # which Pillow inverts once more
    plain = plain[:marker] + plain[marker + 2 + length :]
    assert gap(plain, centres(patches())) <= 6


@pytest.mark.parametrize("profile", [None, "sRGB", "LAB"])
def test_lab(profile: str | None):
    grid = np.stack(np.meshgrid((90, 130, 180, 215), (120, 128, 136, 140), (120, 128, 134, 138)), -1)
    grid = grid.reshape(8, 8, 3).astype(np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    image = Image.frombytes("LAB", (128, 128), (grid ^ np.array([0, 128, 128], np.uint8)).tobytes())
    profile_bytes = profile and ImageCms.ImageCmsProfile(ImageCms.createProfile(profile)).tobytes()
    data = encoded(image, "TIFF", icc_profile=profile_bytes)
    assert Image.open(BytesIO(data)).mode == "LAB"
    lightness, a, b = np.moveaxis(centres(grid), -1, 0)
    height = (lightness * 100 / 255 + 16) / 116
    parts = np.stack([height + (a - 128) / 500, height, height - (b - 128) / 200], -1)
    xyz = np.where(parts > 6 / 29, parts**3, 3 * (6 / 29) ** 2 * (parts - 4 / 29)) * [0.9642, 1, 0.8249]
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    white = to_xyz("sRGB") @ np.ones(3)
    adapt = np.linalg.inv(bradford) @ np.diag((bradford @ white) / (bradford @ [0.9642, 1, 0.8249])) @ bradford
    assert gap(data, encoded_light(xyz @ (np.linalg.inv(to_xyz("sRGB")) @ adapt).T)) <= 3


# Code points


def pq(light: np.ndarray) -> np.ndarray:
    """Return the 8-bit levels of light in cd/m², by SMPTE ST 2084."""
    power = (light / 10_000) ** (2610 / 16384)
    return np.round(255 * ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)).astype(
        np.uint8
    )


def hlg(light: np.ndarray) -> np.ndarray:
    """Return the 8-bit levels of light in cd/m² on a display of 1,000, by ITU-R BT.2100."""
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-6) / 1000
    scene = light / 1000 * luminance[..., None] ** (1 / 1.2 - 1)
    low, high = np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.round(255 * np.where(scene <= 1 / 12, low, high)).clip(0, 255).astype(np.uint8)


CODED = {  # primaries, transfer → the space and gamma that they mean
    (1, 13): ("sRGB", None),
    (1, 1): ("sRGB", None),
    (1, 8): ("sRGB", 1.0),
    (1, 4): ("sRGB", 2.2),
    (12, 13): ("Display P3", None),
    (12, 2): ("Display P3", None),
    (9, 13): ("BT.2020", None),
    (9, 14): ("BT.2020", None),
    (2, 2): ("sRGB", None),
    (99, 13): ("sRGB", None),
}


def tells(kind: str, image: Image.Image, primaries: int, transfer: int) -> bytes:
    """Return a file whose colours are told by code points alone."""
    if kind == "HEIF":
        options = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 0}
        return encoded(image, kind, quality=-1, chroma=444, **options)
    if kind == "PNG":
        return with_chunks(encoded(image, kind), (b"cICP", bytes([primaries, transfer, 0, 1])))
    data = encoded(image, "AVIF", quality=100)
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


@pytest.mark.parametrize("kind", ["HEIF", "PNG", "AVIF"])
@pytest.mark.parametrize("told", CODED)
def test_code_points_are_applied(kind: str, told: tuple[int, int]):
    if kind == "HEIF" and told == (99, 13):
        told = (2, 13)  # the writer knows no others
    space, gamma = CODED.get(told, ("sRGB", None))
    data = tells(kind, patches(), *told)
    assert gap(data, in_srgb(stored(data), space, gamma)) <= 1
    with Image.open(BytesIO(data)) as opened:
        assert read_image(opened).tobytes() == read_image(data).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "HEIF", "AVIF"])
@pytest.mark.parametrize("curve", ["PQ", "HLG"])
def test_an_ordinary_picture_in_pq_or_hlg_looks_as_before(kind: str, curve: str):
    light = 203 * linear(np.asarray(patches()) / 255, None) @ (np.linalg.inv(to_xyz("BT.2020")) @ to_xyz("sRGB")).T
    levels = pq(light.clip(0)) if curve == "PQ" else hlg(light.clip(0))
    data = tells(kind, Image.fromarray(levels), 9, 16 if curve == "PQ" else 18)
    off = np.abs(centres(read_image(data)) - centres(patches()))
    assert off.mean() <= 5 and off.max() <= 24  # 8 bits that last for 1,000 or 10,000 cd/m² are coarse in the dark


@pytest.mark.parametrize("curve", ["PQ", "HLG"])
def test_highlights_stay_apart_and_the_rest_as_it_is(curve: str):
    light = np.geomspace(1, 1000, 64)  # cd/m²
    squares = light.reshape(8, 8).repeat(16, axis=0).repeat(16, axis=1)[..., None].repeat(3, -1)
    levels = pq(squares) if curve == "PQ" else hlg(squares)
    pixels = centres(read_image(tells("PNG", Image.fromarray(levels), 9, 16 if curve == "PQ" else 18)))
    shown = pixels[..., 1].ravel()
    assert (np.diff(shown) >= 0).all() and shown[-1] >= 254
    assert np.abs(pixels - pixels[..., :1]).max() <= 1
    below = light < 100
    assert np.abs(shown - encoded_light(light / 203))[below].max() <= 4
    assert len(np.unique(shown[light > 203])) >= 10


def test_code_points_go_before_a_profile_in_png_and_after_it_elsewhere():
    swapped = rgb_profile("Adobe", "Adobe RGB", 2.2)
    data = with_chunks(encoded(patches(), "PNG", icc_profile=swapped), (b"cICP", bytes([12, 13, 0, 1])))
    assert gap(data, in_srgb(centres(patches()), "Display P3", None)) <= 1
    broken = with_chunks(encoded(patches(), "PNG", icc_profile=swapped), (b"cICP", bytes([99, 99, 0, 1])))
    assert gap(broken, in_srgb(centres(patches()), "Adobe RGB", 2.2)) <= 1


# PNG's older ways, and cameras'

P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


@pytest.mark.parametrize(
    ("chunks", "space", "gamma"),
    [
        ([(b"gAMA", struct.pack(">I", 100_000))], "sRGB", 1.0),
        ([(b"gAMA", struct.pack(">I", 55_556))], "sRGB", 1.8),
        ([(b"gAMA", struct.pack(">I", 45_455))], "sRGB", None),  # what files in sRGB say
        ([(b"cHRM", P3)], "Display P3", None),
        ([(b"cHRM", P3), (b"gAMA", struct.pack(">I", 45_455))], "Display P3", 2.2),
        ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", P3)], "sRGB", None),
        ([(b"gAMA", bytes(4))], "sRGB", None),
        ([(b"cHRM", bytes(32))], "sRGB", None),
        ([(b"cHRM", struct.pack(">8I", *[2**32 - 1] * 8))], "sRGB", None),
    ],
)
def test_gamma_and_chromaticities_of_png(chunks: list[tuple[bytes, bytes]], space: str, gamma: float | None):
    data = with_chunks(encoded(patches(), "PNG"), *chunks)
    assert gap(data, in_srgb(centres(patches()), space, gamma)) <= 1
    with Image.open(BytesIO(data)) as opened:
        assert read_image(opened).tobytes() == read_image(data).tobytes()


def test_a_profile_goes_before_gamma_unless_it_is_broken():
    linear_light = struct.pack(">I", 100_000)
    for profile, space, gamma in ((rgb_profile("a", "Adobe RGB", 2.2), "Adobe RGB", 2.2), (b"broken", "sRGB", 1.0)):
        data = with_chunks(encoded(patches(), "PNG", icc_profile=profile), (b"gAMA", linear_light))
        assert gap(data, in_srgb(centres(patches()), space, gamma)) <= 1


@pytest.mark.parametrize(("index", "space", "gamma"), [("R03", "Adobe RGB", 2.2), ("R98", "sRGB", None)])
def test_cameras_tell_adobe_rgb_in_exif(index: str, space: str, gamma: float | None):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: index}
    data = encoded(patches(), "JPEG", exif=exif)
    assert gap(data, in_srgb(stored(data), space, gamma)) <= 1
