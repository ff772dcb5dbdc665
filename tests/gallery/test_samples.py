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
    assert max(image.size) <= 1200
    assert f"{image.width} × {image.height} px" in sample.changes
    assert min(high - low for low, high in image.getextrema()) > 100  # a photo, not a flat colour


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
def test_every_fact_about_a_sample_is_told(sample: Sample):
    assert all(str(getattr(sample, field.name)).strip() for field in fields(Sample))
    assert sample.key == sample.path.stem
    assert sample.licence_url.startswith(("https://creativecommons.org/", "https://www.gnu.org/licenses/"))
    for fact in (sample.title, sample.author, sample.licence, sample.origin):
        assert fact in sample.credit
    assert len(sample.credit.splitlines()) == 1


def test_folder_holds_no_picture_without_an_entry():
    (folder,) = {sample.path.parent for sample in SAMPLES}
    expected = {sample.path.name for sample in SAMPLES} | {"samples.json", "README.md"}
    assert {path.name for path in folder.iterdir() if path.is_file()} == expected


def test_readme_names_every_sample_with_author_and_licence():
    readme = (SAMPLES[0].path.parent / "README.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in readme.splitlines() if line.startswith("| `")}
    assert rows.keys() == {sample.path.name for sample in SAMPLES}
    for sample in SAMPLES:
        assert sample.author in rows[sample.path.name]
        assert sample.licence in rows[sample.path.name]
