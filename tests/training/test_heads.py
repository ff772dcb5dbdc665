"""Training: folds and batches, the losses against the paper written out slowly, and test photos that nobody sees."""

import copy
import dataclasses
import json
import math
import shutil
from collections import Counter
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import torch
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets import oasis
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.errors import DatasetError, TrainingError
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.stored import read
from siam.gallery import store
from siam.gallery.writing import build_out_of_fold
from siam.models.siam import pooling_matrix
from siam.training.heads import cross_validation
from siam.training.heads import fit as heads
from siam.training.heads.cross_validation import cross_validate
from siam.training.heads.examples import Examples, batches, folds, read_examples
from siam.training.heads.fit import fit_attributes, fit_baseline, fit_siam, photo_losses
from siam.training.pairs import train
from siam.training.recipes import read_recipe
from tests.evaluation.test_metrics import slow_average_precision, slow_rmse, slow_tau_b
from tests.models.test_siam import slow_scenicness
from tests.support.experiment import write_recipe
from tests.support.heads import RECIPE_TEXT
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network

CHANNELS = 4
SETTINGS = {
    "members": 2,
    "attribute_epochs": 2,
    "joint_epochs": 3,
    "attribute_batch": 5,
    "weak_batch": 3,
    "scenicness_batch": 4,
    "learning_rate": 1e-2,
    "weight_decay": 1e-2,
    "region_weight": 0.7,
    "weak_weight": 0.4,
    "scenicness_weight": 0.1,
    "teacher_weight": 0.2,
    "anchor_weight": 0.3,
    "template_penalty": 0.5,
}


def small_siam(seed=0, attributes=3, **settings):
    """Return a SIAM whose heads take few channels; its backbone is not used here."""
    network = siam_network(attributes=attributes, seed=seed, grid=2, **settings)
    network.attribute_layer = torch.nn.Conv2d(CHANNELS, attributes, kernel_size=1)
    return network


def small_baseline():
    baseline = baseline_network()
    baseline.linear = torch.nn.Linear(CHANNELS, 1)
    return baseline


