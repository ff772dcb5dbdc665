"""Every accepted kind of picture comes out with the right colours; everything else is one plain ImageError."""

import os
import struct
import threading
import time
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

import siam
from siam.errors import ImageError
from siam.gallery.samples import load_samples
from siam.images import reading
from siam.images.preprocessing import input_picture, least_side, preprocess, target_size
from siam.images.reading import ACCEPTED, ACCEPTED_SUFFIXES, read_image
from tests.support.networks import siam_network

LOSSY = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "HEIF": {"quality": 95},
}
LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}, "BMP": {}, "GIF": {}}
CORNERS = np.array([[(220, 30, 40), (30, 200, 60)], [(20, 60, 210), (240, 220, 30)]], dtype=np.uint8)
TOLERANCE = 12  # of 255, for lossy formats


@pytest.fixture(autouse=True)
def unchanged_globals():
    """No test of this file may leave the process's filters or Pillow's limit changed."""
    before = list(warnings.filters), Image.MAX_IMAGE_PIXELS
    yield
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS) == before


def quarters() -> Image.Image:
    """Return 96 x 64 pixels: red, green over blue, yellow; no turn or flip leaves it the same."""
    return Image.fromarray(CORNERS.repeat(32, axis=0).repeat(48, axis=1))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **{**LOSSY.get(kind, {}), **LOSSLESS.get(kind, {}), **options})
    return stream.getvalue()


