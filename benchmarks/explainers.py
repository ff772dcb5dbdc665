"""How fast the explainers are, next to the packages that people use: `python -m benchmarks.explainers [NAME …]`.

Both explain the score of the photo pair's baseline for the first sample photo, at the pair's own size and with the same
settings, and take turns in one run, so that the ratios hold on a busy machine. Theirs is plain PyTorch, in batches of
the size that suits it best of a few. Where nobody published a package, it is the authors' formula, written plainly.
Slow methods get fewer masks, windows and steps than usual, the same for both; Score-CAM takes all channels, once.
The column r is the correlation of the two maps: their Grad-CAM++ has other alphas, their Score-CAM other masks, and
their Eigen-CAM subtracts the mean of each feature.

The packages are no dependencies of the project: pip install torchcam captum grad-cam
"""

import copy
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import siam
from siam.explainers.ada_sise import AdaSISE, chosen_by_otsu
from siam.explainers.base import Explainer, untouched
from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.grad_cam_pp import GradCAMPP
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.layers import block_layers
from siam.explainers.lcam import LCAMFm
from siam.explainers.occlusion import Occlusion
from siam.explainers.rise import RISE
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.sise import SISE, fused
from siam.explainers.targets import score_up
from siam.explainers.vebi import VEBI
from siam.explainers.vebi_features import ACTIVATIONS, feature_layers
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline

FORMULA = "authors' formula"
BATCHES = (1, 2, 4)  # sizes to choose theirs from
MASKS, CELLS, CELL, STEPS, MU = 64, 7, 64, 6, 0.5  # of RISE, occlusion, integrated gradients and SISE


@dataclass(frozen=True)
class Row:
    """One explainer against one package.

    Attributes:
        name: the explainer's name, as `siam.explainers.explainer` takes it.
        against: the package on PyPI, or "authors' formula".
        version: the package's; "" for a formula.
        theirs_seconds: median for one photo.
        ours_seconds: median for one photo.
        ratios: theirs / ours, for each pair of runs.
        correlation: of the two maps, pixel by pixel.
    """

    name: str
    against: str
    version: str
    theirs_seconds: float
    ours_seconds: float
    ratios: list[float]
    correlation: float

    @property
    def ratio(self) -> float:
        """How many times as long theirs takes as ours: the median of the pairs."""
        return statistics.median(self.ratios)


