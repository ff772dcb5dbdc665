"""The loss of a joint step.

::

    L = a L_label + r L_region + o L_outline + n L_absent + d L_reference
        + s L_score + b L_baseline + l L_leak + t L_template

    L_label      cross-entropy of tanh(mean of A_k) and the share of annotators; own labels, and those of the teacher
    L_region     cross-entropy of tanh(A_k) in each cell and the segmenter's share: where k is labelled, else zero
    L_outline    the same with the regions that people outlined, on labelled pixels
    L_absent     mean of tanh(A_k), for attributes that no segmenter sees, on photos labelled without them
    L_reference  squared error of the reference features, relative to their variance
    L_score      squared error of SIAM's score: on rated photos the mean rating, elsewhere the teacher's score
    L_baseline   the same for the baseline's layer
    L_leak       mean over photos of sum_k (1 - q_k)^2 |c_k|: no score through what is not there
    L_template   sum_k (m / (n_k + n_0)) |W_k|^2, and the squared steps between neighbours and mirrored cells of W_k

q_k is the label of attribute k or, without one, its presence before any score was learnt; n_k is the number of photos
labelled with k. L_leak and L_template are ours: an attribute that was seen in few photos must not carry what has no
name.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from siam.datasets.base import PRESENT
from siam.datasets.human_masks import OUTLINED
from siam.datasets.regions import MINIMUM_SHARE
from siam.training.joint.network import JointNetwork, JointOutput
from siam.training.joint.photos import JointPhotos
from siam.training.losses import cross_entropies

_ABSENT = {"labelled": 0.0, "weak": 0.05}  # labels up to this count as absent
_KNOWN = 0.3  # share of a cell that must be labelled for it to teach an outline
_TYPICAL, _FEW = 20.0, 5.0  # m and n_0


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the photos are taken to show, and how they are scored.

    Attributes:
        labels: kind → (N, K) shares: for "labelled" and "weak", what L_label teaches.
        beliefs: kind → (N, K) the q_k of L_leak.
        scores: kind → (N,) the scores that L_score teaches, on the scale of the first source.
        references: kind → (N, P) the reference features that L_reference teaches.
        positives: (K,) the n_k.
    """

    labels: dict[str, Tensor]
    beliefs: dict[str, Tensor]
    scores: dict[str, Tensor]
    references: dict[str, Tensor]
    positives: Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """The photos of a step: kind → rows, and which view of each."""

    rows: dict[str, np.ndarray]
    views: dict[str, np.ndarray]

    def features(self, photos: JointPhotos) -> Tensor:
        """Return the early features (n, C, h, w) of all photos, kind after kind."""
        return torch.from_numpy(
            np.concatenate([self.of(photos.views[kind].features, kind) for kind in self.rows])
        ).float()

    def of(self, values: np.ndarray, kind: str) -> np.ndarray:
        """Return the rows of values (N, V, …) for the views of a kind: (n, …)."""
        return np.stack([values[row, view] for row, view in zip(self.rows[kind], self.views[kind], strict=True)])