def difference(image: Image.Image, expected: np.ndarray) -> int:
    """Return the largest difference of a channel, 3 pixels away from edges between colours."""
    assert image.mode == "RGB"
    assert (image.height, image.width) == expected.shape[:2]
    gap = np.abs(np.asarray(image).astype(int) - expected)
    rows, columns = expected.shape[0] // 2, expected.shape[1] // 2
    gap[rows - 3 : rows + 3], gap[:, columns - 3 : columns + 3] = 0, 0
    return int(gap.max())


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> bytes:
    """Return a PNG file written by hand: `rows` are the unfiltered lines, each after a zero byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def refusal(source: bytes | str | Path | Image.Image, name: str | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source, name=name)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.endswith(".")
    return message


# Colours


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("how", ["bytes", "path", "str", "open"])
def test_every_format_keeps_its_colours(kind: str, how: str, tmp_path: Path):
    data = encoded(quarters(), kind)
    path = tmp_path / "picture.of-any-name"
    path.write_bytes(data)
    source = {"bytes": data, "path": path, "str": str(path)}.get(how) or Image.open(BytesIO(data))
    image = read_image(source)
    assert type(image) is Image.Image
    assert difference(image, np.asarray(quarters())) <= (TOLERANCE if kind in LOSSY else 0)


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """Turn as EXIF 2.3 defines it, by where the stored first row and first column belong."""
    transposed = stored.swapaxes(0, 1)
    return {
        1: stored,  # top, left
        2: stored[:, ::-1],  # top, right
        3: stored[::-1, ::-1],  # bottom, right
        4: stored[::-1],  # bottom, left
        5: transposed,  # left, top
        6: transposed[:, ::-1],  # right, top
        7: transposed[::-1, ::-1],  # right, bottom
        8: transposed[::-1],  # left, bottom
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_picture_is_turned_upright_once(kind: str, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif.tobytes()}
    image = read_image(encoded(quarters(), kind, **options))
    assert difference(image, upright(np.asarray(quarters()), orientation)) <= (TOLERANCE if kind in LOSSY else 0)
    again = read_image(image)
    assert again is not image
    assert again.tobytes() == image.tobytes()


def test_an_open_picture_is_left_as_it_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = Image.open(BytesIO(encoded(quarters(), "PNG", exif=exif.tobytes())))
    read_image(source).paste("black", (0, 0, 64, 64))
    assert source.size == (96, 64)
    assert source.tobytes() == quarters().tobytes()
    plain = quarters()
    read_image(plain).paste("black", (0, 0, 64, 64))
    assert plain.tobytes() == quarters().tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind: str):
    inks = Image.fromarray(np.concatenate([255 - CORNERS, np.zeros_like(CORNERS[..., :1])], axis=2), "CMYK")
    data = encoded(inks.resize((96, 64), Image.Resampling.NEAREST), kind)
    assert Image.open(BytesIO(data)).mode == "CMYK"
    assert difference(read_image(data), np.asarray(quarters())) <= (TOLERANCE if kind == "JPEG" else 0)


def test_grey_black_and_white_palette():
    grey = quarters().convert("L")
    expected = np.asarray(grey)[..., None].repeat(3, axis=2)
    for data in (encoded(grey, "PNG"), encoded(grey, "TIFF"), encoded(grey, "BMP")):
        assert difference(read_image(data), expected) == 0
    assert difference(read_image(encoded(grey, "JPEG")), expected) <= TOLERANCE
    line = Image.new("1", (64, 64))
    line.paste(1, (0, 0, 32, 64))
    pixels = np.asarray(read_image(encoded(line, "PNG")))
    assert (pixels[:, :32] == 255).all()
    assert (pixels[:, 32:] == 0).all()
    palette = quarters().quantize(4)
    assert difference(read_image(encoded(palette, "PNG")), np.asarray(quarters())) == 0


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_alpha_is_laid_on_white(mode: str):
    colour = (200, 100, 0) if "RGB" in mode or mode == "PA" else (100, 100, 100)
    image = Image.new("RGBA", (60, 40), (*colour, 255))
    image.putalpha(Image.fromarray(np.repeat(np.array([0, 51, 255], dtype=np.uint8), 20)[None].repeat(40, axis=0)))
    if mode == "PA":
        image = Image.merge("LA", (Image.new("L", image.size, 0), image.getchannel("A")))
        image.putpalette([*colour, 0, 0, 0])
    else:
        image = image.convert("LA" if mode == "La" else mode).convert(mode)
    sources = [image] if mode in ("PA", "RGBa", "La") else [image, encoded(image, "PNG"), encoded(image, "TIFF")]
    for source in sources:
        pixels = np.asarray(read_image(source))[20, [10, 30, 50]].astype(int)
        mixed = [[255 - round(share * (255 - value)) for value in colour] for share in (0, 0.2, 1)]
        assert np.abs(pixels - mixed).max() <= (3 if "a" in mode else 1)  # premultiplied values are rounded twice


def test_transparent_palette_and_colour_key_are_laid_on_white():
    palette = Image.new("P", (64, 64))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(1, (0, 0, 32, 64))
    for kind, transparency in (("GIF", 1), ("PNG", 1), ("PNG", bytes([255, 0]))):
        image = read_image(encoded(palette, kind, transparency=transparency))
        assert image.getpixel((5, 5)) == (255, 255, 255)
        assert image.getpixel((60, 5)) == (255, 0, 0)
    key = encoded(quarters(), "PNG", transparency=(220, 30, 40))
    assert read_image(key).getpixel((5, 5)) == (255, 255, 255)
    assert read_image(key).getpixel((90, 5)) == (30, 200, 60)


def ramps() -> dict[str, bytes | Image.Image]:
    """Return a ramp from black to white, 64 rows of 256 pixels, in everything with more than 8 bits."""
    ramp = np.linspace(0, 65535, 256).round()[None].repeat(64, axis=0)
    line = b"\0" + ramp[0].astype(">u2").tobytes()
    colour_line = b"\0" + ramp[0].astype(">u2").repeat(3).tobytes()
    return {
        "16-bit PNG": png(256, 64, 16, 0, line * 64),
        "16-bit PNG with a colour key": png(256, 64, 16, 0, line * 64, ((b"tRNS", b"\0\0"),)),
        "16-bit RGB PNG": png(256, 64, 16, 2, colour_line * 64),
        "16-bit TIFF": encoded(Image.fromarray(ramp.astype("<u2")), "TIFF"),
        "I;16B": Image.frombytes("I;16B", (256, 64), ramp.astype(">u2").tobytes()),
        "32-bit TIFF": encoded(Image.fromarray(ramp.astype(np.int32)), "TIFF"),
        "32-bit, 0 to 255": Image.fromarray((ramp // 257).astype(np.int32)),
        "32-bit, large": Image.fromarray((ramp * 30_000).astype(np.int32)),
        "32-bit, signed": Image.fromarray((ramp - 40_000).astype(np.int32)),
        "float TIFF": encoded(Image.fromarray((ramp / 65535).astype(np.float32)), "TIFF"),
        "float, 0 to 255": Image.fromarray((ramp / 257).astype(np.float32)),
        "float, -3 to 5": Image.fromarray((ramp / 65535 * 8 - 3).astype(np.float32)),
        "float, huge": Image.fromarray((ramp / 65535 * 6e38 - 3e38).astype(np.float32)),
    }


@pytest.mark.parametrize("kind", ramps())
def test_more_than_8_bits_are_scaled_and_not_clipped(kind: str):
    pixels = np.asarray(read_image(ramps()[kind])).astype(int)
    assert np.abs(pixels - np.arange(256)[None, :, None]).max() <= 1
    assert (np.diff(pixels, axis=1) >= 0).all()
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_float_picture_with_nan_and_infinity():
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[0, 1], values[0, 2], values[0, 3] = np.nan, np.inf, -np.inf
    image = read_image(Image.fromarray(values))
    assert [image.getpixel((x, 0)) for x in (1, 2, 3)] == [(0, 0, 0)] * 3
    assert image.getpixel((63, 63)) == (255, 255, 255)
    assert read_image(Image.fromarray(np.full((64, 64), np.nan, np.float32))).getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_first_frame_counts(kind: str):
    data = encoded(quarters(), kind, save_all=True, append_images=[Image.new("RGB", (96, 64), "black")])
    assert getattr(Image.open(BytesIO(data)), "n_frames", 1) == 2
    assert difference(read_image(data), np.asarray(quarters())) == 0


def swapped_profile() -> bytes:
    """Return an ICC profile like sRGB's, but with red where green is and the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    head, tail = profile[:400], profile[400:]  # the table of tags is in the head
    assert head.count(b"rXYZ") == head.count(b"gXYZ") == 1
    return head.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ") + tail


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF"])
def test_embedded_colour_profile_is_applied_once(kind: str):
    image = read_image(encoded(quarters(), kind, icc_profile=swapped_profile()))
    expected = np.asarray(quarters())[..., [1, 0, 2]]
    assert difference(image, expected) <= (TOLERANCE if kind in LOSSY else 2)
    assert read_image(image).tobytes() == image.tobytes()


