"""How well a personal SIAM finds the taste of simulated people: `python -m benchmarks.taste [--quick] [--store]`.

Each person's taste is known, for it is a formula: a share of the crowd's, and weights of the person's own for six
attributes. In the rendered gallery, both are functions of the true causes (what is where in a scene, and nuances
without a name), of which the networks see only the picture. In the gallery of open photos, they are functions of the
networks' own maps, with a part for each photo that nothing explains. People give whole numbers from 1 to 7, are strict
or mild, and as consistent as people are: asked again, their answers would correlate by 0.75.

Fits see only ratings; each is judged by Kendall's τ between its scores and the taste, on photos that nobody rated, and
by the correlation of its contributions with the true ones.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from tqdm import tqdm

import siam
from siam.evaluation import bootstrap, stored
from siam.evaluation.metrics import kendall_tau
from siam.explanation.batch import predict
from siam.gallery.store import Gallery, read
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from siam.runtime.provenance import git_commit
from siam.taste import maps as photo_maps
from siam.taste.order import most_telling
from siam.taste.personal import Design, crowd, fit, on_scale

RESULT = stored.STORED / stored.TASTE
COUNTS = (15, 30, 60, 120)  # ratings, of the tables
CURVE = (15, 20, 25, 30, 40, 50, 60, 80, 100, 120)  # ratings at which orders are compared
RETEST = 0.75
SPREAD, STRICT = 1.3, 0.5  # points of 1 to 7: standard deviations of a person's taste, and of strictness
OWN = 6  # attributes with a weight of the person's own
CROWD = "crowd’s network"
UNEXPLAINED = 0.3  # of a taste's spread, of open photos


@dataclass(frozen=True, eq=False)
class World:
    """Photos whose causes are known.

    Attributes:
        name: of the gallery.
        design: of its photos.
        features: (N, C) of the backbone, averaged over cells.
        crowd: (N, K) what each cause adds to the crowd's score.
        causes: (N, K) how much of each attribute there truly is.
        further: (N, J) causes without a name.
        test: how many photos nobody rates.
    """

    name: str
    design: Design
    features: np.ndarray
    crowd: np.ndarray
    causes: np.ndarray
    further: np.ndarray
    test: int


@dataclass(frozen=True, eq=False)
class Person:
    """A simulated rater: `taste` (N,), of which `contributions` (N, K) are known; `rate` gives ratings from 1 to 7."""

    taste: np.ndarray
    contributions: np.ndarray
    rate: Callable[[np.ndarray], np.ndarray]


def rendered() -> World:
    """Return the rendered scenes, whose causes are those of the truth."""
    gallery, design, features = _seen("rendered", "rendered")
    truths = [truth or {} for truth in gallery.truths]
    names = gallery.about.attributes
    of_crowd = np.array([[truth["contributions"].get(name, 0.0) for name in names] for truth in truths])
    areas = np.array([[truth["areas"].get(name, 0.0) for name in names] for truth in truths])
    nuances = sorted({name for truth in truths for name in truth["nuances"]})
    further = np.array([[truth["nuances"].get(name, 0.0) for name in nuances] for truth in truths])
    return World("rendered scenes", design, features, of_crowd, areas, further, 100)


def open_photos() -> World:
    """Return the open photos, whose causes are what the networks see in them."""
    _gallery, design, features = _seen("photo", "open-photos")
    of_crowd = design.crowd.contributions(design.maps)
    return World("open photos", design, features, of_crowd, design.maps.means, np.zeros((len(features), 0)), 40)


def _seen(model: str, folder: str) -> tuple[Gallery, Design, np.ndarray]:
    pair, gallery = siam.load(model, device="cpu"), read(ASSETS / "gallery" / folder)
    found = photo_maps.of_gallery(pair, gallery, description=f"maps, {folder}")
    files = [gallery.scored(row) or gallery.picture(row) for row in range(len(gallery))]
    (features,) = predict(
        pair.siam, [path for path in files if path], lambda output: (output.mean_features,), description="features"
    )
    return gallery, Design(crowd(pair), found), features


def person(world: World, seed: int) -> Person:
    """Return a simulated rater."""
    random = np.random.default_rng(seed)
    share = random.uniform(0.2, 0.9)
    causes = _standardised(world.causes)
    shown = np.flatnonzero(causes.any(axis=0))
    weights = np.zeros(causes.shape[1])
    weights[random.choice(shown, OWN, replace=False)] = random.normal(size=OWN)
    further = world.further * random.normal(1, 1, world.further.shape[1])
    of_crowd = world.crowd.sum(axis=1) + world.further.sum(axis=1)
    own = causes * weights
    whole = own.sum(axis=1)
    scales = share / of_crowd.std(), np.sqrt(1 - share**2) / whole.std()
    taste = scales[0] * (world.crowd.sum(axis=1) + further.sum(axis=1)) + scales[1] * whole
    if not world.further.shape[1]:
        taste = taste + UNEXPLAINED * random.normal(size=len(taste))
    taste = (taste - taste.mean()) / taste.std()
    strict, noise = random.normal(0, STRICT), SPREAD * np.sqrt(1 / RETEST - 1)
    ratings = 4 + strict + SPREAD * taste + random.normal(0, noise, len(taste))
    given = np.rint(ratings).clip(1, 7)
    return Person(taste, scales[0] * world.crowd + scales[1] * own, lambda rows: given[rows])


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values), where=spread > 0)


@dataclass(frozen=True, eq=False)
class Found:
    """What one person's fits reached; NaN where there are too few photos.

    Attributes:
        tau: method → (len(CURVE),) τ to the taste, on photos that nobody rated.
        causes: method → (len(CURVE),) correlation of contributions with the true ones, there.
        inside: order → (len(COUNTS),) whether the fit's interval of τ holds its τ to the ratings of those photos.
        seconds: that fits took, with their intervals.
    """

    tau: dict[str, np.ndarray]
    causes: dict[str, np.ndarray]
    inside: dict[str, np.ndarray]
    seconds: list[float]


def found(world: World, seed: int) -> Found:
    """Return what a simulated person's ratings give."""
    design, rater = world.design, person(world, seed)
    scale, drawn = design.crowd.scale, np.random.default_rng(seed).permutation(len(design.maps))
    test, pool = drawn[: world.test], drawn[world.test :]
    orders = {"chosen order": chosen_order(design, pool, CURVE[-1]), "random order": pool}
    tables = {"ridge on presence": design.maps.means, "ridge on features": world.features}
    tau = {name: np.full(len(CURVE), np.nan) for name in (*orders, *tables, CROWD)}
    causes = {name: np.full(len(CURVE), np.nan) for name in (*orders, CROWD)}
    inside = {name: np.full(len(COUNTS), np.nan) for name in orders}
    seconds = []
    for place, count in enumerate(CURVE):
        if count > len(pool):
            break
        tau[CROWD][place] = kendall_tau(design.scores[test], rater.taste[test])
        causes[CROWD][place] = _alike(design.crowd.contributions(design.maps), rater, test)
        for name, order in orders.items():
            rows, began = order[:count], time.perf_counter()
            personal = fit(design, rows, on_scale(rater.rate(rows), scale), seed=seed)
            seconds.append(time.perf_counter() - began)
            scores = personal.taste.scores(design.maps)
            tau[name][place] = kendall_tau(scores[test], rater.taste[test])
            causes[name][place] = _alike(personal.taste.contributions(design.maps), rater, test)
            if count in COUNTS:
                new = kendall_tau(scores[test], rater.rate(test))
                inside[name][COUNTS.index(count)] = personal.interval[0] <= new <= personal.interval[1]
        for name, table in tables.items():
            values = _standardised(table)
            ridge = RidgeCV(np.geomspace(0.1, 10_000, 16)).fit(values[pool[:count]], rater.rate(pool[:count]))
            tau[name][place] = kendall_tau(ridge.predict(values[test]), rater.taste[test])
    return Found(tau, causes, inside, seconds)


