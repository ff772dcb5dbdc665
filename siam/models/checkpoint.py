"""Stored networks: `siam.safetensors`, `baseline.safetensors` and `card.json` in one folder.

The card holds both configs, from which the networks are rebuilt, and says what they were trained on and how good they
are. `folds.safetensors` may hold the templates of the networks of the cross-validation, `doubt.safetensors` what their
scores leave open, and `csib.safetensors` the groups of attributes that count together. No pickle is read or written.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from siam.errors import CheckpointError, EngineError
from siam.models import agreement, compiled, readout, recognition, versions
from siam.models import card as cards
from siam.models import csib as groups
from siam.models import doubt as doubts
from siam.models.card import BASELINE_FILE, CARD, SIAM_FILE
from siam.models.card import FORMAT as FORMAT
from siam.models.compiled import Compiled
from siam.models.configs import BaselineConfig, SIAMConfig
from siam.models.csib import CSIB
from siam.models.doubt import Doubt
from siam.models.recognition import Recognition
from siam.runtime.devices import best_device
from siam.runtime.files import storage_errors, whole_files
from siam.runtime.memory import keep_freed_memory
from siam.runtime.paths import ASSETS
from siam.runtime.reprs import brief

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from siam.models.baseline import Baseline
    from siam.models.siam import SIAM

BUNDLED = ASSETS / "models"
OWN = Path("runs"), Path("models")  # the user's own pairs, in the folder in which a program was started


@dataclass(frozen=True, eq=False)
class Pair:
    """A SIAM and its baseline (None if there is none), trained on the same photos, and the card that describes them.

    `fold_templates` (R, K, g, g) are effective templates of the R networks of its cross-validation, if they are known
    (`siam.models.agreement`). `doubt` says how far its scores can be trusted, if that is known (`siam.models.doubt`).
    `csib` are groups of attributes that count together, if the pair has any (`siam.models.csib`).

    A pair that `load` returns may build its networks only when somebody asks for them: where an engine has them ready,
    explaining a photo does not need PyTorch, whose import takes longer.
    """

    name: str
    siam: "SIAM"
    baseline: "Baseline | None"
    card: dict[str, Any]
    fold_templates: "Tensor | None" = field(default_factory=lambda: None)  # no attribute of the class: see __getattr__
    doubt: Doubt | None = None
    csib: CSIB | None = None
    files: "Stored | None" = field(default=None, init=False, repr=False)  # from which it was loaded

    def __repr__(self) -> str:
        """Say what it is, without building the networks."""
        config = self.config
        scale = f"{config.scale.name}, {config.scale.low:g} to {config.scale.high:g}"
        baseline = "no baseline" if self.baseline_config is None else "with a baseline"
        return f"Pair({self.name!r}: {scale}; {len(config.attributes)} attributes, {config.backbone}, {baseline})"

    def __getattr__(self, name: str) -> Any:
        """Build the networks when the first of them, or the templates of the folds, are asked for."""
        if name not in ("siam", "baseline", "fold_templates") or self.files is None:
            raise AttributeError(f"a Pair has no attribute {name!r}")
        with self.files.lock:
            if not self.built:
                _build(self, self.files)
        return self.__dict__[name]

    @property
    def built(self) -> bool:
        """Whether its networks are there, as modules of PyTorch."""
        return "siam" in self.__dict__

    @property
    def config(self) -> SIAMConfig:
        """SIAM's config."""
        return self.siam.config if self.built or self.files is None else self.files.config

    @property
    def baseline_config(self) -> BaselineConfig | None:
        """The baseline's config, if there is a baseline."""
        if self.files is not None and not self.built:
            return self.files.baseline
        return None if self.baseline is None else self.baseline.config

    @property
    def configs(self) -> tuple[SIAMConfig] | tuple[SIAMConfig, BaselineConfig]:
        """The configs of its networks."""
        return (self.config,) if self.baseline_config is None else (self.config, self.baseline_config)

    @property
    def engine(self) -> str:
        """What computes its networks where no gradients are needed: "openvino" or "pytorch"."""
        if not self.built:
            return "openvino"
        from siam.models.engine import name_of

        return name_of(self.siam)

    @property
    def templates(self) -> tuple[np.ndarray, np.ndarray | None]:
        """SIAM's effective templates (K, g, g), and those of the folds (R, K, g, g) if they are known, as arrays."""
        if self.files is not None and not self.built:
            arrays = self.files.arrays
            return readout.effective_templates(arrays["siam"]), arrays.get("folds", {}).get("templates")
        folds = self.fold_templates
        effective = self.siam.scenicness_head.effective_templates().detach().cpu().numpy()
        return effective, None if folds is None else folds.cpu().numpy()

    def use_pytorch(self) -> None:
        """Build the networks without an engine, after it failed."""
        if self.files is not None:
            self.__dict__["files"] = replace(self.files, engine="pytorch", ready=None)

    @property
    def version(self) -> str | None:
        """Its version, such as "1.0"; None if the card does not tell it."""
        return versions.known(self.card)

    @property
    def recognition(self) -> dict[str, Recognition]:
        """How well each attribute is recognised, as the card says; empty if it does not.

        Raises:
            CheckpointError: the card's `attributes` is malformed; `load` raises it first.
        """
        return recognition.read(self.card.get(recognition.KEY), self.config.attributes, Path(self.name) / CARD)


