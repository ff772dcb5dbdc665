"""The classical explainers against three libraries that other people wrote: torchcam, captum and pytorch-grad-cam."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from captum.attr import LayerGradCam
from captum.attr import Occlusion as CaptumOcclusion
from torch import nn
from torchcam import methods

from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.grad_cam_pp import GradCAMPP
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.occlusion import Occlusion
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.targets import output, score_up
from siam.models.baseline import Baseline
from tests.support.architectures import architecture, images_for
from tests.support.explainers import thin

# isort: split
import pytorch_grad_cam  # it needs torchvision, which siam.models.backbones makes importable with any version
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget


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


# Networks of others: a ResNet, a ViT and a Swin, whose logits are explained


def cells(tokens):
    """Return maps of the tokens of the small DeiT, without its two of no place."""
    return tokens[:, 2:].reshape(len(tokens), 4, 4, -1).permute(0, 3, 1, 2)


def nhwc(maps):
    return maps.permute(0, 3, 1, 2)


OTHERS = {"resnet18": ("layer4", None), "deit": ("blocks.1.norm1", cells), "swin": ("norm", nhwc)}


def raw(theirs, name):
    """Return the maps (N, h, w) of a method of pytorch-grad-cam, before it drops what is negative and scales."""
    network, images, (layer, reshape) = copy.deepcopy(architecture(name)), images_for(name), OTHERS[name]
    with theirs(network, [network.get_submodule(layer)], reshape_transform=reshape) as method:
        watched, targets = method.activations_and_grads, [ClassifierOutputTarget(3)] * len(images)
        sum(target(value) for target, value in zip(targets, watched(images), strict=True)).backward()
        activations, gradients = (
            np.concatenate([part.detach().numpy() for part in parts])
            for parts in (watched.activations, watched.gradients)
        )
        return torch.from_numpy(
            method.get_cam_image(images, method.target_layers[0], targets, activations, gradients, eigen_smooth=False)
        )


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        *((GradCAM(), pytorch_grad_cam.GradCAM, name) for name in OTHERS),
        *((LayerCAM(), pytorch_grad_cam.LayerCAM, name) for name in OTHERS),
        (GradCAMPP(), pytorch_grad_cam.GradCAMPlusPlus, "resnet18"),  # the others' features are not all >= 0
    ],
)
def test_maps_of_any_network_are_those_of_pytorch_grad_cam(ours, theirs, name):
    expected, found = raw(theirs, name).relu(), ours(architecture(name), images_for(name), output(3))
    within = 5e-3 if ours == GradCAMPP() else 1e-3  # they add 1e-6 below the fraction bar
    assert expected.abs().max() > 0 and alike(found, expected, within)


@pytest.mark.parametrize("name", OTHERS)
def test_a_centred_eigen_cam_is_that_of_pytorch_grad_cam(name):
    expected = raw(pytorch_grad_cam.EigenCAM, name)
    found = EigenCAM(centred=True)(architecture(name), images_for(name), output(3))
    for one, other in zip(found, expected, strict=True):
        assert any(alike(one, signed.relu(), 1e-3) for signed in (other, -other))  # they leave the sign open


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(GradCAM(), methods.GradCAM), (LayerCAM(), methods.LayerCAM)],
)
def test_maps_of_a_resnet_are_those_of_torchcam(ours, theirs):
    network, pictures = copy.deepcopy(architecture("resnet18")), images_for("resnet18")
    with theirs(network, "layer4") as extractor:
        (expected,) = extractor(3, network(pictures), normalized=False)
    assert alike(ours(network, pictures, output(3)), expected.detach(), 1e-3)


def test_score_cam_with_softmax_is_that_of_torchcam():
    network, pictures = copy.deepcopy(architecture("resnet18")), images_for("resnet18")
    with methods.ScoreCAM(network, "layer4") as extractor, torch.no_grad():
        network(pictures)
        (expected,) = extractor(3, normalized=False)
    found = ScoreCAM(softmax=True)(network, pictures, output(3))
    assert alike(found, expected, 1e-3)


def test_grad_cam_of_a_resnet_is_that_of_captum():
    network, pictures = copy.deepcopy(architecture("resnet18")), images_for("resnet18")
    expected = LayerGradCam(network, network.layer4).attribute(pictures, target=3)[:, 0].relu()
    assert alike(GradCAM()(network, pictures, output(3)), expected.detach(), 1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_integrated_gradients_of_any_network_are_those_of_captum(name):
    network, pictures = copy.deepcopy(architecture(name)), images_for(name)
    theirs = CaptumIntegratedGradients(network)
    expected = theirs.attribute(pictures, target=3, n_steps=20, method="riemann_middle")
    assert alike(IntegratedGradients(20)(network, pictures, output(3)), expected.sum(dim=1).float(), 5e-3)
