"""The training loop: stopped anywhere and by anything, it goes on to the result of a run without interruption."""

import csv
import errno
import math

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image

from siam.errors import StorageError, TrainingError
from siam.training.end_to_end.augmentation import Augmentation
from siam.training.end_to_end.loop import Phase, Schedule
from siam.training.end_to_end.minibatches import Minibatches, Source
from siam.training.end_to_end.state import PhaseFolder
from siam.training.losses import BaselineObjective
from tests.support.near import near
from tests.support.networks import baseline_network

SCHEDULE = {
    "epochs": 3, "steps": 4, "learning_rate": 1e-2, "trunk_learning_rate": 1e-3, "milestones": (2,), "patience": 9,
    "clip_norm": 1.0, "weight_decay": 0.0, "frozen_statistics": False, "workers": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    files = tuple(folder / f"{number}.png" for number in range(6))
    for number, path in enumerate(files):
        pixels = np.random.default_rng(number).integers(0, 40 * (number + 1), (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return Source(files, {"scores": np.linspace(1, 6, 6, dtype=np.float32)}, 2)


class Stops(BaselineObjective):
    """Fails at one step, in the way asked for."""

    def __init__(self, network, at=None, failure=None):
        super().__init__(network)
        self.calls, self.at, self.failure = 0, at, failure

    def forward(self, minibatch):
        """Return the losses, or fail."""
        self.calls += 1
        losses = super().forward(minibatch)
        if self.calls == self.at:
            if isinstance(self.failure, BaseException):
                raise self.failure
            losses["loss"] = losses["loss"] * self.failure
        return losses


def phase(source, folder, *, recipe="r", validate=None, at=None, failure=None, **settings):
    network = baseline_network()
    minibatches = Minibatches({"rated": source}, Augmentation(36, 32), network.config, seed=0)
    return Phase(
        Accelerator(cpu=True),
        Stops(network, at, failure),
        minibatches,
        Schedule(**{**SCHEDULE, **settings}),
        validate or (lambda model: [(1.0, float(model.linear.bias.detach().sum() ** 2), 1)]),
        PhaseFolder(folder, recipe),
    )


def falling():
    """Return a validation whose loss falls with every call."""
    losses = iter(range(100, 0, -1))
    return lambda model: [(1.0, float(next(losses)), 1)]


def weights(of):
    return {name: tensor.clone() for name, tensor in of.network.state_dict().items()}


def same(one, other):
    """Whether weights are the same, but for rounding; a step is a hundred times as large."""
    close = (torch.allclose(one[name].float(), other[name].float(), rtol=1e-5, atol=1e-5) for name in one)
    return one.keys() == other.keys() and all(close)


def rows(path):
    with path.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def assert_same_rows(one, other):
    assert len(one) == len(other)
    assert all(first == pytest.approx(second, rel=1e-4) for first, second in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run without interruption."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def uninterrupted(source, whole):
    """The weights and the logged steps of that run."""
    finished = phase(source, whole)
    finished.run()
    return weights(finished), rows(whole / "steps.csv")


@pytest.mark.parametrize(  # at the first step, the last of an epoch, the first of the next, and within the last
    ("at", "failure"),
    [(1, math.nan), (4, KeyboardInterrupt()), (5, math.inf), (11, KeyboardInterrupt())],
    ids=["first-nan", "last-interrupt", "next-infinite", "within-interrupt"],
)
def test_a_run_that_stopped_goes_on_to_the_same_result(source, tmp_path, uninterrupted, at, failure):
    stopped = phase(source, tmp_path / "part", at=at, failure=failure)
    with pytest.raises((KeyboardInterrupt, TrainingError)) as caught:
        stopped.run()
    if not isinstance(failure, BaseException):
        assert f"step {at} " in str(caught.value) and "learning rate" in str(caught.value)
    assert all(
        torch.isfinite(tensor).all() for tensor in PhaseFolder(tmp_path / "part", "r").load_state()["weights"].values()
    )
    resumed = phase(source, tmp_path / "part")
    resumed.run()
    assert resumed.objective.calls == 12 - (at - 1) // 4 * 4
    assert near(weights(resumed), uninterrupted[0])
    assert near(rows(tmp_path / "part" / "steps.csv"), uninterrupted[1])


def test_a_full_disk_leaves_the_state_before(source, tmp_path, uninterrupted, monkeypatch):
    writes = []
    save = torch.save

    def full(state, path):
        writes.append(path)
        if len(writes) == 3:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(state, path)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError, match="No space left"):
        phase(source, tmp_path / "part").run()
    assert PhaseFolder(tmp_path / "part", "r").load_state()["step"] == 4
    assert not list((tmp_path / "part").glob("*.part"))
    monkeypatch.undo()
    resumed = phase(source, tmp_path / "part")
    resumed.run()
    assert near(weights(resumed), uninterrupted[0])


def test_full_disk_as_pytorch_reports_it_is_an_error_of_the_file(source, tmp_path, monkeypatch):
    def full(state, path):
        raise RuntimeError("[enforce fail at inline_container.cc:660] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError, match=r"state\.pt: could not be written \(\[enforce fail") as caught:
        phase(source, tmp_path / "part").run()
    assert "\n" not in str(caught.value)


def test_a_finished_phase_is_not_run_again(source, whole, uninterrupted):
    again = phase(source, whole)
    figures = again.run()
    assert again.objective.calls == 0 and figures["steps"] == 12
    assert same(weights(again), uninterrupted[0])
    assert not (whole / "state.pt").exists()


def test_the_best_weights_are_kept_and_patience_ends_the_phase(source, tmp_path):
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    seen = []

    def validate(model):
        seen.append(weights(early))
        return [(1.0, next(losses), 1)]

    early = phase(source, tmp_path / "early", validate=validate, patience=2, epochs=5)
    figures = early.run()
    assert figures["validation_loss"] == 1.0 and figures["steps"] == 16 and len(seen) == 4
    assert same(weights(early), seen[1])


def test_validation_weighs_the_mean_losses_of_the_kinds(source, tmp_path):
    weighted = phase(source, tmp_path / "w", validate=lambda model: [(1.0, 6.0, 3), (0.1, 50.0, 5)], epochs=1)
    assert weighted.run()["validation_loss"] == pytest.approx(2 + 0.1 * 10)


def test_a_validation_that_is_no_number_stops_the_run(source, tmp_path):
    with pytest.raises(TrainingError, match="validation loss is nan"):
        phase(source, tmp_path / "v", validate=lambda model: [(1.0, math.nan, 1)]).run()


@pytest.mark.parametrize("frozen", [True, False])
def test_batch_normalisation_learns_unless_it_is_frozen(source, tmp_path, frozen):
    before = baseline_network().backbone.bn1.running_mean.clone()
    trained = phase(source, tmp_path / "b", frozen_statistics=frozen, validate=falling())
    trained.run()
    assert torch.equal(trained.network.backbone.bn1.running_mean, before) == frozen


def test_learning_rates_differ_and_fall_at_the_milestones(source, tmp_path):
    trained = phase(source, tmp_path / "l")
    assert [group["lr"] for group in trained._groups()] == [1e-2, 1e-3]
    assert len(trained._groups()[0]["params"]) == 2  # the linear layer
    trained.run()
    rates = [float(row["learning_rate"]) for row in rows(tmp_path / "l" / "steps.csv")]
    assert rates == pytest.approx([1e-2] * 8 + [1e-3] * 4)


def test_a_gradient_longer_than_the_norm_is_scaled_down(source, tmp_path, monkeypatch):
    norms = []
    step = torch.optim.Adam.step

    def noted(optimizer, *arguments, **settings):
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
        return step(optimizer, *arguments, **settings)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    phase(source, tmp_path / "c", clip_norm=1e-3).run()
    assert len(norms) == 12 and max(norms) <= 1.001e-3 and max(norms) > 0.9e-3


def test_the_state_of_another_recipe_is_refused(source, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        phase(source, tmp_path / "part", at=6, failure=KeyboardInterrupt()).run()
    with pytest.raises(TrainingError, match="another recipe"):
        phase(source, tmp_path / "part", recipe="other").run()


@pytest.mark.parametrize("damage", [b"", b"not a state", "cut"])
def test_a_damaged_state_is_named(source, tmp_path, damage):
    with pytest.raises(KeyboardInterrupt):
        phase(source, tmp_path / "part", at=6, failure=KeyboardInterrupt()).run()
    path = tmp_path / "part" / "state.pt"
    path.write_bytes(path.read_bytes()[:2000] if damage == "cut" else damage)
    with pytest.raises(TrainingError, match=r"state\.pt is damaged"):
        phase(source, tmp_path / "part").run()


def test_losses_are_logged_for_tensorboard(source, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    phase(source, tmp_path / "t").run()
    events = EventAccumulator(str(tmp_path / "t")).Reload()
    logged = [event.value for event in events.Scalars("training/loss")]
    assert logged == pytest.approx([float(row["loss"]) for row in rows(tmp_path / "t" / "steps.csv")])
    assert len(events.Scalars("validation/loss")) == 3