class Scores(nn.Module):
    """A baseline that returns the score alone, (N, 1), as the packages want it, on PyTorch: a copy has no engine."""

    def __init__(self, model: Baseline) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores."""
        return self.model(images).scenicness[:, None]


@dataclass(frozen=True)
class Setting:
    """What theirs explains: the network, the photo (1, 3, H, W), and how many pictures to pass at once."""

    network: Scores
    image: Tensor
    batch: int


Made = Callable[[], Tensor]  # makes a map (…, h, w)


@dataclass(frozen=True)
class Case:
    """An explainer, what it is compared with, and how many pairs of runs that takes."""

    name: str
    ours: Explainer
    against: str
    theirs: Callable[[Setting], Made]
    rounds: int


def measure(names: Iterable[str] = (), say: Callable[[str], object] = print) -> list[Row]:
    """Return a row for each explainer, or for each of those named.

    Args:
        names: of explainers; by default all.
        say: called with a line about each row once it is there, and about each package that is missing.
    """
    model = siam.load("photo", device="cpu").baseline
    assert model is not None
    image = preprocess(read_image(load_samples()[0].path), model.config)
    network = Scores(model)
    setting, chosen, rows = Setting(network, image, best_batch(network, image)), set(names), []
    say(
        f"{image.shape[2]} x {image.shape[3]} px, {torch.get_num_threads()} threads, theirs in batches of "
        f"{setting.batch}\n{'explainer':<22}{'against':<26}{'theirs ms':>11}{'ours ms':>11}{'ratio':>7}  spread"
        f"{'r':>14}"
    )
    for case in CASES:
        if chosen and case.name not in chosen:
            continue
        try:
            version = "" if case.against == FORMULA else metadata.version(case.against)
            theirs = case.theirs(setting)
        except ImportError as error:
            say(f"{case.name:<22}{case.against} is missing ({error}): pip install {case.against}")
            continue
        rows.append(_row(case, version, theirs, lambda case=case: case.ours(model, image, score_up())))
        row = rows[-1]
        say(
            f"{row.name:<22}{f'{row.against} {row.version}':<26}{1000 * row.theirs_seconds:>11.1f}"
            f"{1000 * row.ours_seconds:>11.1f}{row.ratio:>7.2f}  {min(row.ratios):.2f}-{max(row.ratios):.2f}"
            f"{row.correlation:>12.4f}"
        )
    return rows


def best_batch(network: nn.Module, image: Tensor) -> int:
    """Return the batch size with which PyTorch takes the least time for a picture."""
    taken = {}
    with torch.no_grad():
        for _round in range(3):
            for size in BATCHES:
                pictures = image.repeat(size, 1, 1, 1)
                seconds = _seconds(lambda pictures=pictures: network(pictures))[0] / size
                taken[size] = min(seconds, taken.get(size, math.inf))
    return min(taken, key=lambda size: taken[size])


def _row(case: Case, version: str, theirs: Made, ours: Made) -> Row:
    if case.rounds > 1:  # warm up
        theirs()
        ours()
    pairs, expected, found = [], torch.empty(0), torch.empty(0)
    for number in range(case.rounds):
        first, second = (theirs, ours) if number % 2 == 0 else (ours, theirs)
        (of_first, one), (of_second, other) = _seconds(first), _seconds(second)
        pairs.append((of_first, of_second) if number % 2 == 0 else (of_second, of_first))
        expected, found = (one, other) if number % 2 == 0 else (other, one)
    return Row(
        case.name,
        case.against,
        version,
        statistics.median(taken for taken, _own in pairs),
        statistics.median(own for _taken, own in pairs),
        [taken / own for taken, own in pairs],
        _correlation(expected, found),
    )


def _seconds(make: Made) -> tuple[float, Tensor]:
    began = time.perf_counter()
    found = make()
    return time.perf_counter() - began, found.detach()


def _correlation(expected: Tensor, found: Tensor) -> float:
    """Return Pearson's correlation of two maps, the smaller one enlarged to the size of the other."""
    size = [max(sides) for sides in zip(expected.shape[-2:], found.shape[-2:], strict=True)]
    large = [
        F.interpolate(each.reshape(1, 1, *each.shape[-2:]).float(), size, mode="bilinear") for each in (expected, found)
    ]
    return float(torch.corrcoef(torch.stack([each.flatten() for each in large]))[0, 1])


# The packages


def _torchcam(method: str, **options: Any) -> Callable[[Setting], Made]:
    def theirs(setting: Setting) -> Made:
        from torchcam import methods

        layers = ["model.backbone", *(["model.linear"] if method == "CAM" else [])]
        more = {"batch_size": setting.batch} if method == "ScoreCAM" else {}
        graded = method not in ("CAM", "ScoreCAM")

        def make() -> Tensor:
            with torch.set_grad_enabled(graded), getattr(methods, method)(setting.network, *layers, **more) as extract:
                scores = setting.network(setting.image)
                return extract(0, scores, normalized=False, **options)[0]

        return make

    return theirs


def _pytorch_grad_cam(setting: Setting) -> Made:
    explain = importlib.import_module("pytorch_grad_cam").EigenCAM(
        model=setting.network, target_layers=[setting.network.model.backbone]
    )
    return lambda: torch.from_numpy(explain(setting.image, None))


