"""Trunks of several families give maps; what gives none is refused with a remedy."""

import subprocess
import sys

import pytest
import torch

from siam.backbones import create_backbone


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
    code = "import siam.backbones, torch; torch.ops.torchvision.nms; import torchvision.ops"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
