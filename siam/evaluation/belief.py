"""How far the name of each attribute can be believed: the entries of a card's `attributes`, from predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from siam.datasets.base import PRESENT
from siam.evaluation.scores import attribute_figures_with_intervals
from siam.models.recognition import TEST_PHOTOS, Recognition, belief


def belief_entries(
    labels_train: np.ndarray, labels_test: np.ndarray, logits_test: np.ndarray, names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the card's `attributes`: how well a network recognises each attribute (`siam.models.recognition`).

    Args:
        labels_train: (N, K) shares of annotators, of the photos the network learned from; NaN where unknown.
        labels_test: (M, K) shares of annotators, of photos it did not learn from; those that are NaN do not count.
        logits_test: (M, K) attribute scores of these photos, on any scale that keeps the order.
        names: K names.

    Returns:
        name → entry, in the order of `names`. Average precision and chance have four digits; intervals are those of
        `attribute_figures_with_intervals`.

    Raises:
        ValueError: the shapes do not fit together, or there are no test photos.
    """
    shapes = [of.shape for of in (labels_train, labels_test, logits_test)]
    if shapes[1] != shapes[2] or any(shape[1:] != (len(names),) for shape in shapes) or not len(labels_test):
        raise ValueError(
            f"labels and logits have shapes {', '.join(map(str, shapes))}; expected (N, {len(names)}) of the training "
            f"photos and twice (M, {len(names)}) of the test photos, M at least 1"
        )
    figures = attribute_figures_with_intervals(logits_test, labels_test, names)
    learned, shown = ((labels > PRESENT).sum(axis=0) for labels in (labels_train, labels_test))
    labelled = (~np.isnan(labels_test)).sum(axis=0)
    entries = {}
    for name, positives, test_positives, test_photos in zip(names, learned, shown, labelled, strict=True):
        enough = test_positives >= TEST_PHOTOS
        interval = figures["per_attribute_interval"].get(name) if enough else None
        chance = float(test_positives) / max(1, int(test_photos))
        entries[name] = Recognition(
            positives=int(positives),
            test_positives=int(test_positives),
            test_photos=int(test_photos),
            average_precision=figures["per_attribute"][name] if enough else None,
            interval=None if interval is None else (interval[0], interval[1]),
            chance=round(chance, 4),
            belief=belief(int(positives), int(test_positives), interval, chance),
        ).entry()
    return entries