def _captum_occlusion(setting: Setting) -> Made:
    from captum.attr import Occlusion as TheirOcclusion

    window: Any = (3, CELL, CELL)
    explain = TheirOcclusion(setting.network)
    return lambda: explain.attribute(
        setting.image, window, strides=window, target=0, perturbations_per_eval=setting.batch
    )[:, 0, CELL // 2 :: CELL, CELL // 2 :: CELL]


def _captum_integrated_gradients(setting: Setting) -> Made:
    from captum.attr import IntegratedGradients as TheirIntegratedGradients

    explain = TheirIntegratedGradients(setting.network)
    return lambda: explain.attribute(
        setting.image, target=0, n_steps=STEPS, method="riemann_middle", internal_batch_size=setting.batch
    ).sum(dim=1)


# The authors' formulas


def _scores(setting: Setting, pictures: Callable[[slice], Tensor], count: int) -> Tensor:
    """Return the scores (count,) of pictures that are made batch by batch."""
    parts = [slice(first, min(first + setting.batch, count)) for first in range(0, count, setting.batch)]
    with torch.no_grad():
        return torch.cat([setting.network(pictures(part))[:, 0] for part in parts])


def _into(kept: list[Tensor]) -> Callable[..., None]:
    """Return a hook that appends a module's output to a list."""
    return lambda _module, _inputs, output: kept.append(output)


def _rise(setting: Setting) -> Made:
    """Petsiuk et al., eq. 6, with the mean score subtracted; as in their code, all masks are made first."""

    def make() -> Tensor:
        height, width = setting.image.shape[2:]
        cell = math.ceil(height / CELLS), math.ceil(width / CELLS)
        generator = torch.Generator().manual_seed(0)
        grids = (torch.rand(MASKS, CELLS, CELLS, generator=generator) < 0.5).float()
        shifts = (torch.rand(MASKS, 2, generator=generator) * torch.tensor(cell)).long()
        masks = torch.empty(MASKS, 1, height, width)
        for number, (top, left) in enumerate(shifts.tolist()):
            size = (CELLS + 1) * cell[0], (CELLS + 1) * cell[1]
            large = F.interpolate(grids[None, number : number + 1], size, mode="bilinear")[0]
            masks[number] = large[:, top : top + height, left : left + width]
        scores = _scores(setting, lambda part: setting.image * masks[part], MASKS)
        return ((scores - scores.mean()) @ masks.flatten(1)).view(height, width) / (MASKS * 0.5)

    return make


def _sise(choose: Callable[[Tensor], Tensor], zero: Callable[[Tensor], Tensor]) -> Callable[[Setting], Made]:
    """Sattarzadeh et al., sec. 3, with the choice of feature maps given, and from where their scores are weighed."""

    def theirs(setting: Setting) -> Made:
        network, image = setting.network, setting.image

        def visualization(features: Tensor, alpha: Tensor) -> Tensor:
            kept = features[choose(alpha)]
            kept = kept[kept.amax(dim=(1, 2)) > kept.amin(dim=(1, 2))]
            masks = F.interpolate(kept[:, None], image.shape[2:], mode="bilinear")
            low, high = masks.amin(dim=(2, 3), keepdim=True), masks.amax(dim=(2, 3), keepdim=True)
            masks = (masks - low) / (high - low)
            scores = _scores(setting, lambda part: image * masks[part], len(masks))
            gains = scores - zero(scores)
            total = (gains / masks.sum(dim=(1, 2, 3)) @ masks.flatten(1)).view(image.shape[2:])
            return (total - total.min()) / (total.max() - total.min()).clamp(min=1e-12)

        with untouched(network.model):
            names = [place.name for place in block_layers(network.model, image, score_up())]

        def make() -> Tensor:
            kept: list[Tensor] = []
            handles = [network.model.get_submodule(name).register_forward_hook(_into(kept)) for name in names]
            score = network(image)
            for handle in handles:
                handle.remove()
            gradients = torch.autograd.grad(score.sum(), kept)
            maps = [
                visualization(features[0].detach(), gradient[0].sum(dim=(1, 2)))
                for features, gradient in zip(kept, gradients, strict=True)
            ]
            return fused(maps)

        return make

    return theirs


def _lcam(setting: Setting) -> Made:
    """Gkartzonika et al.: a 1x1 convolution of the last features, scaled to [0, 1]."""
    learnt = setting.network.model.fitted["lcam_fm"].tensors
    weight, bias = learnt["weight"][:, :, None, None].float(), learnt["bias"].float()

    def make() -> Tensor:
        with torch.no_grad():
            found = F.conv2d(setting.network.model.backbone(setting.image), weight, bias)
        return (found - found.min()) / (found.max() - found.min())

    return make


def _vebi(setting: Setting) -> Made:
    """Oramas et al., secs. 3.2 and 3.3: the three strongest features, traced back by guided and mended gradients."""
    network, image = setting.network, setting.image
    learnt = network.model.fitted["vebi"]
    layers = feature_layers(network.model)

    def guide(_module: nn.Module, gradients: Any, _outputs: Any) -> tuple[Tensor]:
        return (gradients[0].clamp(min=0),)

    def mend(module: Any, gradients: Any, outputs: Any) -> tuple[Tensor]:
        (stride, _), (kernel, _), size = module.stride, module.kernel_size, gradients[0].shape[2:]
        wanted = [(out - 1) * stride + kernel - side for out, side in zip(outputs[0].shape[2:], size, strict=True)]
        top, left = (max(0, lacking) // 2 for lacking in wanted)
        large = outputs[0].repeat_interleave(stride, dim=2).repeat_interleave(stride, dim=3) / stride**2
        dense = [side + max(0, lacking) - kernel + 1 for side, lacking in zip(size, wanted, strict=True)]
        padded = F.conv_transpose2d(large[:, :, : dense[0], : dense[1]], module.weight, groups=module.groups)
        return (padded[:, :, top : top + size[0], left : left + size[1]],)

    def make() -> Tensor:
        seen: list[Tensor] = []
        handles = []
        for module in network.modules():
            if isinstance(module, ACTIVATIONS):
                module.__dict__["inplace"] = False  # as PyTorch's backward hooks need it
                handles.append(module.register_full_backward_hook(guide))
            elif isinstance(module, nn.Conv2d) and max(module.stride) > 1:
                handles.append(module.register_full_backward_hook(mend))
        for name in layers:
            handles.append(network.model.get_submodule(name).register_forward_hook(_into(seen)))
        pixels = image.clone().requires_grad_()
        network(pixels)
        norms = [output.detach().square().sum(dim=(2, 3))[0] for output in seen]
        x = F.normalize(torch.cat([norm / norm.sum() for norm in norms]), dim=0)
        starts = torch.tensor([0, *(len(norm) for norm in norms)]).cumsum(0)
        layer, channel = learnt.tensors["layer"], learnt.tensors["channel"]
        relevance = x[starts[layer] + channel] * learnt.tensors["relevance"][0]
        found = torch.zeros_like(image[0, 0])
        for feature in relevance.topk(3).indices.tolist():
            output = seen[layer[feature]][:, channel[feature]]
            (gradient,) = torch.autograd.grad(output.clamp(min=0), pixels, output.detach(), retain_graph=True)
            strength = gradient[0].abs().amax(dim=0)
            found = torch.maximum(found, (strength - strength.min()) / (strength.max() - strength.min()))
        for handle in handles:
            handle.remove()
        return found

    return make


CASES = (
    Case("cam", CAM(), "torchcam", _torchcam("CAM"), 9),
    Case("grad_cam", GradCAM(), "torchcam", _torchcam("GradCAM"), 9),
    Case("grad_cam_pp", GradCAMPP(), "torchcam", _torchcam("GradCAMpp"), 9),
    Case("layer_cam", LayerCAM(), "torchcam", _torchcam("LayerCAM"), 9),
    Case("eigen_cam", EigenCAM(), "grad-cam", _pytorch_grad_cam, 3),
    Case("lcam_fm", LCAMFm(), FORMULA, _lcam, 9),
    Case("vebi", VEBI(), FORMULA, _vebi, 5),
    Case("integrated_gradients", IntegratedGradients(STEPS), "captum", _captum_integrated_gradients, 3),
    Case("occlusion", Occlusion(CELL, 0), "captum", _captum_occlusion, 3),
    Case("rise", RISE(MASKS, CELLS), FORMULA, _rise, 3),
    Case("ada_sise", AdaSISE(), FORMULA, _sise(chosen_by_otsu, torch.min), 1),
    Case("sise", SISE(MU), FORMULA, _sise(lambda alpha: alpha > (MU * alpha.max()).clamp(min=0), torch.mean), 1),
    Case("score_cam", ScoreCAM(softmax=True), "torchcam", _torchcam("ScoreCAM"), 1),
)


def main() -> None:
    """Print a row for each explainer, or for each of those named."""
    rows = measure(sys.argv[1:])
    if rows:
        print(f"lowest ratio {min(row.ratio for row in rows):.2f}: {min(rows, key=lambda row: row.ratio).name}")


if __name__ == "__main__":
    main()