class Objective:
    """The losses of photos, with the weights of a recipe's section `joint`."""

    def __init__(self, photos: JointPhotos, settings: dict[str, Any]) -> None:
        self.photos, self.settings = photos, settings
        names = photos.attributes
        self._placed = [names.index(name) for name in photos.region_names]
        self._unplaced = [k for k in range(len(names)) if k not in self._placed]
        self._outlined = [[names.index(name) for name in OUTLINED[key].attributes] for key in photos.outlined_names]

    def attributes(self, output: JointOutput, batch: Batch, knowledge: Knowledge) -> dict[str, Tensor]:
        """Return the losses of f: "label", "region", "absent" and, with outlined photos, "outline"."""
        maps = dict(zip(batch.rows, output.maps.split([len(rows) for rows in batch.rows.values()]), strict=True))
        losses: dict[str, list[Tensor]] = {"label": [], "region": [], "absent": []}
        weights = []
        for kind in ("labelled", "weak"):
            rows, of_kind = batch.rows[kind], maps[kind]
            labels = knowledge.labels[kind][rows]  # (n, K)
            cells = torch.tanh(of_kind).clamp(min=0)  # (n, K, h, w)
            presence = torch.tanh(of_kind.mean(dim=(2, 3))).clamp(min=0)
            losses["label"].append(cross_entropies(presence, labels).mean())
            absent = torch.from_numpy(self.photos.labels[kind][rows] <= _ABSENT[kind])
            shares = torch.from_numpy(batch.of(self.photos.regions[kind], kind)).float() / 255  # (n, R, h, w)
            shown = (labels[:, self._placed] > PRESENT) & (shares.mean(dim=(2, 3)) >= MINIMUM_SHARE)
            taught = (shown | absent[:, self._placed]).float()
            expected = shares * shown[..., None, None]
            by_photo = cross_entropies(cells[:, self._placed], expected).mean(dim=(2, 3))
            losses["region"].append((by_photo * taught).sum() / taught.sum().clamp(min=1))
            none = absent[:, self._unplaced].float()
            answers = cells[:, self._unplaced].mean(dim=(2, 3))
            losses["absent"].append((answers * none).sum() / none.sum().clamp(min=1))
            weights.append(len(rows) * (1.0 if kind == "labelled" else self.settings["weak_weight"]))
        shares_of = torch.tensor(weights) / sum(weights)
        found = {name: (torch.stack(values) * shares_of).sum() for name, values in losses.items()}
        if len(batch.rows.get("outlined", ())):
            found["outline"] = self._outline(torch.tanh(maps["outlined"]).clamp(min=0), batch)
        return found

    def _outline(self, cells: Tensor, batch: Batch) -> Tensor:
        outlines = torch.from_numpy(batch.of(self.photos.outlines, "outlined")).float() / 255  # (n, O + 1, h, w)
        known = (outlines[:, -1:] > _KNOWN).float()
        shown = torch.stack([cells[:, members].amax(dim=1) for members in self._outlined], dim=1)  # (n, O, h, w)
        return (cross_entropies(shown, outlines[:, :-1]) * known).sum() / (known.sum() * shown.shape[1]).clamp(min=1)

    def reference(self, output: JointOutput, batch: Batch, knowledge: Knowledge) -> Tensor:
        """Return L_reference of all photos."""
        expected = torch.cat([knowledge.references[kind][rows] for kind, rows in batch.rows.items()])
        return (output.reference - expected).square().mean() / expected.var()

    def scores(
        self, network: JointNetwork, output: JointOutput, batch: Batch, knowledge: Knowledge
    ) -> dict[str, Tensor]:
        """Return the losses of both scores and of g: "score", "baseline", "leak" and "template"."""
        expected = torch.cat([knowledge.scores[kind][rows] for kind, rows in batch.rows.items()])
        trust = torch.cat(
            [
                torch.full((len(rows),), 1.0 if kind == "rated" else self.settings["teacher_weight"])
                for kind, rows in batch.rows.items()
            ]
        )
        believed = torch.cat([knowledge.beliefs[kind][rows] for kind, rows in batch.rows.items()])
        templates = network.templates
        return {
            "score": (trust * (output.scenicness - expected).square()).sum() / trust.sum(),
            "baseline": (trust * (output.baseline - expected).square()).sum() / trust.sum(),
            "leak": leak(output.contributions, believed),
            "template": (rarity(knowledge.positives)[:, None, None] * templates.square()).sum() + roughness(templates),
        }


def leak(contributions: Tensor, believed: Tensor) -> Tensor:
    """Return L_leak of contributions (n, K), given how likely each attribute is there (n, K)."""
    return ((1 - believed).square() * contributions.abs()).sum(dim=1).mean()


def rarity(positives: Tensor) -> Tensor:
    """Return the weight (K,) of the penalty of each template, given how many photos show each attribute (K,)."""
    return _TYPICAL / (positives + _FEW)


def roughness(templates: Tensor) -> Tensor:
    """Return the squared steps between neighbouring and between mirrored cells of templates (K, g, g), summed."""
    down, across = templates.diff(dim=1), templates.diff(dim=2)
    return down.square().sum() + across.square().sum() + (templates - templates.flip(2)).square().sum()
