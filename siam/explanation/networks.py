"""The numbers of an explanation from networks in PyTorch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from siam.explanation.batch import Together
from siam.models.checkpoint import Pair
from siam.runtime.devices import device_of


@torch.inference_mode()
def numbers(pair: Pair, pixels: np.ndarray, others: np.ndarray | None) -> tuple[dict[str, Any], str]:
    """Return the numbers of an `Explanation` by name, with the folds' templates and mean features, and the device.

    Args:
        pair: the networks.
        pixels: the photo (1, 3, H, W), prepared for SIAM.
        others: as prepared for the baseline; None if there is none, or if it wants the same.

    Raises:
        ValueError: no cell is left inside the border of the maps.
    """
    network, baseline = pair.siam, pair.baseline
    device = device_of(network)
    images = torch.from_numpy(pixels).to(device)
    if baseline is not None and others is None:
        output, reference = Together(network, baseline)(images)
    else:
        output = network(images)
        reference = None if baseline is None else baseline(torch.from_numpy(others).to(device))
    found = {
        "scenicness": float(output.scenicness[0]),
        "bias": float(output.bias),
        "contributions": _array(output.contributions[0]),
        "attribute_scores": _array(output.attribute_scores[0]),
        "attribute_maps": _array(output.attribute_maps[0]),
        "contribution_maps": _array(output.contribution_maps[0]),
        "total_map": _array(output.total_map[0]),
        "templates": _array(network.scenicness_head.effective_templates()),
        "cell_weights": _array(network.scenicness_head.weights_on(output.attribute_maps)[0]),
        "scenicness_variance": None if output.scenicness_variance is None else float(output.scenicness_variance[0]),
        "baseline_scenicness": None if reference is None else float(reference.scenicness[0]),
        "baseline_bias": None if reference is None else float(reference.bias),
        "baseline_map": None if reference is None else _array(reference.total_map[0]),
        "mean_features": None if output.mean_features is None else _array(output.mean_features[0]),
        "folds": None if pair.fold_templates is None else _array(pair.fold_templates),
    }
    return found, str(device)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
