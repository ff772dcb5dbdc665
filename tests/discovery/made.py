"""Photos that are only arrays, in which it is known what SIAM misses."""

import numpy as np

from siam.discovery.candidates import Scores
from siam.discovery.cells import Cells
from siam.models.cells import SIDE
from siam.taste.maps import Maps

ATTRIBUTES = ("trees", "wire", "sky")
CHANNELS = 24


def world(count: int = 240, effect: float = 1.0, seed: int = 0) -> tuple[Cells, Scores, np.ndarray, np.ndarray]:
    """Return cells, scores, how much of a hidden cause each photo holds (N,), and where, (N, S, S).

    The cause is a pattern of four channels in a patch of every third photo; a crowd likes it by `effect` points for one
    standard deviation. SIAM's three attributes are patterns of other channels, of which its score is made.
    """
    random = np.random.default_rng(seed)
    patterns = np.zeros((len(ATTRIBUTES) + 1, CHANNELS))
    for row in range(len(patterns)):
        patterns[row, 4 * row : 4 * row + 4] = random.uniform(0.5, 1.5, 4)
    where = np.zeros((len(patterns), count, SIDE, SIDE))
    for row, of_row in enumerate(where):
        for photo in np.flatnonzero(random.random(count) < 1 / 3 if row == 0 else random.random(count) < 0.6):
            y, x = random.integers(0, SIDE - 2, 2)
            of_row[photo, y : y + 3, x : x + 3] = random.uniform(0.5, 1.5)
    features = np.einsum("rnij,rc->nijc", where, patterns) + random.exponential(0.05, (count, SIDE, SIDE, CHANNELS))
    maps = where[1:].transpose(1, 0, 2, 3) + 0.02 * random.random((count, len(ATTRIBUTES), SIDE, SIDE))
    light = random.random((count, SIDE, SIDE, 4))
    names = tuple(f"photo-{number}" for number in range(count))
    halves = (of.astype(np.float16) for of in (maps, features, features, light))
    pooled, siam_cells, baseline_cells, light = halves
    cells = Cells(Maps(names, ("",) * count, pooled), siam_cells, baseline_cells, light)
    amount = where[0].mean(axis=(1, 2))
    siam = 5 + maps.mean(axis=(2, 3)) @ np.array([4.0, -3.0, 2.0])
    cause = effect * (amount - amount.mean()) / amount.std()
    scores = Scores(
        siam, siam + 0.7 * cause + 0.1 * random.normal(size=count), siam + cause + random.normal(0, 0.4, count)
    )
    return cells, scores, amount, where[0]
