"""Losses against the paper, written out photo by photo."""

import math

import pytest
import torch

from siam.training.losses import BaselineObjective, SIAMObjective, cross_entropies
from tests.support.networks import baseline_network, siam_network

K = 5


def lively_network(**settings):
    """Return a SIAM whose untrained maps are not all zero."""
    network = siam_network(attributes=K, **settings)
    torch.nn.init.normal_(network.attribute_layer.weight, std=20.0)
    torch.nn.init.uniform_(network.attribute_layer.bias, 0.1, 0.6)
    return network


def photos(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 64, 64, generator=generator)


def minibatch():
    generator = torch.Generator().manual_seed(9)
    labels = torch.randint(0, 4, (3, K), generator=generator) / 3
    rated = {"images": photos(2, 2), "scores": torch.tensor([3.0, 7.5]), "variances": torch.tensor([1.0, 2.0])}
    return {"labelled": {"images": photos(3, 1), "labels": labels}, "rated": rated}


def slow_losses(network, batch):
    """L_SUN and L_SoN as the paper's equations say, one number at a time."""
    attribute = 0.0
    for image, labels in zip(batch["labelled"]["images"], batch["labelled"]["labels"], strict=True):
        maps = network.attribute_maps(network.backbone(image[None]))[0]
        for k in range(K):
            presence = math.tanh(maps[k].mean().item())
            presence = min(max(presence, 1e-6), 1 - 1e-6)
            label = labels[k].item()
            attribute -= label * math.log(presence) + (1 - label) * math.log(1 - presence)
    scenicness = variance = 0.0
    rated = batch["rated"]
    for image, score, spread in zip(rated["images"], rated["scores"], rated["variances"], strict=True):
        output = network(image[None])
        scenicness += (output.scenicness.item() - score.item()) ** 2
        if output.scenicness_variance is not None:
            variance += (output.scenicness_variance.item() - spread.item()) ** 2
    return attribute / (3 * K), (scenicness + variance) / 2


@pytest.mark.parametrize("predicts_variance", [False, True])
def test_joint_loss_is_that_of_the_paper(predicts_variance):
    network = lively_network(predicts_variance=predicts_variance)
    batch = minibatch()
    with torch.no_grad():
        losses = SIAMObjective(network, 0.1, 0.5)(batch)
        attribute, scenicness = slow_losses(network, batch)
    bias = network.scenicness_head.bias.item()
    assert all(abs(network(image[None]).scenicness.item() - bias) > 0.01 for image in batch["rated"]["images"])
    penalty = 0.5 * network.scenicness_head.templates.mean().item()
    assert losses["attribute_loss"].item() == pytest.approx(attribute, rel=1e-4)
    assert losses["scenicness_loss"].item() == pytest.approx(scenicness, rel=1e-4)
    assert losses["loss"].item() == pytest.approx(attribute + 0.1 * scenicness + penalty, rel=1e-4)


def test_photos_of_which_all_is_known_give_both_losses():
    network = lively_network()
    batch = minibatch()
    labelled = {**batch["labelled"], "images": photos(2, 2), "labels": batch["labelled"]["labels"][:2]}
    known = {**batch["rated"], **labelled}
    with torch.no_grad():
        together = SIAMObjective(network, 0.1, 0.5)({"labelled and rated": known})
        parts = SIAMObjective(network, 0.1, 0.5)({"labelled": labelled, "rated": batch["rated"]})
    assert together.keys() == parts.keys() == {"loss", "attribute_loss", "scenicness_loss"}
    assert all(together[name].item() == pytest.approx(parts[name].item(), rel=1e-4) for name in parts)


@pytest.mark.parametrize("kind", ["labelled", "rated"])
def test_each_kind_of_photo_gives_only_its_own_loss(kind):
    network = lively_network()
    batch = minibatch()
    objective = SIAMObjective(network, 0.1, 0.0)
    alone = objective({kind: batch[kind]})
    both = objective(batch)
    name = {"labelled": "attribute_loss", "rated": "scenicness_loss"}[kind]
    assert set(alone) == {"loss", name}
    assert alone[name].item() == pytest.approx(both[name].item(), rel=1e-4)
    alone["loss"].backward()
    templates = network.scenicness_head.templates.grad
    assert (templates is not None and bool(templates.any())) == (kind == "rated")


def test_baseline_learns_the_squared_error():
    network = baseline_network()
    batch = minibatch()
    loss = BaselineObjective(network)(batch)["loss"].item()
    found = [network(image[None]).scenicness.item() for image in batch["rated"]["images"]]
    expected = sum((y - t) ** 2 for y, t in zip(found, batch["rated"]["scores"].tolist(), strict=True)) / 2
    assert loss == pytest.approx(expected, rel=1e-4)


def test_templates_stay_non_negative_after_a_step():
    network = siam_network(attributes=K, predicts_variance=True)
    for head in (network.scenicness_head, network.variance_head):
        torch.nn.init.constant_(head.templates, -1.0)
    SIAMObjective(network, 0.1, 0.0).after_step()
    assert not network.scenicness_head.templates.any() and not network.variance_head.templates.any()


def test_cross_entropy_equals_that_of_pytorch_and_is_finite_at_the_ends():
    generator = torch.Generator().manual_seed(0)
    probabilities, labels = torch.rand(2, 50, generator=generator).unbind()
    expected = torch.nn.functional.binary_cross_entropy(probabilities, labels)
    assert cross_entropies(probabilities, labels).mean().item() == pytest.approx(expected.item(), rel=1e-5)
    ends = torch.tensor([0.0, 1.0])
    assert cross_entropies(ends, 1 - ends).isfinite().all()


def test_region_loss_is_the_cross_entropy_of_every_cell():
    network, batch = lively_network(), minibatch()
    generator = torch.Generator().manual_seed(4)
    shares = torch.rand(3, K, 4, 4, generator=generator)
    batch["labelled"]["regions"] = shares
    with torch.no_grad():
        losses = SIAMObjective(network, 0.1, 0.0, region_weight=0.7)(batch)
        maps = network.attribute_maps(network.backbone(batch["labelled"]["images"]))
        height, width = maps.shape[2:]
        total = 0.0
        for n in range(3):
            for k in range(K):
                for row in range(height):
                    for column in range(width):
                        block = shares[n, k][
                            row * 4 // height : (row + 1) * 4 // height, column * 4 // width : (column + 1) * 4 // width
                        ]
                        covered = block.mean().item()
                        value = min(max(math.tanh(maps[n, k, row, column].item()), 1e-6), 1 - 1e-6)
                        total -= covered * math.log(value) + (1 - covered) * math.log(1 - value)
    expected = total / (3 * K * height * width)
    assert losses["region_loss"].item() == pytest.approx(expected, rel=1e-4)
    parts = losses["attribute_loss"] + 0.7 * losses["region_loss"] + 0.1 * losses["scenicness_loss"]
    assert losses["loss"].item() == pytest.approx(parts.item(), rel=1e-5)