@dataclass(frozen=True, eq=False)
class Stored:
    """The files from which a pair was loaded.

    Attributes:
        folder: that holds them.
        config: SIAM's, from the card.
        baseline: the baseline's, or None.
        device: where to put the networks.
        engine: which engine computes them.
        key: a hash of all files.
        scores_key: a hash of that on which scores depend: weights and configs. Galleries store it.
        ready: the networks as the engine has them, or None.
        lock: to hold while the networks are built.
        arrays: if they are ready, the tensors of each file but those of backbones, by its stem, in single precision.
    """

    folder: Path
    config: SIAMConfig
    baseline: BaselineConfig | None
    device: "str | torch.device"
    engine: str
    key: str
    scores_key: str
    ready: Compiled | None
    lock: RLock
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    __repr__ = brief

    def numbers(self, images: np.ndarray, baseline_images: np.ndarray | None, threads: int) -> dict[str, Any]:
        """Return the numbers of an `Explanation` of one photo by name, with the templates of the folds ("folds") and
        SIAM's mean features (C,).

        Args:
            images: (1, 3, H, W), prepared as SIAM wants it.
            baseline_images: likewise, for the baseline; None if both want the same.
            threads: to compute with.

        Raises:
            EngineError: the engine failed, with what went wrong.
            ValueError: no cell is left inside the border of the maps.
        """
        both = ["siam", "siam mean"]
        names = both if self.baseline is None or baseline_images is not None else [*both, "baseline"]
        layer, mean, *other = self._run(names, images, threads)
        if baseline_images is not None:
            other = self._run(["baseline"], baseline_images, threads)
        found = readout.explained(self.config, self.arrays["siam"], layer[0]) | {"mean_features": mean[0]}
        if other:
            found |= readout.scored(self.arrays["baseline"]["linear.bias"], other[0][0, 0])
        else:
            found |= dict.fromkeys(("baseline_scenicness", "baseline_bias", "baseline_map"))
        return {**found, "folds": self.arrays.get("folds", {}).get("templates")}

    def _run(self, names: Sequence[str], images: np.ndarray, threads: int) -> list[np.ndarray]:
        assert self.ready is not None
        try:
            return self.ready.run(names, images, threads)
        except Exception as error:  # whatever can go wrong in a library that we can do without
            raise EngineError(compiled.failed(error)) from error


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled pairs."""
    return tuple(sorted(card.parent.name for card in BUNDLED.glob(f"*/{CARD}")))


def called(name: str) -> list[Path]:
    """Return the folders of the pairs with a name on their card: bundled, or below `runs` and `models` here."""
    cards_here = [*BUNDLED.glob(f"*/{CARD}"), *(card for place in OWN for card in sorted(place.glob(f"*/{CARD}")))]
    found = []
    for path in cards_here:
        with suppress(CheckpointError):  # damaged
            if cards.read(path.parent).get("name") == name:
                found.append(path.parent)
    return found


def load(source: str | Path, device: "str | torch.device | None" = None, *, engine: str | None = None) -> Pair:
    """Load a pair, in evaluation mode and single precision.

    Args:
        source: the name of a bundled pair, a folder, or a Hugging Face Hub repository: `owner/name` for its newest
            version, `owner/name@revision` for a branch, tag or commit. `siam.models.hub.fetch` describes the cache and
            offline use.
        device: where to put the networks; by default a GPU if PyTorch sees one, else the CPU.
        engine: what computes features on a CPU where no gradients are needed: "openvino", "pytorch", or
            by default what the environment variable SIAM_ENGINE names, else the fastest that is installed.

    Raises:
        CheckpointError: nothing is found, or the files are damaged or do not match the card.
        EngineError: there is no such engine, or it is not installed.

    Example:
        >>> import siam
        >>> pair = siam.load("photo", device="cpu")
        >>> len(pair.siam.config.attributes)
        33
        >>> pair.siam.config.scale.low, pair.siam.config.scale.high
        (1.0, 7.0)
    """
    keep_freed_memory()
    engine = compiled.chosen(engine)
    folder = find(source)
    card = cards.read(folder)
    config, baseline = _configs(card, folder)
    recognition.read(card.get(recognition.KEY), config.attributes, folder / CARD)
    versions.read(card, folder / CARD)
    key, scores_key = _keys(folder, config, baseline)
    if device is None:
        device = best_device()
    ready = compiled.find(key) if engine == "openvino" and str(device) == "cpu" else None
    arrays = {} if ready is None else _arrays(folder)
    files = Stored(folder, config, baseline, device, engine, key, scores_key, ready, RLock(), arrays)
    pair = object.__new__(Pair)
    name, context = str(card.get("name", folder.name)), groups.read(folder, config.attributes)
    pair.__dict__.update(name=name, card=card, files=files, doubt=_doubt(folder), csib=context)
    if ready is None:  # in the cache are only networks that were loaded from these very files before
        _build(pair, files)
    return pair


def read_configs(source: str | Path) -> tuple[SIAMConfig, BaselineConfig | None]:
    """Return the configs of a pair's networks, the baseline's being None if there is none, without loading them.

    Raises:
        CheckpointError: nothing is found, or the card is damaged.
    """
    folder = find(source)
    return _configs(cards.read(folder), folder)


def _configs(card: dict[str, Any], folder: Path) -> tuple[SIAMConfig, BaselineConfig | None]:
    try:
        config = cards.config(SIAMConfig, card.get("siam"), folder / CARD)
        if card.get("baseline") is None:
            return config, None
        return config, cards.config(BaselineConfig, card["baseline"], folder / CARD)
    except (ValueError, TypeError) as error:  # no network can be built from the card
        raise CheckpointError(f"{folder / CARD}: {error}") from error


def _build(pair: Pair, files: Stored) -> None:
    """Build the networks of a pair that was loaded from files.

    Raises:
        CheckpointError: the files are damaged, or hold other networks by now.
    """
    from siam.models import identity, weights  # imported here, since they need PyTorch

    key, scores_key = _keys(files.folder, files.config, files.baseline)
    if scores_key != files.scores_key:
        raise CheckpointError(f"{files.folder} holds other networks than when it was loaded: load it again")
    ready = files.ready if key == files.key else None  # explainers may have been fitted since
    siam, baseline, folds = weights.build(files.folder, files.config, files.baseline, files.device)
    if files.engine == "openvino" and str(files.device) == "cpu":
        weights.attach(siam, baseline, key, ready)
    pair.__dict__.update(baseline=baseline, fold_templates=folds, siam=siam)  # `built` looks at the last
    identity.remember(pair, key, scores_key)


def _keys(folder: Path, config: SIAMConfig, baseline: BaselineConfig | None) -> tuple[str, str]:
    """Return hashes of all files of a pair, and of that on which scores depend."""
    contents: dict[str, bytes] = {}
    for path in sorted([folder / CARD, *folder.glob("*.safetensors")]):
        with storage_errors(path):
            contents[path.name] = path.read_bytes()
    networks = [contents.get(f"{name}.safetensors", b"") for name in ("siam", "baseline")[: 1 + bool(baseline)]]
    everything = [part for name, content in contents.items() for part in (name.encode(), content)]
    return _hash(everything), _scores_key(config, baseline, networks)


def _scores_key(config: SIAMConfig, baseline: BaselineConfig | None, networks: Sequence[bytes]) -> str:
    """Return a hash of that on which scores depend; it is stored in galleries, so it must never change."""
    configs = [cards.settings(of).encode() for of in (config, baseline) if of is not None]
    return _hash([*configs, *networks])


def scores_key(folder: Path) -> str:
    """Return a hash of that on which a stored pair's scores depend, its weights and configs, without loading it.

    Raises:
        CheckpointError: the card is damaged.
        StorageError: a file cannot be read.
    """
    return _keys(folder, *_configs(cards.read(folder), folder))[1]


def stored_key(pair: Pair, *, half: bool) -> str:
    """Return what `scores_key` gives for a pair once `save` has written it."""
    from siam.models import weights  # imported here, since it needs PyTorch

    contents: list[bytes] = []
    for network in (pair.siam, pair.baseline):
        if network is not None:
            weights.save_tensors(network, Path(), half, lambda _path, content: contents.append(content))
    return _scores_key(pair.config, pair.baseline_config, contents)


def _arrays(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the tensors of each file but those of backbones, by its stem, in single precision."""
    arrays: dict[str, dict[str, np.ndarray]] = {}
    for name in (SIAM_FILE, BASELINE_FILE, agreement.FILE):
        path = folder / name
        if path.exists():
            with safe_open(path, "np") as stored:
                names = [key for key in stored.keys() if not key.startswith("backbone.")]  # noqa: SIM118
                arrays[path.stem] = {key: stored.get_tensor(key).astype(np.float32) for key in names}
    return arrays


