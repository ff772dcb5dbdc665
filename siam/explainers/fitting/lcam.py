"""Training L-CAM's heads: a small mask through which a frozen network still gives its answer to the whole picture.

::

    a = sigmoid(conv(A))                                   one map per output of the network
    Fm:   y~ = linear(pool(a * A))
    Img:  y~ = network(normalised(x * enlarged(a)))        x: the picture in [0, 1], so what is hidden is black
    loss = 1.5 E + 2 mean((a + 0.0005)^0.3) + 0.01 TV(a)
    TV(a) = (sum dx^2 + sum dy^2 + 0.3 sum border^2) / 2   of each picture; border: the four outer rows and columns

A is the last feature map. Only the convolution is trained, by SGD with Nesterov momentum; the network stays frozen.

For one target y of a network of any make (`fit_to`), the same with

::

    Fm:   y~ = rest(a * A)              A: the layer's output, in its own layout; tokens of no place stay as they are
    Img:  y~ = y(x * enlarged(a) + black * (1 - enlarged(a)))      x: the input; black: that for a black pixel

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
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from siam.errors import TrainingError
from siam.explainers.base import Progress, enlarged, quiet, untouched, values_of
from siam.explainers.cam import is_linear
from siam.explainers.fitting.settings import Settings, settings_from
from siam.explainers.fitting.subject import Subject
from siam.explainers.layers import Place, checked_maps, last_layer, layers_and_gradients, through_masks
from siam.explainers.minibatches import at_once
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.features import VIEWS, extract
from siam.models.fitted import Fitted, fitted_to
from siam.models.flowers import FlowerNetwork

Pooled = Baseline | FlowerNetwork  # a backbone, average pooling and a linear layer with one or more outputs
Places = list[tuple[int, int]]  # (picture, view): view 1 is mirrored
Mask = Callable[[Tensor, Tensor], Tensor]  # (features (n, C, h, w), outputs (n, T) for whole pictures) -> (n, h, w)
# (mask, outputs (n, T) for whole pictures, numbers of n pictures, their views) -> masks (n, h, w), outputs through them
Through = Callable[[Mask, Tensor, Sequence[int], Sequence[int]], tuple[Tensor, Tensor]]
Outputs = Callable[[Tensor], Tensor]  # of features or images (n, C, H, W) -> (n, T)
_RESAMPLES = 2000  # of the held-out pictures, for an interval
_TOLERANCE = 1e-3  # relative, of a target that is linear in the pooled features


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
    return _fit("lcam_fm", model, files, settings, cache)


def fit_img(model: Pooled, files: Sequence[Path], settings: Settings, cache: Path) -> Fitted:
    """Train the head of L-CAM-Img: like `fit_fm`, but every step sends masked pictures through the whole network."""
    return _fit("lcam_img", model, files, settings, cache)


def fit_to(name: str, subject: Subject, section: Mapping[str, Any], progress: Progress = quiet) -> Fitted:
    """Train a head for one target of a network of any make: see `siam.explainers.fit`.

    Every step sends pictures through the whole network, unless Fm's target is linear in the pooled maps of the layer:
    then these are computed once. L-CAM-Img always computes them once.

    Args:
        name: "lcam_fm" or "lcam_img".
        subject: what is fitted to.
        section: fields of `Settings`, except those that a recipe alone needs, "image_size" and "start" by name; and
            "layer", "reshape" and "start", something fitted before to the same layer.
        progress: called with the pictures seen and their total.

    Returns:
        "weight" (1, C) and "bias" (1,); the facts of `fit_fm`, with the "layer", and whether it was "reshaped".

    Raises:
        ImageError, TrainingError: as `fit_fm`.
        ValueError: the layer gives no map, the target does not depend on it, or `prepare` does not fit the network.
    """
    section = dict(section)
    layer, reshape, start = (section.pop(key, None) for key in ("layer", "reshape", "start"))
    settings = settings_from(section)
    if settings.image_size:
        raise TrainingError("image_size is for recipes: give prepare, which decides how large pictures are")
    files, held_out = _divided(name, subject.files, settings)
    subject = replace(subject, files=[*files, *held_out])
    with untouched(subject.model):
        place = last_layer(subject.model, subject.images(files[0]), subject.target, layer, reshape)
        steps = (VIEWS + settings.epochs) * len(files) + (VIEWS + 3) * len(held_out)
        report = _reporter(progress, steps)
        pictures = _looked_at(name, subject, place, settings, report)
        head = _head(pictures.channels, 1, pictures.outputs.device)
        if start is not None:
            _begin_with(name, head, start)
        for count, _loss in _training(name, head, pictures, len(files), settings):
            report(count)
        figures = _figures(head, pictures, range(len(files), len(subject.files)), report)
    facts = {"layer": place.name, "reshaped": reshape is not None}
    return _result(name, head, settings, len(files), figures, facts)


@dataclass(frozen=True, eq=False)
class _Pictures:
    """P pictures, what the network gives for them, and how it sees them through masks.

    Attributes:
        sizes: (P,) those of one size can be seen at once.
        outputs: (P, 2, T) for whole pictures, of both views.
        through: see `Through`.
        at_a_time: most pictures to see at once.
        channels: C of the features.
    """

    sizes: Sequence[tuple[int, ...]]
    outputs: Tensor
    through: Through
    at_a_time: int
    channels: int

    def seen(self, mask: Mask, places: Places) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield masks (n, h, w), outputs (n, T) through the masks and for whole pictures, a few of one size at once."""
        sizes: dict[tuple[int, ...], Places] = defaultdict(list)
        for picture, view in places:
            sizes[self.sizes[picture]].append((picture, view))
        for alike in sizes.values():
            for first in range(0, len(alike), self.at_a_time):
                pictures, views = map(list, zip(*alike[first : first + self.at_a_time], strict=True))
                whole = self.outputs[pictures, views]  # (n, T)
                attention, seen = self.through(mask, whole, pictures, views)
                yield attention, seen, whole


