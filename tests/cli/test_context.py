"""`explain --context`: the same numbers as the library's, in words and as JSON, and one line where it cannot be."""

import json

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.explanation.context import context_sentence, in_context
from siam.models.checkpoint import Pair, save
from siam.models.csib import CSIB
from tests.support.networks import baseline_network, siam_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a picture and two pairs, one of them with groups."""
    folder = tmp_path_factory.mktemp("context")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((96, 64)).save(folder / "photo.png")
    network = siam_network(attribute_link="sigmoid")
    shares = np.array([[0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0.3, 0.7]])
    csib = CSIB(network.config.attributes, shares, np.array([3.0, -1.0]), 4.5)
    for name, groups in (("with", csib), ("without", None)):
        save(Pair(name, network, baseline_network(), {}, csib=groups), folder / name)
    return folder


@pytest.fixture
def run(folder, capsys):
    """Run `explain` on the picture; return its status, stdout and stderr."""

    def run(*words, model="with"):
        status = main(["explain", str(folder / "photo.png"), "--model", str(folder / model), *words])
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def context(folder):
    pair = siam.load(folder / "with", device="cpu")
    assert pair.csib is not None
    return in_context(pair.csib, siam.explain(pair, folder / "photo.png"))


def test_words_are_the_librarys(run, context):
    status, text, _ = run("--context")
    assert status == 0
    assert text.strip().endswith(context_sentence(context))
    assert "attribute 0 with attribute 1" in text
    assert "no attribute 4 with no attribute 3" in text
    assert run("--context", "--causes", "1")[1].strip().endswith(context_sentence(context, 1))
    assert "With context" not in run()[1]


def test_json_sums_to_the_score(run, context):
    told = json.loads(run("--context", "--json")[1])["context"]
    assert told["score"] == pytest.approx(context.score)
    assert told["base"] + sum(cause["contribution"] for cause in told["causes"]) == pytest.approx(told["score"])
    assert told["scores"] == pytest.approx(list(context.scores))
    members = [[(m["attribute"], m["absent"]) for m in cause["members"]] for cause in told["causes"]]
    assert sorted(members) == [
        [("attribute_0", False), ("attribute_1", False)],
        [("attribute_4", True), ("attribute_3", True)],
    ]
    assert "context" not in json.loads(run("--json")[1])


def test_files_hold_the_score_with_context(run, context, tmp_path):
    assert run("--context", "--causes", "1", "--out", str(tmp_path))[0] == 0
    data = json.loads((tmp_path / "photo.json").read_text(encoding="utf-8"))
    assert data["context"] == json.loads(run("--context", "--json")[1])["context"]
    report = (tmp_path / "photo.html").read_text(encoding="utf-8")
    assert context_sentence(context, 1) in report
    assert run("--out", str(tmp_path))[0] == 0
    assert "context" not in json.loads((tmp_path / "photo.json").read_text(encoding="utf-8"))
    assert "With context" not in (tmp_path / "photo.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "model", "expected"),
    [
        (("--context",), "without", "no groups of attributes that count together"),
        (("--causes", "2"), "with", "give --context"),
        (("--context", "--difference"), "with", "leave out --context"),
    ],
)
def test_what_cannot_be_is_one_line(run, words, model, expected):
    status, text, error = run(*words, model=model)
    assert (status, text) == (2, "")
    assert expected in error
    assert error.strip().count("\n") == 0
