"""Trains a pair by the method "own" and judges words and scores by cross-validation, each photo by networks without it.

Backbone and input are those of another pair, whose SIAM is the `trunk`. Heads are fitted on its frozen features as in
`siam.training.own.fit`. A fold holds photos, not labels or ratings: one that is both labelled and rated is unseen in
both ways.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from siam.evaluation.belief import belief_entries
from siam.evaluation.scores import attribute_figures_with_intervals, difference_figures, score_figures_with_intervals
from siam.models import features as frozen
from siam.models.backbones import FusedStages
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.checkpoint import Pair, load
from siam.models.siam import SIAM
from siam.runtime.devices import threads
from siam.runtime.provenance import provenance
from siam.training.heads.examples import Examples
from siam.training.heads.fit import fit_baseline
from siam.training.heads.held_out import predict_scores
from siam.training.own import photos as own
from siam.training.own.fit import fit_siam
from siam.training.own.photos import OwnPhotos
from siam.training.own.wording import card_texts
from siam.training.recipes import made
from siam.training.succession import save_successor


@dataclass(frozen=True)
class Network:
    """The section [network] of a recipe.

    Attributes:
        trunk: name or folder of the pair whose backbone is used, and whose input.
        image_size: short side of the photos in px, if not that of the trunk.
    """

    trunk: str = "photo"
    image_size: int | None = None


@dataclass(frozen=True)
class Training:
    """The section [training] of a recipe.

    Attributes:
        steps: at most so many of the attributes alone, and again of attributes and templates.
        ridge_penalty: of the baseline's regression.
    """

    steps: int = 60
    ridge_penalty: float = 30.0

    def __post_init__(self) -> None:
        """Raise a ValueError for numbers with which nothing can be trained."""
        if type(self.steps) is not int or self.steps < 1:
            raise ValueError(f"steps is {self.steps!r}; expected a whole number of at least 1")
        if isinstance(self.ridge_penalty, bool) or not self.ridge_penalty >= 0:
            raise ValueError(f"ridge_penalty is {self.ridge_penalty!r}; expected a number of at least 0")


def train_own(recipe: dict[str, Any], root: Path, out: Path, cache: Path) -> Pair:
    """Judge a recipe by cross-validation, train on all photos, and write the pair with its card to `out`.

    Args:
        recipe: of the method "own", with its name and the name of its file.
        root: the folder that holds the data.
        out: folder for networks and card.
        cache: folder that keeps features between runs.

    Raises:
        CheckpointError: there is no such trunk.
        DatasetError: labels or ratings are missing or do not match their layout.
        ImageError: a photo cannot be read.
        StorageError: a file cannot be stored.
        TrainingError: a setting is wrong, there are too few photos, or ratings from which nothing can be learned.
    """
    settings = made(Training, "training", recipe.get("training", {}))
    photos = own.read(recipe, root)
    fold = photos.folds(recipe["folds"], recipe["seed"])
    network, baseline = new_networks(made(Network, "network", recipe.get("network", {})), photos)
    examples = own.examples(photos, network, cache)
    judged = _Judged(len(examples.labels), len(examples.scores), len(examples.attributes))
    with tqdm(total=recipe["folds"] + 1, desc="training", unit="network", file=sys.stderr) as bar:
        for number in range(recipe["folds"]):
            inside = fold[photos.number_of_labelled] == number, fold[photos.number_of_rated] == number
            offsets = fit_pair(network, baseline, examples, ~inside[0], ~inside[1], settings)
            judged.take(network, baseline, examples, *inside, offsets)
            bar.update()
        everything = np.ones(len(examples.labels), dtype=bool), np.ones(len(examples.scores), dtype=bool)
        offsets = fit_pair(network, baseline, examples, *everything, settings)
        bar.update()
    metrics = judged.figures(photos, recipe["folds"])
    attributes = belief_entries(examples.labels, examples.labels, judged.logits, examples.attributes)
    card = {
        **card_texts(
            photos,
            attributes,
            metrics,
            recipe.get("network", {}).get("trunk", Network.trunk),
            sum(bool((of > 0).any()) for of in examples.region_targets),
        ),
        "folders": sorted({*photos.sources, photos.place.resolve().name}),
        "offsets": {name: dict(zip(photos.sources, of, strict=True)) for name, of in offsets.items()},
        "metrics": metrics,
        "attributes": attributes,
        **({"groups": dict(photos.labelled.groups)} if photos.labelled.groups else {}),
        "recipe": recipe["file"],
        **provenance(),
    }
    pair = Pair(recipe["name"], network.eval(), baseline.eval(), card, fold_templates=torch.stack(judged.templates))
    save_successor(pair, out, recipe, half=True)
    return pair


def new_networks(settings: Network, photos: OwnPhotos) -> tuple[SIAM, Baseline]:
    """Return new networks on the trunk's backbone, at its last stage, in the half precision of stored weights."""
    trunk = load(settings.trunk, "cpu", engine="pytorch").siam
    further = {} if settings.image_size is None else {"image_size": settings.image_size}
    shared = {"backbone": trunk.config.backbone, "scale": photos.scale, "image_size": trunk.config.image_size}
    shared |= {name: getattr(trunk.config, name) for name in ("size_multiple", "mean", "std")} | further
    config = replace(
        trunk.config,
        **shared,
        attributes=photos.labelled.attributes,
        predicts_variance=False,
        template_relu=False,
        stages=1,
    )
    networks = SIAM(config), Baseline(BaselineConfig(**shared))
    stored = trunk.backbone.net if isinstance(trunk.backbone, FusedStages) else trunk.backbone
    for network in networks:
        network.backbone.load_state_dict(stored.state_dict())
        network.half().float().eval()
    return networks


