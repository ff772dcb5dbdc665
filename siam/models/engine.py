"""Inference engines: they compute the features of backbones without gradients, faster than PyTorch does.

::

    pytorch     the reference: one module after another, on any device
    openvino    on a CPU: the whole backbone at once, converted once and kept in the user's cache

Features agree with PyTorch's up to the rounding of single precision. An engine steps in only where nothing is asked
for that PyTorch alone can do: gradients, hooks, training, other devices and number formats, weights that were changed
after loading. If it fails, PyTorch takes over with one warning.

Converted backbones are cached under a hash of their structure and weights; the least recently used go first. A machine
whose cache cannot be written works without.
"""

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from siam.errors import EngineError
from siam.models import backbones
from siam.models.identity import Version, same, take_weights, version
from siam.runtime.paths import user_cache

ENGINES = ("openvino", "pytorch")
VARIABLE = "SIAM_ENGINE"
CACHE_BYTES = 500_000_000

_FORMAT = 1  # of the cached files; part of their names
_FILES = ("backbone.xml", "backbone.bin")
_EXAMPLE = (2, 3, 96, 128)  # images from which a backbone's operations are recorded; other sizes may follow


def chosen(name: str | None = None) -> str:
    """Return which engine computes on a CPU: the one named, or else in the variable SIAM_ENGINE, or else the fastest.

    Raises:
        EngineError: there is no such engine, or it is not installed.
    """
    source = "" if name else f" (from {VARIABLE})"
    name = name or os.environ.get(VARIABLE) or "auto"
    if name not in (*ENGINES, "auto"):
        raise EngineError(f"there is no engine {name!r}{source}: choose auto, {' or '.join(ENGINES)}")
    if name == "openvino" and _openvino() is None:
        raise EngineError(f"the engine openvino{source} is not installed: pip install openvino, or choose pytorch")
    return name if name != "auto" else "pytorch" if _openvino() is None else "openvino"


def attach(networks: Iterable[nn.Module], name: str | None = None) -> None:
    """Let an engine compute the features of networks from now on; copies of them have none.

    Args:
        networks: with a `backbone`, in evaluation mode.
        name: see `chosen`.

    Raises:
        EngineError: there is no such engine, or it is not installed.
    """
    engine = _Engine() if chosen(name) == "openvino" else None
    for network in networks:
        backbone: Any = network.backbone
        if engine is None:
            _ATTACHED.pop(backbone, None)
        else:
            _ATTACHED[backbone] = engine


def name_of(network: nn.Module) -> str:
    """Return which engine computes the features of a network where it may: "openvino" or "pytorch"."""
    backbone: Any = network.backbone
    engine = _ATTACHED.get(backbone)
    on_cpu = next(network.parameters()).device.type == "cpu"
    return "openvino" if engine is not None and not engine.failed and on_cpu else "pytorch"


class PassCount:
    """Counts the pictures that pass through a backbone, whatever computes: `backbone.register_forward_hook(count)`.

    Attributes:
        passes: one for each picture.
    """

    def __init__(self) -> None:
        self.passes = 0

    def __call__(self, _backbone: nn.Module, inputs: tuple[Tensor, ...], _features: object) -> None:
        """Count the images (N, 3, H, W) of one call."""
        self.passes += len(inputs[0])


def features(backbone: nn.Module, images: Tensor) -> Tensor:
    """Return the features (N, C, h, w) of images (N, 3, H, W)."""
    found = _by_engine((backbone,), images)
    return backbone(images) if found is None else found[0]


