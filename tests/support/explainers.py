"""Networks for testing explainers: thin ones with the real backbones, and ones with a known answer."""

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import nn

from siam.explainers.vebi_features import feature_layers
from siam.models.backbones import FusedStages, timm  # importable with any version of torchvision
from siam.models.baseline import Baseline
from siam.models.fitted import Fitted
from siam.models.siam import SIAM
from tests.support.networks import baseline_network, siam_network

REGION = (slice(8, 24), slice(8, 32))  # of the picture of `red_and_green`, in px: where red counts
OTHER = (slice(40, 56), slice(48, 72))  # where the picture is green


def thin(trunk: str, kind: type) -> SIAM | Baseline:
    """Return a network on a thin "lite" (EfficientNet-Lite0) or "resnet" (ResNet-50) with random weights.

    "fused" is "lite" with the features of its last two stages together.
    """
    return copy.deepcopy(_thin(trunk, kind))


@cache
def _thin(trunk: str, kind: type) -> SIAM | Baseline:
    torch.manual_seed(0)
    if trunk in ("lite", "fused"):
        backbone = timm.create_model("tf_efficientnet_lite0", num_classes=0, global_pool="")
        backbone.conv_head = nn.Conv2d(320, 24, 1, bias=False)  # of 1280 channels
        backbone.bn2 = type(backbone.bn2)(24, act_layer=nn.ReLU6)
    else:
        backbone = timm.create_model("resnet50", num_classes=0, global_pool="", channels=(4, 4, 6, 6))
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):  # some residual branches start at 0
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    channels = 24
    if trunk == "fused":
        backbone = FusedStages(backbone, 2, channels)
        channels = sum(backbone.channels)
    model = on_trunk(backbone, channels, kind)
    if isinstance(model, Baseline):
        for name in ("lcam_fm", "lcam_img"):
            model.fitted[name] = Fitted({"weight": torch.randn(1, channels), "bias": torch.randn(1)}, {})
        model.fitted["vebi"] = random_vebi(model)
    return model


def random_vebi(model: Baseline) -> Fitted:
    """Return random weights of one feature in each layer of the backbone, for the score and two bins."""
    layers = feature_layers(model)
    tensors = {
        "relevance": torch.randn(3, len(layers)),
        "layer": torch.arange(len(layers)),
        "channel": torch.randint(4, (len(layers),)),
        "strength": torch.rand(len(layers)),
        "bounds": torch.tensor([-1e3, 0, 1e3]),
    }
    return Fitted(tensors, {"layers": list(layers)})


def on_trunk(backbone: nn.Module, channels: int, kind: type, attributes: int = 3) -> SIAM | Baseline:
    """Return a SIAM or a baseline, in evaluation mode, with another backbone and a random head."""
    model = siam_network(attributes) if kind is SIAM else baseline_network()
    model.backbone = backbone
    if kind is SIAM:
        model.attribute_layer = nn.Conv2d(channels, attributes, 1)
        nn.init.normal_(model.attribute_layer.weight)
    else:
        model.linear = nn.Linear(channels, 1)
        nn.init.normal_(model.linear.weight)
    return model.eval()


@dataclass(frozen=True)
class LeftHalf:
    """Somebody's own explainer: the left half counts."""

    kind: ClassVar = "features"
    signed: ClassVar = False
    slow: ClassVar = False

    def passes(self, model, height, width):
        """Return 0: it looks at nothing."""
        return 0

    def __call__(self, model, images, target, progress=None):
        """Return maps (N, 4, 4)."""
        maps = torch.zeros(len(images), 4, 4)
        maps[:, :, :2] = 1
        return maps


