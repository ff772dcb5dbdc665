"""The comparison on photos with people's outlines: which photos, which attribute, what is explained, what is said."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from siam.cli.main import main
from siam.comparison.agreement import against_mask
from siam.comparison.pictures import OF_SIAM, World, cases_of, learned_from, names_in, one_outline_each
from siam.comparison.records import Extent, compare
from siam.datasets import human_masks
from siam.errors import DatasetError
from siam.evaluation.stored import read
from siam.explainers.references import REFERENCES
from siam.models import checkpoint
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM
from tests.support.masks import NUMBER, write_masks
from tests.support.networks import baseline_network, siam_network

KNOWN = ("grass", "trees", "clouds", "transport", "ocean")


def halves(left, right, bottom=0):
    """Return a mask of 64 x 96 px: two regions side by side, above a strip of a third."""
    mask = np.zeros((64, 96), dtype=np.uint8)
    mask[:, :40], mask[:, 40:], mask[56:] = NUMBER[left], NUMBER[right], bottom
    return mask


@pytest.fixture
def outlined(tmp_path):
    """Twelve photos of trees and grass, four of cars, two frames of one film, and some that show nothing to judge."""
    masks = {f"park{number}.jpg": halves("tree", "grass_field") for number in range(12)}
    masks |= {f"street{number}.jpg": halves("vehicle", "building") for number in range(4)}
    masks |= {f"camvid_a_{number}.jpg": halves("vehicle", "sky") for number in range(2)}
    masks |= {"sky.jpg": halves("sky", "building"), "lawn.jpg": halves("grass_field", "grass_field")}
    return write_masks(tmp_path / "outlines", masks)


@pytest.fixture
def pair(tmp_path):
    """Return a function that stores an untrained pair with the given card, and returns its folder."""

    def stored(card):
        siam = siam_network(len(KNOWN))
        named = SIAM(replace(siam.config, attributes=KNOWN)).eval()
        named.load_state_dict(siam.state_dict())
        checkpoint.save(Pair("tiny", named, baseline_network(), card), tmp_path / "tiny")
        cases_of.cache_clear()
        return tmp_path / "tiny"

    yield stored
    cases_of.cache_clear()


def test_each_photo_stands_once_and_attributes_come_about_equally_often(outlined):
    photos = human_masks.read(outlined)
    chosen = one_outline_each(photos, KNOWN)
    names = [photos.files[row].name for row, _name in chosen]
    assert len(set(names)) == len(names) == 17 and "sky.jpg" not in names and "lawn.jpg" not in names
    assert sum(name.startswith("camvid") for name in names) == 1  # frames of one film resemble each other
    counts = {name: sum(of == name for _row, of in chosen) for name in ("trees", "grass", "transport")}
    assert counts == {"trees": 6, "grass": 6, "transport": 5}
    for row, name in chosen:
        assert 0.03 <= photos.shares()[row, list(human_masks.OUTLINED).index(name)] <= 0.9
    assert {name for _row, name in one_outline_each(photos, ("trees", "social"))} == {"trees"}


def test_the_target_is_the_presence_of_the_outlined_attribute(outlined, pair):
    world = World("photos", str(pair({})), outlined, 5, 64, "cpu", "siam")
    cases = cases_of(world)
    assert [case.identifier for case in cases_of(replace(world, count=3))] == [case.identifier for case in cases[:3]]
    assert names_in(world) == OF_SIAM
    photos = human_masks.read(outlined)
    rows = {path.stem: row for row, path in enumerate(photos.files)}
    for case in cases:
        stem, name = case.identifier.split(", ")
        assert (case.mask == photos.covered(name, photos.masks[rows[stem]])).all()
        assert min(case.image.shape[2:]) == 64 and case.image.shape[3] == 96
        with torch.no_grad():
            logits = case.network(case.image).attribute_logits[0]
            explained = case.target(case.network, case.image)
        assert float(explained) == pytest.approx(float(logits[KNOWN.index(name)]))


def test_what_nobody_labelled_does_not_count(outlined, pair, tmp_path):
    masks = {f"{number}.jpg": halves("tree", "building", 0 if number else NUMBER["sky"]) for number in range(2)}
    world = World("photos", str(pair({})), write_masks(tmp_path / "few", masks), 2, 64, "cpu", "siam")
    shares = {case.identifier: case for case in cases_of(world)}
    made = compare(world, {"siam": None}, Extent(0), tmp_path / "records.jsonl")
    chance = {record["identifier"]: record["chance"] for record in made if record["method"] == "uniform"}
    assert chance["0, trees"] == pytest.approx(40 * 56 / (64 * 96), abs=1e-4)  # the strip is sky
    assert chance["1, trees"] == pytest.approx(40 / 96, abs=1e-4)  # the strip is unlabelled
    case = shares["1, trees"]
    assert case.known is not None and not case.known[56:].any() and case.known[:56].all()
    map_ = torch.zeros(64, 96)
    map_[56:] = 5.0  # all of it where nobody said anything
    assert against_mask(map_, case.mask, case.known)["ebpg"] == pytest.approx(40 / 96)
    map_[:56, :40] = 1.0
    assert against_mask(map_, case.mask, case.known)["ebpg"] == 1


@pytest.mark.parametrize(
    ("folders", "learned", "said"),
    [
        (["outlines", "oasis"], True, "whose outlines were used in training"),
        (["oasis"], False, "not seen in training"),
        (None, None, "may have been seen in training"),
    ],
)
def test_the_table_says_whether_the_outlines_taught_the_network(
    outlined, pair, folders, learned, said, tmp_path, capsys
):
    card = {} if folders is None else {"folders": folders}
    folder = pair(card)
    assert learned_from(World("photos", str(folder), outlined, 10)) is learned
    out = tmp_path / "photos.json"
    words = f"compare --photos {outlined} --model {folder} --count 10 --size 64 --sanity 1 --methods siam grad_cam"
    words += f" --workers 1 --without-cost --records {tmp_path / 'kept'} --out {out} --json"
    assert main(words.split()) == 0
    printed = capsys.readouterr()
    assert ("learned from the outlines" in printed.err) == bool(learned)
    found, result = json.loads(printed.out)["comparison"], read(out)
    assert found["world"] == "photos" and found["n"] == 10
    assert set(found["methods"]) == {"siam", "grad_cam", *REFERENCES}
    assert found["measures"]["pixel_ap"]["over_random"]["gain"] > 0
    counts = Counter(name for _row, name in one_outline_each(human_masks.read(outlined), KNOWN)[:10])
    assert said in result.protocol and ", ".join(f"{name} {counts[name]}" for name in sorted(counts)) in result.protocol
    assert result.command.startswith(f"python -m siam compare --photos {outlined} --model {folder} --count 10")
    assert result.model == "tiny, siam"
    assert {path.suffix for path in tmp_path.glob("photos.*")} == {".json", ".gz"}  # nothing of the photos
    claims = {(claim["better"], claim["worse"]) for claim in found["claims"]}
    assert claims == {("siam", "grad_cam")}


def test_photos_without_a_usable_outline_are_told(pair, tmp_path):
    masks = {"sky.jpg": halves("sky", "building")}
    world = World("photos", str(pair({})), write_masks(tmp_path / "sky", masks), 3, network="siam")
    with pytest.raises(DatasetError, match="shows an outlined attribute that"):
        cases_of(world)