def _fit(name: str, model: Pooled, files: Sequence[Path], settings: Settings, cache: Path) -> Fitted:
    files, held_out = _divided(name, files, settings)
    everything = [*files, *held_out]
    with untouched(model):
        head = _start(name, model, settings)
        pictures = _pictures(name, model, everything, settings, cache)
        total = settings.epochs * len(files)
        with tqdm(total=total, desc=name, unit="picture", file=sys.stderr) as bar:
            for count, loss in _training(name, head, pictures, len(files), settings):
                bar.update(count)
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        figures = _figures(head, pictures, range(len(files), len(everything)))
    return _result(name, head, settings, len(files), figures, {})


def judged(name: str, model: Pooled, files: Sequence[Path], cache: Path) -> dict[str, Any]:
    """Return the figures of a head on pictures that it did not learn from, as "held_out" of `fit_fm` holds them.

    Args:
        name: "lcam_fm" or "lcam_img", which was fitted to the network.
        model: the network, on the CPU; it is left as it was.
        files: two or more pictures.
        cache: folder for the features.

    Raises:
        ImageError: a picture cannot be read.
        ValueError: the head was not fitted to the network.
    """
    learnt = fitted_to(model, name)
    known = {field.name for field in fields(Settings)}
    settings = Settings(**{key: value for key, value in learnt.facts.get("settings", {}).items() if key in known})
    with untouched(model):
        head = _head(model.linear.in_features, model.linear.out_features, model.linear.weight.device)
        _begin_with(name, head, learnt)
        return _figures(head, _pictures(name, model, files, settings, cache), range(len(files)))


def _pictures(name: str, model: Pooled, files: Sequence[Path], settings: Settings, cache: Path) -> _Pictures:
    """Return pictures as a head sees them through its masks: call it inside `untouched`."""
    config = _input(model, settings)

    def images(pictures: Sequence[int], views: Sequence[int]) -> Tensor:
        return _of_views([preprocess(read_image(files[picture]), config) for picture in pictures], views)

    def outputs(images: Tensor) -> Tensor:
        return _outputs(model, model.backbone(images))

    features = extract(model.backbone, config, files, cache)
    with torch.no_grad():
        whole = torch.stack([_outputs(model, views.float()) for views in features])  # (P, 2, T)
    through, at_a_time = _through_features(features, model.linear), settings.batch
    if name == "lcam_img":
        black = -torch.tensor(config.mean) / torch.tensor(config.std)
        through = _through_pictures(features, images, outputs, black)
        at_a_time = at_once(None, torch.empty(0, 3, config.image_size, config.image_size))
    sizes = [tuple(views.shape[2:]) for views in features]
    return _Pictures(sizes, whole, through, at_a_time, model.linear.in_features)


