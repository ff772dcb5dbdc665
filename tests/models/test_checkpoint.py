"""What is saved comes back; what does not fit is refused by name and shape."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import siam
from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network


@pytest.fixture
def pair():
    return Pair("test", siam_network(predicts_variance=True), baseline_network(), {"training_data": "noise"})


@pytest.fixture
def folder(pair, tmp_path):
    save(pair, tmp_path / "networks")
    return tmp_path / "networks"


def change_tensors(path, change):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_round_trip_is_exact(pair, folder):
    found = siam.load(folder, device="cpu")
    assert found.name == "test"
    assert found.card["training_data"] == "noise"
    for mine, theirs in ((pair.siam, found.siam), (pair.baseline, found.baseline)):
        assert mine.config == theirs.config
        assert not theirs.training
        for name, tensor in mine.state_dict().items():
            assert torch.equal(tensor, theirs.state_dict()[name]), name


def test_half_precision_is_half_the_size_and_loads_as_single(pair, folder, tmp_path):
    save(pair, tmp_path / "half", half=True)
    sizes = [(place / "siam.safetensors").stat().st_size for place in (folder, tmp_path / "half")]
    assert sizes[1] < 0.6 * sizes[0]
    found = siam.load(tmp_path / "half", device="cpu")
    assert {tensor.dtype for tensor in found.siam.parameters()} == {torch.float32}
    images = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        assert torch.allclose(found.siam(images).scenicness, pair.siam(images).scenicness, rtol=0.01)


def test_pair_without_baseline(pair, tmp_path):
    save(Pair("alone", pair.siam, None, {}), tmp_path)
    assert siam.load(tmp_path, device="cpu").baseline is None


def test_no_parts_are_left_behind(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["baseline.safetensors", "card.json", "siam.safetensors"]


def test_wrong_shape_names_tensor_and_both_shapes(folder):
    change_tensors(folder / "siam.safetensors", lambda t: t.update({"attribute_layer.bias": torch.zeros(7)}))
    with pytest.raises(siam.CheckpointError, match=r"attribute_layer.bias has shape \(7,\).*needs \(5,\)"):
        siam.load(folder)


def test_missing_and_unknown_tensors_are_named(folder):
    change_tensors(folder / "baseline.safetensors", lambda t: t.update({"extra": torch.zeros(2, 3)}))
    with pytest.raises(siam.CheckpointError, match=r"extra \(2, 3\)"):
        siam.load(folder)
    change_tensors(folder / "siam.safetensors", lambda t: t.pop("scenicness_head.weights"))
    with pytest.raises(siam.CheckpointError, match=r"lacks the tensor scenicness_head.weights \(5,\)"):
        siam.load(folder)


def test_nan_is_refused(folder):
    change_tensors(folder / "siam.safetensors", lambda t: t["attribute_layer.bias"].fill_(float("nan")))
    with pytest.raises(siam.CheckpointError, match=r"attribute_layer.bias holds NaN"):
        siam.load(folder)


@pytest.mark.parametrize("content", [b"", b"not tensors at all", None])
def test_damaged_tensors(folder, content):
    path = folder / "siam.safetensors"
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(siam.CheckpointError, match=r"siam.safetensors is not a readable safetensors file"):
        siam.load(folder)


def test_missing_files(folder):
    (folder / "baseline.safetensors").unlink()
    with pytest.raises(siam.CheckpointError, match=r"baseline.safetensors is missing"):
        siam.load(folder)
    (folder / "card.json").unlink()
    with pytest.raises(siam.CheckpointError, match=r"card.json is missing"):
        siam.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.update(format=99), "format 99; this version reads format 1: update SIAM Explorer"),
        (lambda card: card.update(format=0), "format 0; this version reads format 1: use a card that it wrote"),
        (lambda card: card.pop("siam"), "no config for SIAMConfig"),
        (lambda card: card["siam"].pop("grid"), "missing or unknown settings: grid"),
        (lambda card: card["siam"].update(scale={"name": "x"}), "expected name, low and high"),
        (lambda card: card["siam"].update(attribute_link="softmax"), "expected 'tanh' or 'sigmoid'"),
        (lambda card: card["siam"].update(border=-1), "border is -1"),
        (lambda card: card["siam"].update(attributes=[]), "0 attributes"),
        (lambda card: card["siam"].update(attributes=[1]), r"attributes is \(1,\)"),
        (lambda card: card["siam"].update(image_size="96"), "image_size is '96'"),
        (lambda card: card["siam"].update(grid=10**9), "grid is 1000000000"),
        (lambda card: card["siam"].update(mean=[0.5, 0.5]), "mean is"),
        (lambda card: card["siam"].update(std=[0.2, 0.2, 0]), "std is"),
        (lambda card: card["siam"].update(std=[0.2, 0.2, float("nan")]), "std is .*None"),
        (lambda card: card["siam"].update(mean=[0.5, 0.5, 10**400]), "mean is"),
        (lambda card: card["siam"]["scale"].update(high=10**400), "high is 1000"),
        (lambda card: card.update(attributes={"attribute_0": {"chance": 10**400}}), "attributes: attribute_0: "),
        (lambda card: card["siam"].update(predicts_variance=1), "predicts_variance is 1"),
        (lambda card: card["siam"].pop("predicts_variance"), "missing or unknown settings: predicts_variance"),
        (lambda card: card["baseline"].update(predicts_variance="yes"), "predicts_variance is 'yes'"),
        (lambda card: card["siam"]["scale"].update(low="x"), "low is 'x'"),
        (lambda card: card["baseline"].update(template_relu=False), "unknown settings: template_relu"),
        (lambda card: card["siam"].update(backbone="resnet1"), "no backbone named 'resnet1'"),
    ],
)
def test_damaged_card(folder, change, message):
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(siam.CheckpointError, match=message):
        siam.load(folder)


def test_card_that_is_not_json(folder):
    (folder / "card.json").write_text("{")
    with pytest.raises(siam.CheckpointError, match="not readable as JSON"):
        siam.load(folder)


def test_unknown_name_lists_what_there_is():
    with pytest.raises(siam.CheckpointError, match=r"bundled name .*photo.*, a folder with card.json"):
        siam.load("no such thing")


@pytest.mark.parametrize(
    ("network", "setting"),
    [("siam", "template_relu"), ("siam", "stages"), ("baseline", "stages"), ("baseline", "predicts_variance")],
)
def test_card_of_before_a_setting_came(pair, folder, network, setting):
    card = json.loads((folder / "card.json").read_text())
    default = card[network].pop(setting)
    (folder / "card.json").write_text(json.dumps(card))
    found = getattr(siam.load(folder, device="cpu"), network)
    assert getattr(found.config, setting) == default
    images = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        assert torch.allclose(found(images).scenicness, getattr(pair, network)(images).scenicness, atol=1e-4)


def test_a_baseline_s_variance_is_stored_and_must_be_there_if_the_card_says_so(pair, folder, tmp_path):
    baseline = baseline_network(predicts_variance=True)
    save(Pair("spread", pair.siam, baseline, {}), tmp_path / "spread")
    images = torch.randn(2, 3, 96, 128)
    with torch.no_grad():
        found, expected = siam.load(tmp_path / "spread", device="cpu").baseline(images), baseline(images)
    assert torch.allclose(found.scenicness_variance, expected.scenicness_variance, atol=1e-4)
    shutil.copy(folder / "baseline.safetensors", tmp_path / "spread")
    with pytest.raises(siam.CheckpointError, match=r"lacks the tensor variance_layer\.weight \(1, "):
        siam.load(tmp_path / "spread", engine="pytorch")


def test_numbers_that_json_lacks_become_null(pair, tmp_path):
    figures = {"tau": float("nan"), "rmse": 0.5, "list": [1, (2.0, float("-inf"))]}
    save(Pair("test", pair.siam, None, {"metrics": {"siam": figures}}), tmp_path)
    text = (tmp_path / "card.json").read_text()
    assert "NaN" not in text and "Infinity" not in text
    expected = {"siam": {"tau": None, "rmse": 0.5, "list": [1, [2.0, None]]}}
    assert json.loads(text)["metrics"] == siam.load(tmp_path, device="cpu").card["metrics"] == expected


def test_nan_in_a_card_from_elsewhere_is_read_as_undefined(folder):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "metrics": {"tau": float("nan")}}))
    assert siam.load(folder, device="cpu").card["metrics"] == {"tau": None}


def test_config_that_is_not_finite_is_not_saved(pair, tmp_path):
    network = siam_network()
    network.config = replace(network.config, std=(0.2, float("inf"), 0.2))
    with pytest.raises(siam.CheckpointError, match="the config of 'test' holds a number that is not finite"):
        save(Pair("test", network, None, {}), tmp_path / "networks")
    assert not (tmp_path / "networks").exists()


def test_full_disk_leaves_what_was_there(pair, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def write_half(path, content):
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(siam.SIAMError, match="No space left"):
        save(Pair("test", siam_network(seed=5, predicts_variance=True), pair.baseline, {}), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
