"""The folds' templates: stored beside the pair they belong to, and counted as in a loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import siam
from siam.models.agreement import agreed, agreement, read, signs_agreed, write
from siam.models.checkpoint import Pair, files, save
from siam.models.identity import identity
from tests.support.networks import baseline_network, siam_network

FOLDS = torch.randn(6, 5, 4, 4, generator=torch.Generator().manual_seed(0))  # R, K, g, g


@pytest.fixture
def pair():
    return Pair("test", siam_network(), baseline_network(), {}, FOLDS)


def test_the_share_is_that_of_a_loop():
    shown, folds = np.random.default_rng(0).normal(size=(3, 4, 4)), FOLDS[:, :3].numpy()
    shares = agreement(shown, folds)
    for place in np.ndindex(3, 4, 4):
        same = [fold for fold in folds if (fold[place] > 0) == (shown[place] > 0)]
        assert shares[place] == pytest.approx(len(same) / len(folds))
    assert shares.min() >= 0 and shares.max() <= 1


def test_nothing_agrees_with_zero_but_zero():
    assert agreement(np.zeros((1, 2)), np.array([[[0.0, 1.0]], [[0.0, 0.0]]])).tolist() == [[1, 0.5]]


@pytest.mark.parametrize("pooling", ["adaptive", "area"])
def test_signs_of_contributions_are_counted_as_by_the_networks_themselves(pooling):
    network, maps = siam_network(pooling=pooling), torch.rand(1, 5, 7, 9, generator=torch.Generator().manual_seed(1))
    maps[0, 3] = 0  # not in the picture
    values = network.interpret_layer(maps).contributions[0].detach().numpy()
    networks = []
    for fold in FOLDS:
        network.scenicness_head.set_effective_templates(fold)
        networks.append(network.interpret_layer(maps).contributions[0].detach().numpy())
    shares = signs_agreed(maps[0].numpy(), values, FOLDS.numpy(), pooling)
    for k in (0, 1, 2, 4):
        assert shares[k] == pytest.approx(np.mean([(of[k] > 0) == (values[k] > 0) for of in networks]))
    assert np.isnan(shares[3])


@pytest.mark.parametrize(("count", "of"), [(4, 5), (8, 10), (12, 15)])
def test_four_of_five_agree_and_fewer_do_not(count, of):
    folds = np.where(np.arange(of) < count, 1.0, -1.0)[:, None, None]
    assert agreed(agreement(np.ones((1, 1)), folds)).all()
    folds[count - 1] = -1
    assert not agreed(agreement(np.ones((1, 1)), folds)).any()


@pytest.mark.parametrize("shape", [(0, 2, 2), (3, 2, 3), (2, 2)])
def test_templates_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected those of at least one network"):
        agreement(np.ones((2, 2)), np.ones(shape))


@pytest.mark.parametrize("half", [False, True])
def test_they_come_back_with_the_pair_and_belong_to_its_files(pair, tmp_path, half):
    save(pair, tmp_path, half=half)
    found = siam.load(tmp_path, device="cpu")
    assert torch.equal(found.fold_templates, FOLDS)
    assert "folds.safetensors" in files(found.card, tmp_path)
    save(replace(pair, baseline=None), tmp_path)
    assert "folds.safetensors" in files({"baseline": None}, tmp_path)


def test_a_pair_without_them_is_as_before(pair, tmp_path):
    save(pair, tmp_path)
    save(replace(pair, fold_templates=None), tmp_path)  # what another training left does not stay
    assert siam.load(tmp_path, device="cpu").fold_templates is None
    assert not (tmp_path / "folds.safetensors").exists()
    assert "folds.safetensors" not in files({"baseline": {}}, tmp_path)


def test_they_can_be_added_to_a_stored_pair(pair, tmp_path):
    save(replace(pair, fold_templates=None), tmp_path)
    write(tmp_path, FOLDS.double())
    assert torch.equal(siam.load(tmp_path, device="cpu").fold_templates, FOLDS)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"templates": FOLDS[:, :4].clone()}, r"shape \(6, 4, 4, 4\).*need \(R, 5, 4, 4\)"),
        ({"templates": FOLDS[0]}, r"shape \(5, 4, 4\)"),
        ({"templates": FOLDS[:0]}, r"shape \(0, 5, 4, 4\)"),
        ({"templates": FOLDS / 0}, "NaN or infinite"),
        ({"weights": FOLDS}, "holds weights; expected one tensor, templates"),
        ({"templates": FOLDS, "further": FOLDS.clone()}, "expected one tensor"),
    ],
)
def test_a_file_that_does_not_fit_is_named(pair, tmp_path, tensors, message):
    save(pair, tmp_path)
    save_file(tensors, tmp_path / "folds.safetensors")
    with pytest.raises(siam.CheckpointError, match=rf"folds\.safetensors.*{message}"):
        siam.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_damaged_file_is_named(pair, tmp_path, content):
    save(pair, tmp_path)
    (tmp_path / "folds.safetensors").write_bytes(content)
    with pytest.raises(siam.CheckpointError, match=r"folds\.safetensors is not a readable safetensors file"):
        siam.load(tmp_path)


@pytest.mark.parametrize("templates", [FOLDS[0], FOLDS[:0], FOLDS * float("inf")])
def test_what_could_not_be_read_is_not_written(tmp_path, templates):
    with pytest.raises(ValueError, match="expected finite values"):
        write(tmp_path, templates)
    assert read(tmp_path, (5, 4, 4)) is None


def test_the_identity_of_a_pair_knows_them(pair, tmp_path):
    save(pair, tmp_path)
    known = {
        identity(pair),
        identity(replace(pair, fold_templates=None)),
        identity(replace(pair, fold_templates=-FOLDS)),
    }
    assert len(known) == 3
    assert identity(siam.load(tmp_path, device="cpu")) == identity(siam.load(tmp_path, device="cpu"))
    scores = {identity(of, learnt=False) for of in (pair, replace(pair, fold_templates=None))}
    assert len(scores) == 1  # scores do not depend on them
    before = identity(pair)
    pair.fold_templates.mul_(2)
    try:
        assert identity(pair) != before
    finally:
        pair.fold_templates.div_(2)


def test_explanations_carry_the_agreement(pair):
    from PIL import Image

    photo = Image.new("RGB", (96, 96), (90, 120, 160))
    found = siam.explain(pair, photo)
    assert found.template_agreement == pytest.approx(agreement(found.templates, FOLDS.numpy()))
    assert siam.explain(replace(pair, fold_templates=None), photo).template_agreement is None


def test_no_other_tensors_are_stored(pair, tmp_path):
    save(pair, tmp_path)
    assert list(load_file(tmp_path / "folds.safetensors")) == ["templates"]
