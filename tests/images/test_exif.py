"""When and where a photo was taken."""

import io
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from siam.images.exif import Taken, taken

GPS = ExifTags.GPS


def file(place=None, camera=None, base=None, kind="JPEG"):
    exif = Image.Exif()
    exif.update({ExifTags.Base.Make: "a camera", **(base or {})})
    for within, tags in ((ExifTags.IFD.GPSInfo, place), (ExifTags.IFD.Exif, camera)):
        if tags:
            exif[within] = tags
    stored = io.BytesIO()
    Image.new("RGB", (40, 30)).save(stored, kind, exif=exif)
    return stored.getvalue()


def at(north, east, sides=("N", "E"), **others):
    tags = {GPS.GPSLatitude: north, GPS.GPSLatitudeRef: sides[0], GPS.GPSLongitude: east, GPS.GPSLongitudeRef: sides[1]}
    return {**tags, **{getattr(GPS, name): value for name, value in others.items()}}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_time_place_and_heading(kind):
    camera = {ExifTags.Base.DateTimeOriginal: "2021:07:04 12:30:05"}
    found = taken(file(at((47.0, 30.0, 36.0), (8.0, 15.0, 0.0), GPSImgDirection=271.5), camera, kind=kind))
    assert found.time == datetime(2021, 7, 4, 12, 30, 5)
    assert found.latitude == pytest.approx(47.51) and found.longitude == pytest.approx(8.25)
    assert found.heading == pytest.approx(271.5)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 89), st.integers(0, 59), st.floats(0, 59.99), st.integers(0, 179), st.integers(0, 59),
    st.sampled_from("NS"), st.sampled_from("EW"),
)  # fmt: skip
def test_degrees_minutes_and_seconds(north, minutes, seconds, east, more, side, other):
    found = taken(file(at((north, minutes, seconds), (east, more, 1.0), (side, other))))
    latitude = (north + minutes / 60 + seconds / 3600) * (1 if side == "N" else -1)
    longitude = (east + more / 60 + 1 / 3600) * (1 if other == "E" else -1)
    assert found.latitude == pytest.approx(latitude, abs=1e-5)
    assert found.longitude == pytest.approx(longitude, abs=1e-5)


@pytest.mark.parametrize(
    "place",
    [
        {},
        at((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),  # no fix
        at((91.0, 0.0, 0.0), (8.0, 0.0, 0.0)),
        at((47.0, 0.0, 0.0), (181.0, 0.0, 0.0)),
        at((47.0, 0.0, 0.0), (8.0, 0.0, 0.0), ("", "E")),
        at((47.0, 0.0, 0.0), (8.0, 0.0, 0.0), ("N", "N")),
        {GPS.GPSLatitude: (47.0, 0.0, 0.0), GPS.GPSLatitudeRef: "N"},
    ],
)
def test_half_a_place_or_an_impossible_one_is_none(place):
    found = taken(file(place))
    assert found.latitude is None and found.longitude is None


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2021:07:04 12:30:05", datetime(2021, 7, 4, 12, 30, 5)),
        ("2021-07-04T12:30:05", datetime(2021, 7, 4, 12, 30, 5)),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2021:07:04", None),
        ("yesterday", None),
    ],
)
def test_dates_as_cameras_write_them(written, time):
    assert taken(file(camera={ExifTags.Base.DateTimeOriginal: written})).time == time


def test_the_date_of_the_file_stands_in():
    assert taken(file(base={ExifTags.Base.DateTime: "2020:01:02 03:04:05"})).time == datetime(2020, 1, 2, 3, 4, 5)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_damaged_files_say_nothing_or_something(noise, start):
    content = file(at((47.0, 30.0, 36.0), (8.0, 15.0, 0.0)))
    assert isinstance(taken(content[:start] + noise + content[start + len(noise) :]), Taken)
    assert taken(noise) == Taken()
