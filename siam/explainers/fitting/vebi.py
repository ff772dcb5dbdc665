"""Which features predict a score or a class: sparse weights, fitted once per network.

::

    W = argmin ||X^T W - L^T||_F^2   with   ||w_j||_1 <= mu  for each column j

X (D, N) holds one vector per picture (`siam.explainers.vebi_features`), L (J, N) the values to predict. Each column is
a lasso of its own, min ||X^T w - l||^2 / 2N + alpha ||w||_1. Its path of solutions is piecewise linear in alpha, and so
is their L1 norm as long as no weight changes sign, where a piece ends (Efron et al. 2004, "Least Angle Regression"): w
is found between two knots, without a search for alpha.

- A classifier has, as in the paper, one column per class: 1 for pictures of the class, else 0.
- A baseline's first column is its own score, standardised over the pictures: positive weights mean a higher score,
  negative ones a lower score. Then comes one column for each of several bins with equal numbers of pictures.
- One target of a network of another make (`fit_to`) is treated as a baseline's score.
- As in the paper there is no intercept. The weights predict the network's own output, so no labels are needed.
- Every tenth picture is held out, only to measure how well the weights predict.

J. Oramas M., K. Wang, T. Tuytelaars, ICLR 2019, arXiv:1712.06302, eq. 1.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lars_path
from torch import Tensor, nn

from siam.errors import DatasetError, TrainingError
from siam.explainers.base import Progress, quiet, untouched, values_of
from siam.explainers.fitting import visuals
from siam.explainers.fitting.settings import check_vebi
from siam.explainers.fitting.subject import Subject
from siam.explainers.layers import Reshape
from siam.explainers.targets import outputs
from siam.explainers.vebi_features import descriptors, feature_layers, layer_maps, squared_norms, watched
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.baseline import Baseline
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from siam.runtime.devices import device_of
from siam.runtime.silence import without_warnings

_STEPS = 50  # of a lasso path at first; four times as many if they do not reach the bound
_FEWEST = 20  # pictures


def check(section: Mapping[str, Any]) -> None:
    """Raise a TrainingError if a recipe's section cannot be used."""
    check_vebi(section)


def learn(
    name: str,
    model: Baseline | FlowerNetwork,
    files: Sequence[Path],
    section: Mapping[str, Any],
    cache: Path,
    progress: Progress = quiet,
) -> Fitted:
    """Return what VEBI learns with the settings of a recipe's section; it needs no seed and no cache.

    Raises:
        TrainingError: the lasso has no solution, for example because features are not finite.
    """
    try:
        return fit(model, files, {key: value for key, value in section.items() if key != "seed"}, progress=progress)
    except ValueError as error:
        raise TrainingError(f"vebi cannot be fitted to these pictures: {error}") from error


def illustrate(
    model: Baseline | FlowerNetwork,
    learnt: Fitted,
    files: Sequence[Path],
    shown: tuple[str, dict[str, Path]],
    progress: Progress = quiet,
) -> Fitted:
    """Add mean pictures of the features to what was learnt, and for a baseline the pictures that show them best.

    Args:
        model: the network it was learnt for.
        learnt: the result of `learn`.
        files: the pictures it was learnt from.
        shown: a gallery's name and its pictures by name.
        progress: called with the pictures done and their total.
    """
    pictured = visuals.with_visuals(model, learnt, files, progress=progress)
    return visuals.with_top(model, pictured, *shown) if isinstance(model, Baseline) else pictured


def fit(
    model: Baseline | FlowerNetwork,
    files: Sequence[Path],
    settings: Mapping[str, Any],
    labels: Sequence[int] | np.ndarray | None = None,
    progress: Progress = quiet,
) -> Fitted:
    """Return what VEBI learns for a network, as the module describes.

    Args:
        model: the network to be explained; a flower classifier is explained one class at a time.
        files: at least twenty pictures; their order decides which are held out.
        settings: "mu", the bound on each column's L1 norm (10 in the paper, 5 for its flowers), and "bins", the number
            of bins for a baseline's scores (5).
        labels: (N,) class of each picture, from 0; by default the class that the classifier predicts.
        progress: called with the pictures done and their total.

    Returns:
        Tensors "relevance" (J, M), the columns of W as rows; "layer" (M,), indices into the facts' "layers";
        "channel" (M,); "strength" (M,), the features' mean entry of x; for a baseline "bounds" (bins + 1,) of the
        scores. Only the M features with at least one weight other than 0 are kept.

    Raises:
        DatasetError: there are too few pictures, or their scores are too alike to be divided into bins.
        ImageError: a picture cannot be read.
        ValueError: settings or labels are not as described above.
    """
    mu, bins = float(settings.get("mu", 10.0)), int(settings.get("bins", 5))
    if not mu > 0 or bins < 2:
        raise ValueError(f"mu is {mu}, bins {bins}; expected mu > 0 and at least 2 bins")
    _check_labels(model, labels, len(files))
    layers = feature_layers(model)
    vectors, answers, sizes = describe(model, files, layers, progress)
    if isinstance(model, Baseline):
        return _solved(vectors, answers[:, 0], sizes, layers, mu, bins)
    wanted = np.eye(answers.shape[1])[answers.argmax(axis=1) if labels is None else np.asarray(labels)]
    return _solved(vectors, wanted, sizes, layers, mu)


