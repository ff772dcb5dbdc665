"""Where networks run."""

import torch
from torch import nn


def device_of(model: nn.Module) -> torch.device:
    """Return the device that a network's parameters are on."""
    return next(model.parameters()).device
