"""How VEBI describes a picture: how strongly each channel of each layer responds, as one vector per picture.

::

    s[l, c] = sum_ij A_l[c, i, j]^2,      v[l, c] = s[l, c] / sum_c s[l, c],      x = v / ||v||_2

A_l is the output of layer l; x has an entry for every channel of every layer.

- Layers: the outputs of all activation modules of the backbone (ReLU and its kin), as in the paper's networks. A
  channel is >= 0 there, so a large norm means that something was found; the layers in between (convolutions,
  normalisations, the linear bottlenecks of EfficientNets) are signed, and their norm would mix presence with absence.
- The paper also uses fully connected layers; these backbones have none.
- A backbone without such a module is described by its output alone.

J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation by Interpretation: Improving Visual Feedback Capabilities of
Deep Neural Networks", ICLR 2019, arXiv:1712.06302, sec. 3.1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Mish)


def feature_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the dotted names of the layers that describe a picture, in the backbone's order."""
    names = tuple(
        name
        for name, module in model.named_modules()
        if name.startswith("backbone.") and isinstance(module, ACTIVATIONS)
    )
    return names or ("backbone",)


@contextmanager
def watched(model: nn.Module, layers: Sequence[str], see: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Pass each layer's dotted name and output (N, C, h, w) to `see` whenever the model runs in the body.

    Raises:
        ValueError: the model has no such layer.
    """

    def watch(name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            see(name, output)
            return output.clone() if output.requires_grad else output  # later modules may work in place

        return hook

    handles = [_layer(model, name).register_forward_hook(watch(name)) for name in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _layer(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        raise ValueError(f"the network has no layer {name!r} to describe a picture with: fit VEBI again") from None


def squared_norms(output: Tensor) -> Tensor:
    """Return s (N, C) of a layer's output (N, C, h, w)."""
    return torch.linalg.vector_norm(output.detach(), dim=(2, 3)).square()


def descriptors(norms: Sequence[Tensor]) -> Tensor:
    """Return x (N, D) from the squared norms (N, C_l) of the layers, in their order; a layer that is 0 stays 0.

    Each row has length 1, unless all layers are 0.
    """
    shares = torch.cat([norm / norm.sum(dim=1, keepdim=True).clamp(min=1e-12) for norm in norms], dim=1)
    return nn.functional.normalize(shares, dim=1)


def entries(sizes: Sequence[int], layer: Tensor, channel: Tensor) -> Tensor:
    """Return the positions in x of the features (M,), for layers with the given numbers of channels.

    Raises:
        ValueError: a layer has no such channel.
    """
    counts = torch.tensor(sizes)
    if len(layer) and (layer.max() >= len(counts) or bool((channel >= counts[layer]).any())):
        raise ValueError(f"the layers have {list(sizes)} channels, but a feature has another: fit VEBI again")
    return (counts.cumsum(0) - counts)[layer] + channel
