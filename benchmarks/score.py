"""How fast archives are scored, by this process and by Ray: `python -m benchmarks.score [--quick] [--store]`.

Each run is a command of its own, as people type it, on JPEG files of 1200 px, and writes its files. What is compared is
measured in turn. Memory is that of a pair of tiny networks: it is what grows that counts, and with networks that take
most of the memory, growth would not show. `--store` writes assets/results/throughput.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psutil
import torch

import siam
from benchmarks.measuring import alone, at_least, at_most, compared, cores_used, paired, report, run_of
from benchmarks.photos import write_photos
from siam.evaluation import stored
from siam.evaluation.figures import Measurement
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from siam.results import speed
from tests.support.networks import baseline_network, siam_network

COMMAND = "python -m benchmarks.score"
PART = "Archives"
BARE = "both networks in PyTorch, one photo after another, decoding included"
ROUNDS, PHOTOS, BARE_PHOTOS = 3, 700, 100
FEW, MANY = 1000, 20_000  # photos, between which memory should not grow
STARTS = {"local": 10, "ray": 15}  # seconds until the first photo is scored
_PAUSE = 0.1  # seconds between two looks at the memory


@dataclass(frozen=True)
class Run:
    """What a run of `score` took: photos a second once it goes, and seconds to the first ones."""

    rate: float
    start: float


def run(photos: Path, runner: str, folder: Path) -> Run:
    """Score a folder of photos by the bundled pair, in a command of its own."""
    with _started(photos, runner, folder, "photo") as process:
        told, _ = process.communicate()
    _check(process)
    return Run(*json.loads(told.splitlines()[-1]))


def memory(photos: Path, folder: Path, networks: Path) -> float:
    """Return how large, in MiB, a command gets that scores a folder of photos; watching it takes time from it."""
    largest, ended = [0.0], threading.Event()
    with _started(photos, "local", folder, str(networks)) as process:
        watch = threading.Thread(target=_watch, args=(process.pid, largest, ended))
        watch.start()
        process.communicate()
        ended.set()
        watch.join()
    _check(process)
    return largest[0]


def _started(photos: Path, runner: str, folder: Path, model: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "benchmarks.score", "--run", str(photos), runner, str(folder), model]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def _check(process: subprocess.Popen[str]) -> None:
    if process.returncode:
        raise SystemExit(f"scoring failed with status {process.returncode}: see above")


def _watch(pid: int, largest: list[float], ended: threading.Event) -> None:
    """Keep the largest memory of a process and all below it; what they share counts once."""
    while not ended.wait(_PAUSE):
        total = 0.0
        try:
            processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                total += process.memory_full_info().pss / (1 << 20)
            except (psutil.NoSuchProcess, psutil.AccessDenied, AttributeError):
                continue
        largest[0] = max(largest[0], total)


def _run(photos: str, runner: str, folder: str, model: str) -> None:
    """Score a folder of photos in this process, and print how fast that was."""
    from siam.archive import Settings, score_into, source_of

    times: list[tuple[float, int]] = []
    pair = siam.load(model, device="cpu")
    score_into(
        pair,
        source_of(photos),
        Path(folder),
        Settings(engine=runner),
        progress=lambda done, _of, _failed: times.append((time.time(), done)),
    )
    going = [(when, done) for when, done in times if done > 0]
    (began, first), (ended, last) = going[0], going[-1]
    print(json.dumps([(last - first) / max(ended - began, 1e-9), began - psutil.Process().create_time()]))


def bare(files: Sequence[Path]) -> float:
    """Return how many photos a second the networks alone take from their files, in PyTorch."""
    pair = siam.load("photo", device="cpu", engine="pytorch")
    assert pair.baseline is not None
    began = time.perf_counter()
    with torch.inference_mode():
        for path in files:
            pixels = preprocess(read_image(path), pair.siam.config)
            pair.siam(pixels)
            pair.baseline(pixels)
    return len(files) / (time.perf_counter() - began)


def measure(rounds: int, photos: int, bare_photos: int, many: int | None, folder: Path) -> list[Measurement]:
    """Measure throughput, start and memory; `many` photos show whether memory grows, None leaves that out."""
    files = write_photos(folder / "photos", photos)
    places = (folder / f"out-{number}" for number in count())
    runs: dict[str, list[Run]] = {"local": [], "ray": []}

    def scored(runner: str) -> float:
        runs[runner].append(run(folder / "photos", runner, next(places)))
        return runs[runner][-1].rate

    pairs = paired(lambda: scored("local"), lambda: bare(files[:bare_photos]), rounds, "score")
    found = [
        compared(
            pairs,
            name="archive",
            part=PART,
            description="Scores of an archive",
            against=BARE,
            unit="photos/s",
            goal=at_least(3),
            note=f"{photos:,} JPEG files of 1200 px in each of {rounds} rounds, from the first photo's scores on; the "
            f"bare networks got {bare_photos} of them",
        )
    ]
    if find_spec("ray") is not None:
        pairs = paired(lambda: scored("ray"), lambda: scored("local"), rounds, "ray")
        found.append(
            compared(
                pairs,
                name="archive/ray",
                part=PART,
                description="The same by Ray, on one machine",
                against="one process, without Ray",
                unit="photos/s",
                goal=at_least(0.9),
                note=f"{photos:,} photos in each of {rounds} rounds",
            )
        )
    for runner, most in STARTS.items():
        if runs[runner]:
            found.append(
                alone(
                    [of.start for of in runs[runner]],
                    name=f"archive/start/{runner}",
                    part=PART,
                    description="Start of an archive" + (" by Ray" if runner == "ray" else ""),
                    unit="s",
                    goal=at_most(most, of="ours"),
                    note="from the start of the program to the first scores",
                )
            )
    if many is not None:
        found.append(_memory(folder, files, (min(FEW, many // 2), many), rounds, places))
    return found


def _memory(
    folder: Path, files: Sequence[Path], counts: tuple[int, int], rounds: int, places: Iterator[Path]
) -> Measurement:
    """Measure the memory of runs of many photos against those of few; files recur under other names."""
    save(Pair("tiny", siam_network(), baseline_network(), {}), folder / "networks")
    few, many = counts
    for number in counts:
        photos = folder / f"memory-{number}"
        photos.mkdir()
        for name in range(number):
            os.link(files[name % len(files)], photos / f"{name:06}.jpg")

    def peak(number: int) -> float:
        return memory(folder / f"memory-{number}", next(places), folder / "networks")

    return compared(
        paired(lambda: peak(many), lambda: peak(few), rounds, "memory"),
        name="archive/memory",
        part=PART,
        description=f"Memory for {many:,} photos",
        against=f"{few:,} photos",
        unit="MiB",
        goal=at_most(1.05),
        note="the largest size of the process, with tiny networks",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and store it."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure how fast archives are scored.")
    parser.add_argument("--quick", action="store_true", help="few rounds and photos, to see whether everything works")
    parser.add_argument("--without-memory", action="store_true", help=f"do not score {MANY:,} photos")
    parser.add_argument("--store", action="store_true", help="write the measurements to throughput.json")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.run:
        _run(*options.run)
        return
    sizes = (1, 40, 10, 60) if options.quick else (ROUNDS, PHOTOS, BARE_PHOTOS, MANY)
    many = None if options.without_memory else sizes[3]
    with tempfile.TemporaryDirectory() as name:
        found = measure(*sizes[:3], many, Path(name))
    flags = [word for word, on in (("--quick", options.quick), ("--without-memory", options.without_memory)) if on]
    figures = run_of(" ".join([COMMAND, *flags]), found, cores=cores_used())
    sys.stdout.write(f"{report(figures)}\n")
    if options.store:
        speed.write(figures, stored.STORED / "throughput.json")


if __name__ == "__main__":
    main()
