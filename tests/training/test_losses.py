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


def test_a_baseline_with_a_variance_learns_that_too():
    network, batch = baseline_network(predicts_variance=True), minibatch()
    loss = BaselineObjective(network)(batch)["loss"]
    expected = 0.0
    for image, score, spread in zip(*(batch["rated"][name] for name in ("images", "scores", "variances")), strict=True):
        output = network(image[None])
        expected += (
            (output.scenicness.item() - score.item()) ** 2 + (output.scenicness_variance.item() - spread.item()) ** 2
        ) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert all(parameter.grad.any() for parameter in (network.linear.weight, network.variance_layer.weight))


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


# As the authors' code weighs the losses. The network is small enough for loops: one convolution, batch normalisation,
# and templates of the size of the maps.

SIDE, CHANNELS, CELLS, FEW = 8, 2, 4, 3  # px, channels, cells along a side of a map, attributes


def small_network():
    """Return a SIAM that learns, with random weights, in double precision."""
    network = siam_network(attributes=FEW, grid=CELLS, predicts_variance=True)
    torch.manual_seed(1)
    network.backbone = torch.nn.Sequential(
        torch.nn.Conv2d(3, CHANNELS, SIDE // CELLS, stride=SIDE // CELLS), torch.nn.BatchNorm2d(CHANNELS)
    )
    network.attribute_layer = torch.nn.Conv2d(CHANNELS, FEW, 1)
    torch.nn.init.uniform_(network.attribute_layer.bias, 0.2, 0.8)
    return network.double().train()


def small_minibatch():
    """Return three labelled and two rated photos, which are brighter."""
    generator = torch.Generator().manual_seed(5)
    images = torch.randn(5, 3, SIDE, SIDE, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (3, FEW), generator=generator) / 3
    rated = {"images": images[3:] + 2, "scores": torch.tensor([3.0, 7.5]), "variances": torch.tensor([1.0, 2.0])}
    return {"labelled": {"images": images[:3], "labels": labels}, "rated": rated}


def slow_maps(network, images):
    """Return the attribute maps of photos that pass through the network by themselves, as nested lists [n][k][i][j]."""
    convolution, norm = network.backbone
    features = convolution(images)
    normed = torch.zeros_like(features)
    for c in range(CHANNELS):
        values = [features[n, c, i, j] for n in range(len(images)) for i in range(CELLS) for j in range(CELLS)]
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        normed[:, c] = norm.weight[c] * (features[:, c] - mean) / (variance + norm.eps).sqrt() + norm.bias[c]
    layer, cells = network.attribute_layer, range(CELLS)

    def cell(n, k, i, j):
        value = layer.bias[k] + sum(layer.weight[k, c, 0, 0] * normed[n, c, i, j] for c in range(CHANNELS))
        return value if value > 0 else value * 0

    return [[[[cell(n, k, i, j) for j in cells] for i in cells] for k in range(FEW)] for n in range(len(images))]


def slow_prediction(head, maps):
    """Return what a head makes of the maps [k][i][j] of one photo."""
    total = head.bias
    for k in range(FEW):
        for t in range(2):
            response = sum(head.templates[k, t, i, j] * maps[k][i][j] for i in range(CELLS) for j in range(CELLS))
            total = total + head.weights[k] * head.combination[k, t] * response
    return total


def slow_authors_loss(network, batch):
    """Return L of the authors' code: quotients are plain numbers, so no gradient can pass through them."""
    of_attributes = of_scores = 0.0
    labelled, rated = batch.get("labelled"), batch["rated"]
    if labelled is not None:
        for maps, labels in zip(slow_maps(network, labelled["images"]), labelled["labels"], strict=True):
            for k in range(FEW):
                presence = torch.tanh(sum(value for row in maps[k] for value in row) / CELLS**2)
                label = labels[k].item()
                of_attributes = of_attributes - label * presence.log() - (1 - label) * (1 - presence).log()
        of_attributes = of_attributes / (len(labelled["images"]) * FEW)
    count = len(rated["images"])
    for n, maps in enumerate(slow_maps(network, rated["images"])):
        of_scores = (
            of_scores + (slow_prediction(network.scenicness_head, maps) - rated["scores"][n].item()) ** 2 / count
        )
        of_scores = (
            of_scores + (slow_prediction(network.variance_head, maps) - rated["variances"][n].item()) ** 2 / count
        )
    values = [value for head in (network.scenicness_head, network.variance_head) for value in head.templates.flatten()]
    of_templates = sum(abs(value) for value in values) / len(values)
    if labelled is None:
        return of_scores + 0.001 * (of_scores.item() / of_templates.item()) * of_templates
    scaled = 0.1 * (of_attributes.item() / of_scores.item()) * of_scores
    return of_attributes + scaled + 0.001 * (of_attributes.item() / of_templates.item()) * of_templates


def gradients(network, loss):
    """Return the gradient of a loss with respect to every weight of a network, by name."""
    names, weights = zip(*network.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize("kinds", [("labelled", "rated"), ("rated",)])
def test_the_authors_gradients_are_those_of_a_slow_restatement(kinds):
    network = small_network()
    batch = {kind: known for kind, known in small_minibatch().items() if kind in kinds}
    losses = SIAMObjective(network, 0.1, 0.001, loss_scaling="authors")(batch)
    slow = slow_authors_loss(network, batch)
    assert losses["loss"].item() == pytest.approx(slow.item(), rel=1e-5)
    found, expected = gradients(network, losses["loss"]), gradients(network, slow)
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-6), name
        if name != "backbone.0.bias":  # which batch normalisation takes away
            assert gradient.abs().max() > 1e-4, name
    together = gradients(network, SIAMObjective(network, 0.1, 0.001)(batch)["loss"])
    assert all(
        not torch.allclose(together[name], expected[name], rtol=0.05) for name in expected if "templates" in name
    )


def test_the_authors_terms_are_a_tenth_and_a_thousandth_of_the_attribute_loss():
    losses = SIAMObjective(small_network(), 0.1, 0.001, loss_scaling="authors")(small_minibatch())
    assert losses["scenicness_loss"] > 2 * losses["attribute_loss"]
    assert losses["loss"].item() == pytest.approx(1.101 * losses["attribute_loss"].item(), rel=1e-5)


def test_the_authors_penalty_is_larger_by_the_attribute_loss_over_the_size_of_the_templates():
    network = siam_network(attributes=K, predicts_variance=True)
    for head in (network.scenicness_head, network.variance_head):
        torch.nn.init.constant_(head.templates, 0.01)
    penalties = []
    for scaling in ("authors", "paper"):
        of_templates = [
            gradients(network, SIAMObjective(network, 0.1, penalty, loss_scaling=scaling)(minibatch())["loss"])
            for penalty in (0.001, 0.0)
        ]
        name = "scenicness_head.templates"
        penalties.append((of_templates[0][name] - of_templates[1][name]).mean().item())
    attribute_loss = SIAMObjective(network, 0.1, 0.001)(minibatch())["attribute_loss"].item()
    assert penalties[0] / penalties[1] == pytest.approx(attribute_loss / 0.01 / 2, rel=1e-3)  # half of the templates


@pytest.mark.parametrize("scaling", ["paper", "authors"])
def test_batch_normalisation_sees_each_kind_alone_only_with_the_authors_scaling(scaling):
    network, batch = small_network(), small_minibatch()
    convolution, norm = network.backbone
    images = [known["images"] for known in batch.values()]
    passes = images if scaling == "authors" else [torch.cat(images)]
    mean, variance = torch.zeros(CHANNELS).double(), torch.ones(CHANNELS).double()
    for photos_of_pass in passes:
        with torch.no_grad():
            values = convolution(photos_of_pass).transpose(0, 1).flatten(1)  # (C, cells)
        mean = 0.9 * mean + 0.1 * values.mean(dim=1)
        variance = 0.9 * variance + 0.1 * values.var(dim=1)
    SIAMObjective(network, 0.1, 0.001, loss_scaling=scaling)(batch)
    assert int(norm.num_batches_tracked) == len(passes)
    assert torch.allclose(norm.running_mean, mean) and torch.allclose(norm.running_var, variance)


def test_templates_that_are_all_zero_leave_the_authors_loss_finite():
    network = small_network()
    for head in (network.scenicness_head, network.variance_head):
        torch.nn.init.zeros_(head.templates)
    loss = SIAMObjective(network, 0.1, 0.001, loss_scaling="authors")(small_minibatch())["loss"]
    assert loss.isfinite() and all(gradient.isfinite().all() for gradient in gradients(network, loss).values())


def test_processes_that_share_a_minibatch_agree_on_the_authors_quotients():
    """Two halves, each with the averages of both, have on average the gradient of the whole minibatch."""
    network = small_network().eval()  # so that batch normalisation does not depend on the halves
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(8, 3, SIDE, SIDE, generator=generator, dtype=torch.float64)
    labels, scores, variances = torch.rand(4, FEW, generator=generator), torch.rand(4), torch.rand(4)

    def part(rows):
        rated = {"images": images[4:][rows], "scores": scores[rows], "variances": variances[rows]}
        return {"labelled": {"images": images[:4][rows], "labels": labels[rows]}, "rated": rated}

    def loss(rows, average):
        return SIAMObjective(network, 0.1, 0.001, loss_scaling="authors", average=average)(part(rows))["loss"]

    halves, seen = (slice(0, 2), slice(2, 4)), ([], [])
    for rows, values in zip(halves, seen, strict=True):
        loss(rows, lambda value, values=values: values.append(value) or value)
    means = [(one + other) / 2 for one, other in zip(*seen, strict=True)]
    both = []
    for rows in halves:
        given = iter(means)
        both.append(gradients(network, loss(rows, lambda _value, given=given: next(given))))
    for name, whole in gradients(network, loss(slice(0, 4), lambda value: value)).items():
        assert torch.allclose((both[0][name] + both[1][name]) / 2, whole, rtol=1e-4, atol=1e-6), name
