"""The same view is recognised after edits and moves, and different photos are never taken for one."""

import io
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from siam.gallery.samples import load_samples
from siam.images.registration import register
from tests.support.fakes import fake_picture
from tests.support.paths import ROOT

SAMPLES = {sample.key: sample.path for sample in load_samples()}
KEYS = sorted(SAMPLES)


def photo(key, side=640):
    with Image.open(SAMPLES[key]) as image:
        image = image.convert("RGB")
    image.thumbnail((side, side))
    return image


def moved(image, right, down):
    """The view after the content moved by pixels; what comes into view is grey."""
    return image.transform(image.size, Image.Transform.AFFINE, (1, 0, -right, 0, 1, -down), fillcolor="grey")


def with_turbines(image):
    edited, (width, height) = image.copy(), image.size
    pen = ImageDraw.Draw(edited)
    for x in (0.55, 0.7, 0.88):
        hub = width * x, height * 0.25
        pen.line((*hub, hub[0], height * 0.7), fill="white", width=7)
        for angle in (0, 120, 240):
            turn = np.deg2rad(angle + 300 * x)
            pen.line((*hub, hub[0] + 60 * np.cos(turn), hub[1] + 60 * np.sin(turn)), fill="white", width=5)
    return edited


def with_another_sky(image):
    edited = image.copy()
    edited.paste("#c8d2dc", (0, 0, image.width, round(0.4 * image.height)))
    return edited


def as_poor_jpeg(image):
    content = io.BytesIO()
    image.save(content, "JPEG", quality=30)
    return Image.open(content)


EDITS = {
    "itself": lambda image: image.copy(),
    "turbines": with_turbines,
    "another sky": with_another_sky,
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "little contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.5),
    "grey": lambda image: image.convert("L"),
    "poor JPEG": as_poor_jpeg,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "turned by a degree": lambda image: image.rotate(1, Image.Resampling.BICUBIC),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("key", KEYS[::5])
def test_an_edit_of_a_photo_shows_the_same_view(key, edit):
    image = photo(key)
    view = register(image, EDITS[edit](image))
    assert view.matches and view.same_shape
    assert max(abs(view.right), abs(view.down)) < 3
    assert 0.3 < view.peak < 1.001


@given(st.sampled_from(KEYS), st.integers(-90, 90), st.integers(-60, 60))
@settings(max_examples=8, deadline=None)
def test_the_shift_is_found_in_pixels_of_the_first_photo(key, right, down):
    image = photo(key)
    after = moved(image, right, down)
    view = register(image, after.resize((image.width * 2 // 3, image.height * 2 // 3)))
    assert view.matches
    assert (view.right, view.down) == pytest.approx((right, down), abs=3)
    back = register(after, image)
    assert (back.right, back.down) == pytest.approx((-right, -down), abs=3)
    full = register(image, after, (4 * image.width, 4 * image.height))
    assert (full.right, full.down) == pytest.approx((4 * right, 4 * down), abs=12)


def test_different_photos_never_show_the_same_view():
    photos = [photo(key).resize((480, 360)) for key in KEYS[:6]]
    photos += [
        Image.open(path).convert("RGB").resize((480, 360))
        for path in sorted((ROOT / "assets/gallery/rendered/images").iterdir())[:60:10]
    ]
    for first, second in combinations(photos, 2):
        view = register(first, second)
        assert not view.matches and view.same_shape
        assert (view.right, view.down) == (0, 0)


def test_a_mirrored_photo_and_one_that_was_turned_show_another_view():
    image = photo("mountain-path")
    assert not register(image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).matches
    assert not register(image, image.rotate(20, Image.Resampling.BICUBIC)).matches


def test_common_borders_and_logos_do_not_make_photos_alike():
    def dressed(image):
        image = image.resize((480, 360))
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 0, 480, 40), fill="black")
        pen.rectangle((0, 320, 480, 360), fill="black")
        pen.text((380, 300), "© Somebody", fill="white")
        return image

    for first, second in combinations(KEYS[:4], 2):
        assert not register(dressed(photo(first)), dressed(photo(second))).matches


@pytest.mark.parametrize("size", [(96, 64), (240, 160), (900, 600)])
def test_an_edit_of_a_smooth_picture_shows_the_same_view(size):
    image, (width, height) = fake_picture(0, size), size
    edited = image.copy()
    edited.paste("white", (width * 5 // 8, height // 8, width * 6 // 8, height * 6 // 8))
    assert register(image, edited).matches and register(edited, image).matches
    assert register(image, as_poor_jpeg(image)).matches
    for seed in range(1, 12):
        assert not register(edited, fake_picture(seed, size)).matches


def test_photos_of_different_shapes_are_not_compared():
    image = photo("mountain-path")
    for size in ((image.width, image.height - 40), (image.height, image.width), (300, 32)):
        view = register(image, image.resize(size))
        assert not view.matches and not view.same_shape
    nearly = register(image, image.resize((image.width - 3, image.height)))  # rounded by a photo editor
    assert nearly.matches


def test_pictures_without_structure_and_small_ones():
    random = np.random.default_rng(0)
    grey, blue = Image.new("RGB", (120, 90), "grey"), Image.new("RGB", (120, 90), "blue")
    assert register(grey, grey.copy()).matches
    assert not register(grey, blue).matches
    assert not register(grey, photo("mountain-path").resize((120, 90))).matches
    for size in ((32, 32), (256, 32), (32, 256)):
        small = photo("mountain-path").resize(size)
        assert register(small, ImageEnhance.Brightness(small).enhance(0.8)).matches
        noise = [Image.fromarray(random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)) for _ in range(30)]
        assert not any(register(first, second).matches for first, second in pairwise(noise))


def test_the_pictures_are_left_as_they_are():
    image = photo("mountain-path")
    before = np.asarray(image).copy()
    register(image, image)
    assert np.array_equal(np.asarray(image), before)