def fit_to(name: str, subject: Subject, section: Mapping[str, Any], progress: Progress = quiet) -> Fitted:
    """Return what VEBI learns for one target of a network of any make: see `siam.explainers.fit`.

    Args:
        name: "vebi".
        subject: what is fitted to.
        section: "mu" and "bins", as for `fit`.
        progress: called with the pictures done and their total.

    Returns:
        The tensors and facts of `fit` for a baseline.

    Raises:
        DatasetError, ImageError: as `fit`.
        TrainingError: a setting is wrong, or the lasso has no solution.
        ValueError: `prepare` or the target do not fit the network.
    """
    check(section)
    model, target = subject.model, subject.target
    layers: list[str] = []

    def vector(path: Path) -> tuple[list[Tensor], Tensor]:
        images = subject.images(path)
        maps = layer_maps(model, images, target, layers or None)
        layers[:] = maps
        return _norms(model, maps, lambda: values_of(target, model, images))

    vectors, answers, sizes = _described(model, subject.files, vector, progress)
    try:
        return _solved(vectors, answers[:, 0], sizes, layers, float(section.get("mu", 10.0)), section.get("bins", 5))
    except ValueError as error:
        raise TrainingError(f"{name} cannot be fitted to these pictures: {error}") from error


def _solved(
    vectors: np.ndarray,
    answers: np.ndarray,
    sizes: Sequence[int],
    layers: Sequence[str],
    mu: float,
    bins: int = 0,
) -> Fitted:
    """Return what is learnt from vectors X^T (N, D) and scores (N,), if there are bins, or L^T (N, J) of classes."""
    held = np.arange(len(vectors)) % 10 == 9
    scored = bins > 0
    wanted, bounds = _of_scores(answers, ~held, bins) if scored else (answers, None)
    weights = np.stack([bounded_lasso(vectors[~held], column, mu) for column in wanted[~held].T])  # (J, D)
    facts = {
        "explainer": "vebi",
        "pictures": len(vectors),
        "layers": list(layers),
        "norms": [round(float(np.abs(row).sum()), 4) for row in weights],
        "features": [int(np.count_nonzero(row)) for row in weights],
        "held_out": _quality(vectors[held] @ weights.T, wanted[held], scored),
        "settings": {"mu": mu, "bins": bins} if scored else {"mu": mu},
    }
    return Fitted(_tensors(weights, sizes, vectors[~held].mean(axis=0), bounds), facts)


