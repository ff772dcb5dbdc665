"""When and where a photo was taken, as its file says. Nothing else of `siam` reads this, and nobody unless asked to."""

import math
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

from siam.images.formats import FORMATS
from siam.images.reading import quiet_pillow

_DATES = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
_GPS = ExifTags.GPS


@dataclass(frozen=True)
class Taken:
    """What a photo's file says of its taking; each is None if it says nothing that makes sense.

    Attributes:
        time: on the camera's clock, whose time zone most cameras do not write.
        latitude: degrees north, −90 to 90, WGS 84.
        longitude: degrees east, −180 to 180.
        heading: of the camera, in degrees clockwise from north, 0 to 360; true or magnetic, as the camera had it.
    """

    time: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    heading: float | None = None


def taken(content: bytes) -> Taken:
    """Return when and where a photo was taken, from the EXIF data in its file's content; never fails."""
    try:
        with quiet_pillow(), Image.open(BytesIO(content), formats=FORMATS) as image:
            exif = image.getexif()
            camera, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
            written = [camera.get(tag) for tag in _DATES] + [exif.get(ExifTags.Base.DateTime)]
    except Exception:  # on damaged bytes, Pillow raises nearly anything
        return Taken()
    latitude = _degrees(place.get(_GPS.GPSLatitude), place.get(_GPS.GPSLatitudeRef), "NS", 90)
    longitude = _degrees(place.get(_GPS.GPSLongitude), place.get(_GPS.GPSLongitudeRef), "EW", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:  # cameras without a fix write zeros
        latitude = longitude = None
    heading = _number(place.get(_GPS.GPSImgDirection))
    return Taken(
        next((time for time in map(_time, written) if time is not None), None),
        latitude,
        longitude,
        heading if heading is not None and 0 <= heading <= 360 else None,
    )


def _time(written: Any) -> datetime | None:
    """Return a date such as 2021:07:04 12:30:00; some cameras separate it with other signs, or leave it blank."""
    digits = "".join(sign if sign.isdecimal() else " " for sign in written) if isinstance(written, str) else ""
    try:
        year, month, day, hour, minute, second = map(int, digits.split()[:6])
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def _degrees(parts: Any, side: Any, sides: str, most: float) -> float | None:
    """Return degrees, minutes and seconds as degrees, negative on the second of two sides."""
    letter = side.strip("\0 ").upper() if isinstance(side, str) else ""
    if not isinstance(parts, tuple | list) or letter not in tuple(sides):
        return None
    numbers = [number for number in map(_number, parts[:3]) if number is not None and number >= 0]
    if not numbers or len(numbers) < len(parts[:3]):
        return None
    degrees = sum(number / 60**place for place, number in enumerate(numbers))
    if degrees > most:
        return None
    return -degrees if letter == sides[1] else degrees


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
