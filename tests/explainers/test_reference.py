"""The classical explainers against two libraries that other people wrote: torchcam and captum."""

import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from captum.attr import Occlusion as CaptumOcclusion
from torch import nn
from torchcam import methods

from siam.explainers.cam import CAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.occlusion import Occlusion
from siam.explainers.targets import score_up
from siam.models.baseline import Baseline
from tests.support.explainers import thin


class Scores(nn.Module):
    """A network that returns the score alone, (N, 1), as the libraries want it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        """Return the scores."""
        return self.model(images).scenicness[:, None]


@pytest.fixture(scope="module", params=["lite", "resnet"])
def model(request):
    return thin(request.param, Baseline)


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def alike(found, expected, within=1e-4):
    """Whether maps differ nowhere by more than a share of the largest value."""
    return (found - expected).abs().max() <= within * expected.abs().max()


@pytest.mark.parametrize(("ours", "theirs"), [(GradCAM, methods.GradCAM), (LayerCAM, methods.LayerCAM)])
def test_gradient_maps_are_those_of_torchcam(model, images, ours, theirs):
    wrapped = Scores(model)
    with theirs(wrapped, "model.backbone") as extractor:
        (expected,) = extractor(0, wrapped(images), normalized=False)
    found = ours()(model, images, score_up())
    assert found.shape == expected.shape and expected.abs().max() > 0
    assert alike(found, expected.detach())


def test_cam_is_that_of_torchcam(model, images):
    """Theirs adds up the weighted features; ours is in points of the score, and keeps the sign."""
    wrapped = Scores(model)
    with methods.CAM(wrapped, "model.backbone", "model.linear") as extractor:
        wrapped(images)
        (expected,) = extractor(0, normalized=False)
    found = CAM()(model, images, score_up())
    assert alike(found.relu() * found[0].numel(), expected.detach().relu())


def test_integrated_gradients_are_those_of_captum(model, images):
    theirs = CaptumIntegratedGradients(Scores(model))
    expected = theirs.attribute(images, target=0, n_steps=20, method="riemann_middle", internal_batch_size=10)
    found = IntegratedGradients(steps=20)(model, images, score_up())
    # Their steps are rounded otherwise, and where one lies at a ReLU's kink, its gradient jumps.
    assert alike(found, expected.sum(dim=1).float(), within=5e-3)


def test_occlusion_is_that_of_captum(model, images):
    """Windows without margin, side by side, are theirs with strides."""
    theirs = CaptumOcclusion(Scores(model))
    expected = theirs.attribute(images, target=0, sliding_window_shapes=(3, 16, 16), strides=(3, 16, 16))
    found = Occlusion(cell=16, margin=0)(model, images, score_up())
    assert alike(found, expected[:, 0, ::16, ::16].float())