def chosen_order(design: Design, pool: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of a pool in the order in which they tell most, the first as it is."""
    names = design.maps.identifiers
    left, rated = [names[row] for row in pool[1:]], [names[pool[0]]]
    while left and len(rated) < count:
        rated.append(most_telling(design, rated, left))
        left.remove(rated[-1])
    row_of = {name: row for row, name in enumerate(names)}
    return np.array([row_of[name] for name in rated])


def _alike(contributions: np.ndarray, rater: Person, test: np.ndarray) -> float:
    """Return the correlation of contributions with the true ones, each attribute's around its mean."""
    ours, theirs = (of[test] - of[test].mean(axis=0) for of in (contributions, rater.contributions))
    return float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])


def summary(people: Sequence[Found], seed: int = 0) -> dict[str, Any]:
    """Return the figures of many people: means with 95 % intervals from people drawn with replacement.

    Returns:
        "tau" and "causes": method → number of ratings → [mean, low, high]; "needed": number of ratings in random order
        → the share of them that the chosen order needs for the same mean τ, [share, low, high]; "inside": order →
        number of ratings → share of people whose interval held; "seconds": the median and the longest of a fit.
    """
    places = [CURVE.index(count) for count in COUNTS]
    tables: dict[str, Any] = {
        kind: {name: _means(np.stack([getattr(of, kind)[name][places] for of in people])) for name in names}
        for kind, names in (("tau", people[0].tau), ("causes", people[0].causes))
    }
    chosen, random = (np.stack([of.tau[name] for of in people]) for name in ("chosen order", "random order"))
    needed = bootstrap.interval(_needed, chosen, random, seed=seed)
    tables["needed"] = {
        str(count): [_rounded(value) for value in (share, *ends)]
        for count, share, ends in zip(CURVE, _needed(chosen, random), needed.T, strict=True)
        if np.isfinite(share) and count in COUNTS[1:]
    }
    inside = {name: np.stack([of.inside[name] for of in people]).mean(axis=0) for name in people[0].inside}
    tables["inside"] = {
        name: {str(count): _rounded(value) for count, value in zip(COUNTS, of, strict=True) if np.isfinite(value)}
        for name, of in inside.items()
    }
    seconds = [value for of in people for value in of.seconds]
    return {**tables, "seconds": [_rounded(float(np.median(seconds))), _rounded(max(seconds))]}


