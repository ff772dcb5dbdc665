"""The losses that the heads of a SIAM learn from, on frozen features; `siam.training.heads.fit` says what each is
for.
"""

import numpy as np
import torch
from torch import Tensor

from siam.models import features as frozen
from siam.models.siam import SIAM
from siam.training.heads.examples import Examples
from siam.training.losses import cross_entropies


def photo_losses(
    network: SIAM,
    examples: Examples,
    photos: np.ndarray,
    generator: np.random.Generator,
    *,
    expected: Tensor | None = None,
    anchor: SIAM | None = None,
) -> dict[str, Tensor]:
    """Return the mean losses of photos, all of which have labels or none, each seen once in a random view.

    Args:
        network: the SIAM that learns.
        examples: holds the photos.
        photos: (n,) indices among all photos.
        generator: chooses the views.
        expected: (n,) scores on the scale of the first source, or None.
        anchor: the SIAM whose attribute maps the network's should stay near, or None.

    Returns:
        "attribute" (L_SUN) and "region" (L_region), averaged over K, where the photos have labels; "scenicness", the
        squared error, where scores are expected; "anchor" (L_anchor) where there is one.
    """
    labelled = bool(photos.max() < len(examples.labels))
    columns = (examples.features, examples.region_targets) if labelled else (examples.features,)
    names = ["attribute_scores", "scenicness", *["region"] * labelled, *["anchor"] * (anchor is not None)]

    def of_group(features: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        out = network.interpret(features)
        cells = network.link(out.attribute_maps)  # (n, K, h, w)
        found = [out.attribute_scores, out.scenicness]
        for target in targets:
            known = ~target.isnan()
            found.append(torch.where(known, cross_entropies(cells, target.nan_to_num()), 0.0).mean(dim=(1, 2, 3)))
        if anchor is not None:
            with torch.no_grad():
                anchored = network.link(anchor.attribute_maps(features))
            found.append(cross_entropies(cells, anchored).mean(dim=(1, 2, 3)))
        return tuple(found)

    views = generator.integers(0, frozen.VIEWS, len(photos))
    found = dict(zip(names, frozen.apply(of_group, columns, photos, views), strict=True))
    losses = {name: found[name].mean() for name in ("region", "anchor") if name in found}
    if labelled:
        losses["attribute"] = cross_entropies(
            found["attribute_scores"], torch.from_numpy(examples.labels[photos])
        ).mean()
    if expected is not None:
        losses["scenicness"] = (found["scenicness"] - expected).square().mean()
    return losses