def describe(
    model: Baseline | FlowerNetwork, files: Sequence[Path], layers: Sequence[str], progress: Progress = quiet
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the vectors X^T (N, D) of pictures, the network's outputs (N, 1 or K), and each layer's channel count.

    Both arrays are float64; outputs are scores or logits.

    Raises:
        DatasetError: there are fewer than twenty pictures.
        ImageError: a picture cannot be read.
    """

    def vector(path: Path) -> tuple[list[Tensor], Tensor]:
        images = preprocess(read_image(path), model.config).to(device_of(model))
        return _norms(model, layers, lambda: outputs(model, images)[0])

    return _described(model, files, vector, progress)


def _norms(
    model: nn.Module, layers: Sequence[str] | Mapping[str, Reshape], run: Callable[[], Tensor]
) -> tuple[list[Tensor], Tensor]:
    """Return the squared norms (1, C_l) of the layers when `run` runs the model once, and what it returns."""
    norms: dict[str, list[Tensor]] = defaultdict(list)
    maps = layers if isinstance(layers, Mapping) else None
    with watched(model, list(layers), lambda name, output: norms[name].append(squared_norms(output)), maps):
        answer = run()
    for name in layers:
        if len(norms[name]) != 1:
            raise ValueError(f"the target ran the layer {name!r} {len(norms[name])} times; expected once")
    return [norms[name][0] for name in layers], answer


def _described(
    model: nn.Module,
    files: Sequence[Path],
    vector: Callable[[Path], tuple[list[Tensor], Tensor]],
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return what `describe` does, where `vector` returns norms and outputs (1 or K,) of one picture."""
    if len(files) < _FEWEST:
        raise DatasetError(f"{len(files)} pictures are too few for VEBI: give at least {_FEWEST}, ideally a thousand")
    vectors, answers, sizes = [], [], []
    progress(0, len(files))
    with untouched(model), torch.no_grad():
        for done, path in enumerate(files, start=1):
            norms, answer = vector(path)
            sizes = [norm.shape[1] for norm in norms]
            vectors.append(descriptors(norms)[0].double().cpu().numpy())
            answers.append(answer)
            progress(done, len(files))
    return np.stack(vectors), torch.stack(answers).double().cpu().numpy(), sizes


def bounded_lasso(vectors: np.ndarray, wanted: np.ndarray, mu: float) -> np.ndarray:
    """Return w (D,) = argmin ||X^T w - l||^2 with ||w||_1 <= mu.

    Args:
        vectors: X^T (N, D), float64.
        wanted: l (N,), float64.
        mu: > 0.
    """
    steps, most = _STEPS, 8 * min(vectors.shape)  # a path has about as many knots as final weights other than 0
    while True:
        with without_warnings(ConvergenceWarning):  # duplicate features are dropped
            _alphas, _active, path = lars_path(vectors, wanted, method="lasso", max_iter=steps)  # (D, knots)
        norms = np.abs(path).sum(axis=0)
        if norms[-1] > mu:
            break
        if len(norms) <= steps or steps >= most:  # the path ends, at least squares, within the bound
            return path[:, -1]
        steps *= 4
    beyond = int(np.argmax(norms > mu))  # at least 1: all paths begin at 0
    share = (mu - norms[beyond - 1]) / (norms[beyond] - norms[beyond - 1])
    return path[:, beyond - 1] + share * (path[:, beyond] - path[:, beyond - 1])


def _of_scores(scores: np.ndarray, known: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return L^T (N, 1 + bins) of scores (N,), and the bins' bounds, both set by the scores that are `known` (N,)."""
    bounds = np.quantile(scores[known], np.linspace(0, 1, bins + 1))
    if any(high <= low for low, high in pairwise(bounds)):
        raise DatasetError(f"scores with bounds {bounds} do not divide into {bins} bins: give more varied pictures")
    standardised = (scores - scores[known].mean()) / scores[known].std()
    number = np.searchsorted(bounds[1:-1], scores, side="right")
    return np.column_stack([standardised, np.eye(bins)[number]]), bounds


def _check_labels(model: Baseline | FlowerNetwork, labels: Sequence[int] | np.ndarray | None, count: int) -> None:
    if labels is None:
        return
    if isinstance(model, Baseline):
        raise ValueError("labels are for classifiers; a baseline is fitted to its own scores: omit them")
    classes, given = len(model.class_names), np.asarray(labels)
    if given.shape != (count,) or not np.isin(given, np.arange(classes)).all():
        raise ValueError(f"labels have shape {given.shape}; expected {count} numbers from 0 to {classes - 1}")


def _quality(predicted: np.ndarray, wanted: np.ndarray, scored: bool) -> dict[str, float]:
    """Return how well the columns (N, J) predict: R^2 for the first if it is a score, accuracy for the others."""
    facts = {}
    if scored:
        rest = ((predicted[:, 0] - wanted[:, 0]) ** 2).sum() / ((wanted[:, 0] - wanted[:, 0].mean()) ** 2).sum()
        facts["r2"] = round(float(1 - rest), 4)
        predicted, wanted = predicted[:, 1:], wanted[:, 1:]
    facts["accuracy"] = round(float((predicted.argmax(axis=1) == wanted.argmax(axis=1)).mean()), 4)
    return facts


def _tensors(
    weights: np.ndarray, sizes: Sequence[int], mean: np.ndarray, bounds: np.ndarray | None
) -> dict[str, Tensor]:
    """Return the tensors of `fit` from all weights (J, D), without the features that no column uses."""
    (used,) = np.nonzero(np.any(weights != 0, axis=0))
    tensors = {
        "relevance": torch.from_numpy(weights[:, used]).float(),
        "layer": torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)[used]),
        "channel": torch.from_numpy(np.concatenate([np.arange(size) for size in sizes])[used]),
        "strength": torch.from_numpy(mean[used]).float(),
    }
    return tensors if bounds is None else {**tensors, "bounds": torch.from_numpy(bounds).float()}