def test_profile_applies_below_alpha_and_srgb_changes_nothing():
    clear = quarters().convert("RGBA")
    clear.putpixel((0, 0), (9, 9, 9, 0))
    image = read_image(encoded(clear, "PNG", icc_profile=swapped_profile()))
    assert min(image.getpixel((0, 0))) >= 254
    assert difference(image.crop((1, 1, 95, 63)), np.asarray(quarters())[1:-1, 1:-1, [1, 0, 2]]) <= 2
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(read_image(encoded(quarters(), "PNG", icc_profile=srgb)), np.asarray(quarters())) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_damaged_metadata_does_not_refuse_a_readable_photo(kind: str):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"garbage", swapped_profile()[:200], lab):
        image = read_image(encoded(quarters(), kind, icc_profile=profile))
        assert difference(image, np.asarray(quarters())) <= TOLERANCE
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 1, "a maker"
    whole = exif.tobytes()
    for broken in (b"Exif\0\0garbage", whole[:17], whole[:6] + b"\xff" * (len(whole) - 6)):
        if kind != "TIFF":  # Pillow itself writes only sound tags
            assert difference(read_image(encoded(quarters(), kind, exif=broken)), np.asarray(quarters())) <= TOLERANCE


# Limits


@pytest.mark.parametrize("side", [7_072, 10_000, 20_000, 1_000_000])  # below and above Pillow's own limits
def test_megapixels_are_decided_before_decoding(side: int, monkeypatch: pytest.MonkeyPatch):
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self))
    assert "megapixels" in refusal(png(side, side, 8, 2, b"\0"), name="huge.png")
    assert not decoded


def test_bytes_are_decided_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "heavy.jpg"
    with path.open("wb") as file:
        file.truncate(21_000_000)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("the picture was opened"))
    message = refusal(path)
    assert "heavy.jpg" in message
    assert "21.0 MB" in message
    assert "20.1 MB" in refusal(bytes(20_000_001), name="heavy.jpg")


