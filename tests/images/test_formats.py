"""Whatever Pillow can open of the accepted formats is accepted, under each name that such files have."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siam.datasets import folder
from siam.errors import ImageError
from siam.images import ACCEPTED, ACCEPTED_SUFFIXES, read_image
from tests.support.profiles import in_srgb, rgb_profile

COLOURS = np.array([[(220, 30, 40), (30, 200, 60)], [(20, 60, 210), (240, 220, 30)]], np.uint8)
COLOURS = COLOURS.repeat(32, axis=0).repeat(32, axis=1)


def jpeg2000(**options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(COLOURS).save(stream, "JPEG2000", **options)
    return stream.getvalue()


def test_every_ending_that_pillow_knows_for_an_accepted_format_is_accepted():
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN or kind == "MPO"}
    for suffixes in (
        {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"},
        {
            ".heic",
            ".heif",
            ".heics",
            ".heifs",
            ".hif",
            ".avif",
            ".avifs",
            ".jp2",
            ".j2k",
            ".jpx",
            ".jpf",
            ".jpc",
            ".j2c",
        },
    ):
        assert suffixes <= known and suffixes <= set(ACCEPTED_SUFFIXES)
    assert set(ACCEPTED_SUFFIXES) <= known
    assert not set(ACCEPTED_SUFFIXES) & {".eps", ".ps", ".pdf", ".ico", ".psd", ".h5", ".mpg", ".svg", ".txt", ".csv"}
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in ACCEPTED_SUFFIXES)


def test_the_formats_are_named():
    for name in ("JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "JPEG 2000", "HEIC", "AVIF"):
        assert name in ACCEPTED


@pytest.mark.parametrize("suffix", ACCEPTED_SUFFIXES)
def test_a_folder_lists_each_of_them_in_any_case(suffix: str, tmp_path: Path):
    for name in ("one" + suffix, "two" + suffix.upper()):
        Image.fromarray(COLOURS).save(tmp_path / ("written" + suffix))
        (tmp_path / ("written" + suffix)).rename(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    photos = folder.read(tmp_path)
    assert sorted(path.name for path in photos.files) == ["one" + suffix, "two" + suffix.upper()]
    for path in photos.files:
        assert np.abs(np.asarray(read_image(path)).astype(int) - COLOURS)[8:24, 8:24].max() <= 12


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}])
def test_jpeg_2000(options: dict[str, bool]):
    data = jpeg2000(**options)
    assert (np.asarray(read_image(data)) == COLOURS).all()
    assert (np.asarray(read_image(data + b"and more")) == COLOURS).all()
    for length in (len(data) // 2, len(data) - 20):
        with pytest.raises(ImageError, match="damaged"):
            read_image(data[:length])


def test_jpeg_2000_in_grey_of_16_bits_and_with_alpha():
    stream = BytesIO()
    ramp = np.arange(0, 65536, 257, dtype=np.uint16)[None].repeat(64, axis=0)
    Image.fromarray(ramp).save(stream, "JPEG2000")
    assert (np.asarray(read_image(stream.getvalue()))[..., 0] == np.arange(256)[None]).all()
    stream = BytesIO()
    clear = Image.fromarray(COLOURS).convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(np.arange(64) < 32, 0, 255).astype(np.uint8)[None].repeat(64, axis=0)))
    clear.save(stream, "JPEG2000")
    pixels = np.asarray(read_image(stream.getvalue()))
    assert (pixels[:, :32] == 255).all() and (pixels[:, 32:] == COLOURS[:, 32:]).all()


def test_jpeg_2000_with_a_profile():
    data = jpeg2000()
    start = data.index(b"jp2h") - 4
    place = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, place)
    content = b"\2\0\0" + rgb_profile("P3", "Display P3", None)
    box = struct.pack(">I4s", 8 + len(content), b"colr") + content
    (whole,) = struct.unpack_from(">I", data, start)
    head = data[:start] + struct.pack(">I", whole - length + len(box)) + data[start + 4 : place]
    expected = in_srgb(COLOURS, "Display P3", None)
    data = head + box + data[place + length :]
    assert np.abs(np.asarray(read_image(data)) - expected).max() <= 1
    with Image.open(BytesIO(data)) as opened:
        assert np.abs(np.asarray(read_image(opened)) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["ICO", "PPM", "PCX", "TGA", "EPS"])
def test_other_formats_are_refused(kind: str):
    stream = BytesIO()
    Image.fromarray(COLOURS).save(stream, kind)
    with pytest.raises(ImageError, match="not a picture: choose a picture"):
        read_image(stream.getvalue())
