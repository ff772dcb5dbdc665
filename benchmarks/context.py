"""What counting together buys, where the truth is known: `python -m benchmarks.context --scenes DIR [--store]`.

DIR holds rendered landscapes (`python -m siam data render --count 1300 --seed 100 --size 400 --out DIR`). Groups are
fitted to the presence that the bundled pair sees in the training scenes, and judged on the test scenes, which the pair
never saw. Of two crowds: the usual one, for whom attributes add up, and a second one, for whom three pairs of
attributes count only together (`siam.datasets.rendered.crowd.PAIRS`). For the second: are the pairs found, over five
seeds of votes and fits? "adding up" is the same fit with groups of one attribute each.
`--store` writes assets/results/context.json.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from tqdm import tqdm

import siam
from siam.datasets import rendered
from siam.datasets.rendered import crowd, truth
from siam.evaluation import stored
from siam.evaluation.scores import difference_figures, score_figures_with_intervals
from siam.explanation.batch import predict_pair
from siam.explanation.context import cell_presence
from siam.gallery.context import causes_needed, same_groups
from siam.models.csib import BUDGETS, CSIB
from siam.models.siam import SIAMOutput
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from siam.runtime.provenance import git_commit
from siam.training.context import Settings, fit

RESULT = stored.STORED / stored.CONTEXT
SEEDS = 5
GRID = 7  # cells along a side, of the spatial variant
USUAL = Settings(groups=60, steps=800, shrinkage=0.05, few=0.05)  # as in the recipes
VARIANTS = {
    "with context": USUAL,
    "with negations": replace(USUAL, negations=True),
    "spatial": replace(USUAL, spatial=True, groups=40, steps=400),
    "SIAM and context": replace(USUAL, linear=True, shrinkage=0.3, ridge=4.0),
}
LARGEST = 8  # groups in which pairs are looked for
MEMBER = 0.25  # of a group, from which an attribute counts as one of its two members


class Scenes:
    """What the pair sees in N scenes: presence (N, K), in cells (N, K, g, g), both scores (N,), and the truths."""

    def __init__(self, pair: Any, root: Path) -> None:
        """Look at every training and test scene below `root`."""
        photos = rendered.read(root)
        self.split = np.asarray(photos.split)
        rows = np.flatnonzero(np.isin(self.split, ["train", "test"]))
        files = [photos.files[row] for row in rows]
        self.split, self.people = self.split[rows], photos.scores[rows]

        def parts(output: SIAMOutput) -> tuple[Tensor, ...]:
            return output.attribute_scores, output.attribute_maps, output.scenicness

        (self.presence, maps, self.siam), baseline = predict_pair(pair, files, parts, description="scenes")
        assert baseline is not None  # the bundled pair has one
        self.baseline = baseline
        self.cells = cell_presence(maps, GRID)
        self.truths = [truth.read_truth(root, int(path.stem)) for path in files]

    def votes(self, seed: int) -> np.ndarray:
        """Return the second crowd's mean votes (N,)."""
        means = []
        for of in self.truths:
            quality = crowd.paired_quality(of.contributions, of.nuances, of.areas)
            means.append(np.mean(crowd.vote(quality, np.random.default_rng([seed, of.identifier]))))
        return np.array(means)


def fitted(scenes: Scenes, people: np.ndarray, names: tuple[str, ...], settings: Settings, seed: int) -> CSIB:
    """Return groups fitted to the training scenes."""
    rows = scenes.split == "train"
    presence = scenes.cells if settings.spatial else scenes.presence
    return fit(presence[rows], people[rows], names, settings, siam=scenes.siam[rows], seed=seed)


def adding_up(scenes: Scenes, people: np.ndarray, names: tuple[str, ...]) -> CSIB:
    """Return groups of one attribute each: what the presence of attributes can say without counting together."""
    rows = scenes.split == "train"
    presence = np.clip(scenes.presence[rows], 0, 1)
    centred = presence - presence.mean(axis=0)
    penalty = USUAL.ridge * np.eye(len(names)) * presence.max(axis=0) ** 2
    weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (people[rows] - people[rows].mean()))
    return CSIB(names, np.eye(len(names)), weights, float(people[rows].mean() - presence.mean(axis=0) @ weights))


