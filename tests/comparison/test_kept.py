"""The score with only the highest part of a map kept, against a plain loop; it depends on the map's order alone."""

import numpy as np
import pytest
import torch
from torch import nn

from siam.comparison.kept import FILLS, SHARES, inpainting, kept
from siam.explainers.faithfulness import blur_kernel, ranks
from siam.explainers.targets import output


class Redness(nn.Module):
    """The mean of the first channel, weighed by a fixed field."""

    def __init__(self):
        super().__init__()
        self.field = nn.Parameter(torch.rand(32, 48, generator=torch.Generator().manual_seed(3)))

    def forward(self, images):
        """Return scores (N, 1)."""
        return (images[:, 0] * self.field).mean(dim=(1, 2))[:, None] * 10


@pytest.fixture
def setting():
    generator = torch.Generator().manual_seed(0)
    image, saliency = torch.rand(1, 3, 32, 48, generator=generator), torch.rand(32, 48, generator=generator)
    network = Redness()
    with torch.no_grad():
        whole = float(network(image))
    return network, image, saliency, whole


def test_figures_follow_their_definition(setting):
    network, image, saliency, whole = setting
    found = kept(network, image, ranks(saliency), whole, output(0))
    assert set(found) == {f"{kind}_{share}_{fill}" for kind in ("kept", "rises") for share in SHARES for fill in FILLS}
    kernel = blur_kernel(32).double()
    half = len(kernel) // 2
    padded = np.pad(image[0].double().numpy(), ((0, 0), (half, half), (half, half)))
    soft = np.zeros((3, 32, 48))
    for row in range(32):  # the blur, pixel by pixel
        for column in range(48):
            window = padded[:, row : row + 2 * half + 1, column : column + 2 * half + 1]
            soft[:, row, column] = (window * (kernel[:, None] * kernel[None]).numpy()).sum(axis=(1, 2))
    for share in SHARES:
        limit = np.sort(saliency.numpy().ravel())[::-1][round(32 * 48 * share / 100) - 1]
        shown = saliency.numpy() >= limit
        assert shown.sum() == round(32 * 48 * share / 100)
        for fill, filled in (("grey", np.zeros_like(soft)), ("blur", soft)):
            seen = np.where(shown, image[0].numpy(), filled)
            with torch.no_grad():
                score = float(network(torch.from_numpy(seen)[None].float()))
            assert found[f"kept_{share}_{fill}"] == pytest.approx(max(0, whole - score), abs=1e-4)
            assert found[f"rises_{share}_{fill}"] == 100 * (score > whole)


def test_brightness_does_not_count(setting):
    network, image, saliency, whole = setting
    found = [kept(network, image, ranks(saliency**power), whole, output(0)) for power in (1, 0.25, 4)]
    assert found[0] == found[1] == found[2]


def test_inpainting_continues_what_is_around():
    picture = torch.full((3, 64, 64), 0.25)
    picture[:, 24:40, 24:40] = 0.9
    shown = torch.ones(64, 64, dtype=torch.bool)
    shown[20:44, 20:44] = False
    mean, std = torch.full((3, 1, 1), 0.1), torch.full((3, 1, 1), 0.5)
    fill = inpainting((picture - mean) / std, mean, std)(shown) * std + mean
    assert fill[:, 24:40, 24:40].sub(0.25).abs().max() < 0.02  # the square is gone
    nothing = inpainting(picture, mean, std)(torch.zeros(64, 64, dtype=torch.bool))
    assert nothing.abs().max() == 0  # the mean colour, where there is nothing to continue
