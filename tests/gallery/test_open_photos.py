"""The gallery of open photos: bundled whole, credited, unrated, and scored in place by the networks."""

import shutil
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

import siam
from siam.datasets.downloads.open_photos import KINDS, LONGEST, read_list
from siam.gallery import store
from siam.gallery.cases import ORDERS, read_cases
from siam.gallery.open_photos import write_scores
from siam.gallery.samples import FOLDER
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from tests.support.networks import baseline_network, siam_network

FREE = ("CC0-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "Public Domain")
GNU = ("GPL-2.0-or-later", "LGPL-2.1-or-later", "LGPL-3.0")


@pytest.fixture(scope="module")
def photos():
    return read_list(FOLDER / "credits.csv")


@pytest.fixture(scope="module")
def gallery():
    return store.read(FOLDER)


def test_it_holds_at_least_80_photos_and_nothing_else(photos, gallery):
    assert len(photos) == len(gallery) >= 80
    assert {path.name for path in (FOLDER / "images").iterdir()} == {photo.file for photo in photos}
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 12e6
    assert len({photo.sha256 for photo in photos}) == len(photos)


def test_every_photo_is_credited_under_a_licence_that_allows_changes(photos, gallery):
    for row, photo in enumerate(photos):
        assert photo.licence in (*FREE, *GNU) and photo.kind in KINDS
        facts = gallery.facts(row)
        assert photo.title in facts["title"] and photo.author == facts["author"]
        assert photo.licence in facts["licence"] and photo.licence_url in facts["licence"]
        assert photo.package in facts["source"] and photo.version in facts["source"]
    texts = {path.stem for path in (FOLDER / "licences").iterdir()}
    assert {"GPL-2", "GPL-3", "LGPL-2.1", "LGPL-3"} <= texts


def test_pictures_are_small_and_free_of_metadata(photos):
    for photo in photos:
        with Image.open(FOLDER / "images" / photo.file) as stored:
            assert stored.format == "JPEG" and max(stored.size) <= LONGEST
            assert not stored.getexif()
            assert not {"icc_profile", "xmp", "comment", "photoshop"} & stored.info.keys()


def test_nobody_rated_them_and_no_order_asks_for_ratings(gallery):
    cases = read_cases(gallery)
    assert not cases.rated and gallery.photos["crowd_mean"].isna().all()
    orders = cases.orders()
    assert set(orders) < set(ORDERS) and not [name for name in orders if "crowd" in name or "error" in name]
    assert read_cases(store.read(FOLDER.parent / "rendered")).orders() == tuple(ORDERS)


def test_scores_are_those_that_the_networks_give(gallery):
    pair = siam.load("photo", device="cpu")
    for row in np.linspace(0, len(gallery) - 1, 3).astype(int):
        explanation = siam.explain(pair, read_image(gallery.picture(row)))
        assert explanation.scenicness == pytest.approx(gallery.photos["siam"][row], abs=2e-3)
        assert explanation.baseline_scenicness == pytest.approx(gallery.photos["baseline"][row], abs=2e-3)


def test_scoring_again_leaves_the_pictures_as_they_are(tmp_path, photos):
    lines = (FOLDER / "credits.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "images").mkdir()
    (tmp_path / "credits.csv").write_text("".join(lines[:4]), encoding="utf-8")
    for photo in photos[:3]:
        shutil.copy(FOLDER / "images" / photo.file, tmp_path / "images")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    pair = Pair("mine", siam_network(), baseline_network(), {})
    written = write_scores(pair, nullcontext(), tmp_path, "a command")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")} == before
    again = store.read(tmp_path)
    assert len(again) == len(written) == 3 and (again.about.model, again.about.command) == ("mine", "a command")
    sums = again.contributions.sum(axis=1) + again.photos["bias"]
    assert sums.to_numpy() == pytest.approx(again.photos["siam"].to_numpy(), abs=1e-3)
