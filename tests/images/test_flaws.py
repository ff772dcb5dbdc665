"""A picture that is all there is read, whatever is wrong beside it; one of which something is missing is refused."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siam.errors import ImageError
from siam.images import jpeg, read_image
from siam.images.reading import upright_size
from tests.support.profiles import in_srgb, rgb_profile


def photo() -> Image.Image:
    """Return 160 x 96 pixels of soft colours with noise, in which every block differs from its neighbours."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (6, 10, 3), dtype=np.uint8)).resize(
        (160, 96), Image.Resampling.BICUBIC
    )
    return Image.fromarray((np.asarray(coarse) * 0.8 + random.integers(0, 50, (96, 160, 3))).astype(np.uint8))


def encoded(kind: str, **options: object) -> bytes:
    stream = BytesIO()
    photo().save(stream, kind, **options)
    return stream.getvalue()


def pixels(data: bytes, **options: int) -> np.ndarray:
    return np.asarray(read_image(data, **options))


PNG = encoded("PNG")


def chunk(name: bytes, body: bytes, wrong: int = 0) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ wrong)


def with_chunk(piece: bytes, *, late: bool = False) -> bytes:
    """Return the PNG with a chunk after its header or before its end."""
    place = len(PNG) - 12 if late else 33
    return PNG[:place] + piece + PNG[place:]


LONG = zlib.compress(b"an edit " * 400_000)
FLAWS = {
    "long zTXt": chunk(b"zTXt", b"Raw profile type xmp\0\0" + LONG),
    "long EXIF": chunk(b"zTXt", b"Raw profile type exif\0\0" + LONG),
    "long iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "much text": b"".join(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))) for _ in range(80)),
    "unknown compression": chunk(b"zTXt", b"Comment\0\7" + LONG),
    "unreadable keyword": chunk(b"tEXt", b"\xff" * 90),
    "large profile": chunk(b"iCCP", b"printer\0\0" + zlib.compress(bytes(1_200_000))),
    "huge profile": chunk(b"iCCP", b"printer\0\0" + zlib.compress(bytes(100_000_000))),
    "profile that is not packed": chunk(b"iCCP", b"printer\0\0" + bytes(99)),
    "profile with another compression": chunk(b"iCCP", b"printer\0\5" + LONG),
    "empty profile": chunk(b"iCCP", b""),
    "short gAMA": chunk(b"gAMA", b"\0"),
    "short cHRM": chunk(b"cHRM", b"\0"),
    "short sRGB": chunk(b"sRGB", b""),
    "short pHYs": chunk(b"pHYs", b"\0"),
    "short cICP": chunk(b"cICP", b"\1"),
    "short eXIf": chunk(b"eXIf", b"M"),
    "short animation": chunk(b"acTL", b"\0"),
    "animation out of order": chunk(b"fcTL", struct.pack(">7I", 7, 160, 96, 0, 0, 0, 0)),
    "odd name": chunk(b"a1!z", b"content"),
    **{
        f"wrong checksum of {name.decode()}": chunk(name, b"content", wrong=1)
        for name in (b"tEXt", b"tIME", b"gAMA", b"prVt")
    },
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("flaw", FLAWS)
def test_flaws_beside_the_picture_of_a_png(flaw: str, late: bool):
    assert (pixels(with_chunk(FLAWS[flaw], late=late)) == np.asarray(photo())).all()


@pytest.mark.parametrize("tail", [b"\0", b"\n", PNG, b"PK\3\4" + bytes(500), bytes(5000)])
def test_what_follows_a_picture_is_of_no_matter(tail: bytes):
    assert (pixels(PNG + tail) == np.asarray(photo())).all()
    for kind in ("JPEG", "GIF", "BMP", "TIFF", "WEBP", "MPO"):
        whole = encoded(kind)
        assert (pixels(whole + tail) == pixels(whole)).all()


def test_a_large_profile_of_a_png_is_applied():
    profile = rgb_profile("P3", "Display P3", None)
    profile += np.random.default_rng(0).bytes(1_500_000)  # some hold large tables
    data = with_chunk(chunk(b"iCCP", b"P3\0\0" + zlib.compress(struct.pack(">I", len(profile)) + profile[4:])))
    assert np.abs(pixels(data) - in_srgb(np.asarray(photo()), "Display P3", None)).max() <= 2


def test_what_a_png_says_of_its_orientation_is_kept():
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.asarray(photo().transpose(Image.Transpose.ROTATE_270))
    assert (pixels(with_chunk(chunk(b"eXIf", exif.tobytes()[6:]))) == upright).all()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><x tiff:Orientation="6"/></x:xmpmeta>'
    assert (pixels(with_chunk(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))) == upright).all()


def test_a_png_whose_picture_is_damaged_is_refused():
    header = PNG[:29] + b"\0\0\0\0" + PNG[33:]
    place = PNG.index(b"IDAT")
    for bad in (header, PNG[: place + 900], PNG[: place - 4] + PNG[-12:], PNG[: place + 900] + PNG[place + 950 :]):
        with pytest.raises(ImageError, match="damaged"):
            read_image(bad)
    assert (pixels(PNG[:-12]) == np.asarray(photo())).all()  # all of the picture, but no end


# JPEG