def fit_pair(
    network: SIAM,
    baseline: Baseline,
    examples: Examples,
    labelled: np.ndarray,
    rated: np.ndarray,
    settings: Training,
) -> dict[str, list[float]]:
    """Train both networks, in place, on some of the photos; return the sources' offsets of each.

    Args:
        network: the SIAM.
        baseline: the baseline.
        examples: the photos.
        labelled: (n,) which of the labelled photos to learn from, as a mask.
        rated: (m,) which of the rated photos.
        settings: of the recipe.
    """
    chosen = np.flatnonzero(rated)
    with threads(1):  # the operations are so small that several threads mostly wait, above all on a busy machine
        return {
            "siam": fit_siam(network, examples, np.flatnonzero(labelled), chosen, settings.steps),
            "baseline": fit_baseline(baseline, examples, chosen, {"ridge_penalty": settings.ridge_penalty}),
        }


class _Judged:
    """What the networks of the folds say of photos they did not see.

    Attributes:
        logits: (n, K) of the labelled photos.
        scores: of the rated photos (m,), by network.
        templates: effective templates (K, g, g) of each fold's SIAM.
    """

    def __init__(self, labelled: int, rated: int, attributes: int) -> None:
        self.logits = np.empty((labelled, attributes))
        self.scores = {name: np.empty(rated) for name in ("siam", "baseline")}
        self.templates: list[Tensor] = []

    def take(
        self,
        network: SIAM,
        baseline: Baseline,
        examples: Examples,
        labelled: np.ndarray,
        rated: np.ndarray,
        offsets: Mapping[str, list[float]],
    ) -> None:
        """Take over what a fold's networks say of its photos."""
        self.logits[labelled] = _logits(network, examples, np.flatnonzero(labelled))
        of_fold = examples.rated(np.flatnonzero(rated))
        for name, model in (("siam", network), ("baseline", baseline)):
            above = np.array(offsets[name])[examples.sources[rated]]
            self.scores[name][rated] = predict_scores(model, examples, of_fold) + above
        self.templates.append(network.scenicness_head.effective_templates().detach().clone())

    def figures(self, photos: OwnPhotos, count: int) -> dict[str, Any]:
        """Return the figures of the card."""
        scores = photos.scores.astype(float)
        rows = {name: photos.source == number for number, name in enumerate(photos.sources)}
        scored = {
            name: {of: score_figures_with_intervals(predicted[row], scores[row]) for of, row in rows.items()}
            for name, predicted in self.scores.items()
        }
        siam, baseline = self.scores["siam"], self.scores["baseline"]
        return {
            "protocol": f"{count}-fold cross-validation on all labelled and rated photos, a photo being in one fold",
            **scored,
            "difference": {of: difference_figures(siam[row], baseline[row], scores[row]) for of, row in rows.items()},
            f"{photos.place.resolve().name}_test": attribute_figures_with_intervals(
                self.logits, photos.labelled.labels, photos.labelled.attributes
            ),
        }


@torch.inference_mode()
def _logits(network: SIAM, examples: Examples, chosen: np.ndarray) -> np.ndarray:
    if len(chosen) == 0:
        return np.empty((0, len(examples.attributes)))
    views = np.zeros(len(chosen), dtype=int)
    (logits,) = frozen.apply(lambda x: (network.interpret(x).attribute_logits,), (examples.features,), chosen, views)
    return logits.numpy()
