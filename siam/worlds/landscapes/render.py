"""Render many scenes into a folder: in parallel, each from its own seed, and resumable."""

import csv
import json
import os
import sys
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from siam.datasets.rendered import ATTRIBUTES, crowd, split_of, truth
from siam.datasets.rendered.truth import Truth
from siam.datasets.votes import COLUMNS
from siam.errors import DatasetError
from siam.runtime.files import remove_left_over, write_atomically
from siam.runtime.processes import in_parallel
from siam.worlds.landscapes.scene import check_objects, render

SIZES = (64, 2000)  # pixels: smallest and largest square pictures
_QUALITY = 90  # of the JPEG files
WITHOUT = "without"  # the folder of the scenes without each of their objects
_SETTINGS = "rendered.json"  # seed, size and what is left out, so that a folder never mixes two kinds of scenes


def render_scenes(
    out: Path,
    count: int,
    seed: int,
    size: int = 500,
    workers: int | None = None,
    without: Sequence[str] = (),
    split: str | None = None,
) -> None:
    """Render scenes 1 to `count` of a seed into `out`; existing ones are kept.

    Scene n of a seed and size is always the same, whatever `count` and `workers` are. Without some objects it is the
    same but for these: what really changes if they go.

    Args:
        out: the folder, in the layout of `siam.datasets.rendered`.
        count: number of scenes.
        seed: seed of the scenes, at least 0.
        size: side of the square pictures, in pixels.
        workers: number of processes, by default one per core; with 1, everything runs in this process.
        without: names of `scene.OBJECTS` to leave out.
        split: only those scenes that are in it: "train", "val" or "test"; None for all.

    Raises:
        DatasetError: the folder holds scenes of another seed or size or without other objects, or cannot be written to.
        ValueError: a number is out of range, or there is no such object.
    """
    if count < 1 or seed < 0 or not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(
            f"got count {count}, seed {seed}, size {size}; expected at least 1, at least 0, {SIZES[0]} to {SIZES[1]}"
        )
    check_objects(without)
    _claim(out, seed, size, without)
    wanted = [number for number in range(1, count + 1) if split in (None, split_of(number))]
    waiting = [number for number in wanted if not (out / "truth" / f"{number}.json").exists()]
    jobs = ((out, seed, number, size, tuple(without)) for number in waiting)
    processes = min(workers or os.cpu_count() or 1, len(waiting))
    steps = in_parallel(render_one, jobs, processes) if processes > 1 else (render_one(*job) for job in jobs)
    total = len(wanted)
    with tqdm(total=total, initial=total - len(waiting), desc="scenes", unit="scene", file=sys.stderr) as progress:
        for _step in steps:
            progress.update()
    _write_tables(out)


def render_one(out: Path, seed: int, number: int, size: int, without: Sequence[str] = ()) -> None:
    """Render one scene into its files; its truth comes last, as a sign that it is complete."""
    scene = render(np.random.default_rng([seed, number]), size, without=without)
    people = np.random.default_rng([seed, number, 1])  # separate, so that the picture does not depend on the crowd
    areas = scene.masks.mean(axis=(1, 2))
    record = Truth(
        identifier=number,
        place=scene.place,
        light=scene.light,
        split=split_of(number),
        bias=crowd.BIAS,
        contributions=_named(crowd.contributions(scene.masks)),
        nuances=crowd.nuance_points(scene.strengths),
        votes=(),
        labels=_named(crowd.annotate(areas, people)),
        areas=_named(areas),
    )
    record = Truth(**{**vars(record), "votes": tuple(crowd.vote(record.quality, people))})
    picture = BytesIO()
    scene.picture.save(picture, "JPEG", quality=_QUALITY)
    write_atomically(out / "images" / f"{number}.jpg", picture.getvalue())
    truth.write(out, record, scene.masks)


def render_without_each(out: Path, count: int, seed: int, size: int = 500, workers: int | None = None) -> None:
    """Render scenes 1 to `count` of `out` again without each of the objects in them; existing ones are kept.

    The pictures go to `out`/without/OBJECT/NUMBER.jpg, and `out`/without/NUMBER.json lists the objects that can be seen
    in a scene: those without which its picture differs.

    Args:
        out: the folder, to which `render_scenes` has rendered the scenes themselves.
        count: as for `render_scenes`, as are the other arguments.
        seed: likewise.
        size: likewise.
        workers: likewise.

    Raises:
        DatasetError: as `render_scenes`.
    """
    _claim(out, seed, size, ())
    waiting = [number for number in range(1, count + 1) if not (out / WITHOUT / f"{number}.json").exists()]
    jobs = ((out, seed, number, size) for number in waiting)
    processes = min(workers or os.cpu_count() or 1, len(waiting))
    steps = in_parallel(_render_each, jobs, processes) if processes > 1 else (_render_each(*job) for job in jobs)
    with tqdm(
        total=count, initial=count - len(waiting), desc="without each", unit="scene", file=sys.stderr
    ) as progress:
        for _step in steps:
            progress.update()


def _render_each(out: Path, seed: int, number: int, size: int) -> None:
    whole = render(np.random.default_rng([seed, number]), size)
    seen = []
    for name in whole.objects:
        other = render(np.random.default_rng([seed, number]), size, without=(name,)).picture
        if other.tobytes() == whole.picture.tobytes():
            continue
        seen.append(name)
        picture = BytesIO()
        other.save(picture, "JPEG", quality=_QUALITY)
        write_atomically(out / WITHOUT / name / f"{number}.jpg", picture.getvalue())
    write_atomically(out / WITHOUT / f"{number}.json", (json.dumps(seen) + "\n").encode())


def _claim(out: Path, seed: int, size: int, without: Sequence[str]) -> None:
    wanted: dict[str, Any] = {"seed": seed, "size": size, **({"without": sorted(without)} if without else {})}
    path, settings = out / _SETTINGS, json.dumps(wanted) + "\n"
    remove_left_over(out)
    if path.exists():
        stored = path.read_text(encoding="utf-8", errors="replace")
        if stored != settings:
            raise DatasetError(
                f"{out} holds scenes of {stored.strip()[:60]}, not {settings.strip()}: choose another folder"
            )
        return
    write_atomically(path, settings.encode())


def _write_tables(out: Path) -> None:
    """Write votes.tsv and labels.csv for all scenes in the folder, ordered by number."""
    numbers = sorted(int(path.stem) for path in (out / "truth").glob("*.json"))
    votes, labels = StringIO(), StringIO()
    vote_rows = csv.writer(votes, delimiter="\t", lineterminator="\n")
    label_rows = csv.writer(labels, lineterminator="\n")
    vote_rows.writerow(COLUMNS)
    label_rows.writerow(["file", "split", *ATTRIBUTES])
    for number in numbers:
        record = truth.read_truth(out, number)
        mean, variance = float(np.mean(record.votes)), float(np.var(record.votes))
        ballot = ",".join(map(str, record.votes))
        vote_rows.writerow([number, "", "", f"{mean:.4f}", f"{variance:.4f}", ballot, ""])
        shares = [f"{record.labels[name]:.4f}" for name in ATTRIBUTES]
        label_rows.writerow([f"{number}.jpg", record.split, *shares])
    write_atomically(out / "votes.tsv", votes.getvalue().encode())
    write_atomically(out / "labels.csv", labels.getvalue().encode())


def _named(values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(ATTRIBUTES, values, strict=True)}