def some_examples(seed=0, labelled=14, rated=15, attributes=3, weak=4):
    """Return made-up photos of mixed sizes; two thirds of the labelled ones may be trained on; two sources."""
    random = np.random.default_rng(seed)
    sizes = [((2, 3), (3, 2), (2, 2))[n % 3] for n in range(labelled + weak + rated)]
    split = random.permutation(labelled)
    targets = [random.choice([0.0, 0.3, 1.0, np.nan], (2, attributes, *size)) for size in sizes[: labelled + weak]]
    return Examples(
        features=[torch.from_numpy(random.normal(0, 1, (2, CHANNELS, *size))).half() for size in sizes],
        labels=(random.integers(0, 4, (labelled + weak, attributes)) / 3).astype(np.float32),
        region_targets=[torch.from_numpy(target).half() for target in targets],
        weak=np.arange(labelled, labelled + weak),
        train=np.sort(split[: 2 * labelled // 3]),
        test=np.sort(split[2 * labelled // 3 :]),
        scores=random.uniform(1, 7, rated).astype(np.float32),
        sources=random.permutation(np.arange(rated) % 3 // 2),
        attributes=tuple(f"attribute_{k}" for k in range(attributes)),
        scale=oasis.SCALE,
    )


def learned(network):
    """Return everything that training changes, as one vector."""
    layers = (network.attribute_layer, network.scenicness_head)
    return torch.cat([parameter.detach().flatten() for layer in layers for parameter in layer.parameters()])


def some_teacher(examples):
    """Return what a teacher may say of the weakly labelled photos."""
    return np.linspace(2, 6, len(examples.weak), dtype=np.float32)


def fit(network, examples, chosen, settings, seed, teacher=None, **further):
    """Train a SIAM from scratch, in place; return the offsets."""
    teacher = some_teacher(examples) if teacher is None else teacher
    starts = fit_attributes(network, examples, settings, seed)
    return fit_siam(network, starts, examples, chosen, teacher, settings, seed, **further)


class Views:
    """Stands for the generator of views: gives those asked for."""

    def __init__(self, *views):
        self.views = list(views)

    def integers(self, low, high, count):
        """Return the next views."""
        found = self.views.pop(0)
        assert (low, high, len(found)) == (0, 2, count)
        return found


def numbers(chosen):
    return [int(number) for number in chosen]


# Folds, batches, means


def test_folds_spread_each_source_evenly_and_repeatably():
    sources = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [23, 10, 4]))
    fold = folds(sources, 5, seed=3)
    assert set(fold) == set(range(5))  # one number for each photo, so folds cannot overlap
    for source in range(3):
        counts = np.bincount(fold[sources == source], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.array_equal(fold, folds(sources, 5, seed=3))
    assert not np.array_equal(fold, folds(sources, 5, seed=4))


@pytest.mark.parametrize("size", [1, 3, 7, 10])
def test_batches_show_every_item_once_before_any_comes_again(size):
    items = np.array([3, 1, 4, 15, 9, 26, 5])
    found = list(islice(batches(items, size, np.random.default_rng(0)), 21))
    assert all(len(batch) == size for batch in found)
    stream = numbers(np.concatenate(found))
    rounds = [stream[start : start + 7] for start in range(0, len(stream) // 7 * 7, 7)]
    assert len(rounds) >= 3
    assert all(sorted(one) == sorted(numbers(items)) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1  # shuffled anew


def test_source_means_count_only_the_chosen():
    examples = dataclasses.replace(
        some_examples(), scores=np.array([1, 2, 3, 4, 100], dtype=np.float32), sources=np.array([0, 1, 0, 1, 1])
    )
    assert examples.source_means(np.array([0, 1, 2, 3])).tolist() == [2, 3]
    assert examples.source_means(np.array([1, 2])).tolist() == [3, 2]


def test_rated_photos_come_after_the_labelled_ones():
    examples = some_examples(labelled=14, weak=4)
    assert examples.rated(np.array([0, 5])).tolist() == [18, 23]


# The losses


def slow_maps(network, features):
    """Return attribute maps (K, h, w) of one photo's features (C, h, w): relu of a weighted sum, cell by cell."""
    layer = network.attribute_layer
    weights, biases = layer.weight[:, :, 0, 0].tolist(), layer.bias.tolist()
    cells = features.double().flatten(1).T.tolist()
    return [
        [max(0.0, bias + sum(w * f for w, f in zip(row, cell, strict=True))) for cell in cells]
        for row, bias in zip(weights, biases, strict=True)
    ]


def cross_entropy(found, wanted):
    found = min(max(found, 1e-6), 1 - 1e-6)
    return -wanted * math.log(found) - (1 - wanted) * math.log(1 - found)


def slow_attribute_loss(network, examples, photos, views):
    """L_SUN of the paper: cross-entropy of tanh of the mean of each map against the share of annotators."""
    losses = []
    for photo, view in zip(photos, views, strict=True):
        for k, cells in enumerate(slow_maps(network, examples.features[photo][view])):
            score = math.tanh(sum(cells) / len(cells))
            losses.append(cross_entropy(score, float(examples.labels[photo, k])))
    return sum(losses) / len(losses)


def slow_region_loss(network, examples, photos, views):
    """Cross-entropy of tanh of every cell against its share, over those that are known."""
    means = []
    for photo, view in zip(photos, views, strict=True):
        targets = examples.region_targets[photo][view].float()
        losses = [
            cross_entropy(math.tanh(found), wanted)
            for cells, of_attribute in zip(slow_maps(network, examples.features[photo][view]), targets, strict=True)
            for found, wanted in zip(cells, of_attribute.flatten().tolist(), strict=True)
            if not math.isnan(wanted)
        ]
        means.append(sum(losses) / targets.numel())
    return sum(means) / len(means)


def slow_scenicness_loss(network, expected, examples, photos, views):
    """L_SoN of the paper."""
    errors = []
    for photo, view, score in zip(photos, views, expected.tolist(), strict=True):
        found = slow_scenicness(network, examples.features[photo][view][None])[0].item()
        errors.append((found - score) ** 2)
    return sum(errors) / len(errors)


def slow_anchor_loss(network, anchor, examples, photos, views):
    """Cross-entropy of tanh of every cell against what the anchor says there."""
    means = []
    for photo, view in zip(photos, views, strict=True):
        features = examples.features[photo][view]
        losses = [
            cross_entropy(math.tanh(found), math.tanh(wanted))
            for cells, anchored in zip(slow_maps(network, features), slow_maps(anchor, features), strict=True)
            for found, wanted in zip(cells, anchored, strict=True)
        ]
        means.append(sum(losses) / len(losses))
    return sum(means) / len(means)


@pytest.mark.parametrize("seed", [0, 1])
def test_losses_equal_the_paper_written_out(seed):
    examples, random = some_examples(seed), np.random.default_rng(seed)
    network, anchor = small_siam(seed), small_siam(seed + 7)
    views, expected = random.integers(0, 2, 6), torch.linspace(2, 5, 6)
    for photos in (examples.train, examples.weak, examples.rated(np.arange(9))):
        photos = random.choice(photos, 6)
        found = photo_losses(network, examples, photos, Views(views), expected=expected, anchor=anchor)
        slow = {
            "scenicness": slow_scenicness_loss(network, expected, examples, photos, views),
            "anchor": slow_anchor_loss(network, anchor, examples, photos, views),
        }
        if photos.max() < len(examples.labels):
            slow["attribute"] = slow_attribute_loss(network, examples, photos, views)
            slow["region"] = slow_region_loss(network, examples, photos, views)
        assert {name: loss.item() for name, loss in found.items()} == pytest.approx(slow, rel=1e-4)
    assert set(photo_losses(network, examples, examples.train, Views(np.zeros(9, int)))) == {"attribute", "region"}


def test_unknown_regions_teach_nothing():
    examples, network = some_examples(), small_siam()
    unknown = [target * math.nan for target in examples.region_targets]
    examples = dataclasses.replace(examples, region_targets=unknown)
    region = photo_losses(network, examples, examples.train, np.random.default_rng(0))["region"]
    assert region.item() == 0
    region.backward()
    assert not network.attribute_layer.weight.grad.any()


def test_anchor_loss_is_least_at_the_anchor():
    examples, anchor = some_examples(), small_siam()
    photos = examples.rated(np.arange(6))

    def distance(network):
        views = Views(np.zeros(6, dtype=int))
        return photo_losses(network, examples, photos, views, anchor=anchor)["anchor"]

    there = distance(small_siam())
    assert there < distance(small_siam(seed=1))
    network = small_siam()
    distance(network).backward()
    assert network.attribute_layer.weight.grad.abs().max() < 1e-5


def test_each_kind_of_photo_gives_only_its_own_loss():
    examples = some_examples()
    examples = dataclasses.replace(examples, features=[photo.float().requires_grad_() for photo in examples.features])
    labelled, rated = examples.train[:4], examples.rated(np.array([0, 3, 8]))
    views = np.array([0, 1, 1, 0])

    def photos_that_count(loss):
        for photo in examples.features:
            photo.grad = None
        loss.backward(retain_graph=True)
        return {
            (photo, view)
            for photo, stored in enumerate(examples.features)
            for view in range(2)
            if stored.grad is not None and stored.grad[view].abs().max() > 0
        }

    network, anchor = small_siam(), small_siam(seed=1)
    for loss in photo_losses(network, examples, labelled, Views(views)).values():
        assert photos_that_count(loss) == set(zip(numbers(labelled), numbers(views), strict=True))
    # Attributes are learned from labels: they tell the templates nothing.
    assert not any(p.grad is not None and p.grad.abs().max() > 0 for p in network.scenicness_head.parameters())
    found = photo_losses(network, examples, rated, Views(views[:3]), expected=torch.zeros(3), anchor=anchor)
    assert set(found) == {"scenicness", "anchor"}
    for loss in found.values():
        assert photos_that_count(loss) == set(zip(numbers(rated), numbers(views[:3]), strict=True))


@pytest.fixture
def phases(monkeypatch):
    """Record both phases of a training, each with its loss, instead of running them, and what the losses were fed."""
    record = SimpleNamespace(phases=[], calls=[])

    def minimise(loss, groups, steps, rate):
        record.phases.append(SimpleNamespace(loss=loss, groups=groups, steps=steps, rate=rate))

    def losses(network, data, photos, generator, **further):
        views = []
        spy = SimpleNamespace(integers=lambda *drawn: views.append(generator.integers(*drawn)) or views[-1])
        record.calls.append((photos, views, further))
        return photo_losses(network, data, photos, spy, **further)

    monkeypatch.setattr(heads, "_minimise", minimise)
    monkeypatch.setattr(heads, "photo_losses", losses)
    return record


def slow_label_loss(network, examples, photos, views):
    region = slow_region_loss(network, examples, photos, views)
    return slow_attribute_loss(network, examples, photos, views) + SETTINGS["region_weight"] * region


def test_f_alone_learns_from_both_kinds_of_labels(phases):
    examples, network = some_examples(), small_siam()
    fit_attributes(network, examples, {**SETTINGS, "members": 1}, seed=0)
    (alone,) = phases.phases
    found = alone.loss().item()
    ((own, own_views, _), (weak, weak_views, _)) = phases.calls
    assert len(own) == 5 and set(numbers(own)) <= set(numbers(examples.train))
    assert len(weak) == 3 and set(numbers(weak)) <= set(numbers(examples.weak))
    expected = slow_label_loss(network, examples, own, own_views[0])
    expected += SETTINGS["weak_weight"] * slow_label_loss(network, examples, weak, weak_views[0])
    assert found == pytest.approx(expected, rel=1e-4)


def test_joint_loss_is_the_weighted_sum_for_batches_of_all_kinds(phases):
    examples, network, chosen = some_examples(), small_siam(), np.array([0, 1, 2, 5, 6, 9, 10, 13])
    fit(network, examples, chosen, {**SETTINGS, "members": 1}, seed=0)
    _first, joint = phases.phases
    with torch.no_grad():
        network.scenicness_head.templates.copy_(torch.rand_like(network.scenicness_head.templates) - 0.3)
        network.attribute_layer.bias.add_(0.2)  # away from the anchor
    found = joint.loss().item()
    templates = network.scenicness_head.templates
    assert templates.min() == 0  # clamped before the loss is computed
    expected = 0.5 * sum(templates.flatten().tolist()) / templates.numel()
    ((rated, views, given), (weak, weak_views, taught), (own, own_views, _)) = phases.calls
    anchor, wanted = given["anchor"], given["expected"]
    assert len(rated) == 4 and set(numbers(rated)) <= set(numbers(examples.rated(chosen)))
    (offsets,) = (p for p in joint.groups[1]["params"] if p.shape == (2,))
    for photo, score in zip(rated - len(examples.labels), wanted.tolist(), strict=True):
        above = offsets[1].item() if examples.sources[photo] else 0
        assert score == pytest.approx(examples.scores[photo] - above, abs=1e-5)
    expected += 0.1 * slow_scenicness_loss(network, wanted, examples, rated, views[0])
    expected += 0.3 * slow_anchor_loss(network, anchor, examples, rated, views[0])

    wanted = taught["expected"]
    assert len(weak) == 3 and set(numbers(weak)) <= set(numbers(examples.weak))
    assert wanted.tolist() == [some_teacher(examples)[photo - examples.weak[0]] for photo in weak]
    expected += 0.2 * slow_scenicness_loss(network, wanted, examples, weak, weak_views[0])
    expected += 0.3 * slow_anchor_loss(network, anchor, examples, weak, weak_views[0])
    expected += 0.4 * slow_label_loss(network, examples, weak, weak_views[0])

    assert len(own) == 5 and set(numbers(own)) <= set(numbers(examples.train))
    expected += slow_label_loss(network, examples, own, own_views[0])
    assert found == pytest.approx(expected, rel=1e-4)


def test_phases_have_the_settings_steps_and_parameters(phases):
    examples, network = some_examples(), small_siam()  # 9 photos to train on: 2 batches of 5 an epoch
    fit(network, examples, np.arange(15), {**SETTINGS, "members": 1}, seed=0)
    first, joint = phases.phases
    assert (first.steps, joint.steps) == (2 * 2, 2 * 3)
    assert first.rate == joint.rate == 1e-2
    layer, head = list(network.attribute_layer.parameters()), list(network.scenicness_head.parameters())
    (group,) = first.groups  # f alone
    assert {id(p) for p in group["params"]} == {id(p) for p in layer}
    both = joint.groups
    assert [group["weight_decay"] for group in both] == [1e-2, 0.0]
    assert {id(p) for p in both[0]["params"]} == {id(p) for p in layer}
    assert {id(p) for p in head} < {id(p) for p in both[1]["params"]}  # and the offsets
    assert len(both[1]["params"]) == len(head) + 1


def test_anchor_of_each_run_is_the_attribute_layer_trained_alone(monkeypatch):
    examples, network, anchors = some_examples(), small_siam(), []

    def losses(*arguments, **further):
        if "anchor" in further:
            anchors.append(further["anchor"].attribute_layer.weight.clone())
        return photo_losses(*arguments, **further)

    monkeypatch.setattr(heads, "photo_losses", losses)
    starts = fit_attributes(network, examples, SETTINGS, seed=0)
    fit_siam(network, starts, examples, np.arange(15), some_teacher(examples), SETTINGS, seed=0)
    calls = 2 * 2 * 3  # of rated and of weakly labelled photos, in each of two batches of three epochs
    assert len(anchors) == 2 * calls
    for call, anchor in enumerate(anchors):
        assert torch.equal(anchor, starts[call // calls]["weight"])
    assert not torch.equal(anchors[0], anchors[-1])
    assert not torch.equal(network.attribute_layer.weight, anchors[-1])


def test_frozen_attributes_stay_those_of_f_alone():
    examples, network = some_examples(), small_siam()
    settings = {**SETTINGS, "members": 1}
    (start,) = fit_attributes(network, examples, settings, seed=0)
    chosen, teacher = np.arange(15), some_teacher(examples)
    fit_siam(network, [start], examples, chosen, teacher, settings, seed=0, frozen_attributes=True)
    assert torch.equal(network.attribute_layer.weight, start["weight"])
    assert network.scenicness_head.effective_templates().abs().max() > 0
    assert network.attribute_layer.weight.requires_grad
    fit_siam(network, [start], examples, chosen, teacher, settings, seed=0)
    assert not torch.equal(network.attribute_layer.weight, start["weight"])


# Fitting


def test_templates_stay_non_negative_during_training(monkeypatch):
    examples, network, seen = some_examples(), small_siam(), []

    def losses(model, *others, **further):
        if "anchor" in further:
            seen.append(model.scenicness_head.templates.detach().clone())
        return photo_losses(model, *others, **further)

    monkeypatch.setattr(heads, "photo_losses", losses)
    settings = {**SETTINGS, "members": 1, "joint_epochs": 15, "learning_rate": 0.05, "template_penalty": 0.0}
    fit(network, examples, np.arange(15), settings, seed=0)
    assert len(seen) == 2 * 2 * 15
    assert min(templates.min().item() for templates in seen) == 0  # the limit was reached and held
    assert seen[-1].max() > 0.02  # and templates were learned, from the 0.01 they start with
    assert network.scenicness_head.templates.min() >= 0


def test_fit_is_repeatable_by_seed():
    examples, chosen = some_examples(), np.arange(0, 15, 2)

    def result(seed, before):
        network = small_siam(seed=before)  # what was learned before, and drawn before, does not matter
        offsets = fit(network, examples, chosen, SETTINGS, seed)
        return learned(network), offsets

    first, again, other = result(0, before=0), result(0, before=5), result(1, before=0)
    assert near(first, again)
    assert not torch.allclose(first[0], other[0])


def test_the_teacher_is_learned_from(monkeypatch):
    examples, chosen = planted_examples(), np.arange(10)
    settings = {**SETTINGS, "members": 1, "joint_epochs": 20, "teacher_weight": 2.0, "template_penalty": 0.0}

    def taught(level):
        network = small_siam(attributes=2)
        fit(network, examples, chosen, settings, 0, teacher=np.full(len(examples.weak), level, dtype=np.float32))
        return cross_validation.predict_scores(network, examples, examples.weak).mean()

    assert taught(1.0) < taught(4.0) - 1


def test_siam_is_the_average_of_its_runs():
    examples, chosen, network = some_examples(), np.arange(15), small_siam()
    starts = fit_attributes(network, examples, SETTINGS, seed=3)
    assert not torch.allclose(starts[0]["weight"], starts[1]["weight"])
    teacher = some_teacher(examples)
    offsets = fit_siam(network, starts, examples, chosen, teacher, SETTINGS, seed=3)
    runs = []
    for number, start in enumerate(starts):
        alone = small_siam(seed=9)
        own = fit_siam(alone, [start], examples, chosen, teacher, SETTINGS, seed=3 * len(starts) + number)
        runs.append((alone, own))

    def mean(part):
        return torch.stack([part(alone) for alone, _own in runs]).mean(dim=0)

    for part in (
        lambda model: model.attribute_layer.weight,
        lambda model: model.attribute_layer.bias,
        lambda model: model.scenicness_head.effective_templates(),
        lambda model: model.scenicness_head.bias,
    ):
        assert torch.allclose(part(network), mean(part), atol=1e-6)
        assert not torch.allclose(part(runs[0][0]), part(runs[1][0]), atol=1e-5)
    assert offsets == pytest.approx([(a + b) / 2 for a, b in zip(runs[0][1], runs[1][1], strict=True)], abs=1.1e-4)


def planted_examples(rated=60):
    """Channel k shows attribute k; the first one raises the score by 3 points, the second lowers it by 2.

    The second source's ratings lie 1.5 points above the first's.
    """
    random = np.random.default_rng(0)
    strength = random.uniform(0, 1, (50 + rated, 2))
    features = []
    for row in strength:
        maps = random.normal(0, 0.1, (2, CHANNELS, 2, 3))
        maps[:, :2] += 2 * row[:, None, None]
        features.append(torch.from_numpy(maps).half())
    sources = np.arange(rated) % 2
    scores = 3 + 3 * strength[50:, 0] - 2 * strength[50:, 1] + 1.5 * sources
    return Examples(
        features=features,
        labels=(strength[:50] > 0.5).astype(np.float32),
        region_targets=[torch.full((2, 2, 2, 3), math.nan) for _ in range(50)],
        weak=np.arange(40, 50),
        train=np.arange(30),
        test=np.arange(30, 40),
        scores=scores.astype(np.float32),
        sources=sources,
        attributes=("attribute_0", "attribute_1"),
        scale=oasis.SCALE,
    )


def test_siam_learns_a_planted_relation():
    examples, network = planted_examples(), small_siam(attributes=2)
    chosen, held_out = np.arange(40), np.arange(40, 60)
    settings = {**SETTINGS, "attribute_epochs": 30, "joint_epochs": 60, "learning_rate": 0.03, "template_penalty": 0.0}
    strength = (examples.features[n][0, :2].float().mean(dim=(1, 2)).numpy() / 2 for n in examples.weak)
    teacher = np.array([3 + 3 * one - 2 * two for one, two in strength], dtype=np.float32)
    offsets = fit(network, examples, chosen, settings, seed=0, teacher=teacher)
    assert offsets[0] == 0
    assert offsets[1] == pytest.approx(1.5, abs=0.3)
    with torch.no_grad():
        effects = network.scenicness_head.effective_templates().sum(dim=(1, 2))
    assert effects[0] > 0 > effects[1]
    predicted = (
        cross_validation.predict_scores(network, examples, examples.rated(held_out)) + 1.5 * examples.sources[held_out]
    )
    actual = examples.scores[held_out]
    assert slow_rmse(predicted, actual) < 0.4 * actual.std()
    logits = torch.cat([network.interpret(examples.features[n][:1].float()).attribute_logits for n in examples.test])
    for k in range(2):
        assert slow_average_precision(logits[:, k].detach().numpy(), examples.labels[examples.test, k] > 0.5) > 0.9


def test_baseline_equals_ridge_with_an_intercept_for_each_source():
    examples, baseline = some_examples(rated=20), small_baseline()
    chosen, penalty = np.array([0, 1, 2, 4, 5, 7, 8, 10, 13, 15, 16, 18]), 0.7
    offsets = fit_baseline(baseline, examples, chosen, {"ridge_penalty": penalty})
    photos = [examples.features[len(examples.labels) + photo].double() for photo in chosen]
    pooled = np.array([[photo[:, c].mean().item() for c in range(CHANNELS)] for photo in photos])
    indicators = np.eye(2)[examples.sources[chosen]]
    # Ridge as plain least squares: rows that ask every weight, but no intercept, to be 0.
    rows = np.block([[pooled, indicators], [np.sqrt(penalty) * np.eye(CHANNELS), np.zeros((CHANNELS, 2))]])
    wanted = np.concatenate([examples.scores[chosen], np.zeros(CHANNELS)])
    solution = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    assert baseline.linear.weight[0].tolist() == pytest.approx(solution[:CHANNELS].tolist(), abs=1e-4)
    assert baseline.linear.bias.item() == pytest.approx(solution[CHANNELS], abs=1e-4)
    assert offsets == pytest.approx([0, solution[-1] - solution[-2]], abs=2e-4)


def test_baseline_learns_a_planted_relation():
    examples, baseline = planted_examples(), small_baseline()
    offsets = fit_baseline(baseline, examples, np.arange(40), {"ridge_penalty": 1e-3})
    assert offsets == pytest.approx([0, 1.5], abs=0.1)
    assert baseline.linear.weight[0].tolist() == pytest.approx([1.5, -1, 0, 0], abs=0.4)


# Cross-validation


RECIPE = {
    "seeds": [0, 1],
    "folds": 3,
    "data": {"attributes": "sun_attributes", "scores": ["first", "second"]},
    "siam": SETTINGS,
    "baseline": {"ridge_penalty": 1.0},
}


def without_what_is_forbidden(examples, chosen):
    """Return the examples with NaN for everything of the photos that a fit must not see."""
    forbidden = np.setdiff1d(np.arange(len(examples.scores)), chosen)
    hidden = {*numbers(examples.test), *numbers(examples.rated(forbidden))}
    features = [stored * math.nan if n in hidden else stored for n, stored in enumerate(examples.features)]
    labels, scores = examples.labels.copy(), examples.scores.copy()
    labels[examples.test] = scores[forbidden] = np.nan
    return dataclasses.replace(examples, features=features, labels=labels, scores=scores)


def test_cross_validation_never_trains_on_what_it_is_judged_on(monkeypatch):
    examples = some_examples(labelled=30, rated=24)
    monkeypatch.setattr(cross_validation, "new_networks", lambda *_settings: (small_siam(), small_baseline()))
    expected = cross_validate(RECIPE, examples)

    trained_on, judged = [], []
    real_predict = cross_validation.predict_scores

    def attributes_fit(network, data, settings, seed):
        return fit_attributes(network, without_what_is_forbidden(data, []), settings, seed)

    def siam_fit(network, starts, data, chosen, teacher, settings, seed, **further):
        assert set(numbers(chosen)) == trained_on[-1]
        hidden = without_what_is_forbidden(data, chosen)
        return fit_siam(network, starts, hidden, chosen, teacher, settings, seed, **further)

    def baseline_fit(baseline, data, chosen, settings):
        trained_on.append(set(numbers(chosen)))
        return fit_baseline(baseline, without_what_is_forbidden(data, chosen), chosen, settings)

    def predict(model, data, photos):
        if set(numbers(photos)) != set(numbers(data.weak)):  # that is the teacher
            held_out = set(numbers(photos - len(data.labels)))
            assert not held_out & trained_on[-1]
            assert held_out | trained_on[-1] == set(range(24))
            judged.append((type(model).__name__, held_out))
        return real_predict(model, data, photos)

    monkeypatch.setattr(cross_validation, "fit_attributes", attributes_fit)
    monkeypatch.setattr(cross_validation, "fit_siam", siam_fit)
    monkeypatch.setattr(cross_validation, "fit_baseline", baseline_fit)
    monkeypatch.setattr(cross_validation, "predict_scores", predict)
    assert near(cross_validate(RECIPE, examples), expected)  # NaN would have spread
    assert len(trained_on) == (2 + 1) * 3  # two seeds, and once more without regions
    for kind, times in (("SIAM", 2 * 2 + 1), ("Baseline", 2 + 1)):  # each judges every photo exactly once
        assert Counter(number for name, held_out in judged if name == kind for number in held_out) == dict.fromkeys(
            range(24), times
        )


def test_regions_teach_nothing_where_their_weight_is_0(monkeypatch):
    examples = some_examples(labelled=30, rated=24)
    monkeypatch.setattr(cross_validation, "new_networks", lambda *_settings: (small_siam(), small_baseline()))
    figures = cross_validate(RECIPE, examples)
    unknown = dataclasses.replace(examples, region_targets=[target * math.nan for target in examples.region_targets])
    without = cross_validate({**RECIPE, "seeds": RECIPE["seeds"][:1], "siam": {**SETTINGS, "members": 1}}, unknown)
    assert near(figures["without_regions"], without["sun_test"])
    assert not near(figures["without_regions"], figures["sun_test"])


def test_photos_of_the_test_split_are_in_no_batch(monkeypatch):
    examples, seen = some_examples(labelled=30), []

    def losses(network, data, photos, generator, **further):
        found = photo_losses(network, data, photos, generator, **further)
        seen.extend(numbers(photos) if "attribute" in found else [])
        return found

    monkeypatch.setattr(heads, "photo_losses", losses)
    monkeypatch.setattr(cross_validation, "new_networks", lambda *_settings: (small_siam(), small_baseline()))
    cross_validate(RECIPE, examples)
    assert set(seen) == {*numbers(examples.train), *numbers(examples.weak)}
    assert not set(seen) & set(numbers(examples.test))


def test_a_map_size_first_met_when_judging_can_be_trained_on_later(monkeypatch):
    examples = some_examples(labelled=30, rated=24)
    monkeypatch.setattr(cross_validation, "new_networks", lambda *_settings: (small_siam(), small_baseline()))
    pooling_matrix.cache_clear()
    for number in range(3):  # one photo of a size of its own, held out in another fold each time
        first = int(np.flatnonzero(folds(examples.sources, 3, 0) == number)[0])
        odd = list(examples.features)
        odd[examples.rated(first)] = torch.randn(2, CHANNELS, 11 + number, 17 + number).half()
        cross_validate(RECIPE, dataclasses.replace(examples, features=odd))


# From pictures to a folder of networks


def make_datasets(root):
    """Write 14 labelled pictures, 6 for testing, 5 weakly labelled, and two sources of 7 rated ones, as csv layouts."""
    random = np.random.default_rng(0)

    def pictures(folder, count):
        (root / folder / "images").mkdir(parents=True)
        for n in range(count):
            pixels = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            size = ((64, 64), (96, 64), (64, 96))[n % 3]
            picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
            picture.save(root / folder / "images" / f"{n}.png")

    for folder, count in (("sun", 14), ("scenes", 5)):
        pictures(folder, count)
        lines = [f"file,{'split,' if folder == 'sun' else ''}{','.join(ATTRIBUTES)}"]  # scenes have no split
        for n in range(count):
            shares = random.choice(["0", "0.3333", "0.6667", "1"], len(ATTRIBUTES))
            split = ("test," if n % 5 in (1, 3) else "train,") if folder == "sun" else ""
            lines.append(f"{n}.png,{split}{','.join(shares)}")
        (root / folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
        share = random.integers(0, 256, (count, 2, 6, 6), dtype=np.uint8)
        names = [f"{n}.png" for n in range(count)]
        np.savez(root / folder / "regions.npz", files=names, groups=["sky", "tree"], share=share)
    for source, low in (("near", 1), ("far", 3)):
        pictures(source, 7)
        ratings = "".join(f"{n}.png,{score:.3f}\n" for n, score in enumerate(random.uniform(low, low + 4, 7)))
        (root / source / "ratings.csv").write_text(f"file,beauty_mean\n{ratings}", encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("training")
    make_datasets(root)
    (root / "tiny.toml").write_text(RECIPE_TEXT, encoding="utf-8")
    judged = []
    written = {"results": root / "results" / "tiny.json", "on_cross_validated": judged.append}
    pair = train(root / "tiny.toml", root, root / "out", root / "cache", **written)
    build_out_of_fold("tiny", judged[0], 1, root / "far", root / "gallery", "the command")
    recipe, loaded = read_recipe(root / "tiny.toml"), siam.load(root / "out", device="cpu")
    examples = read_examples(recipe, root, root / "cache", loaded.siam)
    return SimpleNamespace(root=root, pair=pair, recipe=recipe, loaded=loaded, examples=examples)


def test_training_writes_a_pair_that_loads_and_explains(trained):
    assert sorted(path.name for path in (trained.root / "out").iterdir()) == [
        "baseline.safetensors",
        "card.json",
        "siam.safetensors",
    ]
    picture = siam.images.reading.read_image(trained.root / "near" / "images" / "1.png")
    stored, kept = siam.explain(trained.loaded, picture), siam.explain(trained.pair, picture)
    assert stored.scenicness == pytest.approx(kept.scenicness, abs=0.01)  # half precision
    assert stored.baseline_scenicness == pytest.approx(kept.baseline_scenicness, abs=0.01)
    assert stored.attributes == ATTRIBUTES
    assert stored.scale.low == 1 and stored.scale.high == 7


def test_without_folds_the_same_networks_are_trained_but_not_judged(trained, tmp_path):
    path = trained.root / "alone.toml"
    path.write_text(RECIPE_TEXT.replace("folds = 2", "folds = 0"), encoding="utf-8")
    pair = train(path, trained.root, tmp_path / "out", trained.root / "cache")
    assert pair.card["metrics"] == {} and pair.card["offsets"] == trained.pair.card["offsets"]
    for name, tensor in trained.pair.siam.state_dict().items():
        assert torch.equal(pair.siam.state_dict()[name], tensor), name
    assert siam.load(tmp_path / "out", device="cpu").card["metrics"] == {}


def test_another_seed_takes_the_place_of_all_seeds_of_a_recipe(trained, tmp_path):
    text, made = RECIPE_TEXT.replace("folds = 2", "folds = 0"), []
    for stem, seeds, seed in (("written", "[5]", None), ("asked", "[3, 4]", 5)):
        path = tmp_path / f"{stem}.toml"
        path.write_text(text.replace("[3, 4]", seeds), encoding="utf-8")
        made.append(train(path, trained.root, tmp_path / stem, trained.root / "cache", seed=seed))
    written, asked = made
    assert asked.name == "tiny-seed5" and asked.card["recipe"] == "asked.toml"
    for name, tensor in written.siam.state_dict().items():
        assert torch.equal(asked.siam.state_dict()[name], tensor), name
    assert not torch.equal(asked.siam.attribute_layer.weight, trained.pair.siam.attribute_layer.weight)


def test_card_tells_where_the_networks_come_from(trained):
    card = json.loads((trained.root / "out" / "card.json").read_text(encoding="utf-8"))
    assert card["name"] == "tiny"
    assert card["recipe"] == "tiny.toml"
    for name in ("summary", "training_data", "limits"):
        assert card[name] == trained.recipe["data"][name]
    assert list(card["versions"]) == ["torch", "timm", "scikit-learn", "numpy"]
    assert card["versions"]["numpy"] == np.__version__
    for kind in ("siam", "baseline"):
        assert list(card["offsets"][kind]) == ["near", "far"]
        assert card["offsets"][kind]["near"] == 0
        assert [card["metrics"][kind][source]["n"] for source in ("near", "far")] == [7, 7]
    assert card["metrics"]["sun_test"]["n"] == len(trained.examples.test) == 6
    assert "2-fold" in card["metrics"]["protocol"] and "2 seeds" in card["metrics"]["protocol"]


def test_the_stored_result_holds_the_figures_of_the_card(trained):
    result, metrics = read(trained.root / "results" / "tiny.json"), trained.pair.card["metrics"]
    assert result.model == "tiny" and "recipes/tiny.toml" in result.command and "near, far" in result.data
    for variant in ("siam", "siam-frozen", "baseline"):
        for source in ("near", "far"):
            assert result.figures[variant].to_json()[source] == metrics[variant][source]
    assert result.figures["siam"].to_json()["sun_test"] == metrics["sun_test"]
    assert result.figures["siam-frozen"].to_json()["sun_test"] == metrics["f_alone"]


def test_examples_are_the_pictures_in_order(trained):
    examples = trained.examples
    assert len(examples.features) == 14 + 5 + 7 + 7
    assert numbers(examples.weak) == [14, 15, 16, 17, 18]
    assert numbers(examples.test) == [1, 3, 6, 8, 11, 13]
    assert sorted([*numbers(examples.train), *numbers(examples.test)]) == list(range(14))
    assert numbers(examples.sources) == [0] * 7 + [1] * 7
    picture = siam.images.reading.read_image(trained.root / "far" / "images" / "2.png")
    with torch.no_grad():
        expected = trained.loaded.siam.backbone(
            siam.images.preprocessing.preprocess(picture, trained.loaded.siam.config)
        )[0]
    found = examples.features[examples.rated(np.array([9]))[0]][0].float()
    assert torch.allclose(found, expected, atol=0.02)


def test_kept_networks_are_those_of_the_first_seed_on_all_photos(trained):
    fresh, stored = copy.deepcopy(trained.loaded.siam), learned(trained.loaded.siam)
    teacher = cross_validation.predict_scores(trained.loaded.baseline, trained.examples, trained.examples.weak)
    offsets = fit(fresh, trained.examples, np.arange(14), trained.recipe["siam"], seed=3, teacher=teacher)
    assert torch.allclose(learned(fresh), stored, atol=2e-3)
    kept = trained.pair.card["offsets"]["siam"]
    assert kept == pytest.approx(dict(zip(["near", "far"], offsets, strict=True)), abs=1e-3)


def test_figures_on_the_card_are_recomputed_one_photo_at_a_time(trained):
    examples, recipe = trained.examples, trained.recipe
    models = copy.deepcopy((trained.loaded.siam, trained.loaded.baseline))
    predicted, precisions = np.full((2, 2, 14), np.nan), []
    present = examples.labels[examples.test] > 0.5
    judged = [k for k in range(len(ATTRIBUTES)) if present[:, k].sum() >= 3]
    for run, seed in enumerate(recipe["seeds"]):
        fold = folds(examples.sources, 2, seed)
        for number in range(2):
            chosen = np.flatnonzero(fold != number)
            above = fit_baseline(models[1], examples, chosen, recipe["baseline"])
            teacher = cross_validation.predict_scores(models[1], examples, examples.weak)
            offsets = (fit(models[0], examples, chosen, recipe["siam"], seed, teacher), above)
            with torch.no_grad():
                for row, model in enumerate(models):
                    for photo in np.flatnonzero(fold == number):
                        features = examples.features[14 + 5 + photo][:1].float()
                        score = model.interpret(features).scenicness.item()
                        predicted[row, run, photo] = score + offsets[row][examples.sources[photo]]
                logits = [models[0].interpret(examples.features[n][:1].float()).attribute_logits for n in examples.test]
            found = torch.cat(logits).numpy()
            precisions.append([slow_average_precision(found[:, k], present[:, k]) for k in judged])

    metrics = trained.pair.card["metrics"]
    for row, kind in enumerate(("siam", "baseline")):
        for source, name in enumerate(("near", "far")):
            at = examples.sources == source
            taus = [slow_tau_b(run[at], examples.scores[at]) for run in predicted[row]]
            errors = [slow_rmse(run[at], examples.scores[at]) for run in predicted[row]]
            figures = metrics[kind][name]
            assert figures["kendall_tau"] == pytest.approx(sum(taus) / 2, abs=2e-4)
            assert figures["kendall_tau_sd"] == pytest.approx(abs(taus[0] - taus[1]) / 2, abs=2e-4)
            assert figures["rmse"] == pytest.approx(sum(errors) / 2, abs=2e-4)
            assert figures["rmse_sd"] == pytest.approx(abs(errors[0] - errors[1]) / 2, abs=2e-4)
    mean = np.mean(precisions, axis=0)
    expected = {ATTRIBUTES[k]: value for k, value in zip(judged, mean, strict=True)}
    assert metrics["sun_test"]["per_attribute"] == pytest.approx(expected, abs=3e-4)
    assert metrics["sun_test"]["mean_average_precision"] == pytest.approx(mean.mean(), abs=3e-4)
    assert metrics["sun_test"]["attributes"] == len(judged)


# The gallery of photos that were judged unseen


def test_the_gallery_holds_what_the_networks_say_of_photos_they_never_saw(trained):
    found, examples, recipe = store.read(trained.root / "gallery"), trained.examples, trained.recipe
    assert (found.about.model, found.about.data, found.about.split) == ("tiny", "far", "cross-validation")
    assert found.about.attributes == ATTRIBUTES and found.about.scale.high == 7
    assert list(found.photos["identifier"]) == [str(n) for n in range(7)]
    total = found.photos["bias"].to_numpy(dtype=float) + found.contributions.sum(axis=1)
    assert found.photos["siam"].to_numpy(dtype=float) == pytest.approx(total, abs=1e-5)
    network, baseline = copy.deepcopy((trained.loaded.siam, trained.loaded.baseline))
    fold = folds(examples.sources, 2, seed=3)
    for number in range(2):
        chosen = np.flatnonzero(fold != number)
        above = fit_baseline(baseline, examples, chosen, recipe["baseline"])[1]
        teacher = cross_validation.predict_scores(baseline, examples, examples.weak)
        offset = fit(network, examples, chosen, recipe["siam"], 3, teacher)[1]
        for photo in np.flatnonzero((fold == number) & (examples.sources == 1)):
            features = examples.features[14 + 5 + photo][:1].float()
            with torch.no_grad():
                expected, other = network.interpret(features), baseline.interpret(features)
            row = photo - 7
            assert found.contributions[row] == pytest.approx(expected.contributions[0].numpy(), abs=1e-4)
            assert found.presence[row] == pytest.approx(expected.attribute_scores[0].numpy(), abs=1e-4)
            assert found.photos["siam"][row] == pytest.approx(expected.scenicness.item() + offset, abs=1e-3)
            assert found.photos["baseline"][row] == pytest.approx(other.scenicness.item() + above, abs=1e-3)
            assert found.photos["crowd_mean"][row] == pytest.approx(examples.scores[photo], abs=1e-5)


def test_the_gallery_alone_is_that_of_the_whole_training(trained, tmp_path, capsys):
    arguments = ["--root", trained.root, "--cache", trained.root / "cache", "--out", tmp_path / "out"]
    arguments += ["--gallery", tmp_path / "alone", "--gallery-source", "far", "--gallery-only"]
    assert main(["train", *map(str, [trained.root / "tiny.toml", *arguments])]) == 0
    alone, whole = store.read(tmp_path / "alone"), store.read(trained.root / "gallery")
    assert not (tmp_path / "out").exists()
    assert near(alone.contributions, whole.contributions)
    assert near(alone.presence, whole.presence)
    pandas.testing.assert_frame_equal(alone.photos, whole.photos)
    assert "--gallery-only" in alone.about.command
    capsys.readouterr()


def test_a_gallery_of_photos_that_cannot_be_told_apart_is_refused(trained, tmp_path):
    of_attributes = np.zeros((2, 4, 33))
    said = PairPredictions(ATTRIBUTES, *np.zeros((2, 4)), *of_attributes, baseline=np.zeros(4))
    judged = cross_validation.OutOfFold(np.zeros(4), said)
    with pytest.raises(DatasetError, match="7 rated photos, but 4 were scored"):
        build_out_of_fold("tiny", judged, 0, trained.root / "near", tmp_path, "python")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["labels.csv", "regions.npz"])
def test_a_dataset_that_lacks_something_is_told_before_any_features_are_computed(missing, trained, tmp_path):
    shutil.copytree(trained.root / "scenes", tmp_path / "data" / "scenes")
    (tmp_path / "data" / "scenes" / missing).unlink()
    for other in {path.name for path in trained.root.iterdir() if path.is_dir()} - {"scenes"}:
        (tmp_path / "data" / other).symlink_to(trained.root / other)
    with pytest.raises(DatasetError, match=rf"scenes/{missing} is missing"):
        train(trained.root / "tiny.toml", tmp_path / "data", tmp_path / "out", tmp_path / "cache")
    assert not (tmp_path / "cache").exists() and not (tmp_path / "out").exists()


def test_wishes_for_a_gallery_that_cannot_be_met_are_told_in_one_line(trained, tmp_path, capsys):
    write_recipe(tmp_path / "whole.toml")
    (tmp_path / "alone.toml").write_text(RECIPE_TEXT.replace("folds = 2", "folds = 0"), encoding="utf-8")
    recipe, folder = trained.root / "tiny.toml", ("--gallery", tmp_path / "out")
    for arguments, words in (
        ((recipe, "--gallery-only"), "need --gallery DIR"),
        ((recipe, "--gallery-source", "far"), "need --gallery DIR"),
        ((recipe, *folder, "--gallery-source", "moon"), "no scores from 'moon': choose one of near, far"),
        ((recipe, *folder, "--gallery-only", "--gallery-source", "moon"), "no scores from 'moon'"),
        ((tmp_path / "whole.toml", *folder), "is not cross-validated"),
        ((tmp_path / "alone.toml", *folder), "is not cross-validated"),
        ((tmp_path / "alone.toml", *folder, "--gallery-only"), "is not cross-validated"),
        ((tmp_path / "alone.toml", "--results", tmp_path / "figures.json"), "is not cross-validated"),
        ((tmp_path / "whole.toml", *folder, "--gallery-only"), "is not cross-validated"),
    ):
        status = main(["train", *map(str, [*arguments, "--root", trained.root, "--cache", trained.root / "cache"])])
        out, err = capsys.readouterr()
        assert (status, out) == (2, "") and words in err.splitlines()[-1] and "Traceback" not in err
    assert not (tmp_path / "out").exists()


# Recipes


def test_recipe_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "recipe.toml"
    with pytest.raises(DatasetError, match=r"recipe\.toml is missing"):
        read_recipe(path)
    path.write_text("name = ", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"recipe\.toml is not readable as TOML"):
        read_recipe(path)
    with pytest.raises(DatasetError, match="is not readable as TOML"):
        read_recipe(tmp_path)


@pytest.mark.parametrize("section", ["name", "seeds", "folds", "data", "network", "siam", "baseline"])
def test_recipe_that_lacks_a_section_is_refused(section, tmp_path):
    path = tmp_path / "recipe.toml"
    lines = [line.replace(f"[{section}]", "[other]") for line in RECIPE_TEXT.splitlines()]
    path.write_text("\n".join(line for line in lines if not line.startswith(f"{section} =")), encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"recipe\.toml lacks ('|the section \[){section}['\]]:"):
        read_recipe(path)


def test_a_backbone_that_timm_does_not_know_is_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE_TEXT.replace("tf_efficientnet_lite0", "resnet50x"), encoding="utf-8")
    with pytest.raises(TrainingError, match="no backbone named 'resnet50x'; names like it"):
        train(path, tmp_path / "nowhere", tmp_path / "out", tmp_path / "cache")
    assert not (tmp_path / "out").exists()
