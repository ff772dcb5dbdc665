"""Trains whole networks, as the paper does: the baseline, SIAM, and SIAM on a frozen f ("no finetuning").

::

    baseline      backbone and linear layer, on the scores
    attributes    f alone, on the attribute labels
    siam          f and g together, starting from the weights of `attributes`
    siam-frozen   g alone, on the f of `attributes`

Each phase keeps its state in OUT/phases, so an interrupted run can resume where it stopped.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from siam.datasets.base import RatingScale
from siam.errors import DatasetError, TrainingError
from siam.evaluation.scores import attribute_figures, score_figures
from siam.explanation.batch import predict
from siam.images.preprocessing import target_size
from siam.models import backbones
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.checkpoint import Pair, load
from siam.models.readout import refuse_small
from siam.models.siam import SIAM, SIAMConfig
from siam.runtime.files import exclusive
from siam.runtime.provenance import provenance
from siam.training.end_to_end.augmentation import Augmentation
from siam.training.end_to_end.loop import Phase, Schedule
from siam.training.end_to_end.minibatches import Minibatches, Source
from siam.training.end_to_end.photos import Photos, read_photos
from siam.training.end_to_end.state import PhaseFolder
from siam.training.end_to_end.validation import validation_losses
from siam.training.losses import BOTH, LABELLED, LOSS_SCALINGS, RATED, BaselineObjective, SIAMObjective
from siam.training.recipes import folders_of, made, weighty
from siam.training.succession import save_successor


def train_end_to_end(recipe: Mapping[str, Any], root: Path, out: Path, *, resume: bool) -> Pair:
    """Train all variants; write the pair to `out` and SIAM on a frozen f, as a pair without baseline, to `out`/frozen.

    Args:
        recipe: of the method "end-to-end".
        root: the folder that holds the datasets.
        out: folder for networks, cards, states and logs.
        resume: continue the run in `out`.

    Raises:
        DatasetError: a dataset is missing or does not match its layout.
        StorageError: `out` cannot be written, or another training is writing there.
        TrainingError: a setting is wrong, `out` holds another run, or a loss is no longer finite.
    """
    experiment = Experiment(recipe, root, out, resume=resume)
    main = experiment.accelerator.is_main_process
    with exclusive(out) if main else nullcontext():
        networks = experiment.run()
        half = bool(experiment.settings.get("half_weights", False))
        if half:
            for network in networks.values():
                network.half().float()  # evaluate exactly what is stored
        if main:
            pair = experiment.pair(networks["siam"], networks["baseline"], "siam")
            save_successor(pair, out, recipe, half=half)
            frozen = experiment.pair(networks["siam-frozen"], None, "siam-frozen")
            save_successor(frozen, out / "frozen", recipe, half=half)
        experiment.accelerator.wait_for_everyone()
    return load(out)


class Experiment:
    """A recipe, its photos, and the devices it runs on."""

    def __init__(self, recipe: Mapping[str, Any], root: Path, out: Path, *, resume: bool) -> None:
        self.recipe = recipe
        self.out = out
        self.settings: dict[str, Any] = recipe["training"]
        self.accelerator = _accelerator(self.settings["precision"])
        begun = (out / "phases").exists()
        self.accelerator.wait_for_everyone()  # all processes look before any writes
        if begun and not resume:
            raise TrainingError(f"{out} already holds a run: continue it with --resume or choose another --out")
        self.loss_scaling = self.settings.get("loss_scaling", "paper")
        if self.loss_scaling not in LOSS_SCALINGS:
            raise TrainingError(f"the recipe's loss_scaling is {self.loss_scaling!r}; expected 'paper' or 'authors'")
        self.schedules = {name: _schedule(name, recipe) for name in ("baseline", "attributes", "siam", "siam-frozen")}
        self.augmentation = made(Augmentation, "augmentation", recipe["augmentation"])
        check_network(recipe)
        labelled, rated = (read_photos(recipe["data"][name], root) for name in ("attributes", "scores"))
        if rated.scale is None and "scores" in rated.known["train"]:
            raise DatasetError("[data] of the recipe: the scale of the scores is not known: add scale = [1, 5]")
        if "labels" not in labelled.known["train"] or rated.scale is None:
            raise DatasetError(
                "[data] of the recipe: attributes need a dataset with labels (sun), scores one with ratings"
            )
        self.scale = rated.scale
        if recipe["network"].get("predicts_variance", False):
            _check_variances(rated)
        self.photos: dict[str, Photos] = {LABELLED: labelled, RATED: rated}
        if labelled.files == rated.files:
            self.photos[BOTH] = labelled.with_known(rated)
        text = json.dumps(weighty(recipe), sort_keys=True) + labelled.digest() + rated.digest()
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def run(self) -> dict[str, Any]:
        """Train every variant and return the networks by name."""
        baseline = self._new_baseline()
        nn.init.constant_(baseline.linear.bias, self._mean("scores"))
        if baseline.variance_layer is not None:
            nn.init.constant_(baseline.variance_layer.bias, self._mean("variances"))
        self._phase("baseline", BaselineObjective(baseline), (RATED,))
        alone = self._new_siam()
        _learn_only(alone, alone.backbone, alone.attribute_layer)
        self._phase("attributes", self._objective(alone), (LABELLED,))
        networks: dict[str, Any] = {"baseline": baseline}
        joint = (BOTH,) if BOTH in self.photos else (LABELLED, RATED)
        for variant, kinds in (("siam", joint), ("siam-frozen", (RATED,))):
            network = self._new_siam()
            network.load_state_dict(alone.state_dict())
            self._begin_templates(network)
            if variant == "siam-frozen":
                heads = (network.scenicness_head, network.variance_head)
                _learn_only(network, *(head for head in heads if head is not None))
            self._phase(variant, self._objective(network), kinds)
            networks[variant] = network
        return networks

    def pair(self, siam: SIAM, baseline: Baseline | None, variant: str) -> Pair:
        """Return a pair with its card, whose figures are for the test photos."""
        data = self.recipe["data"]
        metrics: dict[str, Any] = {"protocol": "on the test split of each dataset", "siam": self._scores(siam)}
        if baseline is not None:
            metrics["baseline"] = self._scores(baseline)
        labelled = self.photos[LABELLED]
        if labelled.files["test"]:
            (logits,) = predict(siam, labelled.files["test"], lambda output: (output.attribute_logits,))
            source = data["attributes"]["folder"]
            metrics[f"{source}_test"] = attribute_figures(
                logits, labelled.known["test"]["labels"], siam.config.attributes
            )
        texts = {name: data[name] for name in ("summary", "training_data", "limits")}
        card = {
            **texts,
            "folders": folders_of(self.recipe),
            "metrics": metrics,
            "variant": variant,
            "recipe": self.recipe["file"],
            **provenance(),
        }
        name = self.recipe["name"] + ("" if variant == "siam" else "-frozen")
        return Pair(name, siam.eval(), None if baseline is None else baseline.eval(), card)

    def _scores(self, network: SIAM | Baseline) -> dict[str, Any]:
        rated, source = self.photos[RATED], self.recipe["data"]["scores"]["folder"]
        if not rated.files["test"]:
            return {}
        (scores,) = predict(network, rated.files["test"], lambda output: (output.scenicness,))
        return score_figures(scores[None], rated.known["test"]["scores"], np.zeros(len(scores), dtype=int), [source])

    def _phase(self, name: str, objective: BaselineObjective | SIAMObjective, kinds: tuple[str, ...]) -> None:
        accelerator = self.accelerator
        self._freeze_stages(objective.network.backbone)
        if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(
                objective
            )  # in place, since the objective itself is no normalisation
        photos = {kind: self.photos[kind] for kind in kinds}
        batch = self.settings["batch"]
        minibatches = Minibatches(
            {kind: Source(one.files["train"], one.known["train"], batch, one.masks) for kind, one in photos.items()},
            self.augmentation,
            objective.network.config,
            self.recipe["seed"],
            accelerator.process_index,
            accelerator.num_processes,
        )
        folder = PhaseFolder(self.out / "phases" / name, self.digest)
        validate = partial(self._validate, kinds=kinds)
        Phase(accelerator, objective, minibatches, self.schedules[name], validate, folder).run()

    def _freeze_stages(self, backbone: nn.Module) -> None:
        stages = self.settings.get("frozen_stages", 0)
        if stages > 0:
            try:
                parts = backbones.early_parts(backbone, stages)
            except ValueError as error:
                raise TrainingError(f"[training] of the recipe: frozen_stages: {error}") from error
            for part in parts:
                part.requires_grad_(False)

    def _validate(self, network: SIAM | Baseline, kinds: tuple[str, ...]) -> list[tuple[float, float, int]]:
        share = slice(
            self.accelerator.process_index, self.settings["validation_photos"], self.accelerator.num_processes
        )
        photos = [self.photos[kind] for kind in kinds]
        weight, workers = self.settings["scenicness_weight"], self.settings["workers"]
        return validation_losses(network, photos, share, weight, workers)

    def _objective(self, network: SIAM) -> SIAMObjective:
        settings = self.settings
        weights = settings["scenicness_weight"], settings["template_penalty"], settings.get("region_weight", 0.0)
        average: Any = partial(self.accelerator.reduce, reduction="mean")
        return SIAMObjective(network, *weights, self.loss_scaling, average)

    def _new_baseline(self) -> Baseline:
        shared, _further = network_settings(self.recipe, self.scale)
        torch.manual_seed(self.recipe["seed"])
        return self._pretrained(Baseline, made(BaselineConfig, "network", shared))

    def _new_siam(self) -> SIAM:
        shared, further = network_settings(self.recipe, self.scale)
        torch.manual_seed(self.recipe["seed"])
        attributes = self.photos[LABELLED].attributes
        return self._pretrained(SIAM, made(SIAMConfig, "network", {**shared, "attributes": attributes, **further}))

    def _pretrained(self, kind: type, config: SIAMConfig | BaselineConfig) -> Any:
        network = made(kind, "network", {"config": config})
        if self.recipe["network"]["pretrained"]:
            backbones.load_imagenet(config.backbone, network.backbone)
        return network.to(memory_format=torch.channels_last)

    def _begin_templates(self, network: SIAM) -> None:
        nn.init.constant_(network.scenicness_head.bias, self._mean("scores"))
        if network.variance_head is not None:
            nn.init.constant_(network.variance_head.bias, self._mean("variances"))

    def _mean(self, name: str) -> float:
        """Return the mean over the rated photos that train: of "scores" or of "variances"."""
        return float(self.photos[RATED].known["train"][name].mean())


def network_settings(recipe: Mapping[str, Any], scale: RatingScale) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that both networks of a recipe share, and those of SIAM alone.

    Raises:
        TrainingError: the backbone cannot be used.
    """
    settings = recipe["network"].items()
    further = {key: tuple(v) if isinstance(v, list) else v for key, v in settings if key != "pretrained"}
    backbone = further.pop("backbone")
    standard = made(backbones.input_of, "network", {"name": backbone})
    shared = {"backbone": backbone, "scale": scale, **standard}
    shared |= {
        name: further.pop(name) for name in list(further) if name in ("image_size", "predicts_variance", *shared)
    }
    return shared, further


