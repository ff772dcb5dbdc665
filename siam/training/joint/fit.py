"""The steps of a joint training, and the average of the weights that is kept."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from siam.errors import TrainingError
from siam.training.heads.examples import batches
from siam.training.joint.network import JointNetwork
from siam.training.joint.objective import Batch, Knowledge, Objective
from siam.training.joint.photos import JointPhotos

_RISE = 30  # steps in which the learning rate rises
_LOWEST = 0.02  # share of the learning rate that is left at the end
_AVERAGED = 0.01  # weight of the newest weights in the average, once it has settled
_CLIP = 1.0  # largest norm of the late stages' gradient


@dataclass(frozen=True)
class Phase:
    """One training run.

    Attributes:
        name: for the log.
        steps: steps in all.
        heads_first: steps at the start in which the late stages stay as they are.
        batch: kind → photos per step.
        scores: whether scores are learnt too.
    """

    name: str
    steps: int
    heads_first: int
    batch: dict[str, int]
    scores: bool


def learn(
    network: JointNetwork,
    photos: JointPhotos,
    knowledge: Knowledge,
    chosen: dict[str, np.ndarray],
    phase: Phase,
    settings: dict[str, Any],
    seed: int,
) -> list[dict[str, float]]:
    """Train a network in place; afterwards it holds the average of the weights it went through.

    Args:
        network: starts as it is.
        photos: all photos.
        knowledge: what they are taken to show.
        chosen: kind → rows to learn from.
        phase: the run.
        settings: the recipe's section `joint`.
        seed: of the order of photos and views, and of dropout.

    Returns:
        The losses of each step.

    Raises:
        TrainingError: a loss is no longer finite.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    objective = Objective(photos, settings)
    optimizer = _optimizer(network, settings)
    rates = [group["lr"] for group in optimizer.param_groups]
    stream = _stream(photos, chosen, phase.batch, generator)
    average: dict[str, Tensor] = {}
    history = []
    network.train()
    steps = tqdm(range(phase.steps), desc=phase.name, unit="step", file=sys.stderr)
    for step in steps:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            fall = (1 + np.cos(np.pi * step / phase.steps)) / 2
            group["lr"] = rate * min(1, (step + 1) / _RISE) * (fall + _LOWEST)
        frozen = step < phase.heads_first
        for norm in network.norms:  # their statistics settle before the late stages move
            norm.train(frozen)
        losses = _step(network, objective, next(stream), knowledge, phase, settings, optimizer, frozen)
        if not all(np.isfinite(value) for value in losses.values()):
            raise TrainingError(f"{phase.name}, step {step}: a loss is not finite: lower the learning rates")
        history.append(losses)
        if step >= phase.heads_first:
            _take(average, network, max(_AVERAGED, 1 / (step - phase.heads_first + 1)))
    network.load_state_dict(average)
    network.eval()
    return history


def _step(
    network: JointNetwork,
    objective: Objective,
    batch: Batch,
    knowledge: Knowledge,
    phase: Phase,
    settings: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    frozen: bool,
) -> dict[str, float]:
    early = batch.features(objective.photos).contiguous(memory_format=torch.channels_last)
    with torch.set_grad_enabled(not frozen):
        stages = network.features(early)
    output = network.heads(stages, settings["score_gradient"])
    losses = objective.attributes(output, batch, knowledge)
    losses["reference"] = objective.reference(output, batch, knowledge)
    if phase.scores:
        losses |= objective.scores(network, output, batch, knowledge)
    optimizer.zero_grad()
    total = torch.stack([settings[f"{name}_weight"] * loss for name, loss in losses.items()]).sum()
    total.backward()
    nn.utils.clip_grad_norm_(network.late.parameters(), _CLIP)
    optimizer.step()
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _optimizer(network: JointNetwork, settings: dict[str, Any]) -> torch.optim.Optimizer:
    late = {"params": list(network.late.parameters()), "lr": settings["late_rate"], "weight_decay": 0.02}
    heads = {
        "params": [*network.f.parameters(), *network.reference.parameters()],
        "lr": settings["head_rate"],
        "weight_decay": 0.05,
    }
    templates = {"params": [network.templates, network.bias], "lr": settings["template_rate"], "weight_decay": 0.0}
    baseline = {"params": list(network.linear.parameters()), "lr": 2 * settings["head_rate"], "weight_decay": 0.3}
    return torch.optim.AdamW([late, heads, templates, baseline], fused=True)


def _stream(
    photos: JointPhotos, chosen: dict[str, np.ndarray], sizes: dict[str, int], generator: np.random.Generator
) -> Iterator[Batch]:
    """Yield the batches of the steps, forever: every photo of a kind comes once before any comes again."""
    rows = {kind: batches(chosen[kind], size, generator) for kind, size in sizes.items() if size}
    counts = {kind: photos.views[kind].features.shape[1] for kind in rows}
    while True:
        of_step = {kind: next(drawn) for kind, drawn in rows.items()}
        views = {kind: generator.integers(0, counts[kind], len(drawn)) for kind, drawn in of_step.items()}
        yield Batch(of_step, views)


@torch.no_grad()
def _take(average: dict[str, Tensor], network: nn.Module, weight: float) -> None:
    for name, value in network.state_dict().items():
        if name not in average or not value.is_floating_point():
            average[name] = value.clone()
        else:
            average[name].lerp_(value, weight)
