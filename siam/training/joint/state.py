"""What a joint training keeps on disk: the weights of each run, from which an interrupted training resumes.

::

    OUT/folds/origin.json   a digest of the recipe and its photos, on which all weights depend
    OUT/folds/NAME.pt       the weights of a run
    OUT/folds/NAME.csv      its losses
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from siam.errors import TrainingError
from siam.runtime.files import whole_file, write_atomically
from siam.training.recipes import weighty


class RunFolder:
    """The folder of a training's weights.

    Args:
        folder: created when something is first written.
        recipe: of the method "joint".
        photos: a digest of its photos; weights of another recipe or other photos are an error.

    Raises:
        TrainingError: the folder holds weights of another recipe or other photos, or some that do not say of which.
    """

    def __init__(self, folder: Path, recipe: Mapping[str, Any], photos: str) -> None:
        self._folder, self._path = folder, folder / "origin.json"
        digest = hashlib.sha256((json.dumps(weighty(recipe), sort_keys=True) + photos).encode()).hexdigest()
        self._origin = {"digest": digest}
        if any(folder.glob("*.pt")) and not self._is_ours():
            raise TrainingError(
                f"{folder} belongs to another recipe or other photos: choose another --out or delete it"
            )

    def load(self, name: str) -> dict[str, Tensor] | None:
        """Return the weights of a run that an earlier call has finished, or None.

        Raises:
            TrainingError: they are damaged.
        """
        path = self._folder / f"{name}.pt"
        if not path.is_file():
            return None
        try:
            return torch.load(path, weights_only=True)
        except Exception as error:  # unpickling a damaged file can raise anything
            raise TrainingError(
                f"{path} is damaged ({type(error).__name__}): delete it and run the same command again"
            ) from error

    def save(self, name: str, weights: Mapping[str, Tensor], losses: Sequence[Mapping[str, float]]) -> None:
        """Store the weights and the losses of a run, each atomically.

        Raises:
            StorageError: they cannot be written.
        """
        if not self._is_ours():
            write_atomically(self._path, (json.dumps(self._origin) + "\n").encode())
        with whole_file(self._folder / f"{name}.csv") as part:
            pd.DataFrame(losses).to_csv(part, index_label="step")
        with whole_file(self._folder / f"{name}.pt") as part:
            torch.save(dict(weights), part)

    def _is_ours(self) -> bool:
        try:
            return json.loads(self._path.read_bytes()) == self._origin
        except (OSError, ValueError):
            return False
