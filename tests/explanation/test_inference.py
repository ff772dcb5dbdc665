"""`explain`: the network's own numbers, with their identities, and the networks left as they were."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

import siam
from siam.images.preprocessing import preprocess
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair
from siam.models.doubt import fit
from siam.models.siam import pooling_matrix
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network


def picture(size=(150, 100), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def other_baseline():
    """Return a baseline that wants larger pictures, in other colours, than the SIAM of these tests."""
    config = dataclasses.replace(baseline_network().config, image_size=160, mean=(0.1, 0.2, 0.3), std=(0.9, 0.8, 0.7))
    torch.manual_seed(3)
    return Baseline(config).eval()


@pytest.fixture(scope="module")
def pair():
    return Pair("test", siam_network(attributes=6), baseline_network(), {})


@pytest.fixture(scope="module")
def explanation(pair):
    return siam.explain(pair, picture())


SIZES = [(150, 100), (64, 64), (32, 250)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("settings", [{}, {"border": 1}, {"attribute_link": "sigmoid"}, {"grid": 9}])
def test_identities(pair, size, settings):
    network = siam_network(attributes=6, **settings) if settings else pair.siam
    found = siam.explain(Pair("test", network, pair.baseline, {}), picture(size))
    assert np.abs(found.contributions).max() > 0.01  # else the identities would say nothing
    assert found.contributions.sum() + found.bias == pytest.approx(found.scenicness, abs=1e-5)
    assert found.contribution_maps.sum(axis=(1, 2)) == pytest.approx(found.contributions, abs=1e-5)
    assert found.contribution_maps.sum(axis=0) == pytest.approx(found.total_map, abs=1e-5)
    assert found.total_map.sum() + found.bias == pytest.approx(found.scenicness, abs=1e-5)
    assert found.attribute_maps * found.cell_weights == pytest.approx(found.contribution_maps, abs=1e-6)
    assert found.baseline_map.sum() + found.baseline_bias == pytest.approx(found.baseline_scenicness, abs=1e-5)
    means = found.attribute_maps.mean(axis=(1, 2))
    link = 1 / (1 + np.exp(-means)) if settings.get("attribute_link") == "sigmoid" else np.tanh(means)
    assert found.attribute_scores == pytest.approx(link, abs=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_equals_the_networks_themselves(pair, size):
    image = picture(size)
    found = siam.explain(pair, image)
    with torch.no_grad():
        expected = pair.siam(preprocess(image, pair.siam.config))
        reference = pair.baseline(preprocess(image, pair.baseline.config))
        templates = pair.siam.scenicness_head.effective_templates()
    for name in ("contributions", "attribute_scores", "attribute_maps", "contribution_maps", "total_map"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)[0].numpy(), abs=1e-5), name
    assert found.scenicness == pytest.approx(expected.scenicness.item(), abs=1e-5)
    assert found.bias == pytest.approx(4.5)
    assert found.templates == pytest.approx(templates.numpy())
    assert found.baseline_scenicness == pytest.approx(reference.scenicness.item(), abs=1e-5)
    assert found.baseline_map == pytest.approx(reference.total_map[0].numpy(), abs=1e-6)


def test_shapes_and_what_it_remembers(pair, explanation):
    image = picture()
    assert explanation.model == "test"
    assert explanation.scale == pair.siam.config.scale
    assert explanation.attributes == pair.siam.config.attributes
    assert explanation.image.tobytes() == image.tobytes()
    assert explanation.contributions.shape == explanation.attribute_scores.shape == (6,)
    assert explanation.attribute_maps.shape == explanation.contribution_maps.shape == (6, 3, 5)  # 96 x 160 px
    assert explanation.cell_weights.shape == (6, 3, 5)
    assert explanation.total_map.shape == explanation.baseline_map.shape == (3, 5)
    assert explanation.templates.shape == (6, 4, 4)
    assert explanation.device == "cpu"
    assert set(explanation.seconds) == {"prepare", "networks"}
    assert all(seconds >= 0 for seconds in explanation.seconds.values())
    assert {type(value) for value in (explanation.scenicness, explanation.bias, explanation.baseline_bias)} == {float}


def test_pair_without_baseline(pair, explanation):
    found = siam.explain(Pair("alone", pair.siam, None, {}), picture())
    assert found.baseline_scenicness is found.baseline_bias is found.baseline_map is None
    assert near(found.contributions, explanation.contributions)


def test_each_network_gets_its_own_input(pair):
    baseline, image = other_baseline(), picture()
    found = siam.explain(Pair("two", pair.siam, baseline, {}), image)
    with torch.no_grad():
        expected = baseline(preprocess(image, baseline.config))
        wrong = baseline(preprocess(image, pair.siam.config))
    assert found.attribute_maps.shape[1:] == (3, 5)
    assert found.baseline_map.shape == (5, 8)  # 160 x 256 px
    assert found.baseline_scenicness == pytest.approx(expected.scenicness.item(), abs=1e-5)
    assert abs(found.baseline_scenicness - wrong.scenicness.item()) > 1e-4
    assert near(found.contributions, siam.explain(pair, image).contributions)


@pytest.mark.parametrize("name", ["mean", "std", "image_size", "size_multiple"])
def test_any_difference_of_input_is_noticed(pair, name):
    value = {"mean": (0.9, 0.9, 0.9), "std": (2.0, 2.0, 2.0), "image_size": 128, "size_multiple": 64}[name]
    baseline = Baseline(dataclasses.replace(pair.baseline.config, **{name: value})).eval()
    image = picture()
    with torch.no_grad():
        expected = baseline(preprocess(image, baseline.config)).scenicness.item()
    assert siam.explain(Pair("two", pair.siam, baseline, {}), image).baseline_scenicness == pytest.approx(expected)


def test_predicted_variance_passes_through(explanation):
    assert explanation.scenicness_variance is None
    network = siam_network(attributes=6, predicts_variance=True)
    found = siam.explain(Pair("test", network, None, {}), picture())
    with torch.no_grad():
        expected = network(preprocess(picture(), network.config)).scenicness_variance.item()
    assert found.scenicness_variance == pytest.approx(expected, abs=1e-5)
    assert found.scenicness_variance != pytest.approx(found.scenicness)


def test_same_photo_same_explanation(pair, explanation):
    siam.explain(pair, picture(seed=5))
    again = siam.explain(pair, picture())
    for field in dataclasses.fields(explanation):
        if field.name not in ("image", "seconds"):
            assert near(getattr(explanation, field.name), getattr(again, field.name)), field.name
    assert not np.allclose(siam.explain(pair, picture(seed=5)).contributions, again.contributions)


# What explaining leaves behind: nothing


def state_of(network):
    """Return what explaining must not change: tensors, flags, gradients, hooks."""
    return copy.deepcopy(
        {
            "tensors": network.state_dict(),
            "training": {name: module.training for name, module in network.named_modules()},
            "requires_grad": {name: p.requires_grad for name, p in network.named_parameters()},
            "grad": {name: p.grad for name, p in network.named_parameters()},
            "hooks": {name: len(m._forward_hooks) + len(m._backward_hooks) for name, m in network.named_modules()},
        }
    )


def assert_unchanged(before, network):
    after = state_of(network)
    for kind in ("training", "requires_grad", "hooks"):
        assert before[kind] == after[kind]
    for kind in ("tensors", "grad"):
        for name, tensor in before[kind].items():
            other = after[kind][name]
            assert (tensor is other is None) or torch.equal(tensor, other), name


@pytest.fixture
def unusual():
    """A pair with some frozen parameters, and gradients left from a training step."""
    pair = Pair("test", siam_network(attributes=6), baseline_network(), {})
    for network in (pair.siam, pair.baseline):
        for number, parameter in enumerate(network.parameters()):
            parameter.requires_grad_(number % 3 > 0)
            parameter.grad = torch.randn_like(parameter) if number % 3 == 1 else None
    return pair


def test_networks_picture_and_random_numbers_are_left_as_they_were(unusual):
    image = picture()
    before, pixels = [state_of(network) for network in (unusual.siam, unusual.baseline)], image.tobytes()
    generator = torch.get_rng_state()
    siam.explain(unusual, image)
    assert torch.equal(generator, torch.get_rng_state())
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert image.tobytes() == pixels
    for state, network in zip(before, (unusual.siam, unusual.baseline), strict=True):
        assert_unchanged(state, network)


def test_failure_leaves_the_networks_as_they_were():
    network = siam_network(border=2)  # 96 px give maps of 3 x 3 cells
    before = state_of(network)
    with pytest.raises(siam.ImageError, match=r"scaled to 96 × 96 pixels, too few .* use networks with a larger"):
        siam.explain(Pair("test", network, None, {}), picture((64, 64)))
    assert_unchanged(before, network)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_changing_an_explanation_does_not_change_the_networks(pair, explanation):
    changed = siam.explain(pair, picture())
    for field in dataclasses.fields(changed):
        value = getattr(changed, field.name)
        if isinstance(value, np.ndarray):
            value += 1
    assert near(siam.explain(pair, picture()).scenicness, explanation.scenicness)


def test_networks_can_be_trained_after_explaining():
    network, image = siam_network(attributes=6), picture()
    pooling_matrix.cache_clear()  # explaining shall be the first to meet maps of this size
    siam.explain(Pair("test", network, None, {}), image)
    network(preprocess(image, network.config)).scenicness.sum().backward()
    assert network.scenicness_head.templates.grad.abs().max() > 0


# Ranking


@pytest.fixture
def ranked(explanation):
    return dataclasses.replace(
        explanation,
        attributes=("sand", "wire", "trees", "ocean", "dry"),
        contributions=np.array([0.1, -0.5, 0.3, 0.0, -0.2], dtype=np.float32),
    )


@pytest.mark.parametrize(
    ("order", "count", "expected"),
    [
        ("magnitude", None, ["wire", "trees", "dry", "sand", "ocean"]),
        ("positive first", None, ["trees", "sand", "ocean", "dry", "wire"]),
        ("name", None, ["dry", "ocean", "sand", "trees", "wire"]),
        ("magnitude", 2, ["wire", "trees"]),
        ("positive first", 3, ["trees", "dry", "wire"]),  # of those that count most
        ("name", 3, ["dry", "trees", "wire"]),
        ("magnitude", 0, []),
        ("magnitude", 9, ["wire", "trees", "dry", "sand", "ocean"]),
    ],
)
def test_ranking(ranked, order, count, expected):
    items = ranked.ranking(order, count)
    assert [item.attribute for item in items] == expected
    for item in items:
        assert ranked.attributes[item.index] == item.attribute
        assert item.value == ranked.contributions[item.index]


def test_default_ranking_is_all_by_magnitude(ranked):
    assert ranked.ranking() == ranked.ranking("magnitude", None)


@pytest.mark.parametrize("count", range(7))
def test_named_attributes_and_others_make_the_whole(ranked, count):
    named = sum(item.value for item in ranked.ranking(count=count))
    assert named + ranked.others(count) == pytest.approx(ranked.contributions.sum(), abs=1e-6)
    assert type(ranked.others(count)) is float


def test_others_by_hand(ranked):
    assert ranked.others(2) == pytest.approx(0.1 + 0.0 - 0.2)
    assert ranked.others(5) == 0


def trusted(of, seed=0):
    """Return a pair whose scores were compared with people's on 30 photos."""
    channels, made = of.siam.attribute_layer.in_channels, np.random.default_rng(seed)
    landscapes, residuals = made.random((40, channels)), made.random((30, 2))
    return dataclasses.replace(of, doubt=fit(landscapes, landscapes[:30], residuals, np.arange(30)))


