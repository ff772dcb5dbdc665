"""Regions: what a segmenter saw, what it means for an attribute, and how well maps agree with it."""

import numpy as np
import pytest
import torch

from siam.datasets import regions
from siam.datasets.regions import Regions, targets
from siam.datasets.sun_attributes import ATTRIBUTES, REGIONS
from siam.errors import DatasetError
from siam.evaluation.localisation import mean_localisation, pixel_average_precision
from tests.evaluation.test_metrics import slow_average_precision

FILES = ["a.jpg", "b.jpg", "c.jpg"]
SEEN = ["sky", "tree", "sea", "water"]


@pytest.fixture
def stored(tmp_path):
    share = np.random.default_rng(0).integers(0, 256, (3, len(SEEN), 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "regions.npz", files=FILES, groups=SEEN, share=share)
    return tmp_path / "regions.npz", share


def label(**presence):
    labels = np.full(len(ATTRIBUTES), 1 / 3, dtype=np.float32)  # neither present nor surely absent
    for name, value in presence.items():
        labels[ATTRIBUTES.index(name)] = value
    return labels


def test_groups_belong_to_attributes_that_exist():
    assert set(REGIONS) <= set(ATTRIBUTES)


def test_an_attribute_is_the_union_of_its_groups_in_the_order_asked_for(stored):
    path, share = stored
    found = regions.read(path, ["c.jpg", "a.jpg"], REGIONS)
    assert found.attributes == ("trees", "ocean", "running_water", "still_water", "clouds")
    for row, photo in enumerate((2, 0)):
        assert np.array_equal(found.shares[row, 0], share[photo, 1])
        ocean = np.minimum(share[photo, 2].astype(int) + share[photo, 3], 255)
        assert np.array_equal(found.shares[row, 1], ocean)
        assert torch.allclose(found.share(row)[4], torch.from_numpy(share[photo, 0]).float() / 255)


def test_what_cannot_be_read_is_named(stored, tmp_path):
    path, _share = stored
    with pytest.raises(DatasetError, match=r"lacks 'd\.jpg' and 1 more"):
        regions.read(path, ["a.jpg", "d.jpg", "e.jpg"], REGIONS)
    with pytest.raises(DatasetError, match=r"none\.npz is missing"):
        regions.read(tmp_path / "none.npz", FILES, REGIONS)
    for damage in (b"", b"no archive", path.read_bytes()[:200]):
        (tmp_path / "bad.npz").write_bytes(damage)
        with pytest.raises(DatasetError, match=r"bad\.npz is not readable"):
            regions.read(tmp_path / "bad.npz", FILES, REGIONS)
    np.savez(tmp_path / "other.npz", files=FILES)
    with pytest.raises(DatasetError, match=r"other\.npz is not readable"):
        regions.read(tmp_path / "other.npz", FILES, REGIONS)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "bad.npz", files=np.array(FILES, dtype=object), groups=SEEN, share=np.zeros((3, 4, 2, 2)))
    with pytest.raises(DatasetError, match="not readable"):
        regions.read(tmp_path / "bad.npz", FILES, REGIONS)


def test_targets_are_shares_where_present_zero_where_absent_and_unknown_elsewhere():
    share = torch.zeros(2, 4, 4)
    share[0, :2] = 1.0
    share[0, 2, 0] = 0.5
    labels = label(trees=1.0, clouds=0.0, wire=0.0, glass=1.0)
    found = targets(share, ("trees", "clouds"), labels, ATTRIBUTES, 0.0, (2, 2))
    assert torch.allclose(found[ATTRIBUTES.index("trees")], torch.tensor([[1.0, 1.0], [0.125, 0.0]]))
    for absent in ("clouds", "wire"):
        assert torch.equal(found[ATTRIBUTES.index(absent)], torch.zeros(2, 2))
    for unknown in ("glass", "grass"):  # present but not outlined; neither present nor absent
        assert found[ATTRIBUTES.index(unknown)].isnan().all()


