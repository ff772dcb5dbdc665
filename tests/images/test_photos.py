"""A photo may come as a path, bytes, a PIL image or an array; it is the same picture each time."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from siam.errors import ImageError
from siam.images import as_photo, read_image

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def same(image, pixels):
    return image.mode == "RGB" and np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("form", ["path", "text", "bytes", "open", "array", "view", "32 bits", "64 bits", "16 bits"])
def test_every_form_is_the_same_picture(form, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(PIXELS).save(path)
    photo = {
        "path": lambda: path,
        "text": lambda: str(path),
        "bytes": path.read_bytes,
        "open": lambda: Image.open(path),
        "array": lambda: PIXELS,
        "view": lambda: np.asfortranarray(PIXELS[::-1])[::-1],
        "32 bits": lambda: PIXELS.astype(np.float32) / 255,
        "64 bits": lambda: PIXELS / 255,
        "16 bits": lambda: (PIXELS / 255).astype(np.float16),
    }[form]()
    assert same(as_photo(photo), PIXELS)


def test_an_array_is_left_as_it_is():
    pixels = PIXELS.copy()
    as_photo(pixels).putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(pixels, PIXELS)


def test_grey_and_transparent_arrays():
    grey = PIXELS[:, :, 0]
    assert same(as_photo(grey), np.dstack([grey] * 3))
    assert same(as_photo(grey / 255), np.dstack([grey] * 3))
    transparent = np.dstack([PIXELS, np.full(grey.shape, 0, np.uint8)])
    transparent[:24, :, 3] = 255
    expected = np.where(transparent[:, :, 3:] == 255, PIXELS, 255)
    assert same(as_photo(transparent), expected)
    content = BytesIO()
    Image.fromarray(transparent).save(content, "PNG")
    assert same(as_photo(transparent / 255), np.asarray(read_image(content.getvalue())))


def test_rounding_of_floats_is_no_reason_to_refuse():
    pixels = np.linspace(0, 1, 48 * 64 * 3, dtype=np.float32).reshape(48, 64, 3)
    wide = pixels * np.float32(1.000001) - np.float32(1e-7)
    assert np.abs(np.asarray(as_photo(wide)).astype(int) - np.asarray(as_photo(pixels))).max() <= 1


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        pytest.param(PIXELS.astype(int), "array of int64; expected uint8", id="integers"),
        pytest.param(PIXELS.astype(np.uint16), "array of uint16; expected uint8", id="16 bits"),
        pytest.param(PIXELS > 9, "array of bool; expected uint8", id="bool"),
        pytest.param(PIXELS.astype(object), "array of object; expected uint8", id="object"),
        pytest.param(PIXELS.astype(float), r"floats from 0 to 255; .*: divide it by 255$", id="0 to 255"),
        pytest.param(PIXELS / 127.5 - 1, r"floats from -1 to 1; expected floats from 0 to 1", id="-1 to 1"),
        pytest.param(np.full((48, 64), np.nan), "floats, some of them NaN", id="NaN"),
        pytest.param(np.full((48, 64), np.inf), "floats from inf to inf", id="infinity"),
        pytest.param(PIXELS.transpose(2, 0, 1), r"array \(3, 48, 64\); .*photo.transpose\(1, 2, 0\)$", id="CHW"),
        pytest.param(PIXELS[None], r"array \(1, 48, 64, 3\); .*photo\[0\]$", id="NHWC"),
        pytest.param(PIXELS[:, :, :1], r"array \(48, 64, 1\); .*photo\[:, :, 0\]$", id="HW1"),
        pytest.param(PIXELS[:, :, :2], r"array \(48, 64, 2\); expected \(H, W, 3\)", id="HW2"),
        pytest.param(PIXELS[0, 0], r"array \(3\); expected \(H, W, 3\)", id="one pixel"),
        pytest.param(PIXELS[:0], r"array \(0, 64, 3\); expected", id="empty"),
        pytest.param(torch.from_numpy(PIXELS), r"not Tensor: pass photo.permute\(1, 2, 0\).numpy", id="tensor"),
        pytest.param(["a.jpg"], r"not list: pass one photo at a time$", id="list"),
        pytest.param(BytesIO(b"x"), r"not BytesIO: pass photo.read\(\)$", id="file"),
        pytest.param(None, r"a path, bytes, a PIL image or an array .*, not NoneType$", id="nothing"),
    ],
)
def test_anything_else_is_refused_in_one_line(photo, words):
    with pytest.raises((TypeError, ValueError), match=words) as caught:
        as_photo(photo)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(8, 8, 3), (40, 400, 3)])
def test_the_limits_hold_for_arrays(shape):
    with pytest.raises(ImageError, match=rf"The array \({', '.join(map(str, shape))}\) is {shape[1]} × {shape[0]} pix"):
        as_photo(np.zeros(shape, np.uint8))


def large_jpeg():
    content = BytesIO()
    Image.fromarray(PIXELS).resize((2300, 2100)).save(content, "JPEG")
    return content.getvalue()


def test_a_picture_that_was_read_keeps_the_size_in_its_file_and_a_crop_does_not():
    photo = read_image(large_jpeg())
    assert photo.size == (1150, 1050)
    assert as_photo(photo).info == photo.info == {"full_size": (2300, 2100)}
    assert as_photo(photo.crop((0, 0, 900, 300))).info == {}


def test_an_open_picture_is_turned_upright():
    content, exif = BytesIO(), Image.Exif()
    exif[0x112] = 6
    Image.fromarray(PIXELS).save(content, "PNG", exif=exif)
    image = Image.open(content)
    assert same(as_photo(image), np.asarray(ImageOps.exif_transpose(image)))
