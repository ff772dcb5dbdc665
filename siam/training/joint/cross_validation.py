"""Trains a pair by the method "joint" and judges it by cross-validation: each photo by networks that never saw it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from siam.evaluation import outlines
from siam.evaluation.belief import belief_entries
from siam.evaluation.localisation import mean_localisation, pixel_average_precision
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.scores import attribute_figures, mean_figures, score_figures_with_intervals
from siam.evaluation.stored import VARIANTS
from siam.explanation.batch import predict, predict_pair
from siam.models.backbones import check_backbone
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM, SIAMOutput
from siam.runtime.provenance import provenance
from siam.training.heads.cross_validation import new_networks
from siam.training.heads.examples import folds, labels_and_scale, source_name
from siam.training.heads.held_out import OutOfFold
from siam.training.joint import photos as joint_photos
from siam.training.joint.state import RunFolder
from siam.training.joint.training import JointTraining, Trained
from siam.training.joint.views import Augmentation
from siam.training.recipes import folders_of, made
from siam.training.succession import save_successor

_OnJudged = Callable[[OutOfFold], object]


def train_joint(
    recipe: dict[str, Any], root: Path, out: Path, cache: Path, on_judged: _OnJudged = lambda _judged: None
) -> Pair:
    """Cross-validate a recipe, train on all photos it may use, and write the pair with its card to `out`.

    The weights of every run are kept in `out`/folds, and an interrupted training continues after the last of them.

    Args:
        recipe: of the method "joint".
        root: the folder that holds the datasets.
        out: folder for networks and card.
        cache: folder that keeps features between runs.
        on_judged: called with the predictions for the rated photos by networks that did not see them.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
        ImageError: a photo cannot be read.
        StorageError: features or weights cannot be stored.
        TrainingError: timm does not know the recipe's backbone, `out` holds weights of another recipe or other photos,
            or a loss is no longer finite.
    """
    _check(recipe)
    siam, baseline = new_networks(recipe, *labels_and_scale(recipe, root))
    found = joint_photos.datasets(recipe, root)
    folder = RunFolder(out / "folds", recipe, found.digest())
    photos = joint_photos.read(recipe, found, cache, siam)
    training = JointTraining(recipe, photos, siam, baseline, folder, cache)
    common = training.common()
    judged = _Judged(recipe, training, common)
    on_judged(judged.out_of_fold())
    everything = np.arange(len(photos.scores)), np.arange(len(photos.outlined.files))
    kept = training.trained("all", common, *everything)
    test = photos.labels["labelled"][photos.test]
    card = {
        **{name: recipe["data"][name] for name in ("summary", "training_data", "limits")},
        "folders": folders_of(recipe),
        "offsets": {
            name: {source: round(float(offset), 4) for source, offset in zip(judged.sources, kept.offsets, strict=True)}
            for name in ("siam", "baseline")
        },
        "metrics": judged.figures(),
        "attributes": belief_entries(
            photos.labels["labelled"][photos.train], test, judged.test_logits(), photos.attributes
        ),
        "recipe": recipe["file"],
        **provenance(),
    }
    pair = Pair(recipe["name"], kept.siam, kept.baseline, card, fold_templates=judged.templates)
    save_successor(pair, out, recipe, half=True)
    return pair


def _check(recipe: dict[str, Any]) -> None:
    """Raise a TrainingError for settings that would be told only after long work."""
    network, frozen = recipe["network"], recipe["joint"]["frozen_stages"]
    of_network = {"name": network["backbone"], "stages": network.get("stages", 1)}
    made(check_backbone, "network", of_network)
    made(check_backbone, "joint", {**of_network, "frozen": frozen})
    for name in recipe["teacher"]["backbones"]:
        made(check_backbone, "teacher", {"name": name})
    for kind in joint_photos.KINDS:
        made(Augmentation, f"views.{kind}", recipe["views"][kind])


class _Judged:
    """The cross-validation: predictions for every photo by networks that did not see it.

    Attributes:
        sources: names of the sources of ratings.
        templates: (R, K, g, g) effective templates of the folds' networks.
    """

    def __init__(self, recipe: dict[str, Any], training: JointTraining, common: dict[str, torch.Tensor]) -> None:
        photos, count, seed = training.photos, recipe["folds"], recipe["seed"]
        self._recipe, self._photos = recipe, photos
        self.sources = [source_name(entry) for entry in recipe["data"]["scores"]]
        self._fold = folds(photos.sources, count, seed)
        self._outlined_fold = photos.outlined.folds(count, seed)
        rated = len(photos.scores)
        of_attributes = (rated, len(photos.attributes))
        self._scores = {name: np.empty(rated) for name in (*VARIANTS, "bias")}
        self._parts = {name: np.empty(of_attributes) for name in ("contributions", "presence")}
        self._maps: list[np.ndarray | None] = [None] * len(photos.outlined.files)
        self._test: list[_OnTest] = []
        templates = []
        for number in tqdm(range(count), desc="cross-validation", unit="fold", file=sys.stderr):
            inside = self._fold == number, self._outlined_fold == number
            trained = training.trained(f"fold-{number}", common, *(np.flatnonzero(~of) for of in inside))
            self._judge(trained, *(np.flatnonzero(of) for of in inside))
            alone = training.frozen(common, np.flatnonzero(~inside[0]))
            self._judge_frozen(alone, np.flatnonzero(inside[0]), number == 0)
            templates.append(trained.siam.scenicness_head.effective_templates().detach())
        self.templates = torch.stack(templates)

    def _judge(self, trained: Trained, rated: np.ndarray, outlined: np.ndarray) -> None:
        """Take over the predictions for the photos that a fold's networks did not see."""
        photos = self._photos
        pair = Pair("fold", trained.siam, trained.baseline, {})
        files = [photos.files["rated"][row] for row in rated]
        (scores, contributions, logits), baseline = predict_pair(pair, files, _numbers, description="rated photos")
        above = trained.offsets[photos.sources[rated]]
        self._scores["siam"][rated], self._scores["baseline"][rated] = scores + above, baseline + above
        self._scores["bias"][rated] = trained.siam.scenicness_head.bias.item() + above
        self._parts["contributions"][rated] = contributions
        self._parts["presence"][rated] = np.tanh(logits)
        for row in outlined:
            (maps,) = predict(trained.siam, [photos.files["outlined"][row]], _maps)
            self._maps[row] = maps[0]
        self._test.append(_OnTest(trained.siam, photos))

    def _judge_frozen(self, alone: Trained, rated: np.ndarray, first: bool) -> None:
        """Take over the scores of a SIAM without fine-tuning; f is the same in all folds but for its zero."""
        photos = self._photos
        files = [photos.files["rated"][row] for row in rated]
        (scores,) = predict(alone.siam, files, lambda output: (output.scenicness,))
        self._scores["siam-frozen"][rated] = scores + alone.offsets[photos.sources[rated]]
        if first:
            self._alone = _OnTest(alone.siam, photos)

    def out_of_fold(self) -> OutOfFold:
        """Return the predictions for the rated photos."""
        return OutOfFold(
            self._photos.sources,
            PairPredictions(
                attributes=self._photos.attributes,
                siam=self._scores["siam"],
                bias=self._scores["bias"],
                baseline=self._scores["baseline"],
                **self._parts,
                pooling=self._recipe["network"]["pooling"],
            ),
        )

    def test_logits(self) -> np.ndarray:
        """Return the attribute logits (M, K) of the test photos, averaged over the folds' networks."""
        return np.mean([of.logits for of in self._test], axis=0)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the card."""
        photos, count = self._photos, self._recipe["folds"]
        scored = {
            name: {
                source: score_figures_with_intervals(
                    self._scores[name][photos.sources == number], photos.scores[photos.sources == number]
                )
                for number, source in enumerate(self.sources)
            }
            for name in VARIANTS
        }
        test = mean_figures([of.attributes for of in self._test])
        test["places"] = mean_localisation([of.places for of in self._test])
        maps = [of for of in self._maps if of is not None]
        return {
            "protocol": f"{count}-fold cross-validation on the rated and the outlined photos, one run; attributes on "
            f"the test split of SUN, mean over the same {count} networks",
            **scored,
            "sun_test": test,
            "f_alone": {**self._alone.attributes, "places": self._alone.places},
            "masks": outlines.judge(maps, photos.outlined, photos.attributes, self._outlined_fold),
        }


class _OnTest:
    """A fold's network on the test photos: `logits` (M, K), `attributes` (what), `places` (where, by the segmenter)."""

    def __init__(self, network: SIAM, photos: joint_photos.JointPhotos) -> None:
        labels, names = photos.labels["labelled"][photos.test], photos.attributes
        logits, maps = [], []
        for row in photos.test:
            of_photo, seen = predict(network, [photos.files["labelled"][row]], _logits_and_maps)
            logits.append(of_photo[0])
            maps.append(torch.from_numpy(seen[0]))
        self.logits = np.stack(logits)
        self.attributes = attribute_figures(self.logits, labels, names)
        self.places = pixel_average_precision(maps, labels, photos.test_regions, names)


def _numbers(output: SIAMOutput) -> tuple[torch.Tensor, ...]:
    return output.scenicness, output.contributions, output.attribute_logits


def _maps(output: SIAMOutput) -> tuple[torch.Tensor, ...]:
    return (output.attribute_maps,)


def _logits_and_maps(output: SIAMOutput) -> tuple[torch.Tensor, ...]:
    return output.attribute_logits, output.attribute_maps
