"""Trains a pair by the method "joint" and judges it by cross-validation: each photo by networks that never saw it."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from siam.datasets.base import PRESENT
from siam.models import backbones
from siam.models import features as frozen
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.runtime.reprs import brief
from siam.training.joint import teacher
from siam.training.joint.calibration import CalibrationPhotos, calibrate
from siam.training.joint.fit import Phase, learn
from siam.training.joint.network import JointNetwork
from siam.training.joint.objective import Knowledge, rarity
from siam.training.joint.photos import KINDS, JointPhotos, outlined_labels
from siam.training.joint.state import RunFolder

_ABSENT = 0.05  # labels, own or of a kind of scene, up to this count as absent
_CALIBRATING_WEAK = 800  # weakly labelled photos that take part in the calibration, evenly spaced


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks that learned without some of the rated and outlined photos.

    Attributes:
        siam: the SIAM.
        baseline: the baseline, whose backbone has the same early stages.
        offsets: points (S,) that the ratings of each source lie above those of the first.
    """

    siam: SIAM
    baseline: Baseline
    offsets: np.ndarray

    __repr__ = brief


class JointTraining:
    """What all networks of a joint training start from, and how each is made."""

    def __init__(
        self,
        recipe: dict[str, Any],
        photos: JointPhotos,
        siam: SIAM,
        baseline: Baseline,
        folder: RunFolder,
        cache: Path,
    ) -> None:
        """Prepare the training.

        Args:
            recipe: of the method "joint".
            photos: all photos.
            siam: a new SIAM with ImageNet weights.
            baseline: a new baseline with the same.
            folder: for the weights and the losses of each run, from which an interrupted training resumes.
            cache: for features.
        """
        self.recipe, self.photos = recipe, photos
        self.settings: dict[str, Any] = recipe["joint"]
        self._siam, self._baseline, self._folder = siam, baseline, folder
        counts = [len(photos.files[kind]) for kind in KINDS]
        features = np.concatenate([photos.pooled[kind] for kind in KINDS])
        seen = np.append(photos.train, counts[0] + np.arange(counts[1]))  # never what the networks are judged on
        reference = teacher.references(features, self.settings["references"], seen)
        self.references = dict(zip(KINDS, reference.split(counts), strict=True))
        own, train = photos.labels["labelled"], photos.train
        weak = teacher.label_teacher(
            photos.pooled["labelled"][train], own[train], photos.pooled["weak"], photos.labels["weak"]
        )
        self.labels = {"labelled": torch.from_numpy(own), "weak": weak}
        self.positives = torch.from_numpy((own[train] > PRESENT).sum(axis=0)).float()
        self._outlined_labels = outlined_labels(photos)
        self._calibrating = {kind: np.arange(count) for kind, count in zip(KINDS, counts, strict=True)}
        self._calibrating["weak"] = self._calibrating["weak"][
            :: max(1, counts[KINDS.index("weak")] // _CALIBRATING_WEAK)
        ]
        self._calibrating["labelled"] = train
        early = nn.Sequential(*backbones.early_parts(siam.backbone, self.settings["frozen_stages"])).eval()
        self._common_evidence: dict[tuple[str, int], Tensor] = {}  # of f after the first phase
        self._early = {}
        for kind, rows in self._calibrating.items():
            size = recipe["teacher"]["weak_image_size"] if kind == "weak" else siam.config.image_size
            config = replace(siam.config, image_size=size)
            self._early[kind] = frozen.extract(early, config, [photos.files[kind][row] for row in rows], cache)

    def common(self) -> dict[str, Tensor]:
        """Return the weights after the first phase, in which neither ratings nor outlines take part."""
        settings, photos = self.settings, self.photos
        _siam, network = self._joint()
        chosen = {"labelled": photos.train, "weak": np.arange(len(photos.files["weak"]))}
        knowledge = Knowledge(self.labels, {}, {}, self.references, self.positives)
        size = settings["attribute_batch"], settings["heads_first"]
        phase = Phase("attributes", settings["attribute_steps"], size[1], size[0], scores=False)
        self._learned(network, knowledge, chosen, phase)
        return network.state_dict()

    def trained(self, name: str, common: dict[str, Tensor], rated: np.ndarray, outlined: np.ndarray) -> Trained:
        """Return networks that learned from all labelled photos and from some of the others.

        Args:
            name: of the file that keeps the weights.
            common: weights after the first phase.
            rated: rows of the rated photos to learn from.
            outlined: rows of the outlined photos to learn from.
        """
        return self._made(common, rated, outlined, Phase(name, self.settings["steps"], 0, self.settings["batch"], True))

    def frozen(self, common: dict[str, Tensor], rated: np.ndarray) -> Trained:
        """Return a SIAM whose attributes never learned from scores or outlines; only its templates learned scores.

        Its baseline has learned nothing.
        """
        return self._made(common, rated, np.arange(0), None)

    def _made(self, common: dict[str, Tensor], rated: np.ndarray, outlined: np.ndarray, phase: Phase | None) -> Trained:
        """Return networks after the second phase, or without one."""
        photos = self.photos
        siam, network = self._joint()
        network.load_state_dict(common)
        network.eval()
        guide = teacher.ScoreTeacher(photos.pooled["rated"][rated], photos.scores[rated], photos.sources[rated])
        scores = {kind: guide(photos.pooled[kind]) for kind in KINDS}
        scores["rated"][rated] = torch.from_numpy(photos.scores - guide.offsets[photos.sources])[rated].float()
        network.start_at(float(scores["rated"][rated].mean()))
        beliefs = {**self.labels, **{kind: _presence(network, photos, kind) for kind in ("outlined", "rated")}}
        knowledge = Knowledge(self.labels, beliefs, scores, self.references, self.positives)
        chosen = {
            "labelled": photos.train,
            "weak": np.arange(len(photos.files["weak"])),
            "outlined": outlined,
            "rated": rated,
        }
        if phase is not None:
            self._learned(network, knowledge, chosen, phase)
        baseline = copy.deepcopy(self._baseline)
        baseline.backbone = copy.deepcopy(siam.backbone)  # its late stages as they are now
        baseline_layer = network.baseline_layer()
        if phase is not None:
            network.draw_towards(common, 1 - self.settings["second_share"])
        with torch.no_grad():
            for layer, (weight, bias) in (
                (siam.attribute_layer, network.attribute_layer()),
                (baseline.linear, baseline_layer),
            ):
                assert layer.bias is not None
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
            siam.scenicness_head.set_effective_templates(network.templates)
            siam.scenicness_head.bias.copy_(network.bias)
        self._calibrate(siam, knowledge, chosen, self._common_evidence if phase is None else {})
        siam, baseline = siam.half().float().eval(), baseline.half().float().eval()
        baseline.backbone = backbones.share_stages(siam.backbone, baseline.backbone)
        return Trained(siam, baseline, guide.offsets)

    def _joint(self) -> tuple[SIAM, JointNetwork]:
        """Return a SIAM with the weights it starts from, and the network that trains its late stages in place."""
        siam = copy.deepcopy(self._siam)
        torch.manual_seed(0)
        network = JointNetwork(siam, self.settings["frozen_stages"], self.settings["references"])
        return siam, network

    def _learned(
        self, network: JointNetwork, knowledge: Knowledge, chosen: dict[str, np.ndarray], phase: Phase
    ) -> None:
        """Train a network in place, or take the weights that an earlier run of the same training left in the folder."""
        weights = self._folder.load(phase.name)
        if weights is None:
            history = learn(network, self.photos, knowledge, chosen, phase, self.settings, self.recipe["seed"])
            self._folder.save(phase.name, network.state_dict(), history)
        else:
            network.load_state_dict(weights)
            network.eval()

    def _calibrate(
        self,
        siam: SIAM,
        knowledge: Knowledge,
        chosen: dict[str, np.ndarray],
        known_evidence: dict[tuple[str, int], Tensor],
    ) -> None:
        """Calibrate on the photos that were learned from; f's maps of photos of each kind are taken or kept."""
        photos, count = self.photos, len(self.photos.attributes)
        labels = {
            **{kind: torch.from_numpy(of) for kind, of in photos.labels.items()},
            "outlined": self._outlined_labels,
        }
        evidence, columns = [], []
        for kind in KINDS:
            rows = np.intersect1d(self._calibrating[kind], chosen[kind])
            places = np.searchsorted(self._calibrating[kind], rows)
            for place in places:
                if (kind, place) not in known_evidence:
                    early = self._early[kind][place]
                    known_evidence[kind, place] = _evidence(siam, early, self.settings["frozen_stages"])
            evidence += [known_evidence[kind, place] for place in places]
            known = labels[kind][rows] if kind in labels else torch.full((len(rows), count), torch.nan)
            trust = 1.0 if kind == "rated" else self.settings["teacher_weight"]
            columns.append(
                (known, knowledge.beliefs[kind][rows], knowledge.scores[kind][rows], torch.full((len(rows),), trust))
            )
        known, beliefs, scores, trust = (torch.cat(parts) for parts in zip(*columns, strict=True))
        known_photos = CalibrationPhotos(known, beliefs, scores, trust, self.positives, rarity(self.positives))
        calibrate(siam, evidence, known_photos, _ABSENT, self.settings)


@torch.no_grad()
def _presence(network: JointNetwork, photos: JointPhotos, kind: str) -> Tensor:
    """Return the presence (N, K) of every attribute in the photos of a kind, as they are."""
    views = torch.from_numpy(photos.views[kind].features[:, 0])
    return torch.cat([torch.tanh(network(part.float()).maps.mean(dim=(2, 3))) for part in views.split(32)])


@torch.no_grad()
def _evidence(siam: SIAM, early: Tensor, frozen_stages: int) -> Tensor:
    """Return f's maps (K, h, w) before the ReLU, in half precision, from the early features (2, C, h, w) of a photo."""
    features = backbones.resume(siam.backbone, early[:1].float(), frozen_stages)
    return siam.attribute_layer(features)[0].half()
