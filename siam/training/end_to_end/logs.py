"""The losses of a training run: csv files for tables, and event files for TensorBoard where it is installed."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Log:
    """Rows of figures, one csv file; after a resume, rows of steps that are repeated are removed."""

    def __init__(self, path: Path, from_step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._fields: list[str] | None = None
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= from_step]
            path.unlink()
            for row in rows:
                self.write(row)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row; the first one names the columns."""
        first = self._fields is None
        self._fields = self._fields or list(row)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._fields)
            if first:
                writer.writeheader()
            writer.writerow(row)


class Logs:
    """The losses of a phase as csv files, and for TensorBoard where it is installed."""

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
        """Note the losses of a step, counted from 1."""
        self._steps.write({"step": step, **losses, "learning_rate": learning_rate, "seconds": self._seconds()})
        if self._board is not None:
            for name, value in {**losses, "learning_rate": learning_rate}.items():
                self._board.add_scalar(f"training/{name}", value, step)

    def epoch(self, step: int, epoch: int, validation_loss: float) -> None:
        """Note the validation loss at the end of an epoch."""
        self._epochs.write(
            {"step": step, "epoch": epoch, "validation_loss": validation_loss, "seconds": self._seconds()}
        )
        if self._board is not None:
            self._board.add_scalar("validation/loss", validation_loss, step)

    def close(self) -> None:
        """Write out what TensorBoard's writer still holds."""
        if self._board is not None:
            self._board.close()

    def _seconds(self) -> float:
        return round(time.monotonic() - self._start, 2)
