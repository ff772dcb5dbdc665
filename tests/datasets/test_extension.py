"""A new dataset or attribute vocabulary is one file and one line in `DATASETS`: a test gives both."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import siam
from siam import datasets
from siam.cli.main import main
from siam.datasets import DATASETS
from siam.errors import DatasetError
from siam.evaluation import stored as stored_results
from siam.evaluation.assessment import assess
from siam.gallery import store
from siam.models.checkpoint import Pair, save
from siam.training.pairs import train
from tests.support.extensions import load_module
from tests.support.heads import RECIPE_TEXT
from tests.support.networks import siam_network
from ui.results import stored

VOCABULARY = '''
"""Gardens: three attributes of their own, in labels.txt: file, split and three shares a line."""
import numpy as np

from siam.datasets.base import AttributePhotos

ATTRIBUTES = ("hedge", "pond", "bench")


def read(root, *, findings=None):
    rows = [line.split() for line in (root / "labels.txt").read_text().splitlines()]
    return AttributePhotos(
        tuple(root / "images" / row[0] for row in rows),
        np.array([row[2:] for row in rows], dtype=np.float32),
        np.array([row[1] for row in rows]),
        ATTRIBUTES,
    )
'''

RECIPE = (
    RECIPE_TEXT.replace('name = "tiny"', 'name = "gardens"')
    .replace("seeds = [3, 4]", "seeds = [3]")
    .replace('attributes = "sun"', 'attributes = { reader = "gardens", folder = "labelled" }')
    .replace('weak_attributes = "scenes"', 'weak_attributes = ""')
    .replace('scores = ["near", "far"]', 'scores = ["rated"]')
    .replace("region_weight = 1.0", "region_weight = 0.0")
)


def pictures(folder, count):
    """Write pictures of noise, from 0.png on."""
    generator = np.random.default_rng(count)
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = generator.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture
def gardens(tmp_path, monkeypatch):
    """Give a folder of labelled and rated pictures, and the name of a reader for the former."""
    load_module(tmp_path, "garden_photos", VOCABULARY, monkeypatch)
    monkeypatch.setitem(DATASETS, "gardens", "garden_photos")  # the line
    pictures(tmp_path / "labelled" / "images", 12)
    pictures(tmp_path / "rated" / "images", 6)
    splits = ["train", "train", "test"]
    lines = [f"{n}.png {splits[n % 3]} {n % 2} {n // 2 % 2} {n // 3 % 2}" for n in range(12)]
    (tmp_path / "labelled" / "labels.txt").write_text("\n".join(lines))
    ratings = "".join(f"{n}.png,{1 + n}\n" for n in range(6))
    (tmp_path / "rated" / "ratings.csv").write_text(f"file,beauty_mean\n{ratings}")
    return tmp_path


def test_a_pair_is_trained_on_a_vocabulary_of_its_own_and_judged_by_it(gardens):
    recipe = gardens / "gardens.toml"
    recipe.write_text(RECIPE)
    train(recipe, gardens, gardens / "out", gardens / "cache")
    pair = siam.load(gardens / "out", device="cpu")
    assert pair.siam.config.attributes == ("hedge", "pond", "bench")
    figures = assess(pair, "gardens", gardens / "labelled").figures
    assert set(figures["siam"]["per_attribute"]) <= {"hedge", "pond", "bench"}
    explanation = siam.explain(pair, Image.open(gardens / "rated" / "images" / "0.png"))
    assert explanation.attributes == ("hedge", "pond", "bench")


def test_names_are_matched_and_others_refused(gardens):
    few = siam_network(attributes=2)
    few.config = replace(few.config, attributes=("bench", "hedge"))
    pair = Pair("few", few, None, {})
    assert set(assess(pair, "gardens", gardens / "labelled", "all").figures["siam"]["per_attribute"]) == {
        "hedge", "bench",
    }  # fmt: skip
    with pytest.raises(DatasetError, match="knows none of the labelled attributes, such as hedge: use"):
        assess(Pair("other", siam_network(attributes=3), None, {}), "gardens", gardens / "labelled")
    photos = datasets.reader("gardens").read(gardens / "labelled")
    assert photos.labels_of(("bench", "hedge")).tolist() == photos.labels[:, [2, 0]].tolist()
    with pytest.raises(DatasetError, match="lack the attribute 'trees'; they have hedge, pond, bench"):
        photos.labels_of(("trees",))


def test_it_is_checked_like_all_others(gardens, capsys):
    assert main(["data", "check", "gardens", "--root", str(gardens / "labelled"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dataset"] == "gardens" and report["photos"] == 12


MEADOWS = '''
"""Meadows: a file, a split and the votes from 0 to 4 a line, in votes.txt; all by one author."""
import numpy as np

from siam.datasets.base import Layout, RatingScale, ScoredPhotos

SCALE = RatingScale("bloom", 0, 4)


def _rows(root):
    return [line.split() for line in (root / "votes.txt").read_text().splitlines()]


def _votes(root):
    return {name.removesuffix(".png"): tuple(map(int, votes)) for name, _split, *votes in _rows(root)}


def read(root, *, findings=None):
    votes = [np.array(row[2:], dtype=float) for row in _rows(root)]
    return ScoredPhotos(
        tuple(root / "images" / row[0] for row in _rows(root)),
        np.array([one.mean() for one in votes], dtype=np.float32),
        np.array([row[1] for row in _rows(root)]),
        SCALE,
        np.array([one.var() for one in votes], dtype=np.float32),
        np.array([len(one) for one in votes]),
    )


LAYOUT = Layout(
    titles={"our_meadows": "meadows in bloom"},
    crowd="rated by bees",
    has_split=lambda root: True,
    votes=_votes,
    credits=lambda root, files: {path.name: {"author": "A. Bee", "licence": "CC0"} for path in files},
)
'''


@pytest.fixture
def meadows(tmp_path, monkeypatch):
    """Give a folder of rated pictures whose reader is a file of its own, called "meadows"."""
    load_module(tmp_path, "meadow_photos", MEADOWS, monkeypatch)
    monkeypatch.setitem(DATASETS, "meadows", "meadow_photos")  # the line
    root = tmp_path / "our_meadows"
    pictures(root / "images", 9)
    splits = ["train", "test", "test"]
    lines = [f"{n}.png {splits[n % 3]} {n % 5} {(n + 1) % 5} {(2 * n) % 5}" for n in range(9)]
    (root / "votes.txt").write_text("\n".join(lines))
    return root


def test_a_dataset_is_checked_judged_shown_and_put_into_words(meadows, tmp_path, capsys):
    assert main(["data", "check", "meadows", "--root", str(meadows)]) == 0
    assert "9 photos: 0 missing" in capsys.readouterr().out
    (meadows / "images" / "4.png").unlink()
    assert main(["data", "check", "meadows", "--root", str(meadows)]) == 2
    assert "9 photos: 1 missing" in capsys.readouterr().out

    network = siam_network()
    network.config = replace(network.config, scale=datasets.reader("meadows").SCALE)
    save(Pair("tiny", network, None, {}), tmp_path / "tiny")
    asked = ["evaluate", "--data", "meadows", "--root", str(meadows), "--model", str(tmp_path / "tiny"), "--json"]
    assert main([*asked, "--out", str(tmp_path / "result.json"), "--gallery", str(tmp_path / "gallery")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["data"], answer["split"], answer["n"]) == ("meadows", "test", 5)  # the split is its own
    assert answer["same_scale"] and answer["data_scale"]["name"] == "bloom"
    gallery = store.read(tmp_path / "gallery")
    seen = {facts["identifier"]: facts for facts in map(gallery.facts, range(len(gallery)))}
    assert sorted(seen) == ["1", "2", "5", "7", "8"]
    assert list(seen["7"]["votes"]) == [2, 3, 4] and seen["7"]["crowd_mean"] == pytest.approx(3)
    assert (seen["7"]["author"], seen["7"]["licence"]) == ("A. Bee", "CC0")

    result = stored_results.read(tmp_path / "result.json")
    assert result.data == "our_meadows (meadows)"
    assert stored.photos(result.data) == "meadows in bloom" and stored.crowd(result.data) == "rated by bees"
    assert stored.photos("our_meadows, test") == "meadows in bloom, test"
    assert stored.photos("rendered, test") == "rendered landscapes, test" and stored.photos("elsewhere") == "elsewhere"
    assert stored.crowd("rendered-2") == "rated by a simulated crowd, a formula with noise"


@pytest.mark.parametrize("command", [["data", "check"], ["evaluate"]])
def test_its_name_stands_in_the_help(meadows, capsys, command):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert "meadows" in capsys.readouterr().out
