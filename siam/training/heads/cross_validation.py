"""Trains a pair by the method "heads" and judges it by cross-validation: each photo by networks that never saw it."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from siam.datasets.base import RatingScale
from siam.evaluation.localisation import mean_localisation
from siam.evaluation.predictions import PairPredictions
from siam.evaluation.scores import mean_figures, score_figures
from siam.evaluation.stored import Result, variant_figures
from siam.models import backbones
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM, SIAMConfig
from siam.runtime.provenance import provenance
from siam.training.heads.examples import Examples, folds, labels_and_scale, read_examples, source_name
from siam.training.heads.fit import Weights, fit_attributes, fit_baseline, fit_siam, set_attributes
from siam.training.heads.held_out import OutOfFold, judge_attributes, predict_attributes, predict_scores
from siam.training.recipes import folders_of, made
from siam.training.succession import save_successor

VARIANTS = ("siam", "siam-frozen", "baseline")
_SUN = "SUN"


_OnJudged = Callable[[OutOfFold], object]


def train_heads(
    recipe: dict[str, Any], root: Path, out: Path, cache: Path, on_judged: _OnJudged = lambda _judged: None
) -> Pair:
    """Cross-validate a recipe, train on all photos it may use, and write the pair with its card to `out`.

    Args:
        recipe: of the method "heads"; with 0 folds, it is not cross-validated, and the card has no figures.
        root: the folder that holds the datasets.
        out: folder for networks and card.
        cache: folder that keeps features between runs.
        on_judged: called with the predictions of the first seed's networks for the rated photos they did not see.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
        ImageError: a photo cannot be read.
        TrainingError: timm does not know the recipe's backbone.
    """
    _input_of_backbone(recipe)  # rejects a wrong name before anything is read
    network, baseline = new_networks(recipe, *labels_and_scale(recipe, root))
    examples = read_examples(recipe, root, cache, network)
    metrics = cross_validate(recipe, examples, on_judged) if recipe["folds"] else {}
    everything = np.arange(len(examples.scores))
    seed = recipe["seeds"][0]
    starts = fit_attributes(network, examples, recipe["siam"], seed)
    baseline_offsets = fit_baseline(baseline, examples, everything, recipe["baseline"])
    teacher = predict_scores(baseline, examples, examples.weak)
    siam_offsets = fit_siam(network, starts, examples, everything, teacher, recipe["siam"], seed)
    sources = [source_name(entry) for entry in recipe["data"]["scores"]]
    card = {
        **{name: recipe["data"][name] for name in ("summary", "training_data", "limits")},
        "folders": folders_of(recipe),
        "offsets": {
            "siam": dict(zip(sources, siam_offsets, strict=True)),
            "baseline": dict(zip(sources, baseline_offsets, strict=True)),
        },
        "metrics": metrics,
        "recipe": recipe["file"],
        **provenance(),
    }
    pair = Pair(recipe["name"], network.eval(), baseline.eval(), card)
    save_successor(pair, out, recipe, half=True)
    return pair


def out_of_fold(recipe: dict[str, Any], root: Path, cache: Path) -> OutOfFold:
    """Return the predictions of the first seed's cross-validation for the rated photos; trains nothing else.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
        ImageError: a photo cannot be read.
    """
    network, _baseline = new_networks(recipe, *labels_and_scale(recipe, root))
    examples = read_examples(recipe, root, cache, network)
    with tqdm(total=recipe["folds"], desc="cross-validation", unit="fold", file=sys.stderr) as rounds:
        return _Run(recipe, examples, recipe["seeds"][0], ("siam", "baseline"), rounds).out_of_fold(examples)


def cross_validate(
    recipe: dict[str, Any], examples: Examples, on_judged: _OnJudged = lambda _judged: None
) -> dict[str, Any]:
    """Score every rated photo with networks that never saw it, once per seed, and return the figures.

    Attributes are judged on the test split, which no network saw, and averaged over all of these networks: "sun_test"
    (for other labels, the folder's name instead of "sun") for SIAM, "f_alone" for f before it learned scores,
    "without_regions" for a SIAM trained without region supervision (first seed, one member). "siam-frozen" has one
    member.
    """
    seeds, count = recipe["seeds"], recipe["folds"]
    entry = recipe["data"]["attributes"]
    tested = _SUN.lower() if isinstance(entry, str) or entry["reader"] == "sun" else Path(source_name(entry)).name
    sources = [source_name(entry) for entry in recipe["data"]["scores"]]
    ablation = {**recipe, "siam": {**recipe["siam"], "region_weight": 0.0, "members": 1}}
    rounds = tqdm(total=(len(seeds) + 1) * count, desc="cross-validation", unit="fold", file=sys.stderr)
    runs = [_Run(recipe, examples, seed, VARIANTS, rounds) for seed in seeds]
    on_judged(runs[0].out_of_fold(examples))
    without = _Run(ablation, examples, seeds[0], ("siam",), rounds)
    rounds.close()
    figures: dict[str, Any] = {
        variant: score_figures(
            np.stack([run.predicted[variant] for run in runs]), examples.scores, examples.sources, sources
        )
        for variant in VARIANTS
    }
    return {
        "protocol": f"{count}-fold cross-validation on the rated photos, mean over {len(seeds)} seeds; attributes on "
        f"the test split of {_SUN if tested == _SUN.lower() else tested}, mean over the same networks",
        **figures,
        f"{tested}_test": _attribute_metrics([one for run in runs for one in run.joint]),
        "f_alone": _attribute_metrics([run.alone for run in runs]),
        "without_regions": _attribute_metrics(without.joint),
    }


class _Run:
    """One repetition of the cross-validation.

    Attributes:
        predicted: variant → (m,) scores, each from the networks that did not see the photo, on its source's scale.
        alone: figures of f alone, for the attributes and where they are.
        joint: the same for each fold's SIAM.
        contributions: (m, K) of the attributes to the scores, each from the SIAM that did not see the photo.
        presence: (m, K) attribute scores of that SIAM.
        bias: (m,) of that SIAM, on the scale of the photo's source.
        attributes: (K,) their names.
    """

    def __init__(
        self, recipe: dict[str, Any], examples: Examples, seed: int, variants: Sequence[str], rounds: tqdm
    ) -> None:
        network, baseline = new_networks(recipe, examples.attributes, examples.scale)
        fold = folds(examples.sources, recipe["folds"], seed)
        self.predicted = {variant: np.empty(len(examples.scores)) for variant in variants}
        self.attributes = network.config.attributes
        self.joint: list[dict[str, Any]] = []
        self.contributions = np.empty((len(examples.scores), len(network.config.attributes)))
        self.presence = np.empty_like(self.contributions)
        self.bias = np.empty(len(examples.scores))
        starts = fit_attributes(
            network, examples, recipe["siam"], seed
        )  # these see no ratings, so all folds can share them
        set_attributes(network, starts)
        self.alone = judge_attributes(network, examples)
        for number in range(recipe["folds"]):
            chosen, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            for variant, offsets, model in _fit(recipe, examples, starts, chosen, seed, network, baseline, variants):
                above = np.array(offsets)[examples.sources[held_out]]
                scores = predict_scores(model, examples, examples.rated(held_out)) + above
                if variant in variants:
                    self.predicted[variant][held_out] = scores
                if variant == "siam":
                    self.joint.append(judge_attributes(network, examples))
                    parts = predict_attributes(network, examples, examples.rated(held_out))
                    self.contributions[held_out], self.presence[held_out] = parts
                    self.bias[held_out] = network.scenicness_head.bias.item() + above
            rounds.update()

    def out_of_fold(self, examples: Examples) -> OutOfFold:
        """Return the networks' predictions for the photos they did not see."""
        predictions = PairPredictions(
            attributes=self.attributes,
            siam=self.predicted["siam"],
            bias=self.bias,
            contributions=self.contributions,
            presence=self.presence,
            baseline=self.predicted["baseline"],
        )
        return OutOfFold(examples.sources, predictions)


def _fit(
    recipe: dict[str, Any],
    examples: Examples,
    starts: Sequence[Weights],
    chosen: np.ndarray,
    seed: int,
    network: SIAM,
    baseline: Baseline,
    variants: Sequence[str],
) -> Any:
    """Train the variants in turn on the rated photos `chosen` and yield each with its offsets, the baseline first."""
    yield "baseline", fit_baseline(baseline, examples, chosen, recipe["baseline"]), baseline
    teacher = predict_scores(baseline, examples, examples.weak)
    for variant in variants:
        if variant != "baseline":
            alone = variant == "siam-frozen"
            of_variant = starts[:1] if alone else starts
            offsets = fit_siam(
                network, of_variant, examples, chosen, teacher, recipe["siam"], seed, frozen_attributes=alone
            )
            yield variant, offsets, network


def result(card: dict[str, Any], name: str) -> Result:
    """Return the cross-validated figures of a card, by any method that cross-validates, as a stored result."""
    metrics = card["metrics"]
    recipe = f"recipes/{card['recipe']}"
    figures: dict[str, Any] = {variant: dict(metrics[variant]) for variant in VARIANTS if variant in metrics}
    tested = [name for name in metrics if name.endswith("_test")]
    figures["siam"] |= {name: metrics[name] for name in (*tested, "without_regions", "masks") if name in metrics}
    if "f_alone" in metrics:
        figures["siam-frozen"] |= dict.fromkeys(tested, metrics["f_alone"])
    sources, labels = ", ".join(metrics["siam"]), ", ".join(name.removesuffix("_test") for name in tested)
    return Result(
        model=name,
        data=f"{sources}; attributes: {_SUN if labels == _SUN.lower() else labels}",
        split="cross-validation; attributes: test" if "f_alone" in metrics else "cross-validation",
        protocol=metrics["protocol"],
        date=card["trained"],
        command=f"python -m siam train {recipe} --root DATA --results assets/results/{name}.json",
        git_commit=card["git_commit"],
        figures=variant_figures(figures),
    )


def _attribute_metrics(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    mean = mean_figures([figure["attributes"] for figure in figures])
    if "places" in figures[0]:
        mean["places"] = mean_localisation([figure["places"] for figure in figures])
    return mean


def _input_of_backbone(recipe: dict[str, Any]) -> dict[str, Any]:
    name = {"name": recipe["network"]["backbone"]}
    made(backbones.check_backbone, "network", {**name, "stages": recipe["network"].get("stages", 1)})
    return made(backbones.input_of, "network", name)


def new_networks(recipe: dict[str, Any], attributes: tuple[str, ...], scale: RatingScale) -> tuple[SIAM, Baseline]:
    """Return both networks with the ImageNet backbone, rounded to the half precision in which they will be stored."""
    settings = dict(recipe["network"])
    backbone = settings.pop("backbone")
    shared = {"backbone": backbone, "scale": scale, **_input_of_backbone(recipe)}
    shared |= {name: settings.pop(name) for name in list(settings) if name in ("image_size", "stages", *shared)}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    config = made(SIAMConfig, "network", {**shared, "attributes": attributes, **settings})
    baseline = made(BaselineConfig, "network", shared)
    networks = made(SIAM, "network", {"config": config}), made(Baseline, "network", {"config": baseline})
    for network in networks:
        backbones.load_imagenet(backbone, network.backbone)
        network.half().float().eval()
    return networks