def _means(values: np.ndarray) -> dict[str, list[float]]:
    known = [place for place in range(len(COUNTS)) if np.isfinite(values[:, place]).all()]
    ends = bootstrap.interval(lambda drawn: drawn.mean(axis=0), values[:, known])
    means = values[:, known].mean(axis=0)
    return {
        str(COUNTS[place]): [_rounded(number) for number in (mean, low, high)]
        for place, mean, low, high in zip(known, means, *ends, strict=True)
    }


def _needed(chosen: np.ndarray, random: np.ndarray) -> np.ndarray:
    """Return the share (len(CURVE),) of the ratings that the chosen order needs; 1 if it never gets there."""
    ours, theirs = np.maximum.accumulate(chosen.mean(axis=0)), random.mean(axis=0)
    known = np.isfinite(ours)
    counts = np.array(CURVE, dtype=float)
    needed = np.interp(theirs, ours[known], counts[known], right=np.inf) / counts
    return np.where(np.isfinite(theirs), np.minimum(needed, 1.0), np.nan)


def _rounded(value: float) -> float:
    return round(float(value), 3)


def show(name: str, figures: dict[str, Any]) -> None:
    """Print the figures of a world."""
    print(f"\n{name}: τ to the taste, on photos that nobody rated, after … ratings")
    _table(figures["tau"], lambda cell: f"{cell[0]:.2f} ({cell[1]:.2f} to {cell[2]:.2f})")
    print("correlation of contributions with the true ones")
    _table(figures["causes"], lambda cell: f"{cell[0]:.2f} ({cell[1]:.2f} to {cell[2]:.2f})")
    for count, (share, low, high) in figures["needed"].items():
        print(f"for the τ of {count} ratings in random order: {share:.0%} of them ({low:.0%} to {high:.0%})")
    print("share of people for whom the interval held")
    _table(figures["inside"], lambda cell: f"{cell:.0%}")
    print(f"a fit with its interval: {figures['seconds'][0]:.2f} s (median), at most {figures['seconds'][1]:.2f} s")


def _table(rows: dict[str, dict[str, Any]], cell: Callable[[Any], str]) -> None:
    counts = [str(count) for count in COUNTS]
    print(f"{'':20}" + "".join(f"{count:>24}" for count in counts))
    for name, of in rows.items():
        print(f"{name:20}" + "".join(f"{cell(of[count]) if count in of else '–':>24}" for count in counts))


def main() -> None:
    """Simulate, print the tables and, with --store, keep the figures."""
    parser = argparse.ArgumentParser(description="How well a personal SIAM finds a taste, by simulation.")
    parser.add_argument("--quick", action="store_true", help="five people instead of a hundred, to try it")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.relative_to(ASSETS.parent)}")
    options = parser.parse_args()
    people = 5 if options.quick else 100
    worlds = {}
    for world in (rendered(), open_photos()):
        rows = [found(world, seed) for seed in tqdm(range(people), desc=world.name, unit="person", file=sys.stderr)]
        worlds[world.name] = summary(rows)
        show(world.name, worlds[world.name])
    if options.store:
        command = " ".join(["python -m benchmarks.taste", *sys.argv[1:]])
        date = datetime.now(UTC).date().isoformat()
        content = {"format": 1, "date": date, "command": command, "git_commit": git_commit(), "people": people}
        write_atomically(RESULT, f"{json.dumps({**content, 'worlds': worlds}, indent=1)}\n".encode())


if __name__ == "__main__":
    main()
