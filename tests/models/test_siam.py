"""The fast network against a slow loop over the paper's equations, and the identities that make it an explanation."""

import math
from fractions import Fraction
from functools import lru_cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.models.siam import TemplateHead, pooled
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network

cached_network = lru_cache(siam_network)  # for tests that only look


def window(place, size, config):
    """The map cells along one side that a grid cell averages, each with its share in it."""
    start, end = Fraction(place * size, config.grid), Fraction((place + 1) * size, config.grid)
    cells = range(math.floor(start), math.ceil(end))
    if config.pooling == "adaptive":
        return dict.fromkeys(cells, 1.0)
    return {cell: float(min(cell + 1, end) - max(cell, start)) for cell in cells}


def slow_scenicness(model, features):
    """The paper, one number at a time: maps, border, pooling, two templates per attribute, weights, bias."""
    config, head = model.config, model.scenicness_head
    scores = []
    for image in features.double():
        channels, height, width = image.shape
        score = head.bias.item()
        for k in range(len(config.attributes)):
            kernel = model.attribute_layer.weight[k, :, 0, 0].double()
            attribute_map = torch.zeros(height, width, dtype=torch.float64)
            for i in range(config.border, height - config.border):
                for j in range(config.border, width - config.border):
                    value = model.attribute_layer.bias[k].item()
                    value += sum(kernel[c].item() * image[c, i, j].item() for c in range(channels))
                    attribute_map[i, j] = max(value, 0) if config.attribute_link == "tanh" else value
            responses = [0.0, 0.0]  # z+ and z-
            for i in range(config.grid):
                for j in range(config.grid):
                    rows = window(i, height, config)
                    columns = window(j, width, config)
                    total = sum(rows[r] * columns[c] * attribute_map[r, c].item() for r in rows for c in columns)
                    mean = total / (sum(rows.values()) * sum(columns.values()))
                    for t in (0, 1):
                        responses[t] += head.templates[k, t, i, j].item() * mean
            z = sum(head.combination[k, t].item() * responses[t] for t in (0, 1))
            score += head.weights[k].item() * z
        scores.append(score)
    return torch.tensor(scores)


@pytest.mark.parametrize("pooling", ["adaptive", "area"])
@pytest.mark.parametrize("link", ["tanh", "sigmoid"])
@pytest.mark.parametrize(("size", "grid", "border"), [((6, 9), 4, 1), ((5, 5), 5, 0), ((3, 7), 5, 1)])
def test_equals_slow_loop_over_the_paper(link, size, grid, border, pooling):
    model = siam_network(attributes=3, grid=grid, border=border, attribute_link=link, pooling=pooling)
    features = torch.randn(2, model.attribute_layer.in_channels, *size)
    with torch.no_grad():
        fast = model.interpret(features).scenicness
        assert torch.allclose(fast, slow_scenicness(model, features), rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    grid=st.sampled_from([1, 2, 4, 7, 9]),
    link=st.sampled_from(["tanh", "sigmoid"]),
    pooling=st.sampled_from(["adaptive", "area"]),
    seed=st.integers(0, 2),
)
def test_identities_hold_for_any_map_size(height, width, grid, link, pooling, seed):
    model = cached_network(grid=grid, attribute_link=link, pooling=pooling, seed=seed)
    with torch.no_grad():
        out = model.interpret(torch.randn(3, model.attribute_layer.in_channels, height, width))
    assert torch.allclose(out.contributions.sum(dim=1) + out.bias, out.scenicness, atol=1e-5)
    assert torch.allclose(out.contribution_maps.sum(dim=(2, 3)), out.contributions, atol=1e-5)
    assert torch.allclose(out.contribution_maps.sum(dim=1), out.total_map, atol=1e-5)
    # The explanation at the size of the maps says the same as the templates on their own grid.
    on_grid = (pooled(out.attribute_maps, grid, pooling) * model.scenicness_head.effective_templates()).sum(dim=(2, 3))
    assert torch.allclose(on_grid, out.contributions, atol=1e-4)


@settings(deadline=None, max_examples=50)
@given(height=st.integers(1, 40), width=st.integers(1, 40), grid=st.integers(1, 15), seed=st.integers(0, 9))
def test_area_pooling_counts_every_map_cell_equally(height, width, grid, seed):
    maps = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert torch.allclose(pooled(maps, grid, "area").mean(dim=(1, 2)), maps.mean(dim=(1, 2)), atol=1e-5)
    if height % grid == 0 == width % grid:  # no cell is shared, so both ways agree
        assert torch.allclose(pooled(maps, grid, "area"), pooled(maps, grid, "adaptive"), atol=1e-6)


def test_equal_templates_give_equal_weights_only_with_area_pooling():
    """With a template that is the same everywhere, the total map of an even picture is even: no plaid."""
    weights = {}
    for pooling in ("adaptive", "area"):
        head = TemplateHead(attributes=1, grid=7, pooling=pooling)
        head.set_effective_templates(torch.ones(1, 7, 7))
        weights[pooling] = head.cell_weights(12, 16).detach()
    assert weights["area"].std() < 1e-6 * weights["area"].mean()
    assert weights["adaptive"].std() > 0.1 * weights["adaptive"].mean()
    assert torch.allclose(weights["area"].sum(), weights["adaptive"].sum(), atol=1e-4)