def _doubt(folder: Path) -> Doubt | None:
    """Return how far to trust a pair's scores.

    Raises:
        CheckpointError: its file is damaged, or was made for networks with other features.
    """
    doubt = doubts.read(folder)
    if doubt is None:
        return None
    with suppress(SafetensorError, OSError), safe_open(folder / SIAM_FILE, "np") as stored:  # else `_build` says so
        channels = stored.get_slice("attribute_layer.weight").get_shape()[1]
        if channels != len(doubt.centre):
            raise CheckpointError(
                f"{folder / doubts.FILE} is for features of {len(doubt.centre)} channels, but the networks have "
                f"{channels}: calibrate the pair again"
            )
    return doubt


def _hash(parts: Sequence[bytes]) -> str:
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def save(pair: Pair, folder: Path, *, half: bool = False) -> None:
    """Write a pair and its card to `folder`: all files, or none if one cannot be stored.

    Args:
        pair: the networks; the card's format number and configs are filled in here. Figures in the card that are NaN or
            infinite, such as the rank correlation of equal scores, become null, since JSON has no such numbers.
        folder: created if missing; existing files are replaced.
        half: store weights in half precision (half the size; about three significant digits).

    Raises:
        CheckpointError: a config holds a number that is not finite.
        ValueError: the templates of the folds are not finite, or not of shape (R, K, g, g).
        StorageError: a file cannot be written; existing ones are then left unchanged.
    """
    from siam.models import fitted, weights  # imported here, since they need PyTorch

    text = cards.text(pair.card, pair.name, pair.siam.config, pair.baseline.config if pair.baseline else None)
    with whole_files(folder / CARD) as write:
        write(folder / CARD, text.encode())
        weights.save_tensors(pair.siam, folder / SIAM_FILE, half, write)
        if pair.baseline is not None:
            weights.save_tensors(pair.baseline, folder / BASELINE_FILE, half, write)
            fitted.write_all(pair.baseline, folder, write)
        agreement.keep(folder, pair.fold_templates, write)
        doubts.keep(folder, pair.doubt, write)
        groups.keep(folder, pair.csib, write)


