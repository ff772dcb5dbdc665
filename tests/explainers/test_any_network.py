"""Explainers of networks that other people made: the same contract, whatever the architecture."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from siam.explainers import (
    EXPLAINERS,
    attribute,
    attribute_photo,
    explainer,
    layers,
    names_for,
    output,
    probability,
    score_down,
    score_up,
)
from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.rise import RISE
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.sise import SISE
from siam.explainers.targets import outputs
from tests.support.architectures import MAKERS, architecture, images_for, plain
from tests.support.explainers import assert_same_state, state_of

QUICK = {
    "rise": {"masks": 12, "grid": 3},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"cell": 32, "margin": 8},
}
NAMES = names_for(plain(3))
NOT_LINEAR = ("vgg11", "densenet121", "mobilenetv3", "convnext", "vit", "deit", "eva")  # behind their last maps
LAST = {  # the last map before pooling, and what its blocks are
    "resnet18": ("layer4", ("act1", "layer1", "layer2", "layer3", "layer4")),
    "vgg11": ("features", ("features.1", "features.4", "features.9", "features")),
    "densenet121": (
        "features",
        ("features.relu0", "features.transition1.conv", "features.transition2.conv", "features"),
    ),
    "swin": ("norm", ("layers.0", "norm")),
    "vit": ("encoder.layers.encoder_layer_1.ln_1", ("encoder.layers.encoder_layer_1.ln_1",)),
    "deit": ("blocks.1.norm1", ("blocks.1.norm1",)),
    "segmentation": ("down", ("up", "down.1", "down")),
}

pytestmark = pytest.mark.usefixtures("one_thread")


def target_of(name, place=0):
    """Return the output that a network gives most of on average, or one of the others; the score of the regressor."""
    if name == "regressor":
        return output()
    with torch.no_grad():
        order = outputs(architecture(name), images_for(name)).mean(dim=0).argsort(descending=True)
    return output(int(order[place]))


def close(one, two, within=1e-3):
    return float((one - two).abs().max()) <= within * max(float(two.abs().max()), 1e-6)


def maps_or_sentence(method, name, images, target):
    """Return a method's maps, or None if it says in a sentence that it is not defined for this network."""
    try:
        return method(architecture(name), images, target)
    except ValueError as error:
        assert isinstance(method, CAM) and name in NOT_LINEAR
        assert "use Grad-CAM" in str(error) and "\n" not in str(error)
        return None


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("method", NAMES)
def test_every_method_explains_every_network(method, name):
    explain, model, images = explainer(method, **QUICK.get(method, {})), architecture(name), images_for(name)
    before, original = state_of(model), images.clone()
    maps = maps_or_sentence(explain, name, images, target_of(name))
    assert_same_state(before, state_of(model))
    if maps is None:
        return
    assert maps.dtype == torch.float32 and maps.ndim == 3 and len(maps) == 2 and maps.isfinite().all()
    assert maps.any() and not maps.requires_grad and torch.equal(images, original)
    assert explain.signed or maps.min() >= 0
    for place in range(2):  # one by one
        assert alike(method, explain(model, images[place : place + 1], target_of(name))[0], maps[place])
    assert not close(maps[0], maps[1], 1e-2)
    if explain.kind != "features" and name != "regressor":
        assert not close(explain(model, images, target_of(name, 1)), maps, 1e-2)


def alike(method, one, two):
    hard_edges = method in ("sise", "ada_sise")  # which rounding may move
    return close(one, two) or (hard_edges and float(((one - two).abs() > 1e-3).float().mean()) < 0.01)


@pytest.mark.parametrize("name", LAST)
def test_layers_are_found(name):
    model, images = architecture(name), images_for(name, 1)
    last, blocks = LAST[name]
    for explain in (GradCAM(), LayerCAM(), ScoreCAM(), EigenCAM()):
        named = type(explain)(layer=last)
        assert close(explain(model, images, output(2)), named(model, images, output(2)))
    assert alike("sise", SISE()(model, images, output(2)), SISE(layers=blocks)(model, images, output(2)))
    listed = {layer.name: layer for layer in layers(model, images)}
    assert {last, *blocks} <= set(listed)
    assert listed[last].height * listed[last].width == GradCAM()(model, images, output(2)).numel()


