"""A candidate becomes an attribute: a few answers, one row more, the rest of the networks unchanged."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import siam
from siam.discovery import cells, naming
from siam.discovery.candidates import Scores, discover
from siam.discovery.naming import Questions, too_few
from siam.errors import DatasetError
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, load, save
from siam.taste.personal import crowd
from tests.archive.made import photo
from tests.discovery.made import ATTRIBUTES, world
from tests.support.networks import baseline_network, siam_network

COUNT = 64


@pytest.fixture(scope="module")
def pair():
    network, baseline = siam_network(3, attribute_link="sigmoid"), baseline_network(1)
    return Pair("tiny", network, baseline, {"training_data": "Noise.", "limits": "All."})


@pytest.fixture(scope="module")
def discovery(pair):
    photos = {f"{number}.jpg": (photo(number), "") for number in range(COUNT)}
    seen = cells.of_photos(pair, photos)
    random = np.random.default_rng(0)
    scores = crowd(pair).scores(seen.maps)
    hidden = seen.baseline[..., 0].astype(float).mean(axis=(1, 2))
    rated = scores + (hidden - hidden.mean()) / hidden.std() + 0.2 * random.normal(size=COUNT)
    return discover(seen, Scores(scores, rated + 0.1 * random.normal(size=COUNT), rated), pair.config.attributes)


@pytest.fixture(scope="module")
def named(pair, discovery):
    candidate = discovery.candidates[0]
    middle = np.median(candidate.amount)
    said = {int(row): bool(candidate.amount[row] > middle) for row in range(0, 24, 2)} | {1: None}
    return naming.name(pair, discovery, candidate, said, "old stone", "Ada", "walk"), said


def test_a_dozen_questions_tell_the_cause_from_the_rest():
    seen, scores, amount, _where = world()
    discovery = discover(seen, scores, ATTRIBUTES)
    questions, said, shows = Questions(discovery, discovery.candidates[0]), {}, amount > 0
    for _question in range(naming.ENOUGH):
        row = questions.next(said)
        assert row not in said
        said[row] = bool(shows[row])
    assert too_few(said) is None and roc_auc_score(shows, questions.likely(said)) > 0.95
    everything = dict(enumerate(map(bool, shows)))
    assert questions.next(everything) is None


def test_cells_are_those_of_the_networks(pair, discovery):
    pixels = preprocess(read_image(photo(5)), pair.siam.config)
    with torch.inference_mode():
        whole = pair.baseline.backbone(pixels)
        output = pair.siam(pixels)
    assert np.allclose(discovery.cells.baseline[5].mean(axis=(0, 1)), whole.mean(dim=(2, 3))[0], atol=2e-2)
    assert discovery.siam[5] == pytest.approx(float(output.scenicness[0]), abs=0.05)
    light = discovery.cells.light[5].astype(float)
    assert ((light[..., :3] >= 0) & (light[..., :3] <= 1)).all() and (np.abs(light[..., 3]) <= 1).all()


def test_the_new_attribute_is_one_row_more(pair, discovery, named):
    made, _said = named
    network = made.pair.siam
    assert network.config.attributes == (*pair.config.attributes, "old stone")
    before, after = pair.siam.attribute_layer, network.attribute_layer
    assert torch.equal(after.weight[:3], before.weight) and torch.equal(after.bias[:3], before.bias)
    assert all(
        torch.equal(a, b) for a, b in zip(network.backbone.parameters(), pair.siam.backbone.parameters(), strict=True)
    )
    assert made.pair.baseline is pair.baseline
    amount = discovery.candidates[0].amount
    assert np.corrcoef(made.maps.means[:, -1], amount)[0, 1] > 0.6


def test_it_is_saved_loaded_and_explains_like_any_other(named, tmp_path):
    made, _said = named
    save(made.pair, tmp_path / "pair")
    loaded = load(tmp_path / "pair", "cpu")
    explained = siam.explain(loaded, photo(3))
    sizes = explained.contributions
    assert len(sizes) == 4 and explained.bias + float(np.sum(sizes)) == pytest.approx(explained.scenicness, abs=1e-4)
    told = loaded.card[naming.KEY]
    assert told["word"] == "old stone" and told["by"] == "Ada" and told["gallery"] == "walk"
    assert told["answers"] == {"present": sum(of is True for of in _said.values()),
                               "absent": sum(of is False for of in _said.values()), "unsure": 1}  # fmt: skip


def test_templates_gain_from_it_out_of_fold(named):
    made, _said = named
    assert made.fit.tau > made.fit.crowd_tau and made.fit.taste.attributes[-1] == "old stone"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "3 more that show it and 3 more that do not"),
        ({0: True, 1: True, 2: True, 3: False, 4: False, 5: None}, "1 more that does not"),
        ({0: True, 1: True, 3: False, 4: False, 5: False}, "1 more that shows it"),
    ],
)
def test_too_few_answers_are_said(pair, discovery, said, message):
    make = partial(naming.name, pair, discovery, discovery.candidates[0], said)
    with pytest.raises(DatasetError, match=message):
        make("moss")
    with pytest.raises(DatasetError, match="already an attribute"):
        make(pair.config.attributes[0])
