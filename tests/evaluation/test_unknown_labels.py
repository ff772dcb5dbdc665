"""A label that is unknown, NaN, counts in no loss and in no figure."""

import dataclasses

import numpy as np
import pytest
import torch

from siam.evaluation.belief import belief_entries
from siam.evaluation.metrics import average_precision
from siam.evaluation.presence import true_presence
from siam.evaluation.scores import attribute_figures_with_intervals
from siam.training.heads.fit import photo_losses
from tests.training.test_heads import small_siam, some_examples


def test_an_unknown_label_is_in_no_loss():
    examples, network, random = some_examples(), small_siam(), np.random.default_rng(0)
    examples = dataclasses.replace(examples, features=[torch.stack([of[0], of[0]]) for of in examples.features])
    labels = examples.labels.copy()
    labels[examples.train, 1] = np.nan
    unknown = dataclasses.replace(examples, labels=labels)
    found = photo_losses(network, unknown, examples.train, random)["attribute"]
    rest = [0, 2]
    slow = []
    for photo in examples.train:
        out = network.interpret(examples.features[photo][:1].float()).attribute_scores[0].clamp(1e-6, 1 - 1e-6)
        wanted = torch.from_numpy(examples.labels[photo])
        slow += [-(wanted[k] * out[k].log() + (1 - wanted[k]) * (1 - out[k]).log()).item() for k in rest]
    assert found.item() == pytest.approx(np.mean(slow), rel=1e-4)
    found.backward()
    gradient = network.attribute_layer.weight.grad
    assert gradient is not None and torch.isfinite(gradient).all() and not gradient[1].any() and gradient[0].any()
    labels[:] = np.nan
    nothing = photo_losses(network, dataclasses.replace(examples, labels=labels), examples.train, random)
    assert nothing["attribute"].item() == 0


def test_an_unknown_label_is_in_no_figure():
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 2, (40, 2)).astype(float), random.normal(size=(40, 2))
    unknown = random.random(40) < 0.4
    labels[unknown, 1] = np.nan
    without = labels[~unknown, 1:], predicted[~unknown, 1:]
    assert average_precision(predicted, labels)[1] == pytest.approx(average_precision(without[1], without[0])[0])
    found = attribute_figures_with_intervals(predicted, labels, ["all", "some"])
    alone = attribute_figures_with_intervals(without[1], without[0], ["some"])
    assert found["per_attribute"]["some"] == alone["per_attribute"]["some"]
    assert found["positives"]["some"] == alone["positives"]["some"]
    assert found["labelled"] == {"all": 40, "some": int((~unknown).sum())}
    shares = [labels[:, 0].mean(), labels[~unknown, 1].mean()]
    assert found["chance"] == pytest.approx(np.mean(shares), abs=1e-4)
    entry = belief_entries(labels, labels, predicted, ["all", "some"])["some"]
    assert entry["test_photos"] == (~unknown).sum() and entry["chance"] == pytest.approx(shares[1], abs=1e-4)
    scores = random.uniform(1, 5, 40)
    presence = true_presence(labels, scores, ["all", "some"])["attributes"]["some"]
    expected = true_presence(without[0], scores[~unknown], ["some"])["attributes"]["some"]
    assert presence == expected
