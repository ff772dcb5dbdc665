"""A small classifier of rendered flowers: besides the landscapes, the second world in which explainers are judged.

::

    z = linear(mean over positions of backbone(x))                     logits (N, K), one per class

Its classes differ in the colour of one part of the flower (`siam.datasets.flowers`), so the pixels that should explain
a logit are known. Explainers explain a single number, so `FlowerNetwork.of_class` makes a `Baseline` of a class, whose
score is that class's logit. A folder holds `network.safetensors`, `card.json` (config, class names, figures, command)
and what explainers have learnt for the network (`siam.models.fitted`); no pickle is read or written.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from siam.datasets.base import RatingScale
from siam.errors import CheckpointError
from siam.models import card as cards
from siam.models import compiled, fitted
from siam.models.backbones import create_backbone
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.card import CARD, FORMAT
from siam.models.engine import Engine, Layer, computed
from siam.models.fitted import Fitted
from siam.models.weights import load_tensors
from siam.runtime.devices import best_device
from siam.runtime.files import whole_files
from siam.runtime.memory import keep_freed_memory
from siam.runtime.paths import ASSETS

BUNDLED = ASSETS / "flowers"
WEIGHTS = "network.safetensors"
LOGITS = RatingScale(
    "logit of a class", -10, 10
)  # logits have no bounds; those of trained networks lie in about this range
_ONE_ROW_PER_CLASS = ("weight", "bias", "relevance")  # of what explainers learn; all classes share the other tensors


class FlowerNetwork(nn.Module):
    """Backbone, average pooling, linear layer: logits of K classes.

    Attributes:
        config: of the backbone and its input, the same for every class.
        class_names: (K,) such as "red petals", in the order of the logits.
        fitted: explainer → what it has learnt for this network; "weight", "bias" and "relevance" have K rows.
    """

    def __init__(self, config: BaselineConfig, class_names: tuple[str, ...]) -> None:
        """Make an untrained network; a `ValueError` if there are fewer than two classes or two have the same name."""
        super().__init__()
        if len(class_names) < 2 or len(set(class_names)) < len(class_names):
            raise ValueError(f"the class names are {class_names!r}: expected at least two, all different")
        self.config = config
        self.class_names = class_names
        self.fitted: dict[str, Fitted] = {}
        self.engine: Engine | None = None
        self.backbone, channels = create_backbone(config.backbone)
        self.linear = nn.Linear(channels, len(class_names))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, K) of preprocessed images (N, 3, H, W)."""
        ready = computed([self], images)
        if ready is not None:
            return ready[0][0].mean(dim=(2, 3)) + self.linear.bias
        return self.linear(self.backbone(images).mean(dim=(2, 3)))

    def of_class(self, index: int) -> Baseline:
        """Return a baseline whose score is the logit of class `index`, and whose total map is that class's CAM.

        It shares this network's backbone and one row of its linear layer, so both always have the same weights. The
        baseline is in evaluation mode, and this also puts the shared backbone into it. Its `fitted` holds the class's
        rows of what explainers have learnt for this network so far.

        Raises:
            CheckpointError: what an explainer has learnt does not have one row for each class.
            ValueError: there is no such class.
        """
        count = len(self.class_names)
        if not 0 <= index < count:
            raise ValueError(f"there is no class {index}: this network has {count}, numbered from 0")
        rows = slice(index, index + 1)
        with torch.device("meta"):  # no random weights are drawn, since none would be kept
            baseline = Baseline(replace(self.config, predicts_variance=False))  # nobody votes on a class
        baseline.backbone = self.backbone
        baseline.linear.weight = nn.Parameter(self.linear.weight[rows].detach())
        baseline.linear.bias = nn.Parameter(self.linear.bias[rows].detach())
        baseline.fitted = {name: _of_rows(name, learnt, rows, count) for name, learnt in self.fitted.items()}
        baseline.eval()
        if self.engine is not None:
            baseline.engine = self.engine.of_copy(self, baseline, rows)
        return baseline


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled networks."""
    return tuple(sorted(card.parent.name for card in BUNDLED.glob(f"*/{CARD}")))


def find(source: str | Path) -> Path:
    """Return the folder of a network: a bundled one if `source` is its name, else `source` itself.

    Raises:
        CheckpointError: there is no such name or folder.
    """
    if isinstance(source, str) and source in bundled():
        return BUNDLED / source
    if not Path(source).is_dir():
        raise CheckpointError(
            f"there is no flower network named {str(source)!r}: give a bundled name ({', '.join(bundled())}) or a "
            f"folder with {CARD}"
        )
    return Path(source)


def load(
    source: str | Path,
    device: str | torch.device | None = None,
    on_problem: Callable[[str], None] | None = None,
) -> FlowerNetwork:
    """Load a network, in evaluation mode and single precision.

    Args:
        source: the bundled "single-6c" or "double-12c", or a folder.
        device: where to put it; by default a GPU if PyTorch sees one, else the CPU.
        on_problem: called with one line that says why an explainer's file is skipped; by default, a bad file is an
            error.

    Raises:
        CheckpointError: nothing is found, or the files are damaged or do not match the card.
    """
    keep_freed_memory()
    folder = find(source)
    path = folder / CARD
    card = cards.read(folder)
    names = card.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise CheckpointError(f"{path} has no list of class names: expected the card of a flower network")
    try:
        network = FlowerNetwork(cards.config(BaselineConfig, card.get("network"), path), tuple(names))
    except ValueError as error:  # no network can be built from the card
        raise CheckpointError(f"{path}: {error}") from error
    load_tensors(network, folder / WEIGHTS)
    network.fitted = fitted.read(folder, network, on_problem)
    device = best_device() if device is None else device
    network = network.to(device).eval()
    if compiled.chosen() == "openvino" and str(device) == "cpu":
        key = sha256(str(network).encode() + (folder / WEIGHTS).read_bytes()).hexdigest()
        network.engine = Engine({"network": Layer(network, network.linear.weight)}, key, None)
    return network


def save(network: FlowerNetwork, folder: Path, card: dict[str, Any]) -> None:
    """Write a network in half precision, its card and what explainers have learnt for it: all files, or none.

    Args:
        network: on any device; it is not changed, so round it with `.half().float()` before you evaluate it.
        folder: created if missing; existing files are replaced.
        card: content that JSON can hold; format, config and class names are filled in here.

    Raises:
        CheckpointError: the card or the config holds a number that is not finite.
        StorageError: the folder cannot be written to.
    """
    facts = {"format": FORMAT, "network": asdict(network.config), "class_names": list(network.class_names)}
    try:
        text = json.dumps({**card, **facts}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise CheckpointError(f"the card for {folder} holds a number that is not finite: correct it") from error
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    with whole_files(folder / CARD) as write:
        write(folder / CARD, text.encode())
        write(folder / WEIGHTS, to_bytes(tensors))
        fitted.write_all(network, folder, write)


def _of_rows(name: str, learnt: Fitted, rows: slice, count: int) -> Fitted:
    """Return the part of what an explainer has learnt that belongs to one class."""
    for key in _ONE_ROW_PER_CLASS:
        if key in learnt.tensors and learnt.tensors[key].shape[:1] != (count,):
            raise CheckpointError(
                f"{name}: the tensor {key} has shape {tuple(learnt.tensors[key].shape)}; expected {count} rows, one "
                "per class: fit it again with python -m siam fit"
            )
    tensors = {key: value[rows] if key in _ONE_ROW_PER_CLASS else value for key, value in learnt.tensors.items()}
    return Fitted(tensors, learnt.facts)
