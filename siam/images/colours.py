"""Turns a decoded picture's colours into sRGB, by its ICC profile or by what else its file tells of them."""

from hashlib import blake2b
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageCms

from siam.images import boxes, png
from siam.images.encodings import ADOBE_RGB, Encoding, coded

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space → the mode it converts from
_SAME = 2  # of 255: a profile that moves no colour further is sRGB
_srgb_profiles: set[bytes] = set()  # digests of those that were found to be sRGB: most photos share a few
_LEVELS = (0, 8, 16, 32, 64, 96, 128, 160, 192, 224, 255)


def to_srgb(image: Image.Image, source: Image.Image, data: bytes | None) -> Image.Image:
    """Return a copy of a decoded picture in RGB, its colours converted to sRGB as its file tells.

    Args:
        image: the picture without alpha, in mode L, RGB, CMYK or LAB.
        source: the picture as it was opened.
        data: the file's content, if it is at hand.
    """
    if image.mode == "LAB":  # needs no profile
        return image.convert("RGB")
    if image.mode == "CMYK" and source.format == "JPEG" and "adobe" not in source.info:
        image = ImageChops.invert(image)  # Pillow takes all for Adobe's, which are stored inverted
    try:
        before, after = _encodings(source, data)
    except Exception:  # damaged metadata, on which parsers raise nearly anything, is no reason to refuse the photo
        before = after = None
    elsewhere = {"PNG": png.profile, "JPEG2000": boxes.jpeg2000_profile}.get(source.format or "") if data else None
    profile = elsewhere(data) if elsewhere and data else source.info.get("icc_profile")
    if before is None and profile and (converted := _by_profile(image, profile)):
        return converted
    rgb = image.convert("RGB")
    encoding = before or after
    return encoding.to_srgb(rgb) if encoding else rgb


def _encodings(source: Image.Image, data: bytes | None) -> tuple[Encoding | None, Encoding | None]:
    """Return the encoding that goes before the picture's ICC profile, and the one that comes after it."""
    info = source.info
    match source.format:
        case "PNG" if data:
            return png.encodings(data)
        case "PNG":
            return None, png.measured("srgb" in info, info.get("gamma"), info.get("chromaticity"))
        case "AVIF" if data:
            return None, boxes.avif_encoding(data)
        case "HEIF" if nclx := info.get("nclx_profile"):
            return None, coded(nclx["color_primaries"], nclx["transfer_characteristics"])
        case "JPEG" | "MPO":  # cameras tell Adobe RGB in EXIF alone
            index = source.getexif().get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
            return None, ADOBE_RGB if index == "R03" else None
        case _:
            return None, None


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the picture in sRGB by an ICC profile; None if that is damaged, or for other colours than these."""
    if image.mode == "RGB" and _digest(profile) in _srgb_profiles:
        return image.convert("RGB")
    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = embedded.profile.xcolor_space.strip()  # pyright: ignore[reportAttributeAccessIssue] - stub
        mode = _MODES.get(space)
        if mode == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        elif mode == "L" and image.mode == "RGB":  # formats without grey store three equal channels
            red, green, blue = image.split()
            if red.tobytes() == green.tobytes() == blue.tobytes():
                image = red
        if mode is None or mode != image.mode:
            return None
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        exact = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.buildTransform(embedded, srgb, mode, "RGB", flags=exact)
        colours = _probe(mode)
        converted = np.asarray(transform.apply(colours)).astype(int)
        if np.ptp(converted) < 64:  # black, white or a single colour, whatever the picture
            return None
        if mode != "CMYK" and np.abs(converted - np.asarray(colours.convert("RGB"))).max() <= _SAME:
            if mode == "RGB":
                _srgb_profiles.add(_digest(profile))
            return image.convert("RGB")
        if mode == "L":
            return Image.merge("RGB", [image.point(channel.tolist()) for channel in converted[0].T])
        return transform.apply(image)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _digest(profile: bytes) -> bytes:
    return blake2b(profile, digest_size=16).digest()


def _probe(mode: str) -> Image.Image:
    """Return a small picture of colours all over the mode's range."""
    if mode == "L":
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    grid = np.meshgrid(*[np.array(_LEVELS, np.uint8)] * len(mode))
    return Image.merge(mode, [Image.fromarray(channel.reshape(-1, len(_LEVELS))) for channel in grid])
