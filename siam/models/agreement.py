"""How far the networks of the cross-validation agree on the templates of a pair.

::

    <pair>/folds.safetensors   templates (R, K, g, g): effective templates of R networks, one for each fold and seed
    agreement[k, i, j]         share of the R networks whose template has the sign of the pair's own in that cell

Each of these networks learned without one fold of the rated photos, so that what changes from one to the next is owed
to a few photos. The file is optional: `siam.load` reads it into `Pair.fold_templates`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError

from siam.errors import CheckpointError
from siam.models.configs import Pooling
from siam.models.readout import pooling_matrix
from siam.runtime.files import Write, storage_errors, write_atomically

if TYPE_CHECKING:
    from torch import Tensor

FILE = "folds.safetensors"
AGREED = 0.8  # share of the networks from which a sign counts as agreed on: 4 of 5
_TENSOR = "templates"
_ROUNDING = 1e-9  # 0.8 * 15 networks need not be 12 exactly


def agreement(shown: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the share of the networks whose templates have the sign of the shown ones, cell by cell.

    Args:
        shown: effective templates (..., g, g).
        folds: those of R networks (R, ..., g, g).

    Returns:
        Shares (..., g, g) in [0, 1]. A cell of exactly 0 agrees with other zeros alone.

    Raises:
        ValueError: the shapes do not fit together, or there is no network.

    Example:
        >>> import numpy as np
        >>> from siam.models.agreement import agreement
        >>> folds = np.array([[[0.2, -0.1]], [[0.3, 0.1]], [[0.1, 0.4]], [[0.2, -0.2]]])  # of 4 networks
        >>> agreement(np.array([[0.2, 0.1]]), folds)
        array([[1. , 0.5]])
    """
    if folds.shape[1:] != shown.shape or not len(folds):
        raise ValueError(
            f"templates of the folds have shape {folds.shape}; expected those of at least one network, "
            f"(R, {', '.join(map(str, shown.shape))})"
        )
    return np.asarray((np.sign(folds) == np.sign(shown)).mean(axis=0))


def agreed(shares: np.ndarray) -> np.ndarray:
    """Return which cells (bool) of `agreement` at least 4 of 5 networks agree on."""
    return shares >= AGREED - _ROUNDING


def signs_agreed(maps: np.ndarray, contributions: np.ndarray, folds: np.ndarray, pooling: Pooling) -> np.ndarray:
    """Return the share of the networks whose templates give each attribute of a photo the sign of its contribution.

    Args:
        maps: the photo's attribute maps (K, h, w), the same for all networks.
        contributions: (K,) of the pair's own templates.
        folds: effective templates (R, K, g, g) of R networks.
        pooling: of the network.

    Returns:
        Shares (K,) in [0, 1]; NaN where an attribute contributes nothing.
    """
    rows, columns = (pooling_matrix(size, folds.shape[-1], pooling) for size in maps.shape[1:])
    values = np.einsum("rkij,kij->rk", folds, rows @ maps @ columns.T)  # (R, K)
    shares = (np.sign(values) == np.sign(contributions)).mean(axis=0)
    return np.where(contributions == 0, np.nan, shares)


def write(folder: Path, templates: "Tensor", store: Write = write_atomically) -> None:
    """Store the effective templates (R, K, g, g) of R networks in a pair's folder, atomically, in single precision.

    Raises:
        ValueError: there are not four axes, or a value is NaN or infinite.
        StorageError: the file cannot be written.
    """
    import torch  # here and below, so that explaining a photo need not wait for it
    from safetensors.torch import save as to_bytes

    if templates.ndim != 4 or not len(templates) or not torch.isfinite(templates).all():
        raise ValueError(
            f"templates of the folds have shape {tuple(templates.shape)}; expected finite values, (R, K, g, g)"
        )
    store(folder / FILE, to_bytes({_TENSOR: templates.detach().float().cpu().contiguous()}))


def read(folder: Path, shape: tuple[int, ...]) -> "Tensor | None":
    """Return the templates (R, K, g, g) of a pair's folder, in single precision on the CPU; None without the file.

    Args:
        folder: of the pair.
        shape: (K, g, g) of the pair's own templates.

    Raises:
        CheckpointError: the file is damaged, or its templates have another shape or are not finite.
    """
    path = folder / FILE
    if not path.exists():
        return None
    import torch
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file ({error}): copy it again") from error
    if stored.keys() != {_TENSOR}:
        names = ", ".join(sorted(stored)) or "nothing"
        raise CheckpointError(f"{path} holds {names[:80]}; expected one tensor, {_TENSOR}: train again")
    templates = stored[_TENSOR]
    if templates.ndim != 4 or not len(templates) or tuple(templates.shape[1:]) != shape:
        raise CheckpointError(
            f"{path}: tensor {_TENSOR} has shape {tuple(templates.shape)}, but the pair's own templates need (R, "
            f"{', '.join(map(str, shape))}): copy the whole folder again"
        )
    if not torch.isfinite(templates).all():
        raise CheckpointError(f"{path}: tensor {_TENSOR} holds NaN or infinite values: train again")
    return templates.float()


def keep(folder: Path, templates: "Tensor | None", store: Write = write_atomically) -> None:
    """Store the templates of a pair's networks, or remove what an earlier pair left, if there are none.

    Raises:
        ValueError, StorageError: as `write`; or the file cannot be removed.
    """
    if templates is not None:
        write(folder, templates, store)
        return
    with storage_errors(folder / FILE):
        (folder / FILE).unlink(missing_ok=True)
