"""Small networks of many makes, with random weights: what other people explain."""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn

from siam.models.backbones import timm  # importable with any version of torchvision  # isort: skip
from torchvision.models import VGG, DenseNet, EfficientNet, MobileNetV3, VisionTransformer
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.vgg import make_layers

CLASSES, SIDE = 5, 64


class Segmentation(nn.Module):
    """A map for each class, at the size of the picture, in a dictionary as torchvision returns it."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.up = nn.ConvTranspose2d(12, CLASSES, 4, 4)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return {"out": (N, K, H, W)}."""
        return {"out": self.up(self.down(images))}


def plain(channels: int, outputs: int = CLASSES) -> nn.Sequential:
    """Return a small ConvNet for pictures of so many channels."""
    body = [nn.Conv2d(channels, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, outputs))


def _vgg11() -> nn.Module:
    model = VGG(make_layers([8, "M", 12, "M", 12, 12, "M"]), num_classes=CLASSES)
    model.classifier = nn.Sequential(nn.Linear(12 * 49, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, CLASSES))
    return model


def _mobilenet() -> nn.Module:
    settings = [
        InvertedResidualConfig(16, 3, 16, 16, True, "RE", 2, 1, 1.0),
        InvertedResidualConfig(16, 3, 24, 16, False, "HS", 2, 1, 1.0),
    ]
    return MobileNetV3(settings, 24, num_classes=CLASSES)


def _efficientnet() -> nn.Module:
    settings = [MBConvConfig(1, 3, 1, 16, 8, 1, 1.0, 1.0), MBConvConfig(4, 3, 2, 8, 8, 2, 1.0, 1.0)]
    return EfficientNet(settings, dropout=0.2, last_channel=24, num_classes=CLASSES)


def _regnet() -> nn.Module:
    return RegNet(BlockParams.from_init_params(4, 8, 8, 2, 8, se_ratio=0.25), num_classes=CLASSES)


def _timm(name: str, **settings: object) -> nn.Module:
    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **settings)


_TOKENS = {"img_size": SIDE, "depth": 2, "embed_dim": 24, "num_heads": 3}
MAKERS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": partial(_timm, "resnet18", channels=(8, 8, 12, 12)),
    "vgg11": _vgg11,
    "densenet121": partial(DenseNet, 4, (2, 2, 2), 8, num_classes=CLASSES),
    "mobilenetv3": _mobilenet,
    "efficientnet": _efficientnet,
    "convnext": partial(ConvNeXt, [CNBlockConfig(8, 12, 1), CNBlockConfig(12, None, 1)], num_classes=CLASSES),
    "swin": partial(
        _timm,
        "swin_tiny_patch4_window7_224",
        img_size=SIDE,
        window_size=4,
        embed_dim=12,
        depths=(1, 1),
        num_heads=(2, 2),
    ),
    "vit": partial(VisionTransformer, SIDE, 16, 2, 3, 24, 48, num_classes=CLASSES),
    "deit": partial(_timm, "deit_tiny_distilled_patch16_224", **_TOKENS),
    "eva": partial(_timm, "eva02_tiny_patch14_224", **{**_TOKENS, "img_size": 56}),
    "regnet": _regnet,
    "regressor": partial(plain, 3, 1),
    "segmentation": Segmentation,
    "one channel": partial(plain, 1),
    "four channels": partial(plain, 4),
}
CHANNELS = {"one channel": 1, "four channels": 4}
SIDES = {"eva": 56}


@cache
def architecture(name: str) -> nn.Module:
    """Return a network in evaluation mode whose outputs depend on the picture; no test may change it."""
    torch.manual_seed(0)
    model = MAKERS[name]()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.2)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)  # some heads start at 0
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith(("layer_scale", "gamma")):
                parameter.fill_(1)  # else branches hardly count
    return model.eval()


def images_for(name: str, count: int = 2, seed: int = 1) -> Tensor:
    """Return random pictures (N, C, H, W), coarse enough for networks to tell their places apart."""
    generator = torch.Generator().manual_seed(seed)
    side = SIDES.get(name, SIDE)
    coarse = torch.randn(count, CHANNELS.get(name, 3), 8, 8, generator=generator)
    return 2 * nn.functional.interpolate(coarse, (side, side), mode="bilinear")
