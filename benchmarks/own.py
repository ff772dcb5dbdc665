"""How good a pair is after fifty photos of one's own, and how long it takes: `python -m benchmarks.own DIR [--store]`.

DIR holds `sun_attributes` and `oasis_scenes`, in the layouts of their readers. Again and again, fifty photos of SUN's
test split are drawn, of which at least ten show each of three words, and fifty of OASIS with their mean ratings. A pair
learns from them as by the method "own", and is judged on all the others; beside it, a logistic regression for each word
and a ridge regression of the score, both on the mean features of the same backbone. The latter is the pair's baseline.

The bundled pair's backbone has learned from the very ratings of OASIS, and from other photos of SUN, so its τ flatters;
a backbone trained on ImageNet alone has seen neither. Time is that of the tutorial's fifty photos, from the start of
`siam train` to its end, with nothing in its cache.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from siam.datasets import oasis, sun_attributes
from siam.evaluation import bootstrap, stored
from siam.evaluation.metrics import average_precision, kendall_tau, rmse
from siam.models import backbones
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from siam.runtime.provenance import git_commit
from siam.training.heads.examples import Examples, some
from siam.training.heads.held_out import predict_attributes, predict_scores
from siam.training.own import photos as own
from siam.training.own.cross_validation import Network, Training, fit_pair, new_networks
from siam.training.own.photos import OwnPhotos
from siam.training.pairs import train

RESULT = stored.STORED / stored.OWN
WORDS = ("trees", "grass", "road", "glass", "clouds", "horizon", "hiking", "social")  # each in 22 photos or more
CHOSEN, PHOTOS, SHOWING = 3, 50, 10  # words; photos with labels, and as many with ratings; fewest that show each word
ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorials" / "your-own-words"
FIGURES = {"average precision": "logistic regression", "tau": "ridge regression", "rmse": "ridge regression"}


def read(folder: Path) -> OwnPhotos:
    """Return the photos of SUN's test split, with `WORDS`, and those of OASIS."""
    labelled, rated = sun_attributes.read(folder / "sun_attributes"), oasis.read(folder / "oasis_scenes")
    labelled = some(labelled, labelled.split == "test")
    labels = labelled.labels_of(WORDS)
    files = (*labelled.files, *rated.files)
    return OwnPhotos(
        labelled=replace(labelled, labels=labels, attributes=WORDS, regions={}),
        sources=("oasis_scenes",),
        ratings=(rated,),
        place=folder,
        number_of_labelled=np.arange(len(labelled.files)),
        number_of_rated=np.arange(len(labelled.files), len(files)),
        source=np.zeros(len(rated.files), dtype=int),
        files=files,
    )


def drawn(labels: np.ndarray, rated: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the words (3,) and which photos are labelled (n,) and rated (m,), as masks, of one draw.

    Args:
        labels: (n, K) shares of annotators.
        rated: m, the number of photos with ratings.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    words = random.choice(labels.shape[1], CHOSEN, replace=False)
    chosen = np.zeros(len(labels), dtype=bool)
    for word in words:
        chosen[random.permutation(np.flatnonzero(labels[:, word] > 0.5))[:SHOWING]] = True
    others = random.permutation(np.flatnonzero(~chosen))
    chosen[others[: PHOTOS - chosen.sum()]] = True
    scored = np.zeros(rated, dtype=bool)
    scored[random.permutation(rated)[:PHOTOS]] = True
    return words, chosen, scored


def judged(
    network: SIAM, baseline: Baseline, scores: np.ndarray, examples: Examples, seed: int
) -> dict[str, Sequence[float]]:
    """Return each of `FIGURES` on the photos that one draw's pair did not see: SIAM's, and that of the regression.

    Args:
        network: a SIAM of three words, whose heads are overwritten.
        baseline: beside it.
        scores: (m,) mean ratings.
        examples: the photos, with all `WORDS`.
        seed: of the draw.
    """
    words, labelled, rated = drawn(examples.labels, len(scores), seed)
    labels, targets = examples.labels[:, words], [of[:, words] for of in examples.region_targets]
    names = tuple(WORDS[word] for word in words)
    examples = replace(examples, labels=labels, attributes=names, region_targets=targets)
    fit_pair(network, baseline, examples, labelled, rated, Training())
    rows, unseen = np.flatnonzero(~labelled), np.flatnonzero(~rated)
    presence = predict_attributes(network, examples, rows)[1]
    predicted = [predict_scores(model, examples, examples.rated(unseen)) for model in (network, baseline)]
    means = np.stack([of[0].float().mean(dim=(1, 2)).numpy() for of in examples.features[: len(labels)]])
    plain = np.stack([_logistic(means[labelled], of[labelled], means[rows]) for of in labels.T], axis=1)
    truth = scores[unseen]
    return {
        "average precision": [average_precision(of, labels[rows], 1).mean() for of in (presence, plain)],
        "tau": [kendall_tau(of, truth) for of in predicted],
        "rmse": [rmse(of, truth) for of in predicted],
    }


def _logistic(seen: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Return a logistic regression's scores (n,) for a word; it was as good as any between C = 0.0001 and 1."""
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=1000))
    return regression.fit(seen, labels > 0.5).decision_function(unseen)


