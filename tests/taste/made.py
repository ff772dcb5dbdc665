"""Pooled maps of photos that do not exist, and tastes that are known, for the tests of this folder."""

import hashlib

import numpy as np

from siam.taste.maps import Maps
from siam.taste.personal import Taste
from tests.support.networks import SCALE

K, GRID = 4, 3


def maps(count: int = 80, seed: int = 0) -> Maps:
    """Return maps of photos: each attribute has its own frequency, amount and place."""
    random = np.random.default_rng(seed)
    amounts = random.exponential(1, (count, K, 1, 1)) * (random.random((count, K, 1, 1)) < 0.8)
    pooled = amounts * random.uniform(0.5, 1.5, (count, K, GRID, GRID))
    names = tuple(f"photo {number}" for number in range(count))
    return Maps(names, tuple(hashlib.sha256(name.encode()).hexdigest() for name in names), pooled.astype(np.float16))


def crowd(seed: int = 1) -> Taste:
    """Return a crowd with random templates."""
    templates = np.random.default_rng(seed).normal(0, 0.1, (K, GRID, GRID))
    return Taste(tuple(f"attribute_{k}" for k in range(K)), SCALE, templates, 4.5)


def other_taste(seed: int = 2) -> Taste:
    """Return the taste of somebody who weighs whole attributes otherwise than the crowd does."""
    start, weights = crowd(), np.random.default_rng(seed).normal(0, 0.2, K)
    return Taste(start.attributes, SCALE, start.templates + weights[:, None, None], 5.0)
