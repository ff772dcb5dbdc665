"""Training L-CAM's heads: a small mask through which a frozen network still gives its answer to the whole picture.

::

    a = sigmoid(conv(A))                                   one map per output of the network
    Fm:   y~ = linear(pool(a * A))
    Img:  y~ = network(normalised(x * enlarged(a)))        x: the picture in [0, 1], so what is hidden is black
    loss = 1.5 E + 2 mean((a + 0.0005)^0.3) + 0.01 TV(a)
    TV(a) = (sum dx^2 + sum dy^2 + 0.3 sum border^2) / 2   of each picture; border: the four outer rows and columns

A is the last feature map. Only the convolution is trained, by SGD with Nesterov momentum; the network stays frozen.

- For a classifier, E is the cross-entropy of y~ against the class it predicts, whose map a is used, as in the paper.
- For a score (ours), E = (y~ - y)^2 / variance of y over the training pictures, so a constant guess costs 1.
- The convolution starts at 0, where a = 0.5 everywhere, or from a head that was fitted before: Img's gradient passes
  through the whole network, and few such steps are affordable without a GPU.
- Every picture is shown as it is or mirrored, at random.

Where the authors' code differs from their paper, this follows the paper. Area and TV are those of each picture's own
map: the code takes the map of every picture's class on every picture of a batch, N x N maps, which weakens their pull
on a picture's own map N times. The learning rate falls after every epoch; in the code, after each of the first twelve.
Weights and bias share it; in the code, the bias has twice the rate.

A head must do better than masks that look at nothing. So the held-out pictures are also seen through two controls, each
with the mean of the head's mask on the same picture: "constant", the same grey everywhere, and "centre", a Gaussian in
the middle.

I. Gkartzonika, N. Gkalelis, V. Mezaris, "Learning Visual Explanations for DCNN-Based Image Classifiers Using an
Attention Mechanism", ECCV Workshops 2022, arXiv:2209.11189, sec. 3; area and variation are those of P. Dabkowski,
Y. Gal, "Real Time Image Saliency for Black Box Classifiers", NeurIPS 2017, arXiv:1705.07857.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from siam.errors import TrainingError
from siam.explainers.base import Progress, enlarged, quiet, untouched
from siam.explainers.fitting.settings import Settings, settings_from
from siam.explainers.minibatches import at_once
from siam.images.preprocessing import InputConfig, preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.features import VIEWS, extract
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork

Pooled = Baseline | FlowerNetwork  # a backbone, average pooling and a linear layer with one or more outputs
Places = list[tuple[int, int]]  # (picture, view): view 1 is mirrored
# (features (n, C, h, w), masks (n, h, w), files, views) -> outputs (n, T) of the pictures seen through the masks
Masked = Callable[[Tensor, Tensor, Sequence[Path], Sequence[int]], Tensor]
Mask = Callable[[Tensor, Tensor], Tensor]  # (features (n, C, h, w), outputs (n, T) for whole pictures) -> (n, h, w)
_RESAMPLES = 2000  # of the held-out pictures, for an interval


def drawn(files: Sequence[Path], count: int, seed: int) -> Sequence[Path]:
    """Return `count` files drawn at random, in their order; all of them if there are no more, or `count` is 0."""
    if not 0 < count < len(files):
        return files
    return [files[index] for index in sorted(np.random.default_rng(seed).permutation(len(files))[:count])]


def check(section: Mapping[str, Any]) -> None:
    """Raise a TrainingError if a recipe's section cannot be used."""
    settings_from(section)


def learn(
    name: str,
    model: Pooled,
    files: Sequence[Path],
    section: Mapping[str, Any],
    cache: Path,
    progress: Progress = quiet,
) -> Fitted:
    """Return what L-CAM learns with the settings of a recipe's section, including the seed; show a progress bar.

    Raises:
        ImageError, TrainingError: as `fit_fm`.
    """
    fit = fit_img if name == "lcam_img" else fit_fm
    return fit(model, files, settings_from(section), cache)