def test_limits_are_inclusive(monkeypatch: pytest.MonkeyPatch):
    data = encoded(quarters(), "PNG")
    monkeypatch.setattr(reading, "MAX_PIXELS", 96 * 64)
    monkeypatch.setattr(reading, "MAX_BYTES", len(data))
    assert read_image(data).size == (96, 64)
    monkeypatch.setattr(reading, "MAX_PIXELS", 96 * 64 - 1)
    assert "megapixels" in refusal(data)
    assert "megapixels" in refusal(quarters())
    monkeypatch.setattr(reading, "MAX_BYTES", len(data) - 1)
    assert "MB" in refusal(data)


@pytest.mark.parametrize("size", [(32, 32), (32, 256), (256, 32)])
def test_smallest_and_longest_pictures(size: tuple[int, int]):
    assert read_image(Image.new("RGB", size)).size == size


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (31, 100), (100, 31), (32, 257), (257, 32), (0, 5)])
def test_too_small_or_too_long(size: tuple[int, int]):
    message = refusal(Image.new("L", size), name="strip.png")
    assert "strip.png" in message
    assert f"{size[0]} × {size[1]} pixels" in message


# What cannot be read

JPEG, PNG = encoded(quarters(), "JPEG"), encoded(quarters(), "PNG")
BAD = {
    "text.jpg": (b"These are my holiday photos.\n" * 9, "not a picture"),
    "page.png": (b"<!doctype html><title>404</title>", "not a picture"),
    "empty.jpg": (b"", "empty"),
    "one.jpg": (b"\xff", "not a picture"),
    "drawing.svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "archive.jpg": (b"PK\x03\x04" + bytes(99), "ZIP"),
    "document.jpg": (b"%PDF-1.7\n", "PDF"),
    "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n", "not a picture"),
    "bitmap.jpg": (b"P6 64 64 255\n" + bytes(64 * 64 * 3), "not a picture"),  # Pillow could read it
    "icon.jpg": (encoded(quarters(), "ICO"), "not a picture"),
    "header.png": (PNG[:30] + b"garbage" * 40, "damaged"),
    "start.png": (PNG[:8], "damaged PNG"),
    "start.jpg": (JPEG[:20], "damaged JPEG"),
    "noise.jpg": (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9, "damaged JPEG"),
    **{f"end.{kind.lower()}": (encoded(quarters(), kind)[:-20], "damaged") for kind in ["JPEG", "BMP", "AVIF", "HEIF"]},
    **{
        f"half.{kind.lower()}": (encoded(quarters(), kind)[: len(encoded(quarters(), kind)) // 2], "damaged")
        for kind in [*LOSSY, *LOSSLESS]
    },
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_refused_in_one_sentence_that_names_it(name: str, tmp_path: Path):
    data, words = BAD[name]
    path = tmp_path / name
    path.write_bytes(data)
    for message in (refusal(path), refusal(str(path)), refusal(data, name=name)):
        assert name in message
        assert words in message
    assert refusal(data).startswith("The picture ")


def test_places_that_hold_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "does not exist" in refusal(tmp_path / "missing.jpg")
    assert "folder" in refusal(tmp_path)
    assert "folder" in refusal("")
    assert "not a valid path" in refusal("a\0b.jpg")
    assert "cannot be opened" in refusal("long" * 2000 + ".jpg")
    (tmp_path / "file").touch()
    assert "cannot be opened" in refusal(tmp_path / "file" / "in-a-file.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "pipe" in refusal(tmp_path / "pipe.jpg")
    path = tmp_path / "private.jpg"
    path.write_bytes(JPEG)

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", forbidden)  # an administrator may read everything, so chmod would not do
    message = refusal(path)
    assert "private.jpg" in message
    assert "permission" in message.lower()


def test_message_stays_one_line_whatever_the_name():
    message = refusal(b"no", name="a\nb\u2028c\x1b[31m.jpg")
    assert "a?b?c?[31m.jpg" in message
    assert len(refusal(b"no", name="x" * 5000 + "end.jpg")) < 300
    assert "xend.jpg" in refusal(b"no", name="x" * 5000 + "end.jpg")


def test_wrong_argument_is_a_type_error():
    for wrong in (None, 3, np.zeros((64, 64, 3), np.uint8), BytesIO(PNG)):
        with pytest.raises(TypeError, match="read_image takes"):
            read_image(wrong)  # pyright: ignore[reportArgumentType]


def test_closed_or_broken_open_picture():
    broken = Image.open(BytesIO(JPEG[:-20]))
    assert "damaged" in refusal(broken, name="open.jpg")
    closed = Image.open(BytesIO(PNG))
    closed.close()
    assert "damaged" in refusal(closed)


@pytest.mark.parametrize("action", ["default", "error"])
def test_threads_see_no_warning_and_leave_no_filter(action: str, monkeypatch: pytest.MonkeyPatch):
    really_open = Image.open

    def slowly_open(*args: object, **options: object) -> Image.Image:
        time.sleep(0.001)  # lets the threads overtake each other
        return really_open(*args, **options)

    monkeypatch.setattr(Image, "open", slowly_open)
    loud = png(10_000, 10_000, 8, 2, b"\0")  # Pillow warns of a decompression bomb
    with warnings.catch_warnings(record=action == "default") as seen:
        warnings.simplefilter(action)
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            messages = set(pool.map(lambda _: refusal(loud), range(64)))
        assert list(warnings.filters) == before
    assert not seen
    assert len(messages) == 1


FILES = {
    kind: encoded(quarters(), kind, exif=Image.Exif().tobytes(), icc_profile=swapped_profile())
    for kind in ["JPEG", "PNG"]
}
FILES |= {
    kind: encoded(quarters(), kind)
    for kind in ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF"]
    if kind not in FILES
}


def picture_or_image_error(data: bytes) -> None:
    try:
        image = read_image(data, name="fuzz")
    except ImageError as error:
        assert len(str(error).splitlines()) == 1
        assert str(error).startswith("fuzz ")
    else:
        assert image.mode == "RGB"


@given(st.binary(max_size=300), st.sampled_from([b"", *{data[:12] for data in FILES.values()}]))
def test_any_bytes_give_a_picture_or_an_image_error(data: bytes, start: bytes):
    picture_or_image_error(start + data)


@pytest.mark.parametrize("kind", FILES)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_damage_gives_a_picture_or_an_image_error(kind: str, data: st.DataObject):
    whole = FILES[kind]
    place = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 400).map(lambda place: place % len(whole)))
    picture_or_image_error(whole[:place])
    byte = data.draw(st.integers(0, 255))
    picture_or_image_error(whole[:place] + bytes([byte]) + whole[place + 1 :])


def test_what_is_accepted_is_said_and_true(tmp_path: Path):
    assert ACCEPTED.endswith("at most 20 MB and 50 megapixels")
    for suffix in ACCEPTED_SUFFIXES:
        path = tmp_path / f"picture{suffix}"
        quarters().save(path)
        assert read_image(path).size == (96, 64)


# The network's input


@dataclass(frozen=True)
class Config:
    """The fields `preprocess` reads."""

    image_size: int = 64
    size_multiple: int = 32
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


@pytest.mark.parametrize("size", [(100, 100), (321, 97), (33, 260), (64, 64)])
def test_constant_colour_is_normalised(size: tuple[int, int]):
    config = Config()
    pixels = preprocess(Image.new("RGB", size, (255, 100, 0)), config)
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()
    assert tuple(pixels.shape) == (1, 3, *target_size(size[::-1], config))
    for channel, value in enumerate((255, 100, 0)):
        expected = (value / 255 - config.mean[channel]) / config.std[channel]
        assert torch.allclose(pixels[0, channel], torch.tensor(expected), atol=1e-5)


def test_axes_and_channels_keep_their_places():
    config = Config(mean=(0, 0, 0), std=(1, 1, 1))
    pixels = preprocess(quarters(), config)  # (1, 3, 64, 96)
    assert tuple(pixels.shape) == (1, 3, 64, 96)
    assert torch.equal((pixels[0] * 255).round().byte(), torch.from_numpy(np.array(quarters())).permute(2, 0, 1))


def test_scaling_down_is_antialiased_and_repeatable():
    board = Image.fromarray((np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)).convert("RGB")
    config = Config(mean=(0, 0, 0), std=(1, 1, 1))
    pixels = preprocess(board, config)
    assert (pixels - 0.5).abs().max() < 0.02  # a checkerboard of single pixels is grey from afar
    assert torch.equal(pixels, preprocess(board, config))


def test_scaling_up_is_bicubic():
    step = Image.new("RGB", (64, 64), (100, 100, 100))
    step.paste((150, 150, 150), (32, 0, 64, 64))
    pixels = preprocess(step, Config(image_size=256, mean=(0, 0, 0), std=(1, 1, 1))) * 255
    assert pixels.min() < 97  # cubic curves overshoot at an edge, straight lines do not
    assert pixels.max() > 153


def test_preprocess_takes_a_photo_in_any_form(tmp_path: Path):
    grey, config = Image.fromarray(np.arange(64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64)), Config()
    grey.save(tmp_path / "grey.png")
    expected = preprocess(grey.convert("RGB"), config)
    for photo in (grey, tmp_path / "grey.png", str(tmp_path / "grey.png"), np.asarray(grey)):
        assert torch.equal(preprocess(photo, config), expected)
    with pytest.raises(TypeError, match=r"^a photo is a path, bytes, .*, not NoneType$"):
        preprocess(None, config)  # type: ignore[arg-type]


def test_paper_s_size():
    assert target_size((480, 640), Config(image_size=224, size_multiple=1)) == (224, 299)
    assert target_size((3000, 2000), Config(image_size=224, size_multiple=32)) == (352, 224)  # 336 is 10.5 x 32
    assert target_size((32, 256), Config(image_size=8, size_multiple=32)) == (32, 64)


@given(
    short=st.integers(32, 7000),
    aspect=st.floats(1, 8),
    tall=st.booleans(),
    image_size=st.integers(16, 1024),
    multiple=st.sampled_from([1, 8, 16, 32, 64]),
)
def test_sizes_are_the_nearest_multiples(short: int, aspect: float, tall: bool, image_size: int, multiple: int):
    size = (int(short * aspect), short) if tall else (short, int(short * aspect))
    result = target_size(size, Config(image_size, multiple))
    for side, scaled in zip(size, result, strict=True):
        exact = side * image_size / short
        assert scaled >= multiple
        assert scaled % multiple == 0
        assert abs(scaled - exact) <= multiple / 2 + 1e-6 or (scaled == multiple and exact < multiple)
    assert target_size(size[::-1], Config(image_size, multiple)) == result[::-1]


@settings(deadline=None, max_examples=25)
@given(
    width=st.integers(40, 300),
    height=st.integers(40, 300),
    image_size=st.sampled_from([16, 30, 50, 64, 96]),
    multiple=st.sampled_from([1, 16, 32]),
    other=st.sampled_from([64, 80]),
)
def test_the_input_picture_gives_the_same_input_again_after_it_was_stored(
    width: int, height: int, image_size: int, multiple: int, other: int
):
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture, configs = Image.fromarray(pixels), [Config(image_size, multiple), Config(other, multiple)]
    stored = BytesIO()
    input_picture(picture, configs).save(stored, "WEBP", lossless=True)
    again = read_image(stored.getvalue())
    for config in configs:
        assert torch.equal(preprocess(again, config), preprocess(picture, config))
    alone = input_picture(picture, configs[:1])
    assert torch.equal(preprocess(alone, configs[0]), preprocess(picture, configs[0]))
    if image_size % multiple == 0 and image_size >= 32:
        assert min(alone.size) == image_size or alone.size == picture.size


@settings(deadline=None, max_examples=25)
@given(width=st.integers(32, 300), height=st.integers(32, 300), multiple=st.sampled_from([1, 16, 32]))
def test_preprocess_has_the_target_size(width: int, height: int, multiple: int):
    config = Config(size_multiple=multiple)
    pixels = preprocess(Image.new("RGB", (width, height), "teal"), config)
    assert tuple(pixels.shape) == (1, 3, *target_size((height, width), config))


def test_several_threads_decode_at_once(monkeypatch):
    """They meet inside the decoder, and the warning filters are afterwards what they were."""
    meeting = threading.Barrier(3, timeout=600)  # or they wait for each other for ever
    decode = reading._decode
    monkeypatch.setattr(reading, "_decode", lambda *arguments: (meeting.wait(), decode(*arguments))[1])
    file = BytesIO()
    Image.new("RGB", (40, 40)).save(file, "PNG")
    before = list(warnings.filters)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(reading.read_image, [file.getvalue()] * 3))
    assert [picture.size for picture in found] == [(40, 40)] * 3
    assert warnings.filters == before


