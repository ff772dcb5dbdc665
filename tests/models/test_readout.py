"""The formula in NumPy gives what the networks of PyTorch give."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import adaptive_avg_pool1d

from siam.models import readout
from tests.support.networks import baseline_network, siam_network

VARIANTS = [
    {},
    {"pooling": "area", "border": 1},
    {"attribute_link": "sigmoid", "border": 0},
    {"template_relu": True, "predicts_variance": True},
]


@pytest.mark.parametrize("settings", VARIANTS, ids=repr)
@pytest.mark.parametrize("size", [(9, 13), (15, 15), (22, 7)])
def test_every_number_is_that_of_the_network(settings, size):
    network = siam_network(attributes=5, **settings).eval()
    with torch.no_grad():
        for parameter in network.scenicness_head.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
        values = torch.randn(1, 5, *size, generator=torch.Generator().manual_seed(4))
        wanted = network.interpret_layer(values)
        weights = network.scenicness_head.weights_on(wanted.attribute_maps)[0]
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items() if "backbone" not in name}
    found = readout.explained(network.config, tensors, values[0].numpy())
    variance = None if wanted.scenicness_variance is None else wanted.scenicness_variance[0]
    for name in ("contributions", "attribute_scores", "attribute_maps", "contribution_maps", "total_map"):
        np.testing.assert_allclose(found[name], getattr(wanted, name)[0], rtol=1e-4, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(found["cell_weights"], weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        found["templates"], network.scenicness_head.effective_templates().detach(), rtol=1e-5, atol=1e-6
    )
    assert found["scenicness"] == pytest.approx(float(wanted.scenicness[0]), rel=1e-4, abs=1e-4)
    assert found["bias"] == wanted.bias.item()
    assert found["scenicness_variance"] == (
        None if variance is None else pytest.approx(float(variance), rel=1e-4, abs=1e-4)
    )
    assert found["scenicness"] == pytest.approx(found["bias"] + found["contributions"].sum(), abs=1e-4)


def test_the_baseline_s_numbers_are_those_of_the_network():
    network = baseline_network()
    values = torch.randn(1, 1, 6, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network.interpret_layer(values)
        bias = network.linear.bias.numpy()
    found = readout.scored(bias, values[0, 0].numpy())
    assert found["baseline_scenicness"] == pytest.approx(float(wanted.scenicness[0]), abs=1e-5)
    np.testing.assert_allclose(found["baseline_map"], wanted.total_map[0], atol=1e-6)


def test_maps_without_a_cell_inside_the_border_are_refused():
    network = siam_network(border=2)
    with pytest.raises(ValueError, match=r"4 x 9 cells; a border of 2 leaves none"):
        readout.explained(network.config, {}, np.zeros((3, 4, 9), np.float32))


@given(size=st.integers(1, 60), grid=st.integers(1, 20))
@settings(deadline=None)
def test_adaptive_pooling_is_pytorch_s(size, grid):
    matrix = readout.pooling_matrix(size, grid, "adaptive")
    assert np.allclose(matrix, adaptive_avg_pool1d(torch.eye(size)[None], grid)[0].T)


@given(size=st.integers(1, 60), grid=st.integers(1, 20))
@settings(deadline=None)
def test_area_pooling_takes_every_cell_equally(size, grid):
    matrix = readout.pooling_matrix(size, grid, "area")
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(matrix.sum(axis=0), grid / size, atol=1e-5)