def test_effective_template_is_the_two_template_form():
    head = siam_network(attributes=4, grid=3).scenicness_head
    for k, effective in enumerate(head.effective_templates()):
        plus, minus = head.templates[k]
        expected = head.weights[k] * (head.combination[k, 0] * plus + head.combination[k, 1] * minus)
        assert torch.allclose(effective, expected)


def test_templates_start_neutral_and_stay_non_negative():
    head = TemplateHead(attributes=33, grid=15)
    assert torch.equal(head.effective_templates(), torch.zeros(33, 15, 15))  # T+ and T- cancel exactly
    assert torch.equal(head(torch.rand(2, 33, 7, 9)), torch.zeros(2, 33, 7, 9))
    with torch.no_grad():
        head.templates.sub_(1.0)
    head.clamp_templates()
    assert head.templates.min() == 0


def test_links():
    features = torch.randn(4, siam_network().attribute_layer.in_channels, 5, 6)
    with torch.no_grad():
        tanh = siam_network(attribute_link="tanh").interpret(features)
        sigmoid = siam_network(attribute_link="sigmoid").interpret(features)
    assert tanh.attribute_maps.min() == 0
    assert torch.allclose(tanh.attribute_scores, tanh.attribute_maps.mean(dim=(2, 3)).tanh())
    assert sigmoid.attribute_maps.min() < 0
    assert torch.allclose(sigmoid.attribute_scores, sigmoid.attribute_maps.mean(dim=(2, 3)).sigmoid())


def test_border_cells_do_not_count():
    model = siam_network(border=2)
    features = torch.randn(1, model.attribute_layer.in_channels, 7, 8)
    changed = features.clone()
    changed[:, :, :2] += 5
    changed[:, :, :, -2:] -= 5
    with torch.no_grad():
        assert near(model.interpret(features).scenicness, model.interpret(changed).scenicness)
        assert model.interpret(features).attribute_maps.shape[2:] == (7, 8)  # cropped, kept at full size


def test_border_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="4 x 9 cells; a border of 2 leaves none: use larger images"):
        siam_network(border=2).interpret(torch.randn(1, siam_network().attribute_layer.in_channels, 4, 9))


def test_second_templates_predict_the_spread():
    features = torch.randn(2, siam_network().attribute_layer.in_channels, 5, 6)
    assert siam_network().interpret(features).scenicness_variance is None
    model = siam_network(predicts_variance=True)
    out = model.interpret(features)
    head = model.variance_head
    expected = head.bias + (out.attribute_maps * head.cell_weights(5, 6)).sum(dim=(1, 2, 3))
    assert torch.allclose(out.scenicness_variance, expected)
    assert not torch.allclose(out.scenicness_variance, out.scenicness)


def test_batch_equals_single_images():
    for model in (siam_network(), baseline_network()):
        images = torch.randn(3, 3, 96, 128)
        with torch.no_grad():
            together = model(images)
            for n in range(3):
                alone = model(images[n : n + 1])
                assert torch.allclose(together.scenicness[n], alone.scenicness[0], atol=1e-5)
                assert torch.allclose(together.total_map[n], alone.total_map[0], atol=1e-5)


def test_baseline_is_pooling_and_linear_and_its_cam_sums_to_the_score():
    model = baseline_network()
    features = torch.randn(2, model.linear.in_features, 5, 7)
    with torch.no_grad():
        out = model.interpret(features)
        expected = model.linear(features.mean(dim=(2, 3)))[:, 0]
    assert torch.allclose(out.scenicness, expected, atol=1e-5)
    assert torch.allclose(out.total_map.sum(dim=(1, 2)) + out.bias, out.scenicness, atol=1e-5)


def test_the_variance_of_a_baseline_leaves_score_and_map_as_they_are():
    plain, model = baseline_network(), baseline_network(predicts_variance=True)
    images = torch.randn(2, 3, 96, 128)
    with torch.no_grad():
        model.variance_layer.bias.fill_(2.0)
        expected, out = plain(images), model(images)
        features = model.backbone(images).double()  # (2, C, h, w)
        for n in range(2):
            spread = model.variance_layer.bias.double()[0]
            for channel, weight in enumerate(model.variance_layer.weight[0]):
                spread = spread + weight.double() * features[n, channel].mean()
            assert out.scenicness_variance[n].double() == pytest.approx(spread.item(), abs=1e-5)
    assert expected.scenicness_variance is None
    assert torch.equal(out.scenicness, expected.scenicness) and torch.equal(out.total_map, expected.total_map)
    assert torch.equal(out.bias, expected.bias)


@pytest.mark.parametrize("attributes", [1, 33, 102])
def test_number_of_attributes_comes_from_the_config(attributes):
    out = siam_network(attributes=attributes)(torch.randn(1, 3, 96, 96))
    assert out.contributions.shape == (1, attributes)