# Large JPEGs, decoded at reduced size


def large(width: int = 3000, height: int = 2100, **options: object) -> bytes:
    """Return a large JPEG with detail at every scale."""
    random = np.random.default_rng(0)
    total = np.zeros((height, width, 3))
    for side in (8, 64, 512):
        noise = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        total += np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC), dtype=float) / 3
    return encoded(Image.fromarray(total.astype(np.uint8)), "JPEG", quality=90, **options)


@pytest.mark.parametrize(
    ("least", "size"), [(4000, (3000, 2100)), (1051, (3000, 2100)), (1050, (1500, 1050)), (400, (750, 525))]
)
def test_a_large_jpeg_is_decoded_at_the_smallest_size_that_is_large_enough(least: int, size: tuple[int, int]):
    picture = read_image(large(), least=least)
    assert picture.size == size
    assert picture.info == ({} if size == (3000, 2100) else {"full_size": (3000, 2100)})
    whole = read_image(large(), least=4000).resize(size, Image.Resampling.BOX)
    assert np.abs(np.asarray(picture, float) - np.asarray(whole, float)).mean() < 2


def test_a_reduced_picture_is_turned_like_any_other():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_image(large(exif=exif), least=1050)
    assert picture.size == (1050, 1500) and picture.info == {"full_size": (2100, 3000)}
    assert difference(picture.transpose(Image.Transpose.ROTATE_90), np.asarray(read_image(large(), least=1050))) == 0


