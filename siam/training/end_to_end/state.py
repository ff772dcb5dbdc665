"""What a training run keeps on disk: the state it goes on from, the best weights so far, and its logs.

    OUT/phases/NAME/state.pt           everything that the run continues from: weights, optimiser, step
    OUT/phases/NAME/best.safetensors   the weights with the least loss on the validation photos
    OUT/phases/NAME/done.json          written when the phase is over
    OUT/phases/NAME/steps.csv, epochs.csv, events.*   losses, for tables and for TensorBoard

Files are written under another name first, so a full disk or a kill leaves the last good one.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from siam.errors import TrainingError


class PhaseFolder:
    """The folder of one phase of training.

    Args:
        folder: made when something is first written.
        recipe: a digest of everything that the result depends on; a state of another recipe is refused.
    """

    def __init__(self, folder: Path, recipe: str) -> None:
        self.folder = folder
        self.recipe = recipe

    @property
    def state_path(self) -> Path:
        """Where the state is kept."""
        return self.folder / "state.pt"

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Keep a state, whole or not at all.

        Raises:
            OSError: it cannot be written; the state before is still there.
        """
        _replace(self.state_path, lambda part: torch.save({**state, "recipe": self.recipe}, part))

    def load_state(self) -> dict[str, Any] | None:
        """Return the state to go on from, or None.

        Raises:
            TrainingError: it is damaged, or belongs to another recipe.
        """
        if not self.state_path.is_file():
            return None
        try:
            state = torch.load(self.state_path, map_location="cpu", weights_only=True)
            recipe = state["recipe"]
        except Exception as error:  # whatever unpickling finds in a damaged file
            raise TrainingError(
                f"{self.state_path} is damaged ({type(error).__name__}): delete {self.folder} and resume; "
                "finished phases are kept"
            ) from error
        self._check_recipe(recipe)
        return state

    def save_best(self, network: nn.Module) -> None:
        """Keep the weights of a network as the best so far."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        _replace(self.folder / "best.safetensors", lambda part: save_file(tensors, part))

    def load_best(self, network: nn.Module) -> None:
        """Give a network the best weights."""
        network.load_state_dict(load_file(self.folder / "best.safetensors"))

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Note that the phase is over; its state, which is large, is no longer needed."""
        text = json.dumps({**figures, "recipe": self.recipe}, indent=1) + "\n"
        _replace(self.folder / "done.json", lambda part: part.write_text(text, encoding="utf-8"))
        self.state_path.unlink(missing_ok=True)

    def finished(self) -> dict[str, Any] | None:
        """Return what `finish` noted, or None if the phase is not over.

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
                f"{self.folder} was begun with another recipe or other photos: choose another --out, or delete it"
            )


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except Exception as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, RuntimeError):  # PyTorch's own writer reports a full disk so
            raise OSError(None, f"could not be written ({str(error).splitlines()[0]})", str(path)) from error
        raise
