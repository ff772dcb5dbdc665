"""Inference engines: they compute networks faster than PyTorch does, but no gradients.

::

    pytorch     the reference: one module after another, on any device
    openvino    on a CPU: the whole network at once, converted once and kept in the user's cache

Numbers agree with PyTorch's up to the rounding of single precision. An engine steps in only where nothing is asked for
that PyTorch alone can do: gradients down to a backbone, hooks within it, training, other devices and number formats,
weights that were changed after loading. If it fails, PyTorch takes over with one warning.
"""

import threading
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from siam.models import backbones, compiled
from siam.models.compiled import Compiled
from siam.runtime.silence import without_warnings

ALL = slice(None)
_EXAMPLE = (2, 3, 96, 128)  # images from which a network's operations are recorded; other sizes may follow


class Network(Protocol):
    """A SIAM or a baseline."""

    # no docstrings of their own (ruff's D102): the class describes them
    @property
    def backbone(self) -> nn.Module: ...  # noqa: D102

    @property
    def engine(self) -> "Engine | None": ...  # noqa: D102


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


class Engine:
    """Lets OpenVINO compute one or two networks, unless somebody changes them; copies of the networks have none.

    Args:
        layers: the networks' linear layers, by the names of the outputs.
        key: of the networks in the cache (`siam.models.compiled`).
        ready: the networks, or a function that returns them; None if they may have to be converted.

    Attributes:
        failed: whether something went wrong, and PyTorch has taken over.
    """

    def __init__(self, layers: dict[str, "Layer"], key: str, ready: Compiled | Callable[[], Compiled] | None) -> None:
        self.failed = False
        self._layers, self._key = layers, key
        self._ready, self._get = (ready, None) if isinstance(ready, Compiled) else (None, ready)
        self._state = _State([layer.network for layer in layers.values()])
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Make copies None: they may be changed, or live in another process."""
        return type(None), ()

    def of_copy(self, network: Any, copy: Any, rows: slice = ALL) -> "Engine | None":
        """Return an engine for an unchanged copy of one of the networks, None if this one must not compute it.

        Args:
            network: one of the networks.
            copy: with the same weights.
            rows: those outputs of its linear layer that the copy has.
        """
        if self.failed or not self._state.as_it_was(hooks=False):
            return None
        name = self._name(network)
        layer = self._layers[name]
        return Engine({name: Layer(copy, layer.weight, layer.bias, rows)}, self._key, self._networks)

    def run(self, networks: Sequence[Any], images: Tensor, features: bool) -> list[Tensor] | None:
        """Return each network's features, or for each two tensors: what its linear layer makes of them, and their mean.

        None if the engine must not step in, or if it failed.
        """
        if self.failed or images.device.type != "cpu" or images.dtype != torch.float32:
            return None
        if torch.is_grad_enabled() and (images.requires_grad or any(map(_learns, networks))):
            return None
        if not self._state.as_it_was(features):
            return None
        kinds = (" features",) if features else ("", " mean")
        layers = [self._name(network) for network in networks]
        try:
            wanted = [name + kind for name in layers for kind in kinds]
            arrays = self._networks().run(wanted, images.numpy(), torch.get_num_threads())
        except Exception as error:  # whatever can go wrong in a library that we can do without
            self.fail(error)
            return None
        results = [torch.from_numpy(array) for array in arrays]
        for place, network in zip(range(0, len(results), len(kinds)), networks, strict=True):
            for hook in network.backbone._forward_hooks.values():
                changed = hook(network.backbone, (images,), results[place])
                results[place] = results[place] if changed is None else changed
        if not features:
            for place, name in enumerate(layers):
                results[2 * place] = results[2 * place][:, self._layers[name].rows]
        return results

    def _networks(self) -> Compiled:
        with self._lock:
            if self._ready is None:
                self._ready = self._get() if self._get else compiled.find(self._key) or self._convert()
            return self._ready

    def fail(self, error: Exception) -> None:
        """Let PyTorch take over, with one warning."""
        self.failed = True
        warnings.warn(compiled.failed(error), stacklevel=2)

    def _name(self, network: Any) -> str:
        return next(name for name, layer in self._layers.items() if layer.network is network)

    def _convert(self) -> Compiled:
        ov: Any = compiled.openvino()
        module = deepcopy(_Outputs(list(self._layers.values()))).eval()
        for part in module.modules():  # whoever listens to the network must not hear that it is recorded
            part._forward_hooks.clear()
        example = torch.zeros(_EXAMPLE)
        with without_warnings(), torch.no_grad():  # of tracing: that sizes are read as numbers, as they may be here
            recorded = torch.jit.freeze(torch.jit.trace(module, example, check_trace=False))
            model = ov.convert_model(recorded, example_input=example, input=[ov.PartialShape([-1, 3, -1, -1])])
        names = [f"{name}{kind}" for name in self._layers for kind in ("", " features", " mean")]
        for output, name in zip(model.outputs, names, strict=True):
            output.get_tensor().set_names({name})
        compiled.keep(self._key, model)
        return Compiled(model)


@dataclass(frozen=True, eq=False)
class Layer:
    """The linear layer behind a backbone.

    Attributes:
        network: with the backbone.
        weight: (K, C).
        bias: (K,), or None.
        rows: those of its outputs that this network has.
    """

    network: Any
    weight: Tensor
    bias: Tensor | None = None
    rows: slice = field(default_factory=lambda: ALL)


def computed(networks: Sequence[Any], images: Tensor) -> list[tuple[Tensor, Tensor]] | None:
    """Return what the linear layer of each network makes of its features (N, K, h, w), and their mean (N, C).

    None if no engine computes them.

    Args:
        networks: one, or both of a pair.
        images: (N, 3, H, W), preprocessed.
    """
    engine = _engine_of(networks)
    ready = None if engine is None else engine.run(networks, images, features=False)
    return None if ready is None else list(zip(ready[::2], ready[1::2], strict=True))


def features(network: Network, images: Tensor) -> Tensor:
    """Return the features (N, C, h, w) of images (N, 3, H, W) by an engine, or else by the backbone."""
    engine = _engine_of([network])
    ready = None if engine is None else engine.run([network], images, features=True)
    return network.backbone(images) if ready is None else ready[0]


def copied(network: nn.Module) -> Any:
    """Return a copy of a network, to run beside it: its engine computes the copy, too."""
    engine: Any = network.engine
    copy: Any = deepcopy(network)
    copy.engine = None if engine is None else engine.of_copy(network, copy)
    return copy


def name_of(network: Any) -> str:
    """Return which engine computes a network where it may: "openvino" or "pytorch"."""
    on_cpu = next(network.parameters()).device.type == "cpu"
    return "openvino" if network.engine is not None and not network.engine.failed and on_cpu else "pytorch"


def _engine_of(networks: Sequence[Any]) -> Engine | None:
    engine = networks[0].engine
    return engine if all(network.engine is engine for network in networks) else None


class _Outputs(nn.Module):
    """Of each network, what its linear layer makes of its features, the features, and their mean over the cells."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(layer.network.backbone for layer in layers)
        for place, layer in enumerate(layers):
            self.register_buffer(f"weight_{place}", layer.weight.detach())
            self.register_buffer(f"bias_{place}", None if layer.bias is None else layer.bias.detach())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return outputs for images (N, 3, H, W)."""
        maps = backbones.stage_maps(list(self.backbones), images)
        outputs: list[Tensor] = []
        for place, of in enumerate(maps):
            outputs.append(backbones.read_out(of, self.get_buffer(f"weight_{place}"), getattr(self, f"bias_{place}")))
            outputs.append(backbones.joined(of))
            outputs.append(outputs[-1].mean(dim=(2, 3)))
        return tuple(outputs)


class _State:
    """Modules and tensors of networks as they are now, to notice whether they are replaced, changed or watched."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self._watching = {id(network) for network in networks}
        self._modules = [module for network in networks for module in network.modules()]
        tables: list[dict[str, Any]] = [
            table for module in self._modules for table in (module._parameters, module._buffers, module._modules)
        ]
        self._slots = [(table, name, value) for table in tables for name, value in table.items()]
        tensors = {id(value): value for _table, _name, value in self._slots if isinstance(value, Tensor)}
        self._tensors = [(tensor, _version(tensor), tensor.data_ptr()) for tensor in tensors.values()]
        self._backbones = {id(network.backbone) for network in networks}

    def as_it_was(self, hooks: bool) -> bool:
        """Return whether nothing was changed, nothing is trained, and nobody listens to a module.

        Args:
            hooks: whether backbones may have any forward hooks, which get their features; else only those that count.
        """
        return (
            not any(self._is_watched(module, hooks) for module in self._modules)
            and all(table.get(name) is value for table, name, value in self._slots)
            and all(_version(tensor) == known and tensor.data_ptr() == at for tensor, known, at in self._tensors)
        )

    def _is_watched(self, module: nn.Module, hooks: bool) -> bool:
        if id(module) in self._watching:  # these still run in PyTorch: only what they are made of does not
            return module.training
        if module.training or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks:
            return True
        if not module._forward_hooks:
            return False
        if id(module) not in self._backbones or module._forward_hooks_with_kwargs:
            return True
        return not hooks and not all(isinstance(hook, PassCount) for hook in module._forward_hooks.values())


def _learns(network: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in network.parameters())


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
