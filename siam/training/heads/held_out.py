"""Predictions for photos that the networks were not trained on, from their frozen features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from siam.evaluation.localisation import pixel_average_precision
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.scores import attribute_figures
from siam.models import features as frozen
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.runtime.reprs import brief
from siam.training.heads.examples import Examples


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for m rated photos by networks that did not see them, on the scale of each photo's source.

    Attributes:
        sources: (m,) the source of each photo.
        predictions: for the photos; each one's bias is that of its fold's SIAM plus the offset of its source.
    """

    sources: np.ndarray
    predictions: PairPredictions

    __repr__ = brief


@torch.inference_mode()
def predict_scores(model: SIAM | Baseline, examples: Examples, photos: np.ndarray) -> np.ndarray:
    """Return the scenicness (n,) of the photos with the given indices, on the scale of the first source."""
    if len(photos) == 0:
        return np.empty(0, dtype=np.float32)
    views = np.zeros(len(photos), dtype=int)
    (scores,) = frozen.apply(lambda x: (model.interpret(x).scenicness,), (examples.features,), photos, views)
    return scores.numpy()


@torch.inference_mode()
def predict_attributes(network: SIAM, examples: Examples, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return contributions and attribute scores, (n, K) each, of the photos with the given indices."""

    def parts(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = network.interpret(features)
        return output.contributions, output.attribute_scores

    views = np.zeros(len(photos), dtype=int)
    contributions, presence = frozen.apply(parts, (examples.features,), photos, views)
    return contributions.numpy(), presence.numpy()


@torch.inference_mode()
def judge_attributes(network: SIAM, examples: Examples) -> dict[str, Any]:
    """Return figures for the attributes in the test photos: what ("attributes") and, with regions, where ("places")."""
    outputs = [network.interpret(examples.features[photo][:1].float()) for photo in examples.test]
    logits = torch.cat([output.attribute_logits for output in outputs]).numpy()
    labels, names = examples.labels[examples.test], network.config.attributes
    figures = {"attributes": attribute_figures(logits, labels, names)}
    if examples.test_regions is not None:
        maps = [output.attribute_maps[0] for output in outputs]
        figures["places"] = pixel_average_precision(maps, labels, examples.test_regions, names)
    return figures
