"""The stage in which the photos of an archive get their scores."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from siam.archive.reading import Photo, failed, picture_of
from siam.evaluation.predictions import PairPredictions, prepared_predictions
from siam.images.preprocessing import input_settings, prepared
from siam.models.cells import cells
from siam.models.checkpoint import Pair
from siam.runtime.devices import device_of

_CAUSES = 3  # attributes that are named


class Networks:
    """A pair that scores prepared photos.

    Args:
        pair: the networks.
        maps: whether to return attribute maps.
        features: whether to return what both networks find in the cells of the photos.
    """

    def __init__(self, pair: Pair, maps: bool = False, features: bool = False) -> None:
        self.pair, self._maps, self._features = pair, maps, features
        self._others = pair.baseline_config
        if self._others is not None and input_settings(self._others) == input_settings(pair.config):
            self._others = None

    def __call__(self, photos: Iterable[Photo]) -> list[Photo]:
        """Return prepared photos with their scores, or with an error, without their pixels; in order."""
        done = list(photos)
        by_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row, photo in enumerate(done):
            if "error" not in photo:
                by_size[photo["size"]].append(row)
        for rows in by_size.values():
            for row, photo in zip(rows, self._scored([done[row] for row in rows]), strict=True):
                done[row] = photo
        return done

    def _scored(self, photos: Sequence[Photo]) -> list[Photo]:
        pictures = list(map(picture_of, photos))
        rest = [{name: photo[name] for name in photo if name not in ("pixels", "size")} for photo in photos]
        try:
            images, others = (
                None if config is None else torch.from_numpy(np.concatenate([prepared(p, config) for p in pictures]))
                for config in (self.pair.config, self._others)
            )
            assert images is not None
            found = prepared_predictions(self.pair, images, others, maps=self._maps)
            seen = self._cells(images, others) if self._features else {}
        except ValueError as error:  # no cell is left inside the border
            return [failed(photo, f"{photo['identifier']}: {error}") for photo in rest]
        except (torch.OutOfMemoryError, MemoryError):
            return [failed(photo, f"{photo['identifier']} needs more memory than is available.") for photo in rest]
        return [self._row(photo, found, row, seen) for row, photo in enumerate(rest)]

    def _cells(self, images: Tensor, others: Tensor | None) -> dict[str, np.ndarray]:
        """Return what both networks find in the cells of prepared photos, in half precision."""
        siam, baseline, device = self.pair.siam, self.pair.baseline, device_of(self.pair.siam)
        with torch.inference_mode():
            if others is None:
                found = cells(siam, baseline, images.to(device), self.pair.config)
            else:
                assert self._others is not None
                found = cells(siam, None, images.to(device), self.pair.config)
                found |= cells(None, baseline, others.to(device), self._others)
        return {name: of.float().cpu().numpy().clip(-6e4, 6e4).astype("<f2") for name, of in found.items()}

    def _row(self, photo: Photo, found: PairPredictions, row: int, seen: Mapping[str, np.ndarray]) -> Photo:
        numbers = found.photo(row)
        if not np.isfinite([numbers["siam"], *numbers["contributions"]]).all():
            return failed(photo, f"{photo['identifier']} gets a score that is not a finite number.")
        order = np.argsort(-np.abs(numbers["contributions"]), kind="stable")[:_CAUSES]
        maps: Photo = {}
        if self._maps:
            of_photo = found.of_maps()[0][row]
            maps = {"cells": list(of_photo.shape[1:]), "maps": of_photo.astype("<f2").tobytes()}
        further = {"features": {name: of[row].tobytes() for name, of in seen.items()}} if seen else {}
        return {**photo, **numbers, "causes": [found.attributes[place] for place in order], **maps, **further}
