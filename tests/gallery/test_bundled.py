"""The galleries that come with the project: whole, true, and as varied as they claim."""

import numpy as np
import pytest
from PIL import Image

import siam
from siam.datasets import oasis, rendered
from siam.datasets.rendered import crowd
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.gallery import store
from siam.gallery.cases import KINDS, Filters, read_cases
from siam.images.reading import read_image
from tests.support.paths import ROOT

FOLDER = ROOT / "assets" / "gallery"
SHOWN = 0.5  # of the annotators: an attribute is labelled where more say so


@pytest.fixture(scope="module")
def scenes():
    return store.read(FOLDER / "rendered")


@pytest.fixture(scope="module")
def photos():
    return store.read(FOLDER / "oasis")


@pytest.fixture(scope="module")
def areas(scenes):
    """The share of every scene under each attribute, from the masks (N, K)."""
    return np.array([scenes.masks(row).mean(axis=(1, 2)) for row in range(len(scenes))])


def labels(scenes):
    return np.array([[truth["labels"].get(name, 0.0) for name in ATTRIBUTES] for truth in scenes.truths])


def test_it_holds_300_rendered_scenes_that_no_network_learned_from(scenes):
    assert len(scenes) == 300 and (scenes.about.model, scenes.about.split) == ("rendered", "test")
    assert {rendered.split_of(int(name)) for name in scenes.photos["identifier"]} == {"test"}
    size = sum(path.stat().st_size for path in (FOLDER / "rendered").rglob("*") if path.is_file())
    assert size <= 12e6
    kept = {path.relative_to(scenes.folder).as_posix() for path in scenes.folder.rglob("*.*g")}
    assert kept == {*scenes.photos["image"], *(truth["mask"] for truth in scenes.truths)}


def by_attribute(values):
    return np.array([values.get(name, 0.0) for name in ATTRIBUTES])


def test_masks_areas_and_scores_agree(scenes, areas):
    for row, truth in enumerate(scenes.truths):
        assert areas[row] == pytest.approx(by_attribute(truth["areas"]), abs=0.02)  # of smaller masks
        total = truth["bias"] + sum(truth["contributions"].values()) + sum(truth["nuances"].values())
        assert truth["quality"] == pytest.approx(total, abs=1e-3)
        assert sum(truth["errors"].values()) == pytest.approx(scenes.photos["siam"][row] - truth["quality"], abs=1e-3)


def test_masks_have_the_size_of_the_picture_and_give_the_contributions(scenes):
    for row in range(0, len(scenes), 6):
        masks = scenes.masks(row)
        with Image.open(scenes.picture(row)) as picture:
            assert masks.shape == (len(ATTRIBUTES), picture.height, picture.width)
        stored = by_attribute(scenes.truths[row]["contributions"])
        assert crowd.contributions(masks) == pytest.approx(stored, abs=0.1)  # of smaller masks


def test_labels_tell_what_the_masks_show(scenes, areas):
    shown, seen = areas, labels(scenes) > SHOWN
    for k, name in enumerate(ATTRIBUTES):
        assert shown[seen[:, k], k].mean() > 5 * shown[~seen[:, k], k].mean(), name


def test_every_attribute_is_labelled_in_4_percent_of_the_scenes_or_nearly(scenes):
    share = (labels(scenes) > SHOWN).mean(axis=0)
    assert (share >= 0.04).sum() >= 26
    assert share.min() >= 0.02


def test_no_attribute_comes_only_in_its_usual_company(scenes):
    seen = labels(scenes) > SHOWN
    for k, name in enumerate(ATTRIBUTES):
        with_it, without = seen[seen[:, k]].mean(axis=0), seen[~seen[:, k]].mean(axis=0)
        company = {ATTRIBUTES[j] for j in range(len(ATTRIBUTES)) if j != k and with_it[j] == 1 and without[j] < 0.5}
        # 1 % of all scenes with a sea, but none of these 300, do not show where it ends
        assert company <= ({"horizon"} if name == "ocean" else set()), name


def test_all_three_kinds_of_case_occur(scenes):
    cases = read_cases(scenes)
    count = {kind: len(cases.select(Filters(kind=kind))) for kind in KINDS}
    assert sum(count.values()) == len(scenes)
    assert all(count[kind] >= 5 for kind in ("right", "misread", "outside the vocabulary")), count
    assert sum(truth["verdict"] == "both right" for truth in scenes.truths) >= 5


def test_explaining_a_bundled_scene_gives_its_numbers_again(scenes):
    pair = siam.load("rendered", device="cpu")
    for row in (0, 299):
        found, told = siam.explain(pair, read_image(scenes.picture(row))), scenes.photos.loc[row]
        assert told["siam"] == pytest.approx(found.scenicness, abs=0.005)
        assert told["baseline"] == pytest.approx(found.baseline_scenicness, abs=0.005)
        assert scenes.contributions[row] == pytest.approx(found.contributions, abs=0.005)


def test_the_oasis_gallery_has_all_numbers_and_no_picture(photos):
    assert len(photos) == 141 and (photos.about.model, photos.about.scale) == ("photo", oasis.SCALE)
    assert [path.name for path in photos.folder.iterdir()] == [store.FILE]
    assert photos.photos["image"].map(store.is_address).all()
    assert photos.photos["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert photos.photos[["siam", "baseline", "crowd_mean"]].notna().all(axis=None)
    assert photos.photos[["author", "link"]].notna().all(axis=None)


def test_the_oasis_gallery_is_as_good_as_the_card_says(photos):
    cases = read_cases(photos)
    figures = siam.load("photo").card["metrics"]
    for name in ("siam", "baseline"):
        rmse = float(np.sqrt(np.mean(np.square(cases.table[name] - cases.table["crowd"]))))
        assert rmse == pytest.approx(figures[name]["oasis_scenes"]["rmse"], abs=0.08)