def summary(draws: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, dict[str, list[float]]]:
    """Return, for each of `FIGURES`, SIAM's mean, the regression's and their difference, with 95 % intervals."""
    tables = {}
    for figure, other in FIGURES.items():
        values = np.array([draw[figure] for draw in draws])  # (draws, 2)
        values = np.column_stack([values, values[:, 0] - values[:, 1]])
        ends = bootstrap.interval(lambda of: of.mean(axis=0), values)
        rows = zip(("SIAM", other, "difference"), values.mean(axis=0), *ends, strict=True)
        tables[figure] = {name: [round(float(number), 3) for number in numbers] for name, *numbers in rows}
    return tables


def seconds(folder: Path) -> tuple[float, float]:
    """Return the seconds in which a pair is trained on the tutorial's photos, and the processor's seconds."""
    place = folder / "my"
    place.mkdir()
    names = [line.split(",")[0] for line in (TUTORIAL / "attributes.csv").read_text().splitlines()[1:]]
    for path in (*TUTORIAL.glob("*.csv"), *(ASSETS / "gallery" / "open-photos" / "images" / name for name in names)):
        shutil.copy(path, place)
    began = time.perf_counter(), time.process_time()
    train(ROOT / "recipes" / "own.toml", place, folder / "mine", folder / "cache")
    return round(time.perf_counter() - began[0], 1), round(time.process_time() - began[1], 1)


def show(name: str, figures: dict[str, dict[str, list[float]]]) -> None:
    """Print the figures of a backbone."""
    print(f"\n{name}")
    for figure, rows in figures.items():
        print(f"  {figure}")
        for who, (mean, low, high) in rows.items():
            print(f"    {who:22}{mean:7.2f} ({low:.2f} to {high:.2f})")


def main() -> None:
    """Train, print the figures and, with --store, keep them."""
    parser = argparse.ArgumentParser(description="How good a pair is after fifty photos of one's own.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds sun_attributes and oasis_scenes")
    parser.add_argument(
        "--cache", type=Path, default=Path("cache"), metavar="DIR", help="folder for features (default: cache)"
    )
    parser.add_argument("--quick", action="store_true", help="two draws instead of ten, to try it")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.relative_to(ASSETS.parent)}")
    options = parser.parse_args()
    draws = 2 if options.quick else 10
    photos, figures = read(options.folder), {}
    with tempfile.TemporaryDirectory() as place:
        taken = seconds(Path(place))
    print(f"the tutorial's fifty photos: {taken[0]:.0f} s, in which the processor computed {taken[1]:.0f} s")
    three = replace(photos, labelled=replace(photos.labelled, attributes=WORDS[:CHOSEN]))
    for name in ("ImageNet", Network.trunk):
        network, baseline = new_networks(Network(), three)
        if name == "ImageNet":
            backbones.load_imagenet(network.config.backbone, network.backbone)
            network.half().float()
        examples = own.examples(photos, network, options.cache)
        shown = tqdm(range(draws), desc=name, unit="draw", file=sys.stderr)
        figures[name] = summary([judged(network, baseline, photos.scores, examples, seed) for seed in shown])
        show(name, figures[name])
    if options.store:
        command = f"python -m benchmarks.own DIR{' --quick' * options.quick} --store"
        date = datetime.now(UTC).date().isoformat()
        content = {"format": 1, "date": date, "command": command, "git_commit": git_commit(), "draws": draws}
        content |= {"threads": torch.get_num_threads(), "seconds": taken[0], "processor_seconds": taken[1]}
        write_atomically(RESULT, f"{json.dumps({**content, 'backbones': figures}, indent=1)}\n".encode())


if __name__ == "__main__":
    main()