def fit_fm(model: Pooled, files: Sequence[Path], settings: Settings, cache: Path) -> Fitted:
    """Train the head of L-CAM-Fm on features that are computed once and kept in `cache`.

    Args:
        model: the network, on the CPU; it is left as it was.
        files: pictures; every tenth is held out, for evaluation only.
        settings: see `Settings`.
        cache: folder for the features; 0.5 to 1 MB per picture with the bundled backbones.

    Returns:
        "weight" (T, C) and "bias" (T,) for the network's T outputs. The facts hold the settings and, as "held_out",
        what survives the masks on the held-out pictures: "kept_score_variance", the explained share of the score's
        variance (below 0: worse than a constant), or "kept_probability", the mean probability of the predicted class,
        and "kept_class", the share that keep it; "mask_area", the mean of a; and "controls": the same for the masks
        "constant" and "centre", with "gain", the head's variance or probability minus theirs, and its 95 % "interval"
        over pictures.

    Raises:
        ImageError: a picture cannot be read.
        TrainingError: the head to start from is missing, there are too few pictures, or the loss is not finite.
    """

    def masked(features: Tensor, attention: Tensor, _files: Sequence[Path], _views: Sequence[int]) -> Tensor:
        # linear(pool(a * A)), without writing a * A
        pooled = torch.bmm(features.flatten(2), attention.flatten(1)[:, :, None])[:, :, 0] / attention[0].numel()
        return model.linear(pooled)

    return _fit("lcam_fm", model, files, settings, cache, masked, settings.batch)


def fit_img(model: Pooled, files: Sequence[Path], settings: Settings, cache: Path) -> Fitted:
    """Train the head of L-CAM-Img: like `fit_fm`, but every step sends masked pictures through the whole network."""
    config = _input(model, settings)

    def masked(_features: Tensor, attention: Tensor, files: Sequence[Path], views: Sequence[int]) -> Tensor:
        images = [preprocess(read_image(path), config) for path in files]
        images = [image.flip(3) if view else image for image, view in zip(images, views, strict=True)]
        return _outputs(model, model.backbone(masked_images(torch.cat(images), attention, config)))

    side = config.image_size
    few = at_once(None, torch.empty(0, 3, side, side))  # gradients add up, so this affects memory only
    return _fit("lcam_img", model, files, settings, cache, masked, few)


