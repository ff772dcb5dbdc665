"""How well attributes are recognised: the rule at its edges, and cards that come from anyone."""

import json
from dataclasses import replace

import pytest

import siam
from siam.models.checkpoint import Pair, save
from siam.models.identity import identity
from siam.models.recognition import belief
from tests.support.networks import siam_network
from tests.support.recognition import recognised

GOOD = {"positives": 40, "test_positives": 10, "interval": (0.8, 0.9), "chance": 0.1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "well"),
        ({"interval": (0.551, 1.0)}, "well"),  # from chance to perfection: .9; half of it: .55
        ({"interval": (0.549, 1.0)}, "roughly"),
        ({"interval": (0.191, 1.0)}, "roughly"),
        ({"interval": (0.189, 1.0)}, "hardly"),
        ({"interval": (0.05, 1.0)}, "hardly"),  # perhaps worse than chance
        ({"positives": 9}, "hardly"),
        ({"positives": 10}, "well"),
        ({"test_positives": 2}, "hardly"),
        ({"test_positives": 3}, "well"),
        ({"interval": None}, "hardly"),
        ({"chance": 1.0, "interval": (1.0, 1.0)}, "hardly"),  # every photo shows it: nothing can be shown
        ({"chance": 0.6, "interval": (0.79, 0.9)}, "roughly"),  # a frequent attribute needs more
        ({"chance": 0.6, "interval": (0.81, 0.9)}, "well"),
    ],
)
def test_the_rule(changes, expected):
    assert belief(**{**GOOD, **changes}) == expected


@pytest.fixture
def pair():
    entries = {
        "attribute_0": recognised("well").entry(),
        "attribute_3": recognised("hardly", average_precision=None, interval=None, test_positives=0, chance=0).entry(),
    }
    return Pair("test", siam_network(), None, {"attributes": entries})


def test_it_comes_back_with_the_card(pair, tmp_path):
    save(pair, tmp_path)
    found = siam.load(tmp_path, device="cpu").recognition
    assert found == pair.recognition and list(found) == ["attribute_0", "attribute_3"]
    assert found["attribute_0"] == recognised("well") and found["attribute_3"].interval is None
    assert {name: of.entry() for name, of in found.items()} == pair.card["attributes"]


def test_a_card_without_it_says_nothing(pair):
    assert replace(pair, card={}).recognition == {}


def test_caches_notice_a_card_that_says_something_else(pair):
    other = replace(pair, card={"attributes": {"attribute_0": recognised("roughly").entry()}})
    assert len({identity(pair), identity(other), identity(replace(pair, card={}))}) == 3
    assert identity(pair, learnt=False) == identity(other, learnt=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda of: of.update(oak=of["attribute_0"]), "'oak', which the pair does not know"),
        (lambda of: of.update(attribute_0="well"), "attribute_0 is 'well'; expected an object"),
        (lambda of: of["attribute_0"].pop("positives"), "positives is None"),
        (lambda of: of["attribute_0"].update(positives=-1), "positives is -1"),
        (lambda of: of["attribute_0"].update(test_positives=True), "test_positives is True"),
        (lambda of: of["attribute_0"].update(test_photos=1.5), "test_photos is 1.5"),
        (lambda of: of["attribute_0"].update(average_precision=1.2), "average_precision is 1.2"),
        (lambda of: of["attribute_0"].update(average_precision="x"), "average_precision is 'x'"),
        (lambda of: of["attribute_0"].update(interval=[0.1]), r"interval is \[0.1\]"),
        (lambda of: of["attribute_0"].update(interval=[0.1, None]), r"interval is \[0.1, None\]"),
        (lambda of: of["attribute_0"].update(interval=0.5), "interval is 0.5"),
        (lambda of: of["attribute_0"].update(chance=None), "chance is None"),
        (lambda of: of["attribute_0"].update(belief="very well"), "belief is 'very well'"),
        (lambda of: of["attribute_0"].update(belief=["well"]), r"belief is \['well'\]"),
    ],
)
def test_a_card_that_cannot_be_is_refused(pair, tmp_path, change, message):
    save(pair, tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    change(card["attributes"])
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(siam.CheckpointError, match=rf"card\.json: attributes.*{message}"):
        siam.load(tmp_path)


@pytest.mark.parametrize("stored", [["well"], "well", 3])
def test_no_object_at_all(pair, tmp_path, stored):
    save(replace(pair, card={"attributes": stored}), tmp_path)
    with pytest.raises(siam.CheckpointError, match="expected an entry for each attribute"):
        siam.load(tmp_path)


def test_the_bundled_card_follows_the_rule():
    pair = siam.load("photo", device="cpu")
    assert list(pair.recognition) == list(pair.siam.config.attributes)
    for known in pair.recognition.values():
        assert known.belief == belief(known.positives, known.test_positives, known.interval, known.chance)
    assert {known.belief for known in pair.recognition.values()} == {"well", "roughly", "hardly"}