def find(source: str | Path) -> Path:
    """Return the folder of a pair, downloaded from the Hub if necessary; `load` says what `source` may be.

    Raises:
        CheckpointError: nothing is found.
    """
    if isinstance(source, str) and source in bundled():
        return BUNDLED / source
    folder = Path(source)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"{folder} is a file: give the folder that holds it, with {CARD} and safetensors files")
    name = str(source)
    if isinstance(source, Path) or _is_path(name):
        raise CheckpointError(f"there is no folder {name}: give a folder with {CARD}{_bundled_or_hub()}")
    if name.partition("@")[0].count("/") != 1:
        near = get_close_matches(name.lower(), bundled(), n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise CheckpointError(
            f"there are no networks named {name!r}{meant}: give a bundled name ({', '.join(bundled()) or 'none'}), "
            f"a folder with {CARD}, or a Hub repository owner/name or owner/name@revision"
        )
    from siam.models.hub import fetch  # imported here, so that only the Hub's users wait for its library

    try:
        return fetch(name)
    except CheckpointError as error:
        if "@" in name:
            raise
        raise CheckpointError(f"there is no folder {name}, and as a Hub repository: {error}") from error


def _is_path(name: str) -> bool:
    """Return whether a name can only be a path, not a repository of the Hub."""
    return name.startswith(("/", ".", "~")) or name.endswith("/") or "\\" in name or ":" in name


def _bundled_or_hub() -> str:
    return f", a bundled name ({', '.join(bundled()) or 'none'}), or a Hub repository owner/name"


def files(card: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Return the names of those files in a folder that belong to the pair with this card."""
    from siam.models import fitted  # imported here, since it needs PyTorch

    further = [name for name in (agreement.FILE, doubts.FILE, groups.FILE) if (folder / name).exists()]
    if card.get("baseline") is None:
        return (CARD, SIAM_FILE, *further)
    return (CARD, SIAM_FILE, BASELINE_FILE, *further, *(path.name for path in fitted.files(folder)))
