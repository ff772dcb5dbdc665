"""How many answers a word needs, by simulation: `python -m benchmarks.labelling [--quick] [--store]`.

In the order of *Label* and in drawn order; and whether the figures that it says of itself are honest.

On the bundled rendered landscapes it is known what is in a scene: a word is an attribute that covers 1 % of it or more,
in 6 to 90 % of the scenes. The features are those of the pair for photos, which has never seen a rendered scene. Of 300
scenes, drawn anew for each word and seed, 100 are kept out, and the simulated person answers about the others. AP is
that of the model's scores on the scenes kept out; beside it stands what `siam.labelling.model.judge` says of itself.
Words are called “some sand”, so that the order cannot begin with the map of the attribute.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score
from tqdm import tqdm

import siam
from siam.evaluation import stored
from siam.gallery.store import read
from siam.labelling import features, model
from siam.labelling.features import Features
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from siam.runtime.provenance import git_commit

COUNTS = (10, 15, 20, 30, 40, 60, 80, 100, 120)
ORDERS = ("this order", "drawn order")
KEPT_OUT = 100
COVERED, RARE, COMMON = 0.01, 0.06, 0.9
RESULT = stored.STORED / stored.LABELLING


@dataclass
class Found:
    """What simulated people reached: order → number of answers → values, one for each word and seed."""

    reached: dict[str, dict[int, list[float]]] = field(default_factory=lambda: _empty())
    said: dict[str, dict[int, list[float]]] = field(default_factory=lambda: _empty())
    inside: dict[str, dict[int, list[float]]] = field(default_factory=lambda: _empty())
    seconds: list[float] = field(default_factory=list)


def _empty() -> dict[str, dict[int, list[float]]]:
    return {order: {count: [] for count in COUNTS} for order in ORDERS}


def simulate(found: Found, known: Features, word: str, shown: Mapping[str, bool], seed: int) -> None:
    """Let a person answer about one word in both orders.

    Args:
        found: takes in what they reach.
        known: of all photos.
        word: the word.
        shown: photo → whether it shows the word.
        seed: of the photos that are kept out.
    """
    names = [known.photos[place] for place in np.random.default_rng(seed).permutation(len(known.photos))]
    test, pool = names[:KEPT_OUT], names[KEPT_OUT:]
    rows = [known.photos.index(name) for name in test]
    truth = np.array([shown[name] for name in test])
    if not truth.any():
        return
    for order, seen in zip(ORDERS, (known, None), strict=True):
        said: dict[str, str] = {}
        while len(said) < min(COUNTS[-1], len(pool)):
            began = time.perf_counter()
            name = model.next_photo(word, pool, said, seen)
            assert name is not None
            said[name] = "present" if shown[name] else "absent"
            if len(said) not in COUNTS:
                continue
            judged = model.judge(word, pool, said, known)
            if order == ORDERS[0]:
                found.seconds.append(time.perf_counter() - began)
            scores = model.scores(word, said, known)[rows]
            guess = np.isnan(scores).any()
            reached = truth.mean() if guess else average_precision_score(truth, scores)
            found.reached[order][len(said)].append(float(reached))
            if not np.isnan(judged.average_precision):
                found.said[order][len(said)].append(judged.average_precision - float(reached))
                low, high = judged.interval
                found.inside[order][len(said)].append(float(low <= reached <= high))


def needed(found: Found) -> dict[int, float]:
    """Return for a number of answers in drawn order the share of them that this order needs for the same mean AP."""
    ours, theirs = (np.array([np.mean(found.reached[order][count]) for count in COUNTS]) for order in ORDERS)
    best = np.maximum.accumulate(ours)
    return {
        count: float(np.interp(level, best, COUNTS, right=count) / count)
        for count, level in zip(COUNTS, theirs, strict=True)
    }


def summary(found: Found) -> dict[str, Any]:
    """Return the means over words and seeds, for each order and number of answers; None where nothing was said."""
    orders = {}
    for order in ORDERS:
        reached, said, inside = found.reached[order], found.said[order], found.inside[order]
        orders[order] = {
            str(count): {
                "average_precision": _mean(reached[count]),
                "said_minus_that": _mean(said[count]),
                "interval_holds": _mean(inside[count]),
                "says_something": len(said[count]) / len(reached[count]),
            }
            for count in COUNTS
        }
    return {
        "simulations": len(found.reached[ORDERS[0]][COUNTS[0]]),
        "orders": orders,
        "needed": {str(count): round(share, 3) for count, share in needed(found).items()},
        "seconds": {"median": round(float(np.median(found.seconds)), 3), "most": round(max(found.seconds), 3)},
    }


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


_ROWS = {
    "AP on other scenes": ("average_precision", ".2f"),
    "AP it says minus this": ("said_minus_that", "+.2f"),
    "interval holds it": ("interval_holds", ".0%"),
    "it says something": ("says_something", ".0%"),
}


def show(of: Mapping[str, Any]) -> None:
    """Print the figures of `summary`."""
    print(f"{'answers':36}" + "".join(f"{count:>7}" for count in COUNTS))
    for name, (key, form) in _ROWS.items():
        for order, figures in of["orders"].items():
            values = [figures[str(count)][key] for count in COUNTS]
            print(f"{f'{name}, {order}':36}" + "".join(f"{'–' if x is None else format(x, form):>7}" for x in values))
    print(f"{'share of answers needed':36}" + "".join(f"{share:>7.0%}" for share in of["needed"].values()))
    print(f"a round: {of['seconds']['median']:.2f} s (median), at most {of['seconds']['most']:.2f} s")


def main() -> None:
    """Simulate, print the table and, with --store, keep the figures."""
    parser = argparse.ArgumentParser(description="How many answers a word needs, by simulation.")
    parser.add_argument("--quick", action="store_true", help="one seed instead of five")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.relative_to(ASSETS.parent)}")
    options = parser.parse_args()
    seeds = 1 if options.quick else 5
    gallery = read(ASSETS / "gallery" / "rendered")
    names = [str(name) for name in gallery.photos["identifier"]]
    files = [gallery.picture(row) for row in range(len(gallery))]
    photos = {name: path for name, path in zip(names, files, strict=True) if path is not None}
    with tqdm(desc="features", unit="photo") as bar:
        report = lambda done, _all: bar.update(done - bar.n)  # noqa: E731
        known = features.of_photos(siam.load("photo", device="cpu"), photos, nullcontext(), report)
    found, words = Found(), 0
    for word in tqdm(gallery.about.attributes, unit="word"):
        areas = {name: (truth or {})["areas"].get(word, 0.0) for name, truth in zip(names, gallery.truths, strict=True)}
        shown = {name: area > COVERED for name, area in areas.items()}
        if RARE < np.mean(list(shown.values())) < COMMON:
            words += 1
            for seed in range(seeds):
                simulate(found, known, f"some {word}", shown, seed)
    figures = summary(found)
    show(figures)
    if options.store:
        command = " ".join(["python -m benchmarks.labelling", *sys.argv[1:]])
        date = datetime.now(UTC).date().isoformat()
        content = {"format": 1, "date": date, "command": command, "git_commit": git_commit(), "words": words}
        write_atomically(RESULT, f"{json.dumps({**content, **figures}, indent=1)}\n".encode())


if __name__ == "__main__":
    main()