@dataclass(frozen=True, eq=False)
class _Pictures:
    """P pictures with the features (2, C, h, w) of both views, the outputs (P, 2, T), and the way to mask them."""

    files: Sequence[Path]
    features: Sequence[Tensor]
    outputs: Tensor
    masked: Masked
    at_a_time: int

    def seen(self, mask: Mask, places: Places) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield masks (n, h, w), outputs (n, T) through the masks and for whole pictures, a few of one size at once."""
        sizes: dict[tuple[int, ...], Places] = defaultdict(list)
        for picture, view in places:
            sizes[tuple(self.features[picture].shape[2:])].append((picture, view))
        for alike in sizes.values():
            for first in range(0, len(alike), self.at_a_time):
                pictures, views = map(list, zip(*alike[first : first + self.at_a_time], strict=True))
                features = torch.stack([self.features[p][v] for p, v in zip(pictures, views, strict=True)]).float()
                whole = self.outputs[pictures, views]  # (n, T)
                attention = mask(features, whole)  # (n, h, w)
                yield attention, self.masked(features, attention, [self.files[p] for p in pictures], views), whole


def _fit(
    name: str,
    model: Pooled,
    files: Sequence[Path],
    settings: Settings,
    cache: Path,
    masked: Masked,
    at_a_time: int,
) -> Fitted:
    files = drawn(files, settings.pictures, settings.seed)
    held_out, files = files[9::10], [path for index, path in enumerate(files) if index % 10 < 9]
    if len(held_out) < 2:
        raise TrainingError(
            f"got {len(files) + len(held_out)} pictures to fit {name}; expected 20 or more, as every tenth is held out"
        )
    with untouched(model):
        head = _start(name, model, settings)
        features = extract(model.backbone, _input(model, settings), [*files, *held_out], cache)
        with torch.no_grad():
            outputs = torch.stack([_outputs(model, views.float()) for views in features])  # (P, 2, T)
        parts = slice(len(files)), slice(len(files), None)
        learn, judge = (
            _Pictures(paths, features[part], outputs[part], masked, at_a_time)
            for paths, part in zip((files, held_out), parts, strict=True)
        )
        _train(name, head, learn, settings)
        figures = _figures(head, judge)
    facts = {"explainer": name, "pictures": len(learn.files), "epochs": settings.epochs, "held_out": figures}
    weight, bias = (parameter.detach().clone() for parameter in head.parameters())  # (T, C, 1, 1), (T,)
    return Fitted({"weight": weight[:, :, 0, 0].contiguous(), "bias": bias}, {**facts, "settings": asdict(settings)})


def _input(model: Pooled, settings: Settings) -> BaselineConfig:
    return replace(model.config, image_size=settings.image_size or model.config.image_size)


def _start(name: str, model: Pooled, settings: Settings) -> nn.Conv2d:
    linear = model.linear
    head = nn.Conv2d(linear.in_features, linear.out_features, 1)
    start = {"weight": torch.zeros_like(linear.weight), "bias": torch.zeros(linear.out_features)}
    if settings.start:
        if settings.start not in model.fitted:
            raise TrainingError(f"{name} starts from {settings.start!r}, which is not fitted yet: fit that first")
        start = model.fitted[settings.start].tensors
    with torch.no_grad():
        for parameter, values in zip(head.parameters(), (start["weight"], start["bias"]), strict=True):
            parameter.copy_(values.view_as(parameter))
    return head


def _train(name: str, head: nn.Conv2d, pictures: _Pictures, settings: Settings) -> None:
    variance = float(pictures.outputs[:, 0].var(dim=0, correction=0).sum())
    if not variance > 0:
        raise TrainingError(f"the network's output is the same for all {len(pictures.files)} pictures: choose others")
    optimizer = torch.optim.SGD(
        head.parameters(), settings.learning_rate, 0.9, weight_decay=settings.weight_decay, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, settings.decay)
    generator = np.random.default_rng(settings.seed)
    count = len(pictures.files)
    with tqdm(total=settings.epochs * count, desc=name, unit="picture", file=sys.stderr) as progress:
        for _epoch in range(settings.epochs):
            order = list(zip(generator.permutation(count), generator.integers(VIEWS, size=count), strict=True))
            for first in range(0, count, settings.batch):
                places = order[first : first + settings.batch]
                optimizer.zero_grad()
                loss = 0.0
                for attention, seen, whole in pictures.seen(_learnt(head), places):
                    part = settings.fidelity_weight * infidelity(seen, whole, variance)
                    part = part + settings.area_weight * mask_area(attention)
                    part = part + settings.variation_weight * variation(attention)
                    (part.sum() / len(places)).backward()
                    loss += float(part.detach().sum()) / len(places)
                    progress.update(len(part))
                if not math.isfinite(loss):
                    raise TrainingError(f"the loss of {name} is {loss}: lower its learning_rate in the recipe")
                optimizer.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
            schedule.step()


def _learnt(head: nn.Conv2d) -> Mask:
    """Return what gives each picture the mask of its output; of a classifier's, that of the class predicted for it."""
    weights, biases = head.parameters()  # (T, C, 1, 1), (T,)

    def mask(features: Tensor, whole: Tensor) -> Tensor:
        own = whole.argmax(dim=1)
        weight, bias = weights[own, :, 0, 0], biases[own]  # (n, C), (n,)
        maps = torch.bmm(weight[:, None], features.flatten(2))[:, 0] + bias[:, None]  # (n, h w); faster than the layer
        return maps.view(len(own), *features.shape[2:]).sigmoid()

    return mask


@torch.no_grad()
def _figures(head: nn.Conv2d, pictures: _Pictures) -> dict[str, Any]:
    """Return the figures of the held-out pictures: see `fit_fm`."""
    places, learnt = [(picture, 0) for picture in range(len(pictures.files))], _learnt(head)
    masks: dict[str, Mask] = {
        "head": learnt,
        "constant": lambda features, of: constant(learnt(features, of)),
        "centre": lambda features, of: centred(learnt(features, of)),
    }
    survived: dict[str, np.ndarray] = {}
    facts: dict[str, dict[str, Any]] = {}
    area = 0.0
    for name, mask in masks.items():
        passes = list(pictures.seen(mask, places))
        attention = torch.cat([part.mean(dim=(1, 2)) for part, _seen, _whole in passes])
        area = float(attention.mean())  # the same for all three
        survived[name], facts[name] = _survived(*(torch.cat([parts[index] for parts in passes]) for index in (1, 2)))
    for name in ("constant", "centre"):
        gains = survived["head"] - survived[name]
        draws = np.random.default_rng(0).integers(len(gains), size=(_RESAMPLES, len(gains)))
        low, high = np.quantile(gains[draws].mean(axis=1), (0.025, 0.975))
        interval = [round(float(low), 4), round(float(high), 4)]
        facts[name] |= {"gain": round(float(gains.mean()), 4), "interval": interval}
    controls = {name: facts[name] for name in ("constant", "centre")}
    return {"pictures": len(pictures.files), "mask_area": round(area, 4), **facts["head"], "controls": controls}


