"""The losses of a network on photos that it is not trained on, by which training chooses its best weights."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from siam.explanation.batch import predict
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.training.end_to_end.photos import Photos
from siam.training.losses import cross_entropies

# For each thing known about a photo: which output of a network predicts it, and the loss per photo.
_ANSWERS = {"labels": "attribute_scores", "scores": "scenicness"}
_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "labels": lambda answers, labels: cross_entropies(answers, labels).mean(dim=1),
    "scores": lambda answers, scores: (answers - scores).square(),
}


def validation_losses(
    network: SIAM | Baseline, photos: Sequence[Photos], share: slice, scenicness_weight: float, workers: int
) -> list[tuple[float, float, int]]:
    """Return, for each loss, its weight, its sum over a share of the validation photos, and their number.

    Args:
        network: in evaluation mode.
        photos: of each kind that the network is trained on.
        share: which of the validation photos of each kind to use.
        scenicness_weight: of the loss of scores if labels are learned too; otherwise it is 1.
        workers: threads that read photos.
    """
    kinds = {name for kind in photos for name in kind.known["val"]}
    weights = {"labels": 1.0, "scores": scenicness_weight if "labels" in kinds else 1.0}
    sums = []
    for kind in photos:
        files, known = kind.files["val"][share], kind.known["val"]
        asked = [name for name in _ANSWERS if name in known]
        answers: Sequence[np.ndarray] = [known[name][:0] for name in asked]
        if files:  # there may be fewer photos than processes
            answers = predict(network, files, partial(_take, [_ANSWERS[name] for name in asked]), workers=workers)
        for name, answer in zip(asked, answers, strict=True):
            losses = _LOSSES[name](torch.from_numpy(answer), torch.from_numpy(known[name][share]))
            sums.append((weights[name], float(losses.sum()), len(files)))
    return sums


def _take(names: Sequence[str], output: Any) -> tuple[Tensor, ...]:
    return tuple(getattr(output, name) for name in names)
