"""A new explainer is one file and one line in `EXPLAINERS`: here the file is written, and the line given, by a test."""

import numpy as np
import pytest
import torch
from PIL import Image

from siam.cli.main import main
from siam.comparison.statistics import summary
from siam.evaluation.stored import variant_figures
from siam.explainers import EXPLAINERS, explainer, names_for
from siam.explainers.attribution import attribute_photo, names_of, network_for
from siam.explainers.registry import title
from siam.explainers.targets import score_up
from siam.figures.attributions import curves_figure, map_text, pattern
from siam.figures.comparison import forest_figure
from siam.models import fitted
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair, load, save
from siam.models.siam import SIAM
from siam.results import explainers as tables
from tests.explainers.test_contract import test_an_explainer_is_a_value as assert_is_a_value
from tests.explainers.test_contract import test_contract as assert_contract
from tests.support.explainers import thin
from tests.support.extensions import load_module
from tests.support.networks import baseline_network, siam_network

MINE = '''
"""Mine: the sum of the last features."""
from dataclasses import dataclass
from typing import ClassVar

import torch

from siam.explainers.base import Description, Kind, prepared, quiet, untouched


@dataclass(frozen=True)
class Mine:
    kind: ClassVar[Kind] = "features"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        "My method", "Me 2027", "https://example.org/mine", "It adds the last features.", colour="#123456", dash="dot",
        pattern="what there is",
    )

    def passes(self, model, height, width):
        return 1

    def __call__(self, model, images, target, progress=quiet):
        with untouched(model), torch.no_grad():
            return model.backbone(prepared(model, images)).relu().sum(dim=1)
'''

LEARNER = '''
"""What Mine learns: the mean colour of the pictures."""
import torch

from siam.errors import TrainingError
from siam.images.reading import read_image
from siam.images.preprocessing import preprocess
from siam.models.fitted import Fitted


def check(section):
    if section.keys() - {"weight"}:
        raise TrainingError("expected weight alone")


def learn(name, model, files, section, cache, progress):
    means = [preprocess(read_image(path), model.config).mean(dim=(0, 2, 3)) for path in files]
    return Fitted({"mean": section["weight"] * torch.stack(means).mean(dim=0)}, {"pictures": len(files)})
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    made = load_module(tmp_path, "mine_explainer", MINE, monkeypatch).Mine
    monkeypatch.setitem(EXPLAINERS, "mine", made)  # the line
    return made


def test_it_is_there_by_name(mine):
    assert explainer("mine") == mine()
    assert "mine" in names_for(siam_network()) and "mine" in names_for(baseline_network())
    pair = Pair("test", siam_network(), baseline_network(), {})
    assert names_of(pair)[-1] == "mine" and network_for(pair, "mine") is pair.baseline


@pytest.mark.parametrize("kind", [SIAM, Baseline])
def test_it_is_held_to_the_contract(mine, kind):
    assert_is_a_value("mine")
    assert_contract("mine", "resnet", kind)


def test_it_explains_a_photo_and_is_described_everywhere(mine):
    model, image = thin("lite", Baseline), torch.rand(1, 3, 64, 96)
    found = attribute_photo(model, image, "mine", score_up())
    assert found.name == "mine" and found.passes == 1 and found.map.shape == (2, 3) and not found.signed
    assert title("mine") == "My method" and pattern("mine") == "what there is"
    assert map_text("mine", np.eye(3), 1).startswith("My method's map: what there is is ")
    figure = curves_figure({"mine": np.array([1.0, 0.0])}, np.array([0.0, 1.0]), "Deletion", "low", "pixels", "points")
    assert (figure.data[0].name, figure.data[0].line.color, figure.data[0].line.dash) == ("My method", "#123456", "dot")


def test_it_stands_in_the_tables_and_figures_of_a_comparison(mine):
    records = [
        {"network": "one", "identifier": str(number), "method": name, "ebpg": 0.1 * number, "drop_15": 0.5}
        for number in range(12)
        for name in ("grad_cam", "mine", "truth", "uniform", "random")
    ]
    figures = variant_figures({"baseline": {"comparison": {"world": "scenes", **summary(records, {})}}})
    comparison = figures["baseline"].comparison
    assert list(comparison.methods) == ["truth", "uniform", "random", "grad_cam", "mine"]
    rows = tables.rows(comparison, tables.shown(comparison))
    assert [row[0] for row in rows] == ["Truth", "Uniform", "Random", "Grad-CAM", "My method"]
    figure = forest_figure(comparison, "ebpg", "heading", "source")
    assert "My method" in figure.layout.yaxis.categoryarray


def test_what_it_must_learn_is_fitted_stored_and_asked_for(tmp_path, monkeypatch, capsys):
    load_module(tmp_path, "mine_learner", LEARNER, monkeypatch)
    text = MINE.replace('colour="#123456"', 'colour="#123456", networks="baseline", learner="mine_learner"')
    made = load_module(tmp_path, "mine_that_learns", text, monkeypatch).Mine
    monkeypatch.setitem(EXPLAINERS, "mine", made)
    save(Pair("tiny", siam_network(), baseline_network(), {}), tmp_path / "model")
    assert "mine" not in names_for(load(tmp_path / "model").baseline)
    (tmp_path / "photos").mkdir()
    for number in range(20):
        Image.new("RGB", (40, 40), (10 * number, 0, 0)).save(tmp_path / "photos" / f"{number}.png")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("seed = 0\n[mine]\nweight = 2.0\n")
    asked = [
        "--model",
        str(tmp_path / "model"),
        "--photos",
        str(tmp_path / "photos"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert main(["fit", str(recipe), *asked]) == 0
    assert "mine.safetensors: fitted to 20 pictures" in capsys.readouterr().out
    baseline = load(tmp_path / "model").baseline
    assert list(baseline.fitted) == ["mine"] and fitted.fitted_to(baseline, "mine").facts["pictures"] == 20
    assert "mine" in names_for(baseline)
    recipe.write_text("seed = 0\n[mine]\nheight = 2.0\n")
    assert main(["fit", str(recipe), *asked]) == 2
    assert "[mine]: expected weight alone" in capsys.readouterr().err
