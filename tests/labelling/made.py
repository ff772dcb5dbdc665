"""Photos that do not exist, whose features and truth are known, for the tests of the page and this folder."""

import numpy as np

from siam.labelling.features import Features, reduced


def known(count: int = 120, seed: int = 0) -> tuple[Features, dict[str, bool]]:
    """Return the features of photos, and whether each shows a word that features tell of, but not quite."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 12))
    shown = values[:, 0] + 0.7 * values[:, 1] + 0.4 * random.normal(size=count) > 0.8
    names = tuple(f"photo {number}.jpg" for number in range(count))
    presence = np.stack([values[:, 0], values[:, 2]], axis=1)
    return Features(names, reduced(values), presence, ("old_wall", "pond")), dict(
        zip(names, shown.tolist(), strict=True)
    )
