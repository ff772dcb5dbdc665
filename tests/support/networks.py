"""Small untrained networks for tests, with random but fixed weights."""

import torch

from siam.datasets.base import RatingScale
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.siam import SIAM, SIAMConfig

BACKBONE = "test_efficientnet"
SCALE = RatingScale("test rating", 1, 10)
_INPUT = {"backbone": BACKBONE, "scale": SCALE, "image_size": 96, "size_multiple": 32}
_COLOURS = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}


def siam_network(attributes: int = 5, seed: int = 0, **settings) -> SIAM:
    """Return a SIAM whose templates, combinations and weights are all random, so that nothing cancels out by chance."""
    torch.manual_seed(seed)
    names = tuple(f"attribute_{index}" for index in range(attributes))
    config = SIAMConfig(**_INPUT, **_COLOURS, attributes=names, **{"grid": 4, "border": 0, **settings})
    model = SIAM(config).eval()
    for head in (model.scenicness_head, model.variance_head):
        if head is not None:
            torch.nn.init.uniform_(head.templates)
            torch.nn.init.normal_(head.combination)
            torch.nn.init.normal_(head.weights)
            torch.nn.init.constant_(head.bias, 4.5)
    return model


def baseline_network(seed: int = 0, **settings) -> Baseline:
    """Return a baseline with random weights."""
    torch.manual_seed(seed)
    return Baseline(BaselineConfig(**_INPUT, **_COLOURS, **settings)).eval()
