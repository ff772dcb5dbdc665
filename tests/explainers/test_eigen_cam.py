"""Eigen-CAM against a whole decomposition, and its sign, which the decomposition leaves open."""

import numpy as np
import pytest
import torch
from torch import nn

from siam.explainers import explainer, output


class Given(nn.Module):
    """A network whose last layer gives the picture itself, with channels of its own."""

    def __init__(self, sign):
        super().__init__()
        self.last = nn.Conv2d(3, 5, 1)
        self.head = nn.Linear(5, 2)
        with torch.no_grad():
            self.last.weight.mul_(sign)
            self.last.bias.mul_(sign)

    def forward(self, images):
        """Return logits."""
        return self.head(self.last(images[:, :, ::4, ::4]).mean(dim=(2, 3)))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_map_and_sign_are_those_of_a_whole_decomposition(centred, sign):
    torch.manual_seed(0)
    network, images = Given(sign), torch.rand(3, 3, 32, 48) ** 3
    found = explainer("eigen_cam", layer="last", centred=centred)(network, images, output(0))
    with torch.no_grad():
        features = network.last(images[:, :, ::4, ::4]).double().numpy()
    for map_, one in zip(found.numpy(), features, strict=True):
        matrix = one.reshape(5, -1).T  # (h w, C)
        means = matrix.mean(axis=0)
        used = matrix - means if centred else matrix
        first = np.linalg.svd(used, full_matrices=False)[2][0]
        expected = np.maximum(used @ first * np.sign(means @ first), 0).reshape(8, 12)
        assert expected.max() > 0
        np.testing.assert_allclose(map_, expected, atol=1e-4 * expected.max())
