"""Train a pair as a recipe says: the features of a frozen trunk once, then the heads (`siam.heads`)."""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from siam import features as frozen
from siam.backbones import load_imagenet_efficientnet_lite0
from siam.checkpoint import Pair, save
from siam.datasets import oasis, sun_attributes
from siam.errors import DatasetError
from siam.evaluation import attribute_figures, mean_figures, score_figures
from siam.examples import Examples, folds, read_examples, read_recipe
from siam.heads import fit_attributes, fit_baseline, fit_siam
from siam.model import SIAM, Baseline, BaselineConfig, SIAMConfig


def train(recipe_path: Path, root: Path, out: Path, cache: Path) -> Pair:
    """Cross-validate a recipe, train on everything it may use, and write the pair with its card to `out`.

    Args:
        recipe_path: a TOML file as `recipes/photo.toml`.
        root: the folder that holds the datasets.
        out: where the pair is written.
        cache: where features are kept between runs.

    Raises:
        DatasetError: the recipe or a dataset is missing or not as its layout says.
        ImageError: a photo cannot be read.
    """
    recipe = read_recipe(recipe_path)
    network, baseline = _new_networks(recipe)
    examples = read_examples(recipe, root, cache, network)
    metrics = cross_validate(recipe, examples)
    everything = np.arange(len(examples.scores))
    seed = recipe["seeds"][0]
    starts = fit_attributes(network, examples, recipe["siam"], seed)
    siam_offsets = fit_siam(network, starts, examples, everything, recipe["siam"], seed)
    baseline_offsets = fit_baseline(baseline, examples, everything, recipe["baseline"])
    sources = recipe["data"]["scores"]
    card = {
        **{name: recipe["data"][name] for name in ("summary", "training_data", "limits")},
        "offsets": {
            "siam": dict(zip(sources, siam_offsets, strict=True)),
            "baseline": dict(zip(sources, baseline_offsets, strict=True)),
        },
        "metrics": metrics,
        "recipe": recipe_path.name,
        "git_commit": _git_commit(),
        "trained": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("torch", "timm", "scikit-learn", "numpy")},
    }
    pair = Pair(recipe["name"], network.eval(), baseline.eval(), card)
    save(pair, out, half=True)
    return pair


def cross_validate(recipe: dict[str, Any], examples: Examples) -> dict[str, Any]:
    """Score every rated photo by networks that never saw it, once per seed, and return the figures.

    Attributes are judged on the test split, which no network saw, as the mean over all of these networks.
    """
    seeds, count, sources = recipe["seeds"], recipe["folds"], recipe["data"]["scores"]
    network, baseline = _new_networks(recipe)
    predicted = np.empty((2, len(seeds), len(examples.scores)))  # SIAM, baseline
    attributes = []
    rounds = tqdm(total=len(seeds) * count, desc="cross-validation", unit="fold", file=sys.stderr)
    for run, seed in enumerate(seeds):
        fold = folds(examples.sources, count, seed)
        starts = fit_attributes(network, examples, recipe["siam"], seed)  # they see no ratings, so they serve all folds
        for number in range(count):
            chosen, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            offsets = (
                fit_siam(network, starts, examples, chosen, recipe["siam"], seed),
                fit_baseline(baseline, examples, chosen, recipe["baseline"]),
            )
            for row, model in enumerate((network, baseline)):
                offset = np.array(offsets[row])[examples.sources[held_out]]
                predicted[row, run, held_out] = predict_scores(model, examples, held_out) + offset
            attributes.append(predict_attributes(network, examples, examples.test))
            rounds.update()
    rounds.close()
    labels = examples.labels[examples.test]
    figures = [attribute_figures(found, labels, network.config.attributes) for found in attributes]
    return {
        "protocol": f"{count}-fold cross-validation on the rated photos, mean over {len(seeds)} seeds; attributes on "
        "the test split of SUN, mean over the same networks",
        "siam": score_figures(predicted[0], examples.scores, examples.sources, sources),
        "baseline": score_figures(predicted[1], examples.scores, examples.sources, sources),
        "sun_test": mean_figures(figures),
    }


@torch.inference_mode()
def predict_scores(model: SIAM | Baseline, examples: Examples, chosen: np.ndarray) -> np.ndarray:
    """Return the scenicness of the rated photos `chosen`, on the scale of the first source."""
    views = np.zeros(len(chosen), dtype=int)
    (scores,) = frozen.apply(
        lambda x: (model.interpret(x).scenicness,), examples.features, examples.rated(chosen), views
    )
    return scores.numpy()


@torch.inference_mode()
def predict_attributes(network: SIAM, examples: Examples, chosen: np.ndarray) -> np.ndarray:
    """Return the attribute logits (n, K) of the labelled photos `chosen`."""
    views = np.zeros(len(chosen), dtype=int)
    (found,) = frozen.apply(lambda x: (network.interpret(x).attribute_logits,), examples.features, chosen, views)
    return found.numpy()


def _new_networks(recipe: dict[str, Any]) -> tuple[SIAM, Baseline]:
    """Return both networks with the ImageNet trunk, rounded to the half precision in which it will be stored."""
    settings = dict(recipe["network"])
    shared = {
        "backbone": settings.pop("backbone"),
        "scale": oasis.SCALE,
        "image_size": settings.pop("image_size"),
        "size_multiple": 32,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    if shared["backbone"] != "tf_efficientnet_lite0":
        raise DatasetError(f"no ImageNet weights for {shared['backbone']!r} at hand: use tf_efficientnet_lite0")
    networks = (
        SIAM(SIAMConfig(**shared, attributes=sun_attributes.ATTRIBUTES, **settings)),
        Baseline(BaselineConfig(**shared)),
    )
    for network in networks:
        load_imagenet_efficientnet_lite0(network.backbone)
        network.half().float().eval()
    return networks


def _git_commit() -> str | None:
    """Return the commit that the project is at, or None outside a checkout."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
