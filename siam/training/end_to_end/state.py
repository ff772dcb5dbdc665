"""What a training run keeps on disk: the state to resume from, the best weights so far, and its logs.

::

    OUT/phases/NAME/state.pt           everything needed to resume: weights, optimiser, step
    OUT/phases/NAME/best.safetensors   the weights with the lowest loss on the validation photos
    OUT/phases/NAME/done.json          written when the phase is complete
    OUT/phases/NAME/steps.csv, epochs.csv, events.*   losses, as tables and for TensorBoard

Files are first written under another name, so a full disk or a killed process leaves the last good one.
"""

import csv
import json
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from siam.errors import TrainingError
from siam.runtime.files import append, whole_file, write_atomically


class PhaseFolder:
    """The folder of one phase of training.

    Args:
        folder: created when something is first written.
        recipe: a digest of everything the result depends on; a state from another recipe is an error.
    """

    def __init__(self, folder: Path, recipe: str) -> None:
        self.folder = folder
        self.recipe = recipe

    @property
    def state_path(self) -> Path:
        """The file of the state."""
        return self.folder / "state.pt"

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Store a state atomically.

        Raises:
            StorageError: it cannot be written; the previous state is kept.
        """
        with whole_file(self.state_path) as part:
            torch.save({**state, "recipe": self.recipe}, part)

    def load_state(self) -> dict[str, Any] | None:
        """Return the state to resume from, or None.

        Raises:
            TrainingError: it is damaged, or belongs to another recipe.
        """
        if not self.state_path.is_file():
            return None
        try:
            state = torch.load(self.state_path, map_location="cpu", weights_only=True)
            recipe = state["recipe"]
        except Exception as error:  # unpickling a damaged file can raise anything
            raise TrainingError(
                f"{self.state_path} is damaged ({type(error).__name__}): delete {self.folder} and resume; "
                "finished phases are kept"
            ) from error
        self._check_recipe(recipe)
        return state

    def save_best(self, network: nn.Module) -> None:
        """Store a network's weights as the best so far."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        write_atomically(self.folder / "best.safetensors", to_bytes(tensors))

    def load_best(self, network: nn.Module) -> None:
        """Load the best weights into a network."""
        network.load_state_dict(load_file(self.folder / "best.safetensors"))

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Mark the phase as complete and remove its state, which is large and no longer needed."""
        text = json.dumps({**figures, "recipe": self.recipe}, indent=1) + "\n"
        write_atomically(self.folder / "done.json", text.encode())
        self.state_path.unlink(missing_ok=True)

    def finished(self) -> dict[str, Any] | None:
        """Return the figures stored by `finish`, or None if the phase is not complete.

        Raises:
            TrainingError: it belongs to another recipe.
        """
        path = self.folder / "done.json"
        if not path.is_file():
            return None
        figures = json.loads(path.read_text(encoding="utf-8"))
        self._check_recipe(figures["recipe"])
        return figures

    def _check_recipe(self, recipe: str) -> None:
        if recipe != self.recipe:
            raise TrainingError(
                f"{self.folder} belongs to another recipe or other photos: choose another --out or delete it"
            )


class Log:
    """Rows of figures in a CSV file; on resuming, rows of steps that will be repeated are removed."""

    def __init__(self, path: Path, from_step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._columns: list[str] | None = None
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]  # a killed process may have cut the last one
            rows = [row for row in csv.DictReader(whole) if int(row["step"]) <= from_step]
            self._columns = list(rows[0]) if rows else None
            write_atomically(path, self._text(rows, headed=True))

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row; the first one sets the columns."""
        first = self._columns is None
        self._columns = self._columns or list(row)
        append(self._path, self._text([row], headed=first))

    def _text(self, rows: Sequence[Mapping[str, Any]], *, headed: bool) -> bytes:
        if self._columns is None:  # no row has set them yet
            return b""
        text = StringIO(newline="")
        writer = csv.DictWriter(text, self._columns)
        if headed:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


class Logs:
    """The losses of a phase as CSV files, and for TensorBoard if it is installed."""

    def __init__(self, folder: Path, from_step: int) -> None:
        self._steps = Log(folder / "steps.csv", from_step)
        self._epochs = Log(folder / "epochs.csv", from_step)
        self._start = time.monotonic()
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self._board = None
        else:
            self._board = SummaryWriter(str(folder), purge_step=from_step + 1)

    def step(self, step: int, losses: dict[str, float], learning_rate: float) -> None:
        """Log the losses of a step, counted from 1."""
        self._steps.write({"step": step, **losses, "learning_rate": learning_rate, "seconds": self._seconds()})
        if self._board is not None:
            for name, value in {**losses, "learning_rate": learning_rate}.items():
                self._board.add_scalar(f"training/{name}", value, step)

    def epoch(self, step: int, epoch: int, validation_loss: float) -> None:
        """Log the validation loss at the end of an epoch."""
        self._epochs.write(
            {"step": step, "epoch": epoch, "validation_loss": validation_loss, "seconds": self._seconds()}
        )
        if self._board is not None:
            self._board.add_scalar("validation/loss", validation_loss, step)

    def close(self) -> None:
        """Flush TensorBoard's writer."""
        if self._board is not None:
            self._board.close()

    def _seconds(self) -> float:
        return round(time.monotonic() - self._start, 2)