def _survived(seen: Tensor, whole: Tensor) -> tuple[np.ndarray, dict[str, float | None]]:
    """Return how much survives the masks on each picture (P,), with the mean to report, of outputs (P, T) and without.

    Of a score, 1 minus its squared error as a share of the variance; of a class, its probability.
    """
    if whole.shape[1] == 1 and not whole.var(correction=0) > 0:
        return np.zeros(len(whole)), {"kept_score_variance": None}
    if whole.shape[1] == 1:
        shares = 1 - (seen - whole)[:, 0].double().square() / whole.double().var(correction=0)
        return shares.numpy(), {"kept_score_variance": round(float(shares.mean()), 4)}
    classes = whole.argmax(dim=1)
    shares = seen.double().softmax(dim=1)[range(len(seen)), classes]
    kept = float((seen.argmax(dim=1) == classes).double().mean())
    return shares.numpy(), {"kept_class": round(kept, 4), "kept_probability": round(float(shares.mean()), 4)}


def _outputs(model: Pooled, features: Tensor) -> Tensor:
    return model.linear(features.mean(dim=(2, 3)))  # (N, T)


# The controls, the terms of the loss, and how a picture is masked. Axes: N pictures, T outputs of the network, H W
# picture, h w map.


def constant(attention: Tensor) -> Tensor:
    """Return maps (N, h, w) that have the mean of the given ones everywhere."""
    return attention.mean(dim=(1, 2), keepdim=True).expand_as(attention)


def centred(attention: Tensor) -> Tensor:
    """Return maps (N, h, w) in [0, 1] with the means of the given ones: Gaussians in the middle, 1 there.

    They are as wide as that mean takes, in proportion to the sides of the picture.
    """
    down, right = ((2 * torch.arange(side).to(attention) + 1) / side - 1 for side in attention.shape[1:])
    distance = down[:, None].square() + right.square()  # (h, w), in half sides
    wanted = attention.mean(dim=(1, 2), keepdim=True)  # (N, 1, 1)
    low, high = torch.full_like(wanted, -5), torch.full_like(wanted, 5)  # of the logarithm of the width
    maps = torch.empty_like(attention)
    for _halving in range(40):
        middle = (low + high) / 2
        maps = (-distance / (2 * middle.exp().square())).exp()
        small = maps.mean(dim=(1, 2), keepdim=True) < wanted
        low, high = middle.where(small, low), high.where(small, middle)
    return (maps * wanted / maps.mean(dim=(1, 2), keepdim=True)).clamp(max=1)


def masked_images(images: Tensor, attention: Tensor, config: InputConfig) -> Tensor:
    """Return normalised images (N, 3, H, W), masked by maps (N, h, w) in [0, 1] that are enlarged to their size.

    The mask multiplies pixels in [0, 1], so 0 gives black and not the mean colour; the result is normalised again.
    """
    mean, std = (torch.tensor(values, dtype=images.dtype).view(1, 3, 1, 1) for values in (config.mean, config.std))
    mask = enlarged(attention, *images.shape[2:])[:, None]  # (N, 1, H, W)
    return ((images * std + mean) * mask - mean) / std


def mask_area(attention: Tensor) -> Tensor:
    """Return mean((a + 0.0005)^0.3) (N,) of maps (N, h, w) in [0, 1]; steep near 0, it makes masks sparse."""
    return (attention + 0.0005).pow(0.3).mean(dim=(1, 2))


def variation(attention: Tensor) -> Tensor:
    """Return TV (N,) of maps (N, h, w), with 0.3 times the squares of the outer rows and columns; corners count twice.

    It is a sum, not a mean, so larger maps cost more, as in the paper.
    """
    squares = attention.square()
    sides = torch.cat([squares[:, 0], squares[:, -1], squares[:, :, 0], squares[:, :, -1]], dim=1)
    down, right = (attention.diff(dim=dim).square().sum(dim=(1, 2)) for dim in (1, 2))
    return (down + right + 0.3 * sides.sum(dim=1)) / 2


def infidelity(seen: Tensor, whole: Tensor, variance: float) -> Tensor:
    """Return E (N,): how far the masks change the network's answer.

    Args:
        seen: outputs (N, T) for the masked pictures.
        whole: outputs (N, T) for the whole pictures: a score if T = 1, otherwise a classifier's logits.
        variance: variance of the score over the training pictures; ignored for a classifier.
    """
    if whole.shape[1] == 1:
        return (seen - whole)[:, 0].square() / variance
    return F.cross_entropy(seen, whole.argmax(dim=1), reduction="none")