def test_a_region_that_the_segmenter_missed_teaches_nothing():
    share = torch.zeros(1, 10, 10)
    share[0, 0, 0] = 0.4  # below half a percent of the picture
    found = targets(share, ("trees",), label(trees=1.0), ATTRIBUTES, 0.0, (5, 5))
    assert found[ATTRIBUTES.index("trees")].isnan().all()
    share[0, 0, 0] = 0.6
    found = targets(share, ("trees",), label(trees=1.0), ATTRIBUTES, 0.0, (5, 5))
    assert found[ATTRIBUTES.index("trees"), 0, 0] == pytest.approx(0.15)


def random_photos(seed=0, photos=9, size=6):
    random = np.random.default_rng(seed)
    shares = random.integers(0, 256, (photos, 2, size, size), dtype=np.uint8)
    labels = random.choice([0.0, 1.0], (photos, 3)).astype(np.float32)
    labels[:4, 2] = 1
    return Regions(shares, ("trees", "ocean")), labels, ("wire", "ocean", "trees")


def test_pixel_ap_is_that_of_the_cells_counted_one_by_one():
    seen, labels, names = random_photos()
    maps = [torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(n)) for n in range(len(labels))]
    figures = pixel_average_precision(maps, labels, seen, names)
    assert set(figures["per_attribute"]) == {"trees", "ocean"}
    for row, name in enumerate(seen.attributes):
        k = names.index(name)
        cells = [
            (maps[n][k, y, x].item(), bool(seen.shares[n, row, y, x] > 127.5))
            for n in range(len(labels))
            if labels[n, k] > 0.5
            for y in range(6)
            for x in range(6)
        ]
        scores, covered = np.array([score for score, _ in cells]), np.array([inside for _, inside in cells])
        found = figures["per_attribute"][name]
        assert found["pixel_ap"] == pytest.approx(slow_average_precision(scores, covered), abs=1e-4)
        assert found["chance"] == pytest.approx(covered.mean(), abs=1e-4)
        assert found["photos"] == int((labels[:, k] > 0.5).sum())
    ratios = [row["pixel_ap"] / row["chance"] for row in figures["per_attribute"].values()]
    assert figures["over_chance"] == pytest.approx(np.mean(ratios), abs=2e-4)


def test_pixel_ap_is_1_for_maps_that_follow_the_regions_at_any_size():
    shares = np.zeros((3, 1, 8, 8), dtype=np.uint8)
    shares[:, :, :4] = 255
    maps = [torch.zeros(1, 4, 4) for _ in range(3)]
    for one in maps:
        one[0, :2] = 1.0
    figures = pixel_average_precision(maps, np.ones((3, 1)), Regions(shares, ("trees",)), ("trees",))
    assert figures["pixel_ap"] == 1.0 and figures["chance"] == 0.5 and figures["over_chance"] == 2.0
    upside_down = pixel_average_precision(
        [one.flip(1) for one in maps], np.ones((3, 1)), Regions(shares, ("trees",)), ("trees",)
    )
    assert upside_down["pixel_ap"] < 0.5


def test_too_few_photos_give_no_figure():
    seen, labels, names = random_photos()
    labels[2:, 1] = 0
    maps = [torch.rand(3, 6, 6) for _ in labels]
    assert "ocean" not in pixel_average_precision(maps, labels, seen, names)["per_attribute"]


def test_mean_over_networks():
    seen, labels, names = random_photos()
    figures = [
        pixel_average_precision([torch.rand(3, 6, 6) for _ in labels], labels, seen, names) for _network in range(3)
    ]
    mean = mean_localisation(figures)
    assert mean["pixel_ap"] == pytest.approx(np.mean([figure["pixel_ap"] for figure in figures]), abs=2e-4)
    assert mean["chance"] == figures[0]["chance"] and mean["attributes"] == 2