def _divided(name: str, files: Sequence[Path], settings: Settings) -> tuple[list[Path], list[Path]]:
    """Return the pictures to learn from and, of those drawn, every tenth, which is held out."""
    files = drawn(files, settings.pictures, settings.seed)
    held_out, learnt = list(files[9::10]), [path for index, path in enumerate(files) if index % 10 < 9]
    if len(held_out) < 2:
        raise TrainingError(f"got {len(files)} pictures to fit {name}; expected 20 or more, as every tenth is held out")
    return learnt, held_out


def _result(
    name: str, head: nn.Conv2d, settings: Settings, count: int, figures: dict[str, Any], more: dict[str, Any]
) -> Fitted:
    facts = {"explainer": name, **more, "pictures": count, "epochs": settings.epochs, "held_out": figures}
    weight, bias = (parameter.detach().cpu().clone() for parameter in head.parameters())  # (T, C, 1, 1), (T,)
    return Fitted({"weight": weight[:, :, 0, 0].contiguous(), "bias": bias}, {**facts, "settings": asdict(settings)})


def _reporter(progress: Progress, total: int) -> Callable[[int], None]:
    """Return a function that reports further pictures to `progress`, which it tells the total at once."""
    done = 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    report(0)
    return report


# How pictures are seen through masks


def _through_features(features: Sequence[Tensor], linear: Outputs) -> Through:
    """Fm, of a network whose outputs are linear in the pooled features (2, C, h, w) of each picture."""

    def through(mask: Mask, whole: Tensor, pictures: Sequence[int], views: Sequence[int]) -> tuple[Tensor, Tensor]:
        maps = _stacked(features, pictures, views, whole)
        attention = mask(maps, whole)
        # linear(pool(a * A)), without writing a * A
        pooled = torch.bmm(maps.flatten(2), attention.flatten(1)[:, :, None])[:, :, 0] / attention[0].numel()
        return attention, linear(pooled)

    return through


def _through_layer(
    model: nn.Module, place: Place, images: Callable[[Sequence[int], Sequence[int]], Tensor], outputs: Outputs
) -> Through:
    """Fm, of any network: the masks multiply the layer's maps, and the rest of the network runs as it is."""

    def through(mask: Mask, whole: Tensor, pictures: Sequence[int], views: Sequence[int]) -> tuple[Tensor, Tensor]:
        attention: list[Tensor] = []

        def cover(output: Tensor) -> Tensor:
            attention.append(mask(checked_maps(place, output, len(pictures)), whole))
            return through_masks(place, output, attention[-1])

        with _hooked(model, place, cover):
            seen = outputs(images(pictures, views))
        return attention[0], seen

    return through


def _through_pictures(
    features: Sequence[Tensor],
    images: Callable[[Sequence[int], Sequence[int]], Tensor],
    outputs: Outputs,
    black: Tensor,
) -> Through:
    """Img: the masks cover the pictures themselves."""

    def through(mask: Mask, whole: Tensor, pictures: Sequence[int], views: Sequence[int]) -> tuple[Tensor, Tensor]:
        attention = mask(_stacked(features, pictures, views, whole), whole)
        return attention, outputs(masked_images(images(pictures, views), attention, black))

    return through


