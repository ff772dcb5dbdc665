"""A small pair of a visitor's own, whose card says how far its names can be believed and whose folds are known."""

from pathlib import Path

import torch

from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network
from tests.support.recognition import recognised

BELIEFS = ("well", "roughly", "hardly")  # of attributes 0, 1, 2; of the others, nothing is known


def believed_pair(folder: Path) -> Pair:
    """Save the pair below `folder`, where an app started there finds it as runs/believed; return it.

    All folds agree on the template of attribute 0, none on that of attribute 1, and 3 of 5 on the others.
    """
    siam = siam_network()
    templates = siam.scenicness_head.effective_templates().detach()
    folds = templates.repeat(5, 1, 1, 1)
    folds[:, 1] *= -1
    folds[:2, 2:] *= -1
    card = {"attributes": {f"attribute_{k}": recognised(belief).entry() for k, belief in enumerate(BELIEFS)}}
    pair = Pair("believed", siam, baseline_network(), card, torch.as_tensor(folds))
    save(pair, folder / "runs" / "believed")
    return pair
