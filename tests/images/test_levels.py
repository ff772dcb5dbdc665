"""Grey of more than 8 bits, floats, no-data marks and unused alpha give the right picture or a sentence."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from siam.errors import ImageError
from siam.images import read_image
from tests.support.tiffs import pixel_tags, tiff


def shades() -> np.ndarray:
    """Return 8-bit grey (64, 256) with every level, and some noise."""
    noise = np.random.default_rng(0).integers(-3, 4, (64, 256))
    return (np.arange(256)[None] + noise).clip(0, 255).astype(np.uint8)


def grey(pixels: np.ndarray, *, nodata: str | None = None, order: str = "<", **tags: int) -> bytes:
    extra = {} if nodata is None else {42113: (2, nodata.encode() + b"\0")}
    return tiff((pixels, pixel_tags(pixels, **tags) | extra), order=order)


def seen(data: bytes | Image.Image) -> np.ndarray:
    picture = np.asarray(read_image(data)).astype(int)
    assert (picture[..., 0] == picture[..., 1]).all() and (picture[..., 0] == picture[..., 2]).all()
    return picture[..., 0]


def off(data: bytes | Image.Image, *, but: np.ndarray | None = None, expected: np.ndarray | None = None) -> int:
    """Return the largest difference from the shades, except where `but` is true."""
    gap = np.abs(seen(data) - (shades() if expected is None else expected).astype(int))
    return int(gap.max() if but is None else gap[~but].max())


UNITS = shades().astype(np.float32) / 255


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("scale", [1, 255, 65535])
def test_floats_in_the_usual_ranges(scale: int, order: str):
    assert off(grey(UNITS * np.float32(scale), order=order)) <= 1


def test_dim_floats_are_not_brightened():
    assert off(grey(UNITS * np.float32(0.2)), expected=shades() * 0.2) <= 1


@pytest.mark.parametrize("share", [0, 0.001, 0.01])
@pytest.mark.parametrize("value", [1.0001, 1.02, 1.3, 40.0, 1e6, -0.01, -0.2])
def test_some_floats_beyond_the_range_change_no_others(value: float, share: float):
    outside = np.random.default_rng(1).random(UNITS.shape) < share
    outside[0, 0] = True
    pixels = np.where(outside, np.float32(value), UNITS)
    for source in (grey(pixels), Image.fromarray(pixels)):
        assert off(source, but=outside) <= 1
        assert set(seen(source)[outside]) == {255 if value > 0 else 0}


@pytest.mark.parametrize("share", [0.0005, 0.3, 0.9])
@pytest.mark.parametrize("mark", [-9999, -99999, -32768, -3.4028235e38, 3.4028235e38, 1e20, np.nan, np.inf, -np.inf])
def test_missing_values_are_black_and_change_no_others(mark: float, share: float):
    missing = np.random.default_rng(2).random(UNITS.shape) < share
    for scale in (1, 255):
        pixels = np.where(missing, np.float32(mark), UNITS * np.float32(scale))
        assert off(grey(pixels), but=missing) <= 1
        assert set(seen(grey(pixels))[missing]) == {0}


@pytest.mark.parametrize("mark", ["-1", "7", "1234.5", " 1e3 ", "-3.4028234663852886e+38", "nan"])
def test_gdal_says_what_is_missing(mark: str):
    missing = np.random.default_rng(3).random(UNITS.shape) < 0.4
    pixels = np.where(missing, np.float32(float(mark)), UNITS)
    assert off(grey(pixels, nodata=mark), but=missing) <= 1
    assert set(seen(grey(pixels, nodata=mark))[missing]) == {0}


def test_a_mark_that_cannot_be_read_marks_nothing():
    assert off(grey(UNITS, nodata="none")) <= 1
    assert off(grey(UNITS, nodata="1e999")) <= 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_integers_count_by_their_type(order: str):
    wide = shades().astype(np.uint16) * 257
    assert off(grey(wide, order=order)) == 0
    assert off(grey(wide // 4, order=order), expected=shades() / 4) <= 1
    assert off(grey(shades().astype(np.int16) * 128, order=order)) <= 1
    assert off(grey(shades().astype(np.int16), order=order)) == 0  # 8 bits in 16
    assert off(grey(shades().astype(np.int32) * 257, order=order)) == 0
    assert off(grey(shades().astype(np.uint32) * 16_843_009)) == 0


def test_missing_integers():
    missing = np.random.default_rng(4).random(UNITS.shape) < 0.4
    for mark, pixels in ((-32768, shades().astype(np.int16) * 128), (-9999, shades().astype(np.int32) * 257)):
        assert off(grey(np.where(missing, mark, pixels).astype(pixels.dtype)), but=missing) <= 1
    pixels = np.where(missing, 65535, shades().astype(np.uint16) * 257).astype(np.uint16)
    assert set(seen(grey(pixels, nodata="65535"))[missing]) == {0}


def test_12_bits_fill_the_range():
    pixels = np.repeat(np.arange(0, 4096, 16, dtype=np.uint16)[None], 64, axis=0)
    first, second = pixels[:, ::2], pixels[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1).astype(np.uint8)
    tags = pixel_tags(packed.reshape(64, -1)) | {256: (4, (256,)), 258: (3, (12,))}
    assert off(tiff((packed.reshape(64, -1), tags)), expected=pixels / 4095 * 255) <= 1


def test_white_may_be_zero():
    assert off(grey((255 - shades()).astype(np.uint16) * 257, photometric=0)) == 0
    assert off(grey(1 - UNITS, photometric=0)) <= 1
    assert off(grey(255 - shades(), photometric=0)) == 0


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_in_planes(bits: int, planes: int, order: str):
    colours = np.stack([shades(), shades()[::-1], shades()[:, ::-1]], -1)
    pixels = colours if bits == 8 else colours.astype(np.uint16) * 257
    found = np.asarray(read_image(tiff((pixels, pixel_tags(pixels, planes=planes)), order=order)))
    assert np.abs(found.astype(int) - colours).max() <= 1


@pytest.mark.parametrize(
    "pixels", [UNITS * 10 + 100_000, 1e9 + UNITS, np.where(UNITS < 0.99, UNITS * 1e-3, UNITS * 1e7) - 5]
)
def test_numbers_without_a_known_range_are_refused(pixels: np.ndarray):
    with pytest.raises(ImageError, match=r"map\.tif holds values from .* save it with 8 or 16 bits\."):
        read_image(grey(pixels.astype(np.float32)), name="map.tif")


@pytest.mark.parametrize(
    "pixels", [UNITS.astype(np.float64), np.stack([UNITS] * 3, -1), np.stack([UNITS] * 3, -1).astype(np.float16)]
)
def test_kinds_of_tiff_that_are_not_read_are_named(pixels: np.ndarray):
    with pytest.raises(ImageError, match=r"photo\.tif is .*TIFF.* of a kind that is not read: save it as"):
        read_image(tiff((pixels, pixel_tags(pixels))), name="photo.tif")


# Alpha


def bmp(colours: np.ndarray, alpha: np.ndarray) -> bytes:
    """Return a bitmap of 32 bits with a mask for alpha, as screenshots of Windows are."""
    pixels = np.dstack([colours[..., ::-1], alpha])[::-1].astype(np.uint8).tobytes()
    head = struct.pack("<IiiHHIIiiII", 124, colours.shape[1], colours.shape[0], 1, 32, 3, len(pixels), 0, 0, 0, 0)
    head += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(64)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


def test_an_unused_alpha_of_a_bitmap_hides_nothing():
    colours = np.stack([shades(), shades()[::-1], shades()[:, ::-1]], -1)
    for alpha in (0, 255):
        found = np.asarray(read_image(bmp(colours, np.full(shades().shape, alpha))))
        assert (found == colours).all()
    half = np.where(np.arange(256) < 128, 0, 255)[None].repeat(64, axis=0)  # this one is used
    found = np.asarray(read_image(bmp(colours, half)))
    assert (found[:, :128] == 255).all() and (found[:, 128:] == colours[:, 128:]).all()


def test_a_picture_that_is_truly_transparent_stays_white():
    stream = BytesIO()
    Image.new("RGBA", (64, 64), (10, 20, 30, 0)).save(stream, "PNG")
    assert read_image(stream.getvalue()).getextrema() == ((255, 255),) * 3


# Previews and raw files


def small() -> np.ndarray:
    return np.full((40, 60, 3), 200, np.uint8)


def large() -> np.ndarray:
    return np.stack([shades()] * 3, -1)


def test_a_reduced_copy_is_not_taken_for_the_photo():
    copy, photo = (small(), pixel_tags(small(), reduced=1)), (large(), pixel_tags(large()))
    for pages in ((copy, photo), (photo, copy), (copy, copy, photo), (copy, (large(), pixel_tags(large(), reduced=1)))):
        assert (np.asarray(read_image(tiff(*pages))) == large()).all()
    first = (small(), pixel_tags(small()))
    assert read_image(tiff(first, photo)).size == (60, 40)  # a page of its own
    assert read_image(tiff(photo, below=(copy,))).size == (256, 64)
    for page in (copy, first):
        with pytest.raises(ImageError, match="only a small preview can be read: save it again"):
            read_image(tiff(page, below=(photo,)))


def raw_files() -> dict[str, bytes]:
    """Return what the files of cameras begin with, or hold in their directories."""
    sensor = shades().astype(np.uint16)
    mosaic = (sensor, pixel_tags(sensor, photometric=32803))
    preview = (small(), pixel_tags(small(), reduced=1))
    version = {50706: (1, (1, 4, 0, 0))}
    canon = bytearray(tiff((small(), pixel_tags(small()))))
    canon[8:12] = b"CR\2\0"
    return {
        "preview.dng": tiff((small(), pixel_tags(small(), reduced=1) | version), below=(mosaic,)),
        "full.dng": tiff((large(), pixel_tags(large()) | version)),
        "linear.dng": tiff(preview, below=((large(), pixel_tags(large(), photometric=34892)),)),
        "alone.dng": tiff(mosaic),
        "photo.nef": tiff(preview, below=(preview, mosaic), order=">"),
        "photo.arw": tiff(preview, mosaic),
        "photo.cr2": bytes(canon),
        "photo.cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100),
        "photo.raf": b"FUJIFILMCCD-RAW 0201" + bytes(100),
        "photo.rw2": b"IIU\0" + bytes(100),
        "photo.orf": b"IIRO" + bytes(100),
    }


@pytest.mark.parametrize("name", raw_files())
def test_raw_files_are_refused_by_name(name: str):
    data = raw_files()[name]
    with pytest.raises(ImageError, match=rf"{name} is a camera's raw file, which is not read: export it as JPEG"):
        read_image(data, name=name)
    if name in ("preview.dng", "photo.nef"):
        with Image.open(BytesIO(data)) as opened, pytest.raises(ImageError, match="raw file"):
            read_image(opened)


@pytest.mark.parametrize("length", [0, 2, 8, 20, 60])
def test_broken_directories_end_in_a_sentence(length: int):
    whole = raw_files()["preview.dng"]
    start = struct.unpack_from("<I", whole, 4)[0]
    loop = bytearray(tiff((small(), pixel_tags(small()))))
    loop[-4:] = loop[4:8]  # the next directory is the first
    assert read_image(bytes(loop)).size == (60, 40)
    with pytest.raises(ImageError):
        read_image(whole[: start + length])
