"""What networks say of photos that they were not trained on, by the frozen features of these photos."""

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
from siam.training.heads.examples import Examples


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What networks say of m rated photos that they did not see, on the scale of each photo's own source.

    Attributes:
        sources: (m,) the source of each photo.
        predictions: of the photos; each one's bias is that of its fold's SIAM, with the offset of its source.
    """

    sources: np.ndarray
    predictions: PairPredictions


@torch.inference_mode()
def predict_scores(model: SIAM | Baseline, examples: Examples, photos: np.ndarray) -> np.ndarray:
    """Return the scenicness (n,) of photos, by their places among all, on the scale of the first source."""
    if len(photos) == 0:
        return np.empty(0, dtype=np.float32)
    views = np.zeros(len(photos), dtype=int)
    (scores,) = frozen.apply(lambda x: (model.interpret(x).scenicness,), (examples.features,), photos, views)
    return scores.numpy()


@torch.inference_mode()
def predict_attributes(network: SIAM, examples: Examples, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the contributions (n, K) to the scores of photos, by their places among all, and the attribute scores."""

    def parts(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = network.interpret(features)
        return output.contributions, output.attribute_scores

    views = np.zeros(len(photos), dtype=int)
    contributions, presence = frozen.apply(parts, (examples.features,), photos, views)
    return contributions.numpy(), presence.numpy()


@torch.inference_mode()
def judge_attributes(network: SIAM, examples: Examples) -> dict[str, Any]:
    """Return the figures of the test photos' attributes: what ("attributes") and, with regions, where ("places")."""
    outputs = [network.interpret(examples.features[photo][:1].float()) for photo in examples.test]
    logits = torch.cat([output.attribute_logits for output in outputs]).numpy()
    labels, names = examples.labels[examples.test], network.config.attributes
    figures = {"attributes": attribute_figures(logits, labels, names)}
    if examples.test_regions is not None:
        maps = [output.attribute_maps[0] for output in outputs]
        figures["places"] = pixel_average_precision(maps, labels, examples.test_regions, names)
    return figures
