"""Whether candidates mean something, where the truth is known: `python -m benchmarks.discovery [--store]`.

Galleries of rendered landscapes hold causes that no attribute names: evening light, reflections, composition, charm,
litter and gloom. The bundled one has 300 of the 600 scenes that the networks had not seen; this makes one of all::

    python -m siam data render --count 3000 --seed 100 --size 400 --split test --out DATA/rendered
    python -m siam evaluate --data rendered --root DATA/rendered --split test --model rendered --gallery DATA/scenes

Then `--gallery DATA/scenes` judges on these, and on the bundled ones, too. Each way to take features apart looks for
candidates in five resamples of its photos (drawn with replacement, each photo kept once). A candidate matches what its
amount tells from the rest with an area under the ROC curve (AUC) of .8 in either direction. Reflections (3 % of the
scenes) and litter (4 %) are rare, so some matches are luck: that is what random directions are for. Brightness,
contrast, saturation and warmth are beside the directions of every way, the random ones, too.

Then five attributes are taken away from SIAM, whose templates are fitted again without them: how many come back? The
same is asked of labelled photos in the layout of `siam.datasets.sun`, with `--photos DATA/sun`: the pair `photo` loses
them, and the baseline's scores are the target, for nobody rated these. Last, it is timed how long 2,000 photos take at
which the networks have looked: the bundled scenes, with their mirror images and noise.

`--stream DIR` measures only how 200,000 photos of an archive with features are read, made in the same way, and what
memory that takes next to 10,000; DIR needs 25 GB for the time being, and the writing is not counted.
`--store` writes assets/results/discovery.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

import siam
from benchmarks.measuring import processor_name
from benchmarks.streaming import ERROR, streamed, varied
from siam.datasets import reader
from siam.datasets.base import PRESENT
from siam.datasets.rendered.crowd import NUANCES
from siam.discovery import candidates, cells, directions, naming
from siam.discovery.candidates import Candidate, Discovery, Scores
from siam.discovery.cells import Cells
from siam.discovery.gallery import scores_of
from siam.discovery.naming import Questions
from siam.evaluation import bootstrap, stored
from siam.evaluation.metrics import kendall_tau
from siam.gallery.store import Gallery, read
from siam.runtime.digests import digest
from siam.runtime.files import write_atomically
from siam.runtime.paths import ASSETS
from siam.runtime.provenance import git_commit
from siam.taste import personal
from siam.taste.maps import Maps, of_rows
from siam.taste.personal import Personal

RESULT = stored.STORED / stored.DISCOVERY
RESAMPLES, FIRST, MATCH = 5, 5, 0.8
STRONG = 0.3  # of its largest effect, from which a scene counts as having a cause
MANY = 2000  # photos, for the time
STREAMED = 10_000, 200_000  # photos of an archive
BUNDLED = ASSETS / "gallery" / "rendered"
AWAY = ("trees", "ocean", "road", "ice_snow", "clouds")


def scenes(pair: Any, folder: Path) -> tuple[Gallery, Cells, Scores, dict[str, np.ndarray]]:
    """Return a gallery of rendered scenes, what is in their cells, their scores, and their truth."""
    gallery = read(folder)
    rows = np.arange(len(gallery))
    with tqdm(total=len(rows), desc="looking", unit="photo", file=sys.stderr) as bar:
        seen = cells.of_photos(pair, of_rows(gallery, rows), lambda done, _all: bar.update(done - bar.n))
    return gallery, seen, scores_of(gallery, rows), truths(gallery)


def judged_ways(pair: Any, seen: Cells, scores: Scores, truth: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return how many scenes there are, which share of them has each cause, and what candidates match."""
    shares = {name: round(float(of.mean()), 3) for name, of in truth.items()}
    return {"photos": len(seen), "shares": shares, "hidden": hidden(seen, scores, truth, pair.config.attributes)}


def truths(gallery: Gallery) -> dict[str, np.ndarray]:
    """Return whether each scene (N,) has each hidden cause."""
    return {
        name: np.array([abs((truth or {})["nuances"].get(name, 0.0)) > STRONG * abs(most) for truth in gallery.truths])
        for name, most in NUANCES.items()
    }


