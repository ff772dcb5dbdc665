"""Train a pair as a recipe says: the features of a frozen trunk once, then the heads.

SIAM's attribute layer and templates learn together, L = L_SUN + lambda L_SoN + template penalty, the paper's joint loss
with the published code's single step for both: binary cross-entropy of the attribute scores on photos with attribute
labels, squared error of the scenicness on photos with ratings. The baseline is ridge regression on average-pooled
features, the optimum of its loss. Every source of ratings but the first has an offset of its own, learned beside.
"""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor
from torch.nn.functional import binary_cross_entropy
from tqdm import tqdm

from siam import features as frozen
from siam.backbones import load_imagenet_efficientnet_lite0
from siam.checkpoint import Pair, save
from siam.datasets import oasis, sun_attributes
from siam.errors import DatasetError
from siam.evaluation import attribute_figures, mean_figures, score_figures
from siam.examples import Examples, batches, folds, read_examples, read_recipe
from siam.model import SIAM, Baseline, BaselineConfig, SIAMConfig, TemplateHead


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
    siam_offsets = fit_siam(network, examples, everything, recipe["siam"], recipe["seeds"][0])
    baseline_offsets = fit_baseline(baseline, examples, everything, recipe["baseline"])
    sources = recipe["data"]["scores"]
    card = {
        "training_data": recipe["data"]["training_data"],
        "limits": recipe["data"]["limits"],
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
        for number in range(count):
            chosen, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            offsets = (
                fit_siam(network, examples, chosen, recipe["siam"], seed),
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


def fit_siam(network: SIAM, examples: Examples, chosen: np.ndarray, settings: dict[str, Any], seed: int) -> list[float]:
    """Train SIAM's attribute layer and templates anew on the labelled photos and the rated photos `chosen`.

    The network is changed in place; the offset of each source of ratings is returned.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    layer, attributes = network.attribute_layer, len(network.config.attributes)
    layer.reset_parameters()
    head = network.scenicness_head = TemplateHead(attributes, network.config.grid)
    means = examples.source_means(chosen)
    offsets = torch.nn.Parameter(torch.from_numpy(means - means[0]))
    torch.nn.init.constant_(head.bias, float(means[0]))
    rate = settings["learning_rate"]
    groups = [
        {"params": layer.parameters(), "weight_decay": settings["weight_decay"]},
        {"params": [*head.parameters(), offsets], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    steps = settings["epochs"] * -(-len(examples.train) // settings["attribute_batch"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    labelled = batches(examples.train, settings["attribute_batch"], generator)
    rated = batches(chosen, settings["scenicness_batch"], generator)
    for _step in range(steps):
        loss = _joint_loss(network, offsets, examples, next(labelled), next(rated), settings, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        head.clamp_templates()
    return _offsets(offsets.detach().numpy())


def _joint_loss(
    network: SIAM,
    offsets: Tensor,
    examples: Examples,
    labelled: np.ndarray,
    rated: np.ndarray,
    settings: dict[str, Any],
    generator: np.random.Generator,
) -> Tensor:
    """Return L_SUN + lambda L_SoN + template penalty for one batch of labelled and one of rated photos."""

    def both(features: Tensor) -> tuple[Tensor, Tensor]:
        out = network.interpret(features)
        return out.attribute_scores, out.scenicness

    photos = np.concatenate([labelled, examples.rated(rated)])
    views = generator.integers(0, frozen.VIEWS, len(photos))
    attribute_scores, scenicness = frozen.apply(both, examples.features, photos, views)
    n, sources = len(labelled), torch.from_numpy(examples.sources[rated])
    attribute_loss = binary_cross_entropy(
        attribute_scores[:n].clamp(1e-6, 1 - 1e-6), torch.from_numpy(examples.labels[labelled])
    )
    offset = torch.where(sources > 0, offsets[sources], 0.0)
    actual = torch.from_numpy(examples.scores[rated])
    scenicness_loss = (scenicness[n:] + offset - actual).square().mean()
    penalty = settings["template_penalty"] * network.scenicness_head.templates.mean()
    return attribute_loss + settings["scenicness_weight"] * scenicness_loss + penalty


def fit_baseline(baseline: Baseline, examples: Examples, chosen: np.ndarray, settings: dict[str, Any]) -> list[float]:
    """Fit the baseline's linear layer, in place, by ridge regression on pooled features; return the offsets."""
    pooled = torch.stack([examples.features[p].float().mean(dim=(0, 2, 3)) for p in examples.rated(chosen)]).numpy()
    source = examples.sources[chosen]
    score_means = examples.source_means(chosen)
    feature_means = np.stack([pooled[source == s].mean(axis=0) for s in range(len(score_means))])
    # Centring within each source is the same as giving each source an intercept that the penalty spares.
    ridge = Ridge(alpha=settings["ridge_penalty"], fit_intercept=False)
    ridge.fit(pooled - feature_means[source], examples.scores[chosen] - score_means[source])
    intercepts = score_means - feature_means @ ridge.coef_
    with torch.no_grad():
        baseline.linear.weight.copy_(torch.from_numpy(ridge.coef_)[None])
        baseline.linear.bias.fill_(float(intercepts[0]))
    return _offsets(intercepts)


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


def _offsets(intercepts: np.ndarray) -> list[float]:
    """Return what each source's ratings lie above the first source's."""
    return [0.0, *(round(float(value - intercepts[0]), 4) for value in intercepts[1:])]


def _git_commit() -> str | None:
    """Return the commit that the project is at, or None outside a checkout."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