class RedHereGreenThere(nn.Module):
    """A backbone without parameters: red within REGION, and green everywhere, as maps >= 0 of 8 px cells."""

    feature_info = ({"module": "fine", "num_chs": 3, "reduction": 4}, {"module": "", "num_chs": 2, "reduction": 8})

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.AvgPool2d(4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 2, H / 8, W / 8)."""
        counts = torch.zeros_like(images[:1])
        counts[:, 0, *REGION] = 1
        counts[:, 1] = 1
        return nn.functional.avg_pool2d(self.fine(images) * nn.functional.avg_pool2d(counts, 4), 2)[:, :2].relu()


def known(kind: type) -> SIAM | Baseline:
    """Return a network whose score is 0.5 + the mean over the cells of red within REGION.

    SIAM has the attributes "red" and "green", the latter without effect on the score.
    """
    if kind is Baseline:
        model = on_trunk(RedHereGreenThere(), 2, kind)
        model.linear.weight.data = torch.tensor([[1.0, 0.0]])
        model.linear.bias.data.fill_(0.5)
        weights = {"relevance": torch.tensor([[1.0, 0.0]]), "layer": torch.tensor([0, 0]), "channel": torch.arange(2)}
        model.fitted["vebi"] = Fitted(weights, {"layers": ["backbone"]})
        return model
    model = on_trunk(RedHereGreenThere(), 2, kind, attributes=2)
    model.attribute_layer.weight.data = torch.eye(2)[:, :, None, None]
    model.attribute_layer.bias.data.zero_()
    names = {**vars(model.config), "attributes": ("red", "green")}
    model.config = type(model.config)(**names)
    effective = torch.zeros(2, 4, 4)
    effective[0] = 1 / 16
    model.scenicness_head.set_effective_templates(effective)
    model.scenicness_head.bias.data.fill_(0.5)
    return model


def red_and_green() -> torch.Tensor:
    """Return pictures (1, 3, 64, 96): red all over, green in OTHER alone, no blue."""
    image = torch.zeros(1, 3, 64, 96)
    image[0, 0] = 0.5 + torch.rand(64, 96, generator=torch.Generator().manual_seed(0))
    image[:, 1, *OTHER] = 1
    return image


def share_within(attribution: torch.Tensor, region: tuple[slice, slice]) -> float:
    """Return the share of the positive part of a map (h, w) of such a picture inside a region."""
    mass = attribution.clamp(min=0)
    whole = nn.functional.interpolate(mass[None, None], (64, 96), mode="nearest")[0, 0]
    return float(whole[region].sum() / whole.sum())


def unusual(model: nn.Module) -> nn.Module:
    """Put a network into an unlikely state: random flags, gradients and hooks."""
    for number, module in enumerate(model.modules()):
        module.training = number % 3 == 0
    for number, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(number % 3 > 0)
        parameter.grad = torch.full_like(parameter, number) if number % 3 == 1 else None
    model.backbone.register_forward_hook(lambda _module, _inputs, _output: None)
    return model


def state_of(model: nn.Module) -> dict:
    """Return copies of everything that an explainer must leave as it was."""
    hooks = [name for name in vars(nn.Module()) if "hooks" in name]
    return {
        "tensors": copy.deepcopy(model.state_dict()),
        "grad": {name: copy.deepcopy(parameter.grad) for name, parameter in model.named_parameters()},
        "flags": {name: module.training for name, module in model.named_modules()},
        "requires_grad": {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        "hooks": {
            (name, kind): list(getattr(module, kind) or ()) for name, module in model.named_modules() for kind in hooks
        },
        "random": {"": torch.get_rng_state()},
    }


def assert_same_state(before: dict, after: dict) -> None:
    """Compare two results of `state_of`."""
    for kind in ("flags", "requires_grad", "hooks"):
        assert before[kind] == after[kind], kind
    for kind in ("tensors", "grad", "random"):
        assert before[kind].keys() == after[kind].keys()
        for name, tensor in before[kind].items():
            other = after[kind][name]
            assert tensor is other is None or torch.equal(tensor, other), (kind, name)


@contextmanager
def counted(model: nn.Module):
    """Yield a list of the number of pictures in each pass through the backbone."""
    sizes: list[int] = []
    handle = model.backbone.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    yield sizes
    handle.remove()