def check_network(recipe: Mapping[str, Any]) -> None:
    """Raise a TrainingError unless the networks of a recipe can be built and take its pictures.

    SIAM must have cells left inside its border, for the crops that it learns from and the photos that it validates on.
    """
    shared, further = network_settings(recipe, RatingScale("any", 0, 1))
    made(BaselineConfig, "network", shared)
    config = made(SIAMConfig, "network", {**shared, "attributes": ("any",), **further})
    frozen = recipe["training"].get("frozen_stages", 0)
    name = {"name": config.backbone, "stages": config.stages}
    made(backbones.check_backbone, "network", name)
    made(backbones.check_backbone, "training", {**name, "frozen": frozen})
    crop = recipe["augmentation"]["crop"]
    for size in ((crop, crop), target_size((1, 1), config)):
        with_size = made(backbones.cells, "network", {**name, "size": size})
        try:
            refuse_small(with_size, config.border)
        except ValueError as error:
            raise TrainingError(f"[network] of the recipe: at {size[0]} x {size[1]} px, {error}") from error


def _check_variances(rated: Photos) -> None:
    """Raise a TrainingError unless the variance of the votes on every photo is known."""
    remedy = "set it to false in [network] of the recipe"
    for split in ("train", "val"):
        variances = rated.known[split].get("variances")
        if variances is None:
            raise TrainingError(f"predicts_variance is true, but these ratings have no variance: {remedy}")
        unknown = int((~np.isfinite(variances)).sum())
        if unknown:
            some = f"{unknown} of {len(variances)} ratings ({split}) have no variance"
            raise TrainingError(f"predicts_variance is true, but {some}: {remedy}")


def _learn_only(network: SIAM, *parts: nn.Module) -> None:
    network.requires_grad_(False)
    for part in parts:
        part.requires_grad_(True)


def _accelerator(precision: str) -> Accelerator:
    if precision not in ("no", "fp16", "bf16"):
        raise TrainingError(f"the recipe's precision is {precision!r}; expected 'no', 'fp16' or 'bf16'")
    if precision == "fp16" and not torch.cuda.is_available():
        raise TrainingError("the recipe's precision is 'fp16', which needs a GPU: use 'bf16' or 'no'")
    try:
        return Accelerator(mixed_precision=precision)
    except ValueError as error:  # Accelerate allows one precision per process
        raise TrainingError("this process has already trained in another precision: start a new one") from error


def _schedule(name: str, recipe: Mapping[str, Any]) -> Schedule:
    names = ("steps", "patience", "clip_norm", "weight_decay", "frozen_statistics", "workers")
    shared = {key: recipe["training"][key] for key in names}
    phase = recipe["phases"][name]
    return made(Schedule, f"phases.{name}", {**phase, **shared, "milestones": tuple(phase.get("milestones", ()))})
