"""The bundled photos are there, readable, small and credited."""

from dataclasses import fields

import pytest
from PIL import Image

from siam.gallery.samples import Sample, load_samples
from siam.images.reading import read_image

SAMPLES = load_samples()


def test_there_are_enough_and_no_key_comes_twice():
    assert len(SAMPLES) >= 8
    assert len({sample.key for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
def test_sample_is_small_readable_and_free_of_metadata(sample: Sample):
    assert sample.path.stat().st_size < 300_000
    with Image.open(sample.path) as stored:
        assert stored.format == "JPEG"
        assert not stored.getexif()
        assert not {"icc_profile", "xmp", "comment", "photoshop"} & stored.info.keys()
    image = read_image(sample.path)
    assert max(image.size) <= 800
    assert min(high - low for low, high in image.getextrema()) > 100  # a photo, not a flat colour


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
def test_every_fact_about_a_sample_is_told(sample: Sample):
    assert all(str(getattr(sample, field.name)).strip() for field in fields(Sample) if field.name != "link")
    assert sample.key == sample.path.stem
    assert sample.licence_url.startswith(("https://creativecommons.org/", "https://www.gnu.org/licenses/"))
    for fact in (sample.title, sample.author, sample.licence, sample.origin):
        assert fact in sample.credit
    assert len(sample.credit.splitlines()) == 1


def test_a_street_a_field_and_an_industrial_view_are_among_them():
    assert {"Street", "Field", "Warehouse"} <= {sample.name for sample in SAMPLES}