def test_a_layer_of_tokens_can_be_reshaped_by_hand():
    model, images = architecture("deit"), images_for("deit")

    def reshape(tokens):
        return tokens[:, 2:].reshape(len(tokens), 4, 4, -1).permute(0, 3, 1, 2)

    for kind in (GradCAM, LayerCAM, EigenCAM, ScoreCAM):
        by_hand = kind(layer="blocks.1.norm1", reshape=reshape)(model, images, output(3))
        assert close(by_hand, kind()(model, images, output(3)))


def test_tokens_keep_their_places():
    """A network whose score is the brightness at one place, read from tokens."""

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(1, 2, 8, 8, bias=False)
            nn.init.constant_(self.patches.weight, 1 / 64)
            self.mix = nn.Linear(2, 2)
            self.mix.weight.data, self.mix.bias.data = torch.eye(2), torch.zeros(2)

        def forward(self, images):
            tokens = self.patches(images).flatten(2).transpose(1, 2)  # (N, L, 2)
            return self.mix(torch.cat([tokens.new_zeros(len(tokens), 1, 2), tokens], dim=1))[:, 1 + 2 * 6 + 4].sum(1)

    model, image = Reader(), torch.rand(1, 1, 32, 48)
    found = LayerCAM()(model, image, output())[0]
    assert found.shape == (4, 6) and found.argmax() == 2 * 6 + 4 and found.count_nonzero() == 1


def test_functions_are_explained_by_methods_that_only_alter_pictures():
    network, images = architecture("regressor"), images_for("regressor")

    def score(pictures):
        with torch.no_grad():
            return network(pictures)[:, 0]

    assert names_for(score) == ("occlusion", "rise")
    for name in names_for(score):
        explain = explainer(name, **QUICK[name])
        assert close(explain(score, images, output()), explain(network, images, output()))
    for name in (name for name in NAMES if name not in ("occlusion", "rise", "integrated_gradients")):
        with pytest.raises(ValueError, match="looks into the layers of a network, and got a function: use RISE"):
            explainer(name)(score, images, output())


def test_networks_without_parameters_are_explained():
    model = nn.Sequential(nn.AvgPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = CAM()(model, images_for("regressor"), output(1))
    with torch.no_grad():
        assert torch.allclose(found.sum(dim=(1, 2)), model(images_for("regressor"))[:, 1], atol=1e-5)


def test_cam_of_any_pooled_network_adds_up():
    for name in ("resnet18", "efficientnet", "regnet", "swin", "one channel", "regressor"):
        model, images, target = architecture(name), images_for(name), target_of(name)
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
        with torch.no_grad():
            wanted = target(model, images) - linear.bias[getattr(target, "index", 0)]
        assert torch.allclose(CAM()(model, images, target).sum(dim=(1, 2)), wanted, atol=1e-3)


# Targets


def test_targets_of_a_classifier():
    model, images = architecture("resnet18"), images_for("resnet18")
    with torch.no_grad():
        logits = model(images)
        assert torch.allclose(output(3)(model, images), logits[:, 3])
        assert torch.allclose(probability(3)(model, images), logits.softmax(1)[:, 3])
    assert probability(3) == probability(3) != probability(2) and repr(probability(3)) == "probability(3)"
    assert repr(output(3)) == "output(3)" and repr(output()) == "output()" and output() == score_up()
    for wrong in (output(5), probability(5), output(-1)):
        with pytest.raises(ValueError, match="this network has 5, numbered from 0"):
            GradCAM()(model, images, wrong)
    with pytest.raises(ValueError, match=r"gives 5 numbers for a picture: choose one of output\(0\) … output\(4\)"):
        GradCAM()(model, images, score_up())
    with pytest.raises(ValueError, match="only a SIAM has attributes, and this is a ResNet"):
        GradCAM()(model, images, attribute("ocean"))


def test_any_function_is_a_target():
    model, images = architecture("resnet18"), images_for("resnet18")
    one = IntegratedGradients(4)(model, images, lambda model, images: model(images) @ torch.tensor([0.0, -1, 0, 1, 0]))
    parts = [IntegratedGradients(4)(model, images, output(index)) for index in (3, 1)]
    assert close(one, parts[0] - parts[1])
    for wrong, came in ((lambda m, x: m(x), r"\(2, 5\)"), (lambda _m, _x: 3.0, "float")):
        with pytest.raises(ValueError, match=rf"gives {came} for 2 pictures; expected \(2,\)"):
            RISE(4, 3, batch_size=2)(model, images, wrong)


def test_a_regressor_s_score_goes_up_and_down():
    model, images = architecture("regressor"), images_for("regressor")
    with torch.no_grad():
        assert torch.equal(score_down()(model, images), -score_up()(model, images))
    assert close(CAM()(model, images, score_down()), -CAM()(model, images, output()))


def test_probabilities_are_weighed_as_in_the_papers():
    model, images = architecture("resnet18"), images_for("resnet18", 1)
    for kind in (SISE, ScoreCAM):
        default, paper, mean = (
            kind(**settings)(model, images, probability(2)) for settings in ({}, {"zero": "paper"}, {"zero": "mean"})
        )
        assert close(default, paper) and not close(paper, mean, 1e-2)
        assert close(kind()(model, images, output(2)), kind(zero="mean")(model, images, output(2)))


# What is wrong is said in a sentence


def test_what_is_wrong_is_said_in_one_sentence():
    model, images = architecture("resnet18"), images_for("resnet18")
    for method, message in (
        (GradCAM("layer5"), "no layer 'layer5'; names like it: layer"),
        (GradCAM("fc"), "the layer 'fc' gives no map, or runs several times; the last ones that do: .*layer4"),
        (GradCAM(reshape=lambda x: x), "reshape was given without a layer"),
        (GradCAM("fc", reshape=lambda x: x), r"the layer 'fc' gives \(2, 5\), made into \(2, 5\); expected maps"),
        (SISE(layers=("layer1", "conv9")), "no layer 'conv9'"),
    ):
        before = state_of(model)
        with pytest.raises(ValueError, match=message) as caught:
            method(model, images, output(3))
        assert "\n" not in str(caught.value)
        assert_same_state(before, state_of(model))
    with pytest.raises(ValueError, match=r"does not take pictures \(1, 1, 64, 64\)"):
        GradCAM()(model, images[:, :1], output(3))
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5))
    with pytest.raises(ValueError, match="has no layer whose output is a map: use integrated gradients"):
        GradCAM()(flat, images, output(3))
    assert IntegratedGradients(2)(flat, images, output(3)).shape == (2, 64, 64)
    with pytest.raises(ValueError, match="has no setting 'layr': choose among layer, reshape"):
        explainer("grad_cam", layr="layer4")


