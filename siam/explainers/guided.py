"""The backward pass of VEBI: guided, and without the grid that strided convolutions leave.

::

    activation a = f(z):        dz = f'(z) * max(da, 0)
    convolution, stride s > 1:  dz = convolution^T at stride 1 of  repeat(da, s) / s^2

- Guided (Springenberg et al.): an activation passes only positive gradients, and then applies its own derivative. For
  a ReLU this is the paper's rule; the derivative of ReLU6 also blocks them where it is saturated, and that of SiLU is
  nearly 1 or 0 except for small z.
- Mended (Oramas et al., sec. 3.3): the plain backward pass of a strided convolution reaches some pixels through more of
  the kernel's weights than others, which shows as a grid of period s. So the gradient is enlarged (nearest) to the size
  that the output has at stride 1, and passed back at that stride.
- The division by s^2 is ours. It preserves the sum of the gradient, so that a mended branch does not outweigh one that
  joins it after average pooling, as in the shortcuts of some ResNets; elsewhere it scales everything alike.
- The enlarged gradient has steps, which difference kernels pick up; a faint grid remains there.
- Left unchanged: max pooling, whose gradient goes where the maximum was; average pooling, even where cells do not
  overlap; convolutions with padding other than zeros.

J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR
Workshops 2015, arXiv:1412.6806. J. Oramas M., K. Wang, T. Tuytelaars, ICLR 2019, arXiv:1712.06302.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siam.explainers.vebi_features import ACTIVATIONS


@contextmanager
def guided(model: nn.Module, artifact_free: bool = True) -> Iterator[None]:
    """Make backward passes guided for everything the model computes in the body: call it inside `untouched`.

    Outputs do not change. Activations and convolutions must be modules, as timm's are.

    Args:
        model: the network, with frozen parameters; gradients of convolution weights are not computed.
        artifact_free: whether to mend strided convolutions.
    """
    handles = []
    for module in model.modules():
        if isinstance(module, ACTIVATIONS):
            handles.append(module.register_forward_hook(_guide))
        elif artifact_free and _can_be_mended(module):
            handles.append(module.register_forward_hook(_mend))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _can_be_mended(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and max(module.stride) > 1 and module.padding_mode == "zeros"


def mended_gradient(convolution: nn.Conv2d, gradient: Tensor, height: int, width: int) -> Tensor:
    """Return the mended gradient (N, C, H, W) of a convolution's input, given that of its output.

    With stride 1 this is the plain gradient.

    Args:
        convolution: any convolution padded with zeros, including timm's `Conv2dSame`, which pads by input size.
        gradient: gradient (N, C', h, w) of the output.
        height: height H of the input.
        width: width W of the input.
    """
    sizes = zip((height, width), gradient.shape[2:], range(2), strict=True)
    paddings = [_padding(convolution, size, out, axis) for size, out, axis in sizes]
    down, across = convolution.stride
    repeated = (gradient / (down * across))[:, :, :, None, :, None].expand(-1, -1, -1, down, -1, across)
    enlarged = repeated.flatten(4, 5).flatten(2, 3)  # (N, C', h s, w s), copied once
    for axis, (size, (before, after)) in enumerate(zip((height, width), paddings, strict=True)):
        dense = size + before + after - convolution.dilation[axis] * (convolution.kernel_size[axis] - 1)
        enlarged = enlarged.narrow(2 + axis, 0, dense)
    padded = F.conv_transpose2d(
        enlarged, convolution.weight, groups=convolution.groups, dilation=convolution.dilation
    )  # (N, C, H + padding, W + padding)
    (top, _bottom), (left, _right) = paddings
    return padded[:, :, top : top + height, left : left + width]


def _padding(convolution: nn.Conv2d, size: int, out: int, axis: int) -> tuple[int, int]:
    """Return how many zeros were padded before and after an input of that size to give an output of size `out`."""
    stated = convolution.padding
    sure = 0 if isinstance(stated, str) else stated[axis]  # strided: no "same" except timm's, and "valid" is 0
    reach = convolution.dilation[axis] * (convolution.kernel_size[axis] - 1) + 1
    lacking = max(0, (out - 1) * convolution.stride[axis] + reach - size - 2 * sure)  # added by the module itself
    return sure + lacking // 2, sure + lacking - lacking // 2


class _Mended(torch.autograd.Function):
    """A convolution's output, with the mended backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, convolution: nn.Conv2d) -> Tensor:
        ctx.convolution, ctx.size = convolution, inputs.shape[2:]
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return mended_gradient(ctx.convolution, gradients[0], *ctx.size), None, None


def _mend(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return _Mended.apply(inputs[0], output.detach(), module)  # type: ignore[return-value]


def _guide(_module: nn.Module, _inputs: object, output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.clamp(min=0))