def features_of_both(one: nn.Module, other: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features of both backbones for images (N, 3, H, W); stages that they share are computed once."""
    if one is other:
        both = features(one, images)
        return both, both
    found = _by_engine((one, other), images)
    return backbones.features_of_both(one, other, images) if found is None else (found[0], found[1])


def _by_engine(nets: tuple[nn.Module, ...], images: Tensor) -> list[Tensor] | None:
    """Return what the engine computes; None if there is none, or if it must not step in."""
    engine = _ATTACHED.get(nets[0])
    if engine is None or engine.failed or torch.is_grad_enabled() or images.device.type != "cpu":
        return None
    if images.dtype != torch.float32 or any(_ATTACHED.get(net) is not engine or _watched(net) for net in nets):
        return None
    found = engine.run(nets, images)
    if found is not None:
        for net in nets:
            for count in net._forward_hooks.values():
                count(net, (images,), None)
    return found


def _watched(net: nn.Module) -> bool:
    """Return whether a backbone is being trained, or somebody listens to one of its modules other than to count."""
    hooks = (hook for hook in net._forward_hooks.values() if not isinstance(hook, PassCount))
    return next(hooks, None) is not None or any(
        module.training
        or (module._forward_hooks and module is not net)
        or module._forward_pre_hooks
        or module._backward_hooks
        for module in net.modules()
    )


class _Backbones(nn.Module):
    """One backbone, or two at once; what it returns is a tuple."""

    def __init__(self, nets: tuple[nn.Module, ...]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return features of images (N, 3, H, W)."""
        if len(self.nets) == 1:
            return (self.nets[0](images),)
        return backbones.features_of_both(self.nets[0], self.nets[1], images)


class _Engine:
    """The converted backbones of one or two networks, compiled when they are first needed.

    A photo alone gets all threads. Where each of PyTorch's threads works on its own photo, each gets one.

    Attributes:
        failed: whether something went wrong, and PyTorch has taken over.
    """

    def __init__(self) -> None:
        self.failed = False
        self._compiled: dict[Any, tuple[Any, list[Version]]] = {}
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def run(self, nets: tuple[nn.Module, ...], images: Tensor) -> list[Tensor] | None:
        """Return the features of each backbone; None if their weights have changed, or if OpenVINO failed."""
        threads = torch.get_num_threads()
        key = (*map(id, nets), threads)
        state = [version(tensor) for net in nets for tensor in net.state_dict(keep_vars=True).values()]
        try:
            with self._lock:
                if key not in self._compiled:
                    self._compiled[key] = _compiled(nets, threads), state
            model, known = self._compiled[key]
            if not same(known, state):
                return None
            requests = self._of_thread.__dict__
            if key not in requests:
                requests[key] = model.create_infer_request()
            request = requests[key]
            request.infer([images.contiguous().numpy()], share_inputs=True)
            return [torch.from_numpy(request.get_output_tensor(place).data.copy()) for place in range(len(nets))]
        except Exception as error:  # whatever can go wrong in a library that we can do without
            self.failed = True
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            warnings.warn(f"OpenVINO failed ({reason}), so PyTorch takes over: it is slower", stacklevel=2)
            return None


def _openvino() -> ModuleType | None:
    """Return the package, or None if it is not installed or cannot be loaded.

    Without this entry, importing it would send usage statistics to its makers.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType] - import fails, as it should
    try:
        return importlib.import_module("openvino")
    except Exception:  # a broken wheel is as good as none
        return None


def _compiled(nets: tuple[nn.Module, ...], threads: int) -> Any:
    """Return the backbones as a compiled model, from the cache if they are there."""
    ov: Any = _openvino()
    streams = (os.cpu_count() or 1) if threads == 1 else 1
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # by itself it picks bfloat16 on some processors
        "INFERENCE_NUM_THREADS": max(threads, streams),
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
    }
    core = ov.Core()
    folder = user_cache() / "engines" / _name(nets, ov.__version__)
    try:
        model = core.read_model(folder / _FILES[0])
        os.utime(folder)
    except Exception:  # not there, not readable, or damaged
        model = _converted(ov, nets)
        _keep(ov, model, folder)
    return core.compile_model(model, "CPU", settings)


def _name(nets: tuple[nn.Module, ...], library: str) -> str:
    """Return a hash of everything on which a converted model depends."""
    digest = hashlib.sha256(f"{_FORMAT} {library}".encode())
    for net in nets:
        digest.update(f"{net} {getattr(net, 'finer', '')}".encode())
        take_weights(digest, net)
    return digest.hexdigest()[:32]


def _converted(ov: Any, nets: tuple[nn.Module, ...]) -> Any:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing: that sizes are read as numbers, as they may be here
        return ov.convert_model(
            _Backbones(nets).eval(), example_input=torch.zeros(_EXAMPLE), input=[ov.PartialShape([-1, 3, -1, -1])]
        )


def _keep(ov: Any, model: Any, folder: Path) -> None:
    """Store a converted model, whole or not at all, and remove those that were not used for longest."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            ov.save_model(model, part / _FILES[0], compress_to_fp16=False)
            shutil.rmtree(folder, ignore_errors=True)  # damaged
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        stored = sorted((path for path in folder.parent.iterdir()), key=lambda path: -path.stat().st_mtime)
        total = 0
        for path in stored:
            total += sum(file.stat().st_size for file in path.iterdir())
            if total > CACHE_BYTES and path != folder:
                shutil.rmtree(path, ignore_errors=True)
    except OSError:  # read-only or full: it works without
        pass


_ATTACHED: WeakKeyDictionary[nn.Module, _Engine] = WeakKeyDictionary()
