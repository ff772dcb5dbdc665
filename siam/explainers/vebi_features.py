"""What VEBI takes a picture for: how strongly each channel of each layer answers, as one vector per picture.

::

    s[l, c] = sum_ij A_l[c, i, j]^2,      v[l, c] = s[l, c] / sum_c s[l, c],      x = v / ||v||_2

A_l is the output of layer l; x has an entry for every channel of every layer.

- Layers: the outputs of all activation modules of the trunk (ReLU and its kin), which are where the paper's networks
  have theirs. A channel is >= 0 there, so a large norm means that something was found; what lies between (convolutions,
  normalisations, the linear bottlenecks of EfficientNets) is signed, and its norm would mix presence with absence.
- The paper also takes fully connected layers; these trunks have none.
- A trunk without such a module is described by its output alone.

J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation by Interpretation: Improving Visual Feedback Capabilities of
Deep Neural Networks", ICLR 2019, arXiv:1712.06302, sec. 3.1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Mish)


def feature_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the dotted names of the layers that describe a picture, in the order in which the trunk holds them."""
    names = tuple(
        name
        for name, module in model.named_modules()
        if name.startswith("backbone.") and isinstance(module, ACTIVATIONS)
    )
    return names or ("backbone",)


@contextmanager
def watched(model: nn.Module, layers: Sequence[str], see: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Show each layer's output (N, C, h, w) to `see`, with its dotted name, whenever the model runs in the body.

    Raises:
        ValueError: the model has no such layer.
    """

    def watch(name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            see(name, output)
            return output.clone() if output.requires_grad else output  # what follows may work in place

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
        raise ValueError(
            f"the network has no layer {name!r}, of those that describe a picture: fit VEBI again"
        ) from None


def squared_norms(output: Tensor) -> Tensor:
    """Return s (N, C) of a layer's output (N, C, h, w)."""
    return output.detach().square().sum(dim=(2, 3))


def descriptors(norms: Sequence[Tensor]) -> Tensor:
    """Return x (N, D) of the squared norms (N, C_l) of the layers, in their order; a layer that is 0 stays 0.

    Each row is of length 1, unless all layers are 0.
    """
    shares = torch.cat([norm / norm.sum(dim=1, keepdim=True).clamp(min=1e-12) for norm in norms], dim=1)
    return nn.functional.normalize(shares, dim=1)


def entries(sizes: Sequence[int], layer: Tensor, channel: Tensor) -> Tensor:
    """Return where in x the features (M,) stand, for layers of the given numbers of channels.

    Raises:
        ValueError: a layer has no such channel.
    """
    counts = torch.tensor(sizes)
    if len(layer) and (layer.max() >= len(counts) or bool((channel >= counts[layer]).any())):
        raise ValueError(f"the layers have {list(sizes)} channels, and a feature is of another: fit VEBI again")
    return (counts.cumsum(0) - counts)[layer] + channel