@torch.no_grad()
def _whole(subject: Subject, place: Place, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return a layer's maps (n, C, h, w) and the target (n,) for images (n, C, H, W)."""
    kept: list[Tensor] = []
    with _hooked(subject.model, place, lambda output: kept.append(output.clone())):
        values = values_of(subject.target, subject.model, images)
    return checked_maps(place, kept[0], len(images)), values.float()


@contextmanager
def _hooked(model: nn.Module, place: Place, see: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """Pass a layer's output to `see` in the body, and go on with what it returns, if anything.

    Raises:
        ValueError: the layer does not run exactly once in the body.
    """
    runs = 0

    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
        nonlocal runs
        runs += 1
        return see(output)

    handle = model.get_submodule(place.name).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
    if runs != 1:
        raise ValueError(f"the target ran the layer {place.name!r} {runs} times; expected once")


def _looked_at(
    name: str, subject: Subject, place: Place, settings: Settings, report: Callable[[int], None]
) -> _Pictures:
    """See all pictures of a subject whole, once, and return how they are seen through masks from then on."""
    model, target = subject.model, subject.target
    linear = _Linear.of(subject, place) if name == "lcam_fm" else None
    features: list[Tensor] = []
    outputs: list[Tensor] = []
    sizes: list[tuple[int, ...]] = []
    channels, few = 0, settings.batch
    for path in subject.files:
        image = subject.images(path)
        sizes.append(tuple(image.shape[1:]))
        few = min(few, at_once(None, image))  # gradients add up, so this affects memory only
        maps, values = _whole(subject, place, torch.cat([image, image.flip(3)]))  # (2, C, h, w), (2,)
        outputs.append(values)
        channels = maps.shape[1]
        linear = linear if linear is not None and linear.gives(maps, values) else None
        if linear is not None or name == "lcam_img":
            half = maps.half()
            features.append((half if half.isfinite().all() else maps).cpu())
        report(VIEWS)
    whole = torch.stack(outputs)[:, :, None]  # (P, 2, 1)
    if linear is not None:
        pooled = torch.stack([views.float().mean(dim=(2, 3)) for views in features]).to(whole.device)  # (P, 2, C)
        return _Pictures(sizes, linear(pooled), _through_features(features, linear), settings.batch, channels)

    def images(pictures: Sequence[int], views: Sequence[int]) -> Tensor:
        return _of_views([subject.images(subject.files[picture]) for picture in pictures], views)

    def answers(images: Tensor) -> Tensor:
        return values_of(target, model, images)[:, None].float()

    if name == "lcam_img":
        through = _through_pictures(features, images, answers, subject.black())
    else:
        through = _through_layer(model, place, images, answers)
    return _Pictures(sizes, whole, through, few, channels)


@dataclass(frozen=True, eq=False)
class _Linear:
    """A target that is linear in the pooled maps of a layer: y = weight · mean_ij A + bias."""

    weight: Tensor  # (C,)
    bias: Tensor  # ()

    @classmethod
    def of(cls, subject: Subject, place: Place) -> "_Linear | None":
        """Return it, judged by the first picture; None if the target is not linear."""
        image = subject.images(subject.files[0])
        ((maps, gradient),) = layers_and_gradients(subject.model, image, subject.target, [place])
        if not is_linear(subject.model, image, subject.target, place, gradient):
            return None
        weight = gradient[0].float().sum(dim=(1, 2))
        return cls(weight, _whole(subject, place, image)[1][0] - weight @ maps[0].mean(dim=(1, 2)))

    def __call__(self, pooled: Tensor) -> Tensor:
        """Return outputs (…, 1) for pooled features (…, C)."""
        return (pooled @ self.weight + self.bias)[..., None]

    def gives(self, maps: Tensor, values: Tensor) -> bool:
        """Return whether this gives the target (n,) of maps (n, C, h, w)."""
        pooled = maps.mean(dim=(2, 3))
        scale = pooled.abs() @ self.weight.abs() + self.bias.abs()
        return bool(((self(pooled)[:, 0] - values).abs() <= _TOLERANCE * scale).all())


def _stacked(features: Sequence[Tensor], pictures: Sequence[int], views: Sequence[int], like: Tensor) -> Tensor:
    """Return the features (n, C, h, w) of some pictures, each in one view, in single precision."""
    return torch.stack([features[p][v] for p, v in zip(pictures, views, strict=True)]).to(like.device).float()


def _of_views(images: Sequence[Tensor], views: Sequence[int]) -> Tensor:
    """Return images (n, C, H, W) of (1, C, H, W) each, mirrored for view 1."""
    return torch.cat([image.flip(3) if view else image for image, view in zip(images, views, strict=True)])


def _input(model: Pooled, settings: Settings) -> BaselineConfig:
    return replace(model.config, image_size=settings.image_size or model.config.image_size)


def _start(name: str, model: Pooled, settings: Settings) -> nn.Conv2d:
    head = _head(model.linear.in_features, model.linear.out_features, model.linear.weight.device)
    if settings.start:
        if settings.start not in model.fitted:
            raise TrainingError(f"{name} starts from {settings.start!r}, which is not fitted yet: fit that first")
        _begin_with(name, head, model.fitted[settings.start])
    return head


def _head(channels: int, outputs: int, device: torch.device) -> nn.Conv2d:
    """Return a convolution that is 0."""
    head = nn.Conv2d(channels, outputs, 1, device=device)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    return head


@torch.no_grad()
def _begin_with(name: str, head: nn.Conv2d, start: Fitted) -> None:
    if not isinstance(start, Fitted):
        raise TrainingError(f"start is {start!r}; expected what fit returned for the same layer")
    given = start.tensors.get("weight", torch.empty(0))
    if given.shape != head.weight.shape[:2]:
        raise TrainingError(
            f"{name} has weights {tuple(head.weight.shape[:2])}, and what it should start from {tuple(given.shape)}: "
            "fit both to the same layer"
        )
    for parameter, key in zip(head.parameters(), ("weight", "bias"), strict=True):
        parameter.copy_(start.tensors[key].view_as(parameter))


def _training(
    name: str, head: nn.Conv2d, pictures: _Pictures, count: int, settings: Settings
) -> Iterator[tuple[int, float]]:
    """Train the head on the first `count` pictures; yield how many more were seen, and the loss of the step so far."""
    variance = float(pictures.outputs[:count, 0].var(dim=0, correction=0).sum())
    if not variance > 0:
        raise TrainingError(f"the network's output is the same for all {count} pictures: choose others")
    optimizer = torch.optim.SGD(
        head.parameters(), settings.learning_rate, 0.9, weight_decay=settings.weight_decay, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, settings.decay)
    generator = np.random.default_rng(settings.seed)
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
                yield len(part), loss
            if not math.isfinite(loss):
                raise TrainingError(f"the loss of {name} is {loss}: lower its learning_rate")
            optimizer.step()
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
def _figures(
    head: nn.Conv2d, pictures: _Pictures, held_out: range, report: Callable[[int], None] = lambda _count: None
) -> dict[str, Any]:
    """Return the figures of the held-out pictures: see `fit_fm`."""
    places, learnt = [(picture, 0) for picture in held_out], _learnt(head)
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
        survived[name], facts[name] = _survived(
            *(torch.cat([parts[index] for parts in passes]).cpu() for index in (1, 2))
        )
        report(len(places))
    for name in ("constant", "centre"):
        gains = survived["head"] - survived[name]
        draws = np.random.default_rng(0).integers(len(gains), size=(_RESAMPLES, len(gains)))
        low, high = np.quantile(gains[draws].mean(axis=1), (0.025, 0.975))
        interval = [round(float(low), 4), round(float(high), 4)]
        facts[name] |= {"gain": round(float(gains.mean()), 4), "interval": interval}
    controls = {name: facts[name] for name in ("constant", "centre")}
    return {"pictures": len(held_out), "mask_area": round(area, 4), **facts["head"], "controls": controls}


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


def masked_images(images: Tensor, attention: Tensor, black: Tensor) -> Tensor:
    """Return normalised images (N, C, H, W), masked by maps (N, h, w) in [0, 1] that are enlarged to their size.

    As if the mask had multiplied pixels in [0, 1] before they were normalised: 0 gives black, not the mean colour.

    Args:
        images: what the network gets.
        attention: the masks.
        black: what it gets for a black pixel (C,).
    """
    hidden = black.to(images)[:, None, None]
    mask = enlarged(attention, *images.shape[2:])[:, None].to(images)  # (N, 1, H, W)
    return hidden + (images - hidden) * mask


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