def test_it_says_how_far_to_trust_the_scores(pair):
    of, photo = trusted(pair), picture()
    found, config = siam.explain(of, photo), of.config
    with torch.inference_mode():
        mean = of.siam.backbone(preprocess(photo, config)).mean(dim=(2, 3))[0].numpy()
    assert found.distance == pytest.approx(float(of.doubt.distance(mean)), abs=1e-5)
    assert found.is_landscape == (found.distance <= of.doubt.usual)
    assert found.interval == pytest.approx(of.doubt.interval(found.scenicness, found.distance, config.scale))
    ends = of.doubt.interval(found.baseline_scenicness, found.distance, config.scale, "baseline")
    assert found.baseline_interval == pytest.approx(ends)
    alone = siam.explain(dataclasses.replace(of, baseline=None), photo)
    assert alone.baseline_interval is None and alone.interval == pytest.approx(found.interval)


def test_it_says_nothing_of_what_nobody_found_out(pair, explanation):
    assert explanation.interval is explanation.baseline_interval is explanation.distance is None
    assert explanation.is_landscape is explanation.sign_agreement is None


def test_it_says_how_many_folds_agree_on_each_sign(pair):
    own = pair.siam.scenicness_head.effective_templates().detach()
    folds = torch.stack([own, own, own, -own, own])
    folds[3:, 1] = -own[1]
    found = siam.explain(dataclasses.replace(pair, fold_templates=folds), picture())
    known = np.where(found.contributions == 0, np.nan, 0.8)  # nothing is not signed
    known[1] = 0.6
    assert found.sign_agreement == pytest.approx(known, nan_ok=True)
    assert np.isfinite(known).sum() > 3
