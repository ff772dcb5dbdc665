"""Equality of results that were computed twice: the same up to the rounding of sums in another order."""

from typing import Any

import numpy as np
import torch

RELATIVE, ABSOLUTE = 1e-4, 1e-5  # a hundred times the rounding of float32 sums of the lengths in tests


def near(one: Any, other: Any) -> bool:
    """Return whether two results agree: numbers, arrays, tensors, and containers of them."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(one, torch.Tensor | np.ndarray | np.floating | float):
        first, second = (np.asarray(torch.as_tensor(value).detach()) for value in (one, other))
        same = first.shape == second.shape and first.dtype == second.dtype
        return same and bool(np.allclose(first, second, RELATIVE, ABSOLUTE, equal_nan=True))
    return one == other