def test_other_formats_and_open_pictures_keep_their_size():
    with Image.open(BytesIO(large())) as opened:
        assert read_image(opened, least=100).size == (3000, 2100)
    assert read_image(encoded(quarters(), "PNG"), least=16).size == (96, 64)


def test_a_reduced_picture_gets_the_input_and_the_score_of_the_whole():
    pair = siam.load("photo", device="cpu")
    sample = Image.open(load_samples()[0].path).convert("RGB").resize((4090, 2611), Image.Resampling.LANCZOS)
    data = encoded(sample, "JPEG", quality=92)
    few, all_ = read_image(data, least=least_side(pair.config)), read_image(data, least=4000)
    assert few.size == (2045, 1306) and all_.size == (4090, 2611)
    assert preprocess(few, pair.config).shape == preprocess(all_, pair.config).shape
    reduced, whole = siam.explain(pair, few), siam.explain(pair, all_)
    assert reduced.scenicness == pytest.approx(whole.scenicness, abs=0.02)
    assert reduced.baseline_scenicness == pytest.approx(whole.baseline_scenicness, abs=0.02)
    assert reduced.photo_size == whole.photo_size == (4090, 2611)


@pytest.mark.parametrize(("image_size", "least"), [(96, 1024), (384, 1024), (500, 1334)])
def test_networks_with_a_large_input_get_more_detail(image_size: int, least: int):
    assert least_side(replace(siam_network().config, image_size=image_size)) == least


def test_a_small_file_takes_little_memory(tmp_path):
    path = tmp_path / "small.jpg"
    path.write_bytes(b"x" * 3000)
    tracemalloc.start()
    try:
        assert reading.read_file(path) == b"x" * 3000
        assert tracemalloc.get_traced_memory()[1] < reading.MAX_BYTES / 20
    finally:
        tracemalloc.stop()


def test_a_file_that_grows_meanwhile_is_read_to_its_end(tmp_path, monkeypatch):
    path = tmp_path / "growing.jpg"
    path.write_bytes(b"x" * 100)
    small = path.stat()
    path.write_bytes(b"x" * 250)
    monkeypatch.setattr(Path, "stat", lambda _path: small)
    assert reading.read_file(path) == b"x" * 250
    monkeypatch.setattr(reading, "MAX_BYTES", 200)
    with pytest.raises(ImageError, match="at most"):
        reading.read_file(path)