class Breaks(nn.Module):
    """A network that fails after its first layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)

    def forward(self, images):  # noqa: D102
        raise RuntimeError(f"out of order {self.first(images).shape}")


@pytest.mark.parametrize("method", NAMES)
def test_a_network_that_fails_is_left_as_it_was(method):
    model, images = Breaks(), torch.rand(1, 3, 32, 32)
    before = state_of(model)
    with pytest.raises((RuntimeError, ValueError), match="out of order"):
        explainer(method, **QUICK.get(method, {}))(model, images, output(0))
    assert_same_state(before, state_of(model))


# What comes out


def test_an_attribution_shows_and_stores_itself(tmp_path):
    model, photo = plain(3), Image.new("RGB", (96, 64), "navy")
    result = attribute_photo(model, images_for("resnet18", 1)[0], GradCAM("1"), output(3))
    assert result.name == "grad_cam" and result.passes == 2 and "Attribution('grad_cam', 32 x 32 cells" in repr(result)
    assert np.array_equal(result.numpy(), result.map.numpy()) and result.numpy().dtype == np.float32
    assert result._repr_png_().startswith(b"\x89PNG") and result.overlay().size == (480, 480)
    assert result.overlay(photo).size == (96, 64) and result.overlay(photo, 0).getpixel((3, 3)) == (0, 0, 128)
    photo.save(tmp_path / "photo.png")
    for name in ("map.png", "map.jpg", "map.npz"):
        result.save(tmp_path / name, tmp_path / "photo.png")
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.size == (96, 64)
    with np.load(tmp_path / "map.npz") as stored:
        assert np.array_equal(stored["map"], result.numpy()) and str(stored["explainer"]) == "grad_cam"
    with pytest.raises(ValueError, match=r"map.tif does not say in what format to write"):
        result.save(tmp_path / "map.tif")
    counted = attribute_photo(lambda x: x.mean(dim=(1, 2, 3)), images_for("resnet18", 1), "occlusion", output())
    assert counted.passes == 1 + 4


def test_all_methods_are_tried():
    assert set(NAMES) == {name for name, made in EXPLAINERS.items() if not made.description.learner} - {"siam"}
