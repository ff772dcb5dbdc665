"""SIAM's heads on few photos: the minimum of the loss that is written down, without chance and on any scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from siam.datasets.base import RatingScale
from siam.evaluation.metrics import average_precision, kendall_tau
from siam.runtime.devices import threads
from siam.training.heads.examples import Examples
from siam.training.heads.held_out import predict_attributes, predict_scores
from siam.training.own.cross_validation import Training, fit_pair
from siam.training.own.fit import fit_siam
from tests.support.networks import baseline_network, siam_network

pytestmark = pytest.mark.usefixtures("one_thread")

PHOTOS, WORDS, CAUSES = 24, 2, 5
EVERY = np.arange(PHOTOS)


def network(grid=2):
    return siam_network(attributes=WORDS, grid=grid)


def examples(channels, seed=0, scale=1.0, level=0.0, sources=False):
    """Return photos of two sizes: cause k is where word k is, and word 0 in the upper half raises the score."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(channels, CAUSES)) / np.sqrt(channels)
    features, labels, scores = [], [], []
    for photo in range(PHOTOS):
        height, width = (4, 6) if photo % 3 else (6, 4)
        causes = 0.3 * random.normal(size=(CAUSES, height, width))
        shown = random.random(WORDS) < 0.5
        top = random.random() < 0.5
        for word in range(WORDS):
            rows = slice(0, height // 2) if top else slice(height // 2, height)
            causes[word, rows] += 3 * shown[word]
        cells = np.einsum("cd,dhw->chw", mixing, causes) + 1
        view = torch.from_numpy(cells).float()
        features.append(torch.stack([view, view.flip(2)]))
        labels.append(shown.astype(np.float32))
        scores.append(4 + 2 * (shown[0] and top) + 0.2 * random.normal())
    source = EVERY % 2 if sources else np.zeros(PHOTOS, dtype=int)
    return Examples(
        features=[*features, *features],
        labels=np.array(labels, dtype=np.float32),
        region_targets=[torch.full((2, WORDS, *of.shape[2:]), torch.nan).half() for of in features],
        train=EVERY,
        test=EVERY[:0],
        weak=EVERY[:0],
        scores=(level + scale * (np.array(scores) + source)).astype(np.float32),
        sources=source,
        attributes=("a", "b"),
        scale=RatingScale("test", 1, 7),
    )


def channels():
    return network().attribute_layer.in_channels


def loss(siam, photos):
    """Return L of `siam.training.own.fit`, photo by photo and cell by cell, for photos of few causes."""
    weight = siam.attribute_layer.weight.detach()[:, :, 0, 0].double().numpy()
    bias = siam.attribute_layer.bias.detach().double().numpy()
    templates = siam.scenicness_head.effective_templates().detach().double().numpy()
    level, grid = float(siam.scenicness_head.bias.detach()), templates.shape[-1]
    cells = np.concatenate([of[0].flatten(1).double().numpy() for of in photos.features], axis=1)
    variances, vectors = np.linalg.eigh(np.cov(cells, bias=True))
    deviations = np.sqrt(variances.clip(0))
    total = 0.03 * ((weight @ vectors) ** 2 * deviations * deviations[-1]).sum()
    spread = photos.scores.astype(float).std()
    for photo in EVERY:
        for view in photos.features[photo].double().numpy():
            maps = np.einsum("kc,chw->khw", weight, view) + bias[:, None, None]
            maps = maps.clip(0)
            means = np.tanh(maps.mean(axis=(1, 2))).clip(1e-6, 1 - 1e-6)
            label = photos.labels[photo]
            entropy = -(label * np.log(means) + (1 - label) * np.log(1 - means))
            total += entropy.mean() / (2 * PHOTOS)
            height, width = maps.shape[1] // grid, maps.shape[2] // grid
            score = level
            for row in range(grid):
                for column in range(grid):
                    cell = maps[:, row * height : (row + 1) * height, column * width : (column + 1) * width]
                    score += (templates[:, row, column] * cell.mean(axis=(1, 2))).sum()
            total += 0.3 * ((score - photos.scores[photo]) / spread) ** 2 / (2 * PHOTOS)
    return total + 0.3 * (templates / spread) ** 2 @ np.ones(grid) @ np.ones(grid) @ np.ones(WORDS)


def changed(siam, random):
    """Return a copy whose weights differ a little, within what the photos' features can tell apart."""
    other = network()
    other.load_state_dict(siam.state_dict())
    step = random.choice([1e-2, 1e-1])
    with torch.no_grad():
        other.attribute_layer.weight.mul_(torch.from_numpy(1 + step * random.normal(size=(WORDS, 1, 1, 1))))
        dict(other.attribute_layer.named_parameters())["bias"].add_(torch.from_numpy(step * random.normal(size=WORDS)))
        templates = siam.scenicness_head.effective_templates()
        other.scenicness_head.set_effective_templates(
            templates + torch.from_numpy(step * random.normal(size=tuple(templates.shape))).float()
        )
        other.scenicness_head.bias.add_(float(step * random.normal()))
    return other


def test_the_fit_is_the_minimum_of_the_loss_as_written():
    photos, siam = examples(channels()), network()
    fit_siam(siam, photos, EVERY, EVERY, 300)
    least, random = loss(siam, photos), np.random.default_rng(1)
    assert all(loss(changed(siam, random), photos) > least for _draw in range(40))


def test_words_and_score_are_found_on_photos_that_it_did_not_see():
    photos, siam = examples(channels(), seed=3), network()
    fit_siam(siam, photos, EVERY[:16], EVERY[:16], 60)
    presence = predict_attributes(siam, photos, EVERY[16:])[1]
    assert average_precision(presence, photos.labels[16:], 1).min() > 0.9
    scores = predict_scores(siam, photos, photos.rated(EVERY[16:]))
    assert np.corrcoef(scores, photos.scores[16:])[0, 1] > 0.9
    top, bottom = siam.scenicness_head.effective_templates()[0].detach().sum(dim=1)
    assert top > 0.1 and top > 2 * abs(bottom)  # where the word matters


def test_nothing_depends_on_chance_or_on_the_order_of_photos():
    photos, random = examples(channels(), seed=2), np.random.default_rng(0)
    scores = []
    for seed in (0, 1):
        siam, order = network(), random.permutation(EVERY)
        torch.manual_seed(seed)
        torch.nn.init.normal_(siam.attribute_layer.weight)
        fit_siam(siam, photos, order, random.permutation(EVERY), 60)
        scores.append(predict_scores(siam, photos, photos.rated(EVERY)))
    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_any_scale_of_ratings_gives_the_same_fit():
    fits = []
    for scale, level in ((1.0, 0.0), (25.0, -40.0)):
        photos, siam = examples(channels(), scale=scale, level=level), network()
        fit_siam(siam, photos, EVERY, EVERY, 60)
        fits.append((predict_scores(siam, photos, photos.rated(EVERY)) - level) / scale)
    assert fits[0] == pytest.approx(fits[1], abs=0.02)


def test_sources_differ_by_an_offset():
    photos, siam = examples(channels(), sources=True), network()
    offsets = fit_siam(siam, photos, EVERY, EVERY, 60)
    assert offsets[0] == 0 and offsets[1] == pytest.approx(1.0, abs=0.25)  # the second source is stricter by a point
    assert kendall_tau(predict_scores(siam, photos, photos.rated(EVERY)), photos.scores - photos.sources) > 0.4


def test_photos_that_were_not_chosen_change_nothing():
    photos, fits = examples(channels()), []
    for other in (photos, replace(photos, features=[*photos.features])):
        if other is not photos:
            for place in (*range(16, PHOTOS), *range(PHOTOS + 16, 2 * PHOTOS)):
                other.features[place] = torch.randn_like(other.features[place])
            other.labels[16:], other.scores[16:] = 1, 9
        siam = network()
        fit_siam(siam, other, EVERY[:16], EVERY[:16], 30)
        fits.append(siam.attribute_layer.weight.detach().flatten().numpy())
    assert fits[0] == pytest.approx(fits[1], abs=1e-6)


def test_a_label_that_is_unknown_counts_for_nothing():
    photos = examples(channels())
    photos.labels[:, 1] = np.nan
    siam = network()
    fit_siam(siam, photos, EVERY, EVERY, 60)
    assert average_precision(predict_attributes(siam, photos, EVERY)[1][:, :1], photos.labels[:, :1], 1)[0] > 0.95
    assert all(torch.isfinite(parameter).all() for parameter in siam.parameters())


def test_photos_that_are_all_alike_are_fitted_too():
    photos, siam = examples(channels()), network()
    photos = replace(photos, features=[torch.ones_like(of) for of in photos.features])
    fit_siam(siam, photos, EVERY, EVERY, 60)
    assert predict_scores(siam, photos, photos.rated(EVERY)) == pytest.approx(photos.scores.mean(), abs=0.05)


def test_regions_teach_where_a_word_is():
    photos, masked = examples(channels(), seed=4), []
    for target, of in zip(photos.region_targets, photos.features, strict=False):
        expected = torch.zeros_like(target)
        expected[:, 0, : of.shape[2] // 2] = 1.0  # always in the upper half, whatever the photo shows
        masked.append(expected)
    shares = []
    for targets in (photos.region_targets, masked):
        siam = network()
        fit_siam(siam, replace(photos, region_targets=targets), EVERY, EVERY, 60)
        maps = siam.attribute_maps(photos.features[1][:1]).detach()[0, 0]
        shares.append(float(maps[: maps.shape[0] // 2].sum() / maps.sum()))
    assert np.isfinite(shares).all() and len(set(shares)) == 2


def test_threads_are_as_many_as_before_even_after_a_failure():
    photos, siam = examples(channels()), network()
    everything = np.ones(PHOTOS, dtype=bool)
    with threads(2):
        fit_pair(siam, baseline_network(), photos, everything, everything, Training(steps=1))
        assert torch.get_num_threads() == 2
        with pytest.raises(IndexError):
            fit_pair(siam, baseline_network(), photos, np.ones(9 * PHOTOS, dtype=bool), everything, Training(steps=1))
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 1
