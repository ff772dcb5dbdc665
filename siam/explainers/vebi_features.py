"""How VEBI describes a picture: how strongly each channel of each layer responds, as one vector per picture.

::

    s[l, c] = sum_ij A_l[c, i, j]^2,      v[l, c] = s[l, c] / sum_c s[l, c],      x = v / ||v||_2

A_l is the output of layer l; x has an entry for every channel of every layer.

- Layers: the outputs of all activation modules of the backbone (ReLU and its kin), as in the paper's networks. A
  channel is >= 0 there, so a large norm means that something was found; the layers in between (convolutions,
  normalisations, the linear bottlenecks of EfficientNets) are signed, and their norm would mix presence with absence.
- The paper also uses fully connected layers; these backbones have none.
- A backbone without such a module is described by its output alone.
- In a network of another make, they are all activation modules whose output is a map, wherever they are, each run of
  one that runs several times (NAME@1, NAME@2, …), and the tokens of a transformer as maps. Activations that are
  functions, not modules, are not seen. Without any, it is described by its last layer (`siam.explainers.layers`).

J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation by Interpretation: Improving Visual Feedback Capabilities of
Deep Neural Networks", ICLR 2019, arXiv:1712.06302, sec. 3.1.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from siam.explainers.base import Target
from siam.explainers.layers import Reshape, forms_of, last_layer
from siam.models.baseline import Baseline
from siam.models.flowers import FlowerNetwork
from siam.models.siam import SIAM

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Hardswish, nn.Mish)


def feature_layers(model: nn.Module) -> tuple[str, ...]:
    """Return the dotted names of the layers that describe a picture, in the backbone's order."""
    names = tuple(
        name
        for name, module in model.named_modules()
        if name.startswith("backbone.") and isinstance(module, ACTIVATIONS)
    )
    return names or ("backbone",)


def layer_maps(
    model: nn.Module, images: Tensor, target: Target, layers: Sequence[str] | None = None
) -> dict[str, Reshape]:
    """Return, for each layer that describes a picture, how its output becomes maps (N, C, h, w), in their order.

    Args:
        model: the network, frozen.
        images: as `siam.explainers.base.prepared` returns them.
        target: what is explained.
        layers: their names, if they are known; by default all that the module describes.

    Raises:
        ValueError: one of `layers` gives no map.
    """
    if isinstance(model, (SIAM, Baseline, FlowerNetwork)):
        return dict.fromkeys(feature_layers(model) if layers is None else layers, _as_it_is)
    found: dict[str, Reshape] = {**forms_of(model, images, ACTIVATIONS)}
    if not found:
        last = last_layer(model, images, target)
        found = {last.name: last.maps}
    missing = [name for name in layers or () if name not in found]
    if missing:
        raise ValueError(
            f"the layer {missing[0]!r}, which describes a picture, gives no map for one of {tuple(images.shape[2:])} "
            "px: give larger ones"
        )
    return found if layers is None else {name: found[name] for name in layers}


def _as_it_is(output: Tensor) -> Tensor:
    return output


@contextmanager
def watched(
    model: nn.Module,
    layers: Sequence[str],
    see: Callable[[str, Tensor], None],
    maps: Mapping[str, Reshape] | None = None,
) -> Iterator[None]:
    """Pass each layer's name and maps (N, C, h, w) to `see` whenever the model runs in the body.

    Args:
        model: the network; where a name ends in @1, @2, …, it runs once in the body.
        layers: dotted names.
        see: gets them.
        maps: as `layer_maps` returns it; by default outputs are maps as they are.

    Raises:
        ValueError: the model has no such layer.
    """
    wanted: dict[str, dict[int, str]] = defaultdict(dict)  # module -> number of the run, 0 for any -> name of the layer
    for name in layers:
        module, _, run = name.partition("@")
        wanted[module][int(run or 0)] = name

    def watch(names: dict[int, str]) -> Callable[[nn.Module, object, Tensor], Tensor]:
        runs = 0

        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            nonlocal runs
            runs += 1
            name = names.get(0) or names.get(runs)
            if name is not None:
                see(name, output if maps is None else maps[name](output))
            return output.clone() if output.requires_grad else output  # later modules may work in place

        return hook

    handles = [_layer(model, name).register_forward_hook(watch(names)) for name, names in wanted.items()]
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