def matches(candidate: Candidate, truth: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the AUC of what a candidate matches."""
    found = {name: roc_auc_score(of, candidate.amount) for name, of in truth.items() if 1 < of.sum() < len(of) - 1}
    found = {name: max(area, 1 - area) for name, area in found.items()}
    return {name: float(area) for name, area in found.items() if area >= MATCH}


def judged(discovery: Discovery, truth: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return which causes the first candidates match, and how many of these match nothing."""
    of_each = [matches(of, truth) for of in discovery.candidates[:FIRST]]
    return {"met": sorted({name for of in of_each for name in of}), "spurious": sum(not of for of in of_each)}


def hidden(seen: Cells, scores: Scores, truth: Mapping[str, np.ndarray], names: tuple[str, ...]) -> dict[str, Any]:
    """Return, for each way to take features apart, what the first candidates of the resamples match."""
    found: dict[str, Any] = {}
    for method in directions.METHODS:
        rows, begun = [], time.process_time()
        for seed in tqdm(range(RESAMPLES), desc=method, file=sys.stderr):
            kept = np.unique(np.random.default_rng(seed).choice(len(seen), len(seen)))
            some = Scores(
                scores.siam[kept], scores.baseline[kept], None if scores.crowd is None else scores.crowd[kept]
            )
            discovery = candidates.discover(seen.some(kept), some, names, method=method, count=FIRST, seed=seed)
            rows.append(judged(discovery, {name: of[kept] for name, of in truth.items()}))
        met = [name for row in rows for name in row["met"]]
        found[method] = {
            "met": {name: met.count(name) for name in truth},
            "causes": float(np.mean([len(row["met"]) for row in rows])),
            "spurious": float(np.mean([row["spurious"] for row in rows])),
            "processor_seconds": (time.process_time() - begun) / RESAMPLES,
        }
    return found


def named(pair: Any, seen: Cells, scores: Scores, truth: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what becomes of the best candidate for each cause that one matches, with the truth as the answers.

    "together" is the τ of SIAM fitted again with all of them, with its gain over "again", fitted again without any.
    """
    discovery = candidates.discover(seen, scores, pair.config.attributes)
    best: dict[str, tuple[float, int]] = {}
    for place, candidate in enumerate(discovery.candidates):
        for name, area in matches(candidate, truth).items():
            best[name] = max(best.get(name, (0.0, 0)), (area, place))
    rows, maps = [], []
    for name, (area, place) in best.items():
        questions, said = Questions(discovery, discovery.candidates[place]), {}
        while len(said) < naming.ENOUGH or naming.too_few(said):
            row = questions.next(said)
            if row is None:
                break
            said[row] = bool(truth[name][row])
        made = naming.name(pair, discovery, discovery.candidates[place], said, name)
        maps.append(made.maps.pooled[:, -1:])
        rows.append({
            "cause": name, "candidate": place + 1, "auc": area, "answers": len(said),
            "auc_of_attribute": float(roc_auc_score(truth[name], made.maps.means[:, -1])),
            "tau": [made.fit.crowd_tau, made.fit.tau, *map(float, made.fit.gain)],
        })  # fmt: skip
    together = _with(pair, seen, scores, maps)
    again = _with(pair, seen, scores, [])
    return {
        "each": rows,
        "again": again.tau,
        "together": together.tau,
        "gain": [
            *map(float, bootstrap.difference(kendall_tau, together.out_of_fold, again.out_of_fold, scores.target))
        ],
    }


def _with(pair: Any, seen: Cells, scores: Scores, maps: list[np.ndarray]) -> Personal:
    """Return SIAM fitted again with further maps (N, 1, g, g)."""
    start, count = personal.crowd(pair), len(maps)
    every = Maps(seen.maps.identifiers, seen.maps.sha256, np.concatenate([seen.maps.pooled, *maps], axis=1))
    names = (*start.attributes, *(f"new {number}" for number in range(count)))
    templates = np.concatenate([start.templates, np.zeros((count, *start.templates.shape[1:]))])
    freedom = np.ones(len(names))
    freedom[len(start.attributes) :] = len(start.attributes) / max(count, 1)
    start = replace(start, attributes=names, templates=templates)
    return personal.fit(personal.Design(start, every, freedom), np.arange(len(every)), scores.target)


def labels_of(gallery: Gallery) -> dict[str, np.ndarray]:
    """Return whether each scene (N,) shows each of the attributes that are taken away."""
    labels = [(truth or {})["labels"] for truth in gallery.truths]
    return {name: np.array([of.get(name, 0) > PRESENT for of in labels]) for name in AWAY}


def taken_away(pair: Any, seen: Cells, scores: Scores, labels: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return which of the attributes that were taken away come back, and how SIAM fares without them."""
    names = pair.config.attributes
    kept = [place for place, name in enumerate(names) if name not in AWAY]
    without = Maps(seen.maps.identifiers, seen.maps.sha256, seen.maps.pooled[:, kept])
    crowd = personal.crowd(pair)
    crowd = replace(crowd, attributes=tuple(names[k] for k in kept), templates=crowd.templates[kept])
    fit = personal.fit(personal.Design(crowd, without), np.arange(len(without)), scores.target)
    left = replace(seen, maps=without)
    found: dict[str, Any] = {"tau": [personal.fit(personal.Design(personal.crowd(pair), seen.maps),
                                                  np.arange(len(seen)), scores.target).tau, fit.tau]}  # fmt: skip
    for method in ("patterns", "dictionary", "random"):
        discovery = candidates.discover(
            left, replace(scores, siam=fit.out_of_fold), crowd.attributes, method=method, count=10
        )
        areas = {
            name: max(max(area := roc_auc_score(of, c.amount), 1 - area) for c in discovery.candidates)
            for name, of in labels.items()
        }
        found[method] = {name: round(float(area), 3) for name, area in areas.items()}
    return found


def on_photos(root: Path) -> dict[str, Any]:
    """Return what comes back on labelled photos, with the pair that learned from photos."""
    pair, photos = siam.load("photo"), reader("sun").read(root)
    assert pair.baseline is not None
    files = {path.relative_to(root).as_posix(): (path, digest(path.read_bytes())) for path in photos.files}
    with tqdm(total=len(files), desc="looking", unit="photo", file=sys.stderr) as bar:
        seen = cells.of_photos(pair, files, lambda done, _all: bar.update(done - bar.n))
    means = seen.baseline.mean(axis=(1, 2), dtype=np.float64)
    head = pair.baseline.linear
    baseline = means @ head.weight.detach().numpy()[0].astype(float) + float(head.bias.detach()[0])
    scores = Scores(personal.crowd(pair).scores(seen.maps), baseline)
    labels = {name: photos.labels[:, photos.attributes.index(name)] > PRESENT for name in AWAY}
    found = taken_away(pair, seen, scores, labels)
    return {"photos": len(files), "shares": {name: float(of.mean()) for name, of in labels.items()}, **found}


def many(seen: Cells, scores: Scores, names: tuple[str, ...]) -> dict[str, Any]:
    """Return how long candidates of many photos take, made of fewer."""
    random, numbers = np.random.default_rng(0), np.arange(MANY)
    more, places = varied(seen, numbers, random), numbers % len(seen)
    of = [
        values[places] + ERROR * random.standard_normal(MANY)
        for values in (scores.siam, scores.baseline, scores.target)
    ]
    begun, worked = time.perf_counter(), time.process_time()
    candidates.discover(more, Scores(*of), names)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    return {
        "photos": MANY, "seconds": seconds, "processor_seconds": worked, "processor": processor_name(),
        "cores": os.cpu_count(),
    }  # fmt: skip


def show(content: Mapping[str, Any]) -> None:
    """Print the figures."""
    print(f"of {RESAMPLES} resamples, in how many one of the first {FIRST} candidates matches")
    for method, of in content["hidden"].items():
        met = "  ".join(f"{name} {count}" for name, count in of["met"].items())
        print(f"  {method:12} {met}; causes {of['causes']:.1f}, spurious {of['spurious']:.1f}")
    for row in content["named"]["each"]:
        before, after, low, high = row["tau"]
        print(
            f"  {row['cause']}: candidate {row['candidate']}, AUC {row['auc']:.2f}; as an attribute, after "
            f"{row['answers']} answers, {row['auc_of_attribute']:.2f}; "
            f"τ {before:.3f} → {after:.3f} ({low:+.3f} to {high:+.3f})"
        )
    of = content["named"]
    print(f"  fitted again τ {of['again']:.3f}, with all of them {of['together']:.3f}, gain {of['gain']}")
    print(f"taken away: {json.dumps(content['taken_away'])}")
    print(f"of photos: {json.dumps(content['on_photos'])}")
    print(f"time: {json.dumps(content['time'])}")


def command(options: argparse.Namespace) -> str:
    """Return the command with the folders' names in place of where they are here."""
    given = {"--gallery": "DATA/scenes" if options.gallery != BUNDLED else None,
             "--photos": "DATA/sun" if options.photos is not None else None}  # fmt: skip
    words = [word for option, folder in given.items() if folder is not None for word in (option, folder)]
    return " ".join(["python -m benchmarks.discovery", *words, *(["--store"] if options.store else [])])


def before() -> dict[str, Any]:
    """Return the figures that are stored, if any are."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's arguments."""
    parser = argparse.ArgumentParser(description="Whether candidates mean something, where the truth is known.")
    parser.add_argument("--store", action="store_true", help=f"write {RESULT.relative_to(ASSETS.parent)}")
    parser.add_argument(
        "--gallery", type=Path, default=BUNDLED, metavar="DIR", help="rendered landscapes (default: the bundled ones)"
    )
    parser.add_argument(
        "--stream", type=Path, metavar="DIR", help="measure only how photos of an archive are read, made in DIR"
    )
    parser.add_argument(
        "--photos", type=Path, metavar="DIR", help="labelled photos; without, what is stored of them stays"
    )
    return parser


def main() -> None:
    """Judge, print the figures and, with --store, keep them."""
    options = parser().parse_args()
    if options.stream is not None:
        stream(options)
        return
    pair = siam.load("rendered")
    gallery, seen, scores, truth = scenes(pair, options.gallery)
    bundled = None if options.gallery == BUNDLED else scenes(pair, BUNDLED)[1:]
    content = {
        "format": 1,
        "date": datetime.now(UTC).date().isoformat(),
        "command": command(options),
        "git_commit": git_commit(),
        **judged_ways(pair, seen, scores, truth),
        "bundled": None if bundled is None else judged_ways(pair, *bundled),
        "named": named(pair, seen, scores, truth),
        "taken_away": taken_away(pair, seen, scores, labels_of(gallery)),
        "on_photos": on_photos(options.photos) if options.photos is not None else before().get("on_photos"),
        "time": many(seen, scores, pair.config.attributes),
        "streamed": before().get("streamed"),
    }
    show(content)
    if options.store:
        keep(content)


def stream(options: argparse.Namespace) -> None:
    """Measure how photos of an archive are read, print that and, with --store, keep it beside the other figures."""
    pair = siam.load("rendered")
    _gallery, seen, scores, _truth = scenes(pair, BUNDLED)
    with tempfile.TemporaryDirectory(dir=options.stream) as folder:
        rows = streamed(pair, seen, scores, *STREAMED, Path(folder) / "features")
    content = {
        "rows": rows, "processor": processor_name(), "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m benchmarks.discovery --stream DIR{' --store' if options.store else ''}",
        "git_commit": git_commit(),
    }  # fmt: skip
    print(f"streamed: {json.dumps(content)}")
    if options.store:
        keep({**before(), "streamed": content})


def keep(content: Mapping[str, Any]) -> None:
    """Store the figures."""
    write_atomically(RESULT, f"{json.dumps(content, indent=1)}\n".encode())


if __name__ == "__main__":
    main()
