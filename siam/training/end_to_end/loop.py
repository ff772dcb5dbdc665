"""The training loop: any objective, one process or many; it can be stopped and resumed anywhere with the same result.

Everything random depends on the seed and the number of the step, not on what ran before. The loop uses Hugging Face
Accelerate: `python -m siam train …` runs on one device, `accelerate launch -m siam train …` on several.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from siam.errors import TrainingError
from siam.training.end_to_end.minibatches import Minibatch, Minibatches, errors_of_workers, load
from siam.training.end_to_end.state import Logs, PhaseFolder

# Losses of a network on photos that it is not trained on: for each kind of photo, its weight, the sum of the losses
# over this process's share of the photos, and their number.
Validate = Callable[[Any], list[tuple[float, float, int]]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a phase learns.

    Attributes:
        epochs: the most there will be; each ends with a validation.
        steps: per epoch.
        learning_rate: of Adam, for the heads.
        trunk_learning_rate: of Adam, for the backbone; 0 freezes it.
        milestones: epochs after which the learning rates are divided by ten.
        patience: epochs without improvement on the validation photos after which the phase ends early.
        clip_norm: largest Euclidean norm of the gradient, which is scaled down to it.
        weight_decay: of Adam.
        frozen_statistics: keep the means and variances of batch normalisation fixed.
        workers: processes that prepare minibatches; 0 for none.
    """

    epochs: int
    steps: int
    learning_rate: float
    trunk_learning_rate: float
    milestones: tuple[int, ...]
    patience: int
    clip_norm: float
    weight_decay: float
    frozen_statistics: bool
    workers: int

    def factor(self, step: int) -> float:
        """Return the factor by which the learning rates are multiplied at a step."""
        return 0.1 ** sum(step // self.steps >= milestone for milestone in self.milestones)


class Phase:
    """One network trained on one objective.

    Args:
        accelerator: decides devices, processes and precision.
        objective: a module with a child `network`; maps a minibatch to {"loss": …, its parts}; has `after_step`.
        minibatches: the training data.
        schedule: how long and how fast to learn.
        validate: computes the network's losses on photos it is not trained on.
        folder: where the phase keeps its state, best weights and logs.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        objective: Any,
        minibatches: Minibatches,
        schedule: Schedule,
        validate: Validate,
        folder: PhaseFolder,
    ) -> None:
        self.accelerator = accelerator
        self.objective = objective
        self.network = objective.network
        self.minibatches = minibatches
        self.schedule = schedule
        self.validate = validate
        self.folder = folder
        self.best = math.inf
        self.stale = 0

    def run(self) -> dict[str, Any]:
        """Train until the schedule or the patience ends; leave the network with its best weights.

        Returns:
            The lowest validation loss and the number of steps, as stored in `done.json`.

        Raises:
            TrainingError: the loss or the gradient is no longer finite, or the folder belongs to another recipe.
            StorageError: the disk is full; the last state is kept.
            WorkerError: a process that prepares photos was killed; the last state is kept.
        """
        figures = self.folder.finished()
        if figures is None:
            with errors_of_workers():
                step = self._learn()
            self.accelerator.wait_for_everyone()
            figures = {"validation_loss": self.best, "steps": step}
            if self.accelerator.is_main_process:
                self.folder.finish(figures)
            self.accelerator.free_memory()
        self.folder.load_best(self.network)
        self.network.eval()
        return figures

    def _learn(self) -> int:
        optimizer = torch.optim.Adam(self._groups(), weight_decay=self.schedule.weight_decay)
        state = self.folder.load_state()
        step = self._restore(state, optimizer) if state else 0
        model, optimizer = self.accelerator.prepare(self.objective, optimizer)
        total = self.schedule.epochs * self.schedule.steps
        main = self.accelerator.is_main_process
        logs = Logs(self.folder.folder, step) if main else None
        progress = tqdm(
            total=total, initial=step, desc=self.folder.folder.name, unit="step", file=sys.stderr, disable=not main
        )
        try:
            if step == 0 and main:
                self._keep(optimizer, 0)  # so that even a failing first step leaves a state to resume from
            minibatches = load(self.minibatches, range(step, total), self.schedule.workers)
            while step < total and self.stale < self.schedule.patience:
                losses = self._step(model, optimizer, next(minibatches), step)
                step += 1
                progress.update()
                progress.set_postfix(loss=f"{losses['loss']:.4f}", refresh=False)
                if logs:
                    logs.step(step, losses, self.schedule.learning_rate * self.schedule.factor(step - 1))
                if step % self.schedule.steps == 0:
                    loss = self._validate()
                    if logs:
                        logs.epoch(step, step // self.schedule.steps, loss)
                        self._keep(optimizer, step)
        finally:
            progress.close()
            if logs:
                logs.close()
        return step

    def _step(self, model: nn.Module, optimizer: Any, minibatch: Minibatch, step: int) -> dict[str, float]:
        self._mode()
        torch.manual_seed(step)  # for anything random in the network, such as dropout
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.schedule.factor(step)
        device = self.accelerator.device
        minibatch = {
            kind: {name: value.to(device, non_blocking=True) for name, value in values.items()}
            for kind, values in minibatch.items()
        }
        losses = model(minibatch)
        optimizer.zero_grad()
        self.accelerator.backward(losses["loss"])
        norm = self.accelerator.clip_grad_norm_(self.objective.parameters(), self.schedule.clip_norm)
        mean = self._mean({name: value.detach() for name, value in losses.items()})
        scaled = self.accelerator.scaler is not None  # half precision skips a step whose gradient overflows
        if not math.isfinite(mean["loss"]) or not (scaled or norm is None or math.isfinite(float(norm))):
            norm = float(norm or 0)
            raise self._failure(f"at step {step + 1} the loss is {mean['loss']}, the gradient's norm {norm:g}")
        optimizer.step()
        self.objective.after_step()
        return mean

    def _mean(self, losses: dict[str, Tensor]) -> dict[str, float]:
        values: Any = self.accelerator.reduce(torch.stack([value.float() for value in losses.values()]), "mean")
        return dict(zip(losses, values.tolist(), strict=True))

    def _validate(self) -> float:
        self.network.eval()
        with torch.inference_mode():
            losses = torch.tensor(self.validate(self.network), dtype=torch.float64)  # (kinds, 3)
        sums: Any = self.accelerator.reduce(losses[:, 1:].to(self.accelerator.device), "sum")
        sums = sums.cpu()
        loss = float((losses[:, 0] * sums[:, 0] / sums[:, 1]).sum())
        if not math.isfinite(loss):
            raise self._failure(f"the validation loss is {loss}")
        if loss < self.best:
            self.best, self.stale = loss, 0
            if self.accelerator.is_main_process:
                self.folder.save_best(self.network)
        else:
            self.stale += 1
        return loss

    def _failure(self, what: str) -> TrainingError:
        folder = self.folder.folder
        return TrainingError(
            f"{folder.name}: {what}: lower the learning rate in the recipe; the last good state is in {folder}"
        )

    def _mode(self) -> None:
        self.network.train()
        if self.schedule.frozen_statistics:
            for module in self.network.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        for child in self.network.children():
            if not any(parameter.requires_grad for parameter in child.parameters()):
                child.eval()

    def _groups(self) -> list[dict[str, Any]]:
        backbone = {id(parameter) for parameter in self.network.backbone.parameters()}
        learning = [parameter for parameter in self.objective.parameters() if parameter.requires_grad]
        rates = (self.schedule.learning_rate, self.schedule.trunk_learning_rate)
        groups = [[p for p in learning if id(p) not in backbone], [p for p in learning if id(p) in backbone]]
        return [
            {"params": members, "lr": rate, "initial_lr": rate}
            for members, rate in zip(groups, rates, strict=True)
            if members
        ]

    def _keep(self, optimizer: Any, step: int) -> None:
        scaler = self.accelerator.scaler
        self.folder.save_state(
            {
                "step": step,
                "weights": {name: tensor.cpu() for name, tensor in self.network.state_dict().items()},
                "optimizer": optimizer.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
                "best": self.best,
                "stale": self.stale,
            }
        )

    def _restore(self, state: dict[str, Any], optimizer: torch.optim.Optimizer) -> int:
        self.network.load_state_dict(state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        if state["scaler"] is not None and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.best, self.stale = state["best"], state["stale"]
        return state["step"]
