"""What explainers learn is stored beside the network it was learnt for, and beside no other."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from siam.errors import CheckpointError
from siam.models import fitted
from siam.models.checkpoint import Pair, files, load, save
from siam.models.fitted import Fitted, fitted_to
from tests.support.networks import baseline_network, siam_network


@pytest.fixture
def pair():
    network = baseline_network()
    network.fitted["lcam_fm"] = Fitted({"weight": torch.randn(1, 8), "bias": torch.zeros(1)}, {"photos": 3})
    return Pair("test", siam_network(), network, {})


@pytest.mark.parametrize("half", [False, True])
def test_it_comes_back_with_the_pair(pair, tmp_path, half):
    save(pair, tmp_path, half=half)
    found = load(tmp_path).baseline.fitted
    assert list(found) == ["lcam_fm"] and found["lcam_fm"].facts == {"photos": 3}
    assert torch.equal(found["lcam_fm"].tensors["weight"], pair.baseline.fitted["lcam_fm"].tensors["weight"])
    assert "lcam_fm.safetensors" in files(pair.card | {"baseline": {}}, tmp_path)
    assert fitted_to(load(tmp_path).baseline, "lcam_fm").facts == {"photos": 3}


def test_it_is_not_left_beside_another_network(pair, tmp_path):
    save(pair, tmp_path)
    save(replace(pair, baseline=baseline_network(seed=1)), tmp_path)
    assert not (tmp_path / "lcam_fm.safetensors").exists() and load(tmp_path).baseline.fitted == {}
    fitted.write("vebi", Fitted({"weight": torch.ones(2)}, {}), pair.baseline, tmp_path)
    with pytest.raises(CheckpointError, match=r"vebi\.safetensors was fitted to a network other .* siam fit"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_damaged_files_are_told(pair, tmp_path, content):
    save(pair, tmp_path)
    (tmp_path / "lcam_fm.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"lcam_fm\.safetensors is not readable"):
        load(tmp_path)


def test_values_that_are_not_finite_are_told(pair, tmp_path):
    pair.baseline.fitted["lcam_fm"].tensors["bias"][0] = torch.nan
    save(pair, tmp_path)
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"network": "n"}, "lacks its facts: fit it again"),
        ({"facts": "{}"}, "lacks its network: fit it again"),
        ({"network": "n", "facts": "[3]"}, "has facts of type list, not dict: fit it again"),
        ({"network": "n", "facts": "{"}, "is not readable"),
        ({"network": "n", "facts": 100_000 * "["}, "is not readable"),
    ],
)
def test_files_that_tell_too_little_are_told(pair, tmp_path, told, message):
    save_file({"weight": torch.ones(1)}, tmp_path / "vebi.safetensors", metadata=told)
    with pytest.raises(CheckpointError, match=rf"vebi\.safetensors {message}"):
        fitted.read(tmp_path, pair.baseline)


def test_files_of_other_programs_are_left_alone(pair, tmp_path):
    save_file({"weight": torch.ones(1)}, tmp_path / "siam_of_yesterday.safetensors", metadata={"format": "pt"})
    save(pair, tmp_path)
    assert list(load(tmp_path).baseline.fitted) == ["lcam_fm"] and fitted.files(tmp_path)[1:] == []
    assert (tmp_path / "siam_of_yesterday.safetensors").exists()


def test_who_asks_for_it_gets_what_is_whole_and_one_line_for_each_other_file(pair, tmp_path):
    save(pair, tmp_path)
    fitted.write("lcam_img", Fitted({"weight": torch.ones(2)}, {}), baseline_network(seed=1), tmp_path)
    (tmp_path / "vebi.safetensors").write_bytes(b"no tensors")
    problems = []
    found = fitted.read(tmp_path, pair.baseline, problems.append)
    assert list(found) == ["lcam_fm"] and found["lcam_fm"].facts == {"photos": 3}
    assert [problem.count("\n") for problem in problems] == [0, 0]
    assert "lcam_img.safetensors was fitted to a network other" in problems[0]
    assert "vebi.safetensors is not readable" in problems[1]
    assert all(problem.endswith("fit it again with python -m siam fit") for problem in problems)
    with pytest.raises(CheckpointError, match="lcam_img"):
        fitted.read(tmp_path, pair.baseline)
    for name in ("lcam_img", "vebi"):
        (tmp_path / f"{name}.safetensors").unlink()
    assert list(fitted.read(tmp_path, pair.baseline, problems.append)) == ["lcam_fm"] and len(problems) == 2


def test_who_was_not_fitted_says_so(pair):
    with pytest.raises(ValueError, match=r"vebi must be fitted .* Baseline: see python -m siam fit"):
        fitted_to(pair.baseline, "vebi")
    with pytest.raises(ValueError, match="SIAM"):
        fitted_to(pair.siam, "lcam_fm")
