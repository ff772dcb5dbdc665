"""What VEBI's features stand for: the mean of what they respond to most, and the pictures that show it.

::

    means[m] = mean, over the pictures to which feature m responds most, of the crop around its highest response

- A feature's response to a picture is the norm of its activation map, from which x is made; the highest value alone
  would not rank pictures, since ReLU6 saturates in many. Its place is the cell with the highest value; if several share
  it, the one nearest to their middle.
- The crop is a square as wide as the layer's receptive field, scaled to one size. In deep layers the theoretical field
  exceeds the picture, so it is measured: the smallest square around a cell that holds nine tenths of the magnitude of
  the cell's gradient on a picture of noise (the effective receptive field of W. Luo et al., NeurIPS 2016,
  arXiv:1701.04128).
- Whatever lies outside the picture is left out of the mean.

J. Oramas M., K. Wang, T. Tuytelaars, ICLR 2019, arXiv:1712.06302, sec. 3.2: "average visualization" of 100 pictures.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from siam.explainers.base import Progress, quiet, untouched
from siam.explainers.vebi_features import watched
from siam.images.preprocessing import preprocess, target_size
from siam.images.reading import read_image
from siam.models.baseline import Baseline
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from siam.runtime.devices import device_of

MOST = 48  # features with a mean picture
_PER_ROW = 8
_MASS = 0.9  # share of the gradient inside a receptive field
_NOISES = 4


def with_visuals(
    model: Baseline | FlowerNetwork,
    fitted: Fitted,
    files: Sequence[Path],
    count: int = 100,
    size: int = 64,
    progress: Progress = quiet,
) -> Fitted:
    """Return what VEBI has learnt, plus the tensors "means" (M', size, size, 3), uint8, and "means_of" (M',).

    The latter are indices into the M features, as `foremost` returns them; for the rest see `mean_visualisations`.
    """
    means = mean_visualisations(model, fitted, files, count, size, progress)
    tensors = {"means": torch.from_numpy(means), "means_of": foremost(fitted)}
    return Fitted({**fitted.tensors, **tensors}, fitted.facts)


def with_top(
    model: Baseline | FlowerNetwork, fitted: Fitted, gallery: str, pictures: dict[str, Path], count: int = 6
) -> Fitted:
    """Return what VEBI has learnt, plus facts["top"][gallery] = {str(index of the feature): [identifiers]}.

    Args:
        model: the network that VEBI was fitted to.
        fitted: the result of `fit`.
        gallery: name of the gallery.
        pictures: identifier -> file.
        count: identifiers for each feature, highest response first.
    """
    rows = top_pictures(model, fitted, list(pictures.values()), count)
    names = list(pictures)
    top = {
        str(int(feature)): [names[place] for place in row] for feature, row in zip(foremost(fitted), rows, strict=True)
    }
    return Fitted(fitted.tensors, {**fitted.facts, "top": {**fitted.facts.get("top", {}), gallery: top}})


def foremost(fitted: Fitted) -> Tensor:
    """Return the ascending indices (M',) of the features that matter most: at most eight per row and 48 in total.

    How much a feature matters to a row is the magnitude of its weight times its mean entry of x.
    """
    relevance = fitted.tensors["relevance"].abs() * fitted.tensors["strength"]  # (J, M)
    count = min(_PER_ROW, MOST // len(relevance), relevance.shape[1])
    values, chosen = relevance.topk(count, dim=1)
    return chosen[values > 0].unique()


def top_pictures(
    model: Baseline | FlowerNetwork, fitted: Fitted, files: Sequence[Path], count: int = 6, progress: Progress = quiet
) -> np.ndarray:
    """Return the indices (M', count) of the files to which the foremost features respond most, highest first.

    There are fewer columns if there are fewer files.

    Raises:
        ImageError: a picture cannot be read.
    """
    answers, _places = _answers(model, fitted, files, progress)
    return np.argsort(-answers, axis=0, kind="stable")[:count].T


def mean_visualisations(
    model: Baseline | FlowerNetwork,
    fitted: Fitted,
    files: Sequence[Path],
    count: int = 100,
    size: int = 64,
    progress: Progress = quiet,
) -> np.ndarray:
    """Return the mean pictures (M', size, size, 3), uint8, sRGB, of the foremost features; grey where there is none.

    Args:
        model: the network that VEBI was fitted to.
        fitted: the result of `fit`.
        files: pictures, such as those it was fitted on.
        count: how many of the pictures with the highest response to average; those without a response are left out.
        size: side of the mean pictures, in px.
        progress: called with the pictures done and their total.

    Raises:
        ImageError: a picture cannot be read.
    """
    chosen = foremost(fitted)
    answers, places = _answers(model, fitted, files, progress)
    fields = receptive_fields(model, [fitted.facts["layers"][fitted.tensors["layer"][index]] for index in chosen])
    wanted: dict[int, list[int]] = defaultdict(list)  # picture -> the features that use it
    for column in range(len(chosen)):
        for picture in np.argsort(-answers[:, column], kind="stable")[:count]:
            if answers[picture, column] > 0:
                wanted[int(picture)].append(column)
    sums = np.zeros((len(chosen), size, size, 4))  # red, green, blue, and coverage
    for picture, columns in sorted(wanted.items()):
        image = read_image(files[picture])
        height, width = target_size((image.height, image.width), model.config)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        for column in columns:
            sums[column] += _crop(image, places[picture, column], fields[column], size)
    covered = sums[..., 3:]
    return np.where(covered > 0, sums[..., :3] / covered.clip(min=1e-6), 128).round().clip(0, 255).astype(np.uint8)


def receptive_fields(model: Baseline | FlowerNetwork, layers: Sequence[str]) -> list[int]:
    """Return the side, in px, of each layer's effective receptive field: odd, at most twice the network's picture."""
    side = model.config.image_size
    generator = torch.Generator().manual_seed(0)
    fields: dict[str, int] = {}
    for layer in dict.fromkeys(layers):
        mass = torch.zeros(side)  # by distance from the cell's middle along the farther axis, in px
        for _ in range(_NOISES):
            gradient = _of_cell(model, torch.randn(1, 3, side, side, generator=generator), layer)
            mass += gradient
        share = mass.cumsum(0) / mass.sum().clamp(min=1e-12)
        fields[layer] = 2 * int((share < _MASS).sum()) + 1
    return [fields[layer] for layer in layers]


def _of_cell(model: Baseline | FlowerNetwork, image: Tensor, layer: str) -> Tensor:
    """Return the gradient magnitude (side,) of a layer's middle cell, summed at each distance from it."""
    seen: list[Tensor] = []
    with untouched(model):
        image = image.to(device_of(model)).requires_grad_()
        with watched(model, [layer], lambda _name, output: seen.append(output)):
            model(image)
        (output,) = seen
        row, column = output.shape[2] // 2, output.shape[3] // 2
        (gradient,) = torch.autograd.grad(output[0, :, row, column].sum(), image)
    side = image.shape[2]
    middles = (torch.tensor([row, column]) + 0.5) * side / torch.tensor(output.shape[2:]) - 0.5  # of the cell, in px
    distances = (torch.arange(side) - middles[:, None]).abs().round().long()  # (2, side)
    distance = torch.maximum(distances[0][:, None], distances[1][None]).clamp(max=side - 1)
    return torch.zeros(side).index_add(0, distance.flatten(), gradient[0].abs().sum(dim=0).cpu().flatten())


def _answers(
    model: Baseline | FlowerNetwork, fitted: Fitted, files: Sequence[Path], progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the foremost features' responses (N, M') and their places (N, M', 2): row and column, from 0 to 1."""
    chosen = foremost(fitted)
    names, channels = fitted.facts["layers"], fitted.tensors["channel"][chosen]
    columns: dict[str, list[int]] = defaultdict(list)
    for column, layer in enumerate(fitted.tensors["layer"][chosen].tolist()):
        columns[names[layer]].append(column)
    answers, places = np.zeros((len(files), len(chosen))), np.zeros((len(files), len(chosen), 2))
    progress(0, len(files))
    with untouched(model), torch.no_grad():
        for picture, path in enumerate(files):

            def see(name: str, output: Tensor, picture: int = picture) -> None:
                maps = output[0, channels[columns[name]].to(output.device)].cpu()  # (m, h, w)
                answers[picture, columns[name]] = maps.square().sum(dim=(1, 2)).sqrt()
                cells = torch.stack([_highest(map_) for map_ in maps])  # (m, 2)
                places[picture, columns[name]] = (cells + 0.5) / torch.tensor(maps.shape[1:])

            with watched(model, list(columns), see):
                model(preprocess(read_image(path), model.config).to(device_of(model)))
            progress(picture + 1, len(files))
    return answers, places


def _highest(values: Tensor) -> Tensor:
    """Return row and column (2,) of the highest cell of a map (h, w); ties are broken as the module describes."""
    cells = torch.nonzero(values == values.max()).float()  # (k, 2)
    return cells[(cells - cells.mean(dim=0)).square().sum(dim=1).argmin()]


def _crop(image: Image.Image, place: np.ndarray, side: int, size: int) -> np.ndarray:
    """Return a square (size, size, 4) around a place, given from 0 to 1: colours times coverage, and coverage."""
    top, left = (round(float(share) * length - side / 2) for share, length in zip(place, image.size[::-1], strict=True))
    box = (left, top, left + side, top + side)
    cover = Image.new("L", image.size, 255).crop(box).resize((size, size), Image.Resampling.BILINEAR)
    colours = image.crop(box).resize((size, size), Image.Resampling.BILINEAR)  # what is outside is black
    return np.dstack([np.asarray(colours, dtype=float), np.asarray(cover, dtype=float) / 255])