JPEGS = {
    "baseline": encoded("JPEG", quality=90),
    "progressive": encoded("JPEG", quality=90, progressive=True),
    "restarts": encoded("JPEG", quality=90, restart_marker_blocks=4),
    "grey": (lambda stream: (photo().convert("L").save(stream, "JPEG"), stream.getvalue())[1])(BytesIO()),
    "several": encoded("MPO", quality=90),
}


@pytest.mark.parametrize("least", [1024, 24])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_without_its_end_is_read_if_all_of_the_picture_is_there(kind: str, least: int):
    whole = JPEGS[kind]
    for tail in (b"", b"\xff", b"\0" * 40, b"\n", b"some text that was added"):
        assert (pixels(whole[:-2] + tail, least=least) == pixels(whole, least=least)).all()


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_of_which_something_is_missing_is_refused(kind: str):
    whole = JPEGS[kind]
    expected, refused = pixels(whole), 0
    for length in [len(whole) - missing for missing in (3, 4, 5, 6, 8, 10, 20, 50, 100, 300)] + [len(whole) // 2]:
        try:
            found = pixels(whole[:length])
        except ImageError as error:
            assert "damaged" in str(error)
            refused += 1
        else:
            assert (found == expected).all()
    assert refused >= 7


def test_a_jpeg_of_which_whole_scans_or_intervals_are_missing_is_refused():
    progressive = JPEGS["progressive"]
    scans = [place for place in range(len(progressive)) if progressive[place : place + 2] == b"\xff\xda"]
    assert len(scans) > 5
    tables = [place for place in range(scans[0], len(progressive)) if progressive[place : place + 2] == b"\xff\xc4"]
    restarts = JPEGS["restarts"]
    intervals = [
        place for place in range(len(restarts)) if restarts[place] == 0xFF and 0xD0 <= restarts[place + 1] <= 0xD7
    ]
    assert len(intervals) > 5
    cut = [progressive[:place] for place in scans[1:] + tables]
    cut += [restarts[: place + more] for place in intervals[-9:] for more in (0, 1, 2)]
    for data in cut:
        with pytest.raises(ImageError, match="damaged"):
            read_image(data)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


ODD = {
    "short JFIF": segment(0xE0, b"JFIF\0"),
    "short profile": segment(0xE2, b"ICC_PROFILE\0"),
    "profile in parts that do not fit": segment(0xE2, b"ICC_PROFILE\0\1\7garbage"),
    "short Adobe": segment(0xEE, b"Adobe"),
    "broken Photoshop": segment(0xED, b"Photoshop 3.0\x008BIM\4\4"),
    "broken list of pictures": segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "short list of pictures": segment(0xE2, b"MPF\0"),
    "broken EXIF": segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 60),
    "short EXIF": segment(0xE1, b"Exif\0\0"),
    "broken XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta"),
    "comment": segment(0xFE, b"\xff\xd8\xff\xd9"),
    "unknown": segment(0xEB, bytes(range(256))),
    "nothing": segment(0xE5, b""),
}


@pytest.mark.parametrize("flaw", ODD)
def test_odd_segments_of_a_jpeg(flaw: str):
    whole = JPEGS["baseline"]
    for data in (whole[:2] + ODD[flaw] + whole[2:], whole[:20] + ODD[flaw] + whole[20:]):
        assert (pixels(data) == pixels(whole)).all()
        assert (pixels(data[:-2]) == pixels(whole)).all()


def test_odd_segments_leave_orientation_and_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded("JPEG", quality=95, exif=exif, icc_profile=rgb_profile("P3", "Display P3", None))
    assert (pixels(whole[:2] + ODD["short JFIF"] + whole[2:]) == pixels(whole)).all()
    assert pixels(whole).shape == (160, 96, 3)


@pytest.mark.parametrize("orientation", [1, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_size_from_the_header_is_that_of_the_picture(kind: str, orientation: int, tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(kind, **({"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif}))
    if kind == "PNG":
        data = data[:33] + FLAWS["long zTXt"] + data[33:]
    path = tmp_path / "photo"
    path.write_bytes(data)
    assert upright_size(path) == read_image(path).size == ((160, 96) if orientation == 1 else (96, 160))
    path.write_bytes(b"text")
    assert upright_size(path) is None
    assert upright_size(tmp_path / "missing") is None


def test_only_a_jpeg_with_nothing_beside_its_picture_is_bare():
    plain, grey = encoded("JPEG"), BytesIO()
    photo().convert("L").save(grey, "JPEG", progressive=True)
    assert jpeg.is_bare(plain) and jpeg.is_bare(grey.getvalue())
    exif = Image.Exif()
    exif[0x010F] = "maker"
    cmyk = BytesIO()
    photo().convert("CMYK").save(cmyk, "JPEG")
    for other in (
        encoded("PNG"),
        encoded("JPEG", comment=b"near the old oak"),
        encoded("JPEG", exif=exif),
        encoded("JPEG", icc_profile=rgb_profile("p", "sRGB", 2.2)),
        plain + b"hidden",
        plain[:-2],
        plain[:2] + segment(0xE5, b"hidden") + plain[2:],
        plain[:2] + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1abc") + plain[2:],  # a thumbnail of one pixel
        cmyk.getvalue(),
    ):
        assert not jpeg.is_bare(other)