def usual_crowd(scenes: Scenes, names: tuple[str, ...]) -> dict[str, Any]:
    """Return figures of every variant, and of both networks, for the crowd for whom attributes add up."""
    test = scenes.split == "test"
    people, siam_scores = scenes.people[test], scenes.siam[test]
    networks = {"SIAM": siam_scores, "baseline": scenes.baseline[test]}
    facts: dict[str, Any] = {}
    for name, settings in tqdm(VARIANTS.items(), desc="variants", file=sys.stderr):
        fits = [fitted(scenes, scenes.people, names, settings, seed) for seed in range(SEEDS)]
        presence = (scenes.cells if settings.spatial else scenes.presence)[test]
        networks[name] = fits[0].scores(presence, siam_scores)
        errors = [fits[0].scores(presence, siam_scores, k) - people for k in (*BUDGETS, None)]
        facts[name] = {
            "groups": len(fits[0]),
            "budgets": [round(float(np.sqrt((error**2).mean())), 4) for error in errors],
            "causes": causes_needed(fits[0], presence, siam_scores),
            "same": None if settings.spatial else round(same_groups(fits), 4),
        }
    networks["adding up"] = adding_up(scenes, scenes.people, names).scores(scenes.presence[test])
    return {
        "figures": {name: score_figures_with_intervals(of, people) for name, of in networks.items()},
        "differences": {
            name: difference_figures(of, siam_scores, people) for name, of in networks.items() if name != "SIAM"
        },
        "facts": facts,
    }


def pairs_of(csib: CSIB) -> list[frozenset[str]]:
    """Return the two members of each of the largest groups that has two or more with a quarter of it."""
    found = []
    for group in range(min(LARGEST, len(csib))):
        members = [csib.attributes[index] for index, _absent, share in csib.members(group) if share >= MEMBER]
        if len(members) > 1:
            found.append(frozenset(members[:2]))
    return found


def second_crowd(scenes: Scenes, names: tuple[str, ...]) -> dict[str, Any]:
    """Return, for the crowd for whom pairs count together, what is found and what that buys, seed by seed."""
    test, wanted = scenes.split == "test", [frozenset(pair) for pair in crowd.PAIRS]
    seeds = []
    for seed in tqdm(range(SEEDS), desc="second crowd", file=sys.stderr):
        people = scenes.votes(seed)
        csib, alone = fitted(scenes, people, names, USUAL, seed), adding_up(scenes, people, names)
        told = pairs_of(csib)
        scores = [of.scores(scenes.presence[test]) for of in (csib, alone)]
        seeds.append({
            "found": [sorted(pair) for pair in wanted if pair in told],
            "told": [sorted(pair) for pair in told],
            "recall": sum(pair in told for pair in wanted) / len(wanted),
            "precision": sum(pair in wanted for pair in told) / len(told) if told else None,
            "figures": {
                "with context": score_figures_with_intervals(scores[0], people[test]),
                "adding up": score_figures_with_intervals(scores[1], people[test]),
                "difference": difference_figures(scores[0], scores[1], people[test]),
            },
        })  # fmt: skip
    precisions = [of["precision"] for of in seeds if of["precision"] is not None]
    return {
        "pairs": [{"attributes": list(pair), "points": points} for pair, points in crowd.PAIRS.items()],
        "recall": float(np.mean([of["recall"] for of in seeds])),
        "precision": float(np.mean(precisions)) if precisions else None,
        "seeds": seeds,
    }


def show(content: dict[str, Any]) -> None:
    """Print the figures."""
    usual, second = content["usual"], content["second"]
    print(f"{content['train']} training scenes, {content['test']} test scenes")
    for name, of in usual["figures"].items():
        low, high = usual["differences"].get(name, {}).get("kendall_tau_interval") or (0, 0)
        print(f"  {name:18} τ {of['kendall_tau']:.3f} ({low:+.3f} to {high:+.3f} against SIAM), RMSE {of['rmse']:.3f}")
    for name, of in usual["facts"].items():
        print(f"  {name:18} {json.dumps(of)}")
    print(f"second crowd: recall {second['recall']:.2f}, precision {second['precision']}")
    for of in second["seeds"]:
        taus = {name: round(figures["kendall_tau"], 3) for name, figures in of["figures"].items()}
        print(f"  {taus}; {['+'.join(pair) for pair in of['told']]}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge, print the figures and, with --store, keep them."""
    parser = argparse.ArgumentParser(description="What counting together buys, where the truth is known.")
    parser.add_argument("--scenes", type=Path, required=True, metavar="DIR", help="rendered landscapes")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.relative_to(ASSETS.parent)}")
    options = parser.parse_args(arguments)
    pair = siam.load("rendered")
    names = pair.config.attributes
    scenes = Scenes(pair, options.scenes)
    content = {
        "format": 1,
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m benchmarks.context --scenes DIR{' --store' if options.store else ''}",
        "git_commit": git_commit(),
        "train": int((scenes.split == "train").sum()),
        "test": int((scenes.split == "test").sum()),
        "usual": usual_crowd(scenes, names),
        "second": second_crowd(scenes, names),
    }
    show(content)
    if options.store:
        write_atomically(RESULT, f"{json.dumps(content, indent=1)}\n".encode())


if __name__ == "__main__":
    main()
