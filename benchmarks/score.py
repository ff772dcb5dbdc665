"""What batch scoring adds to the bare networks: `python -m benchmarks.score [PHOTOS]`.

Scoring reads, scales and scores photo files; the bare networks get the same pictures, already in memory, one by one on
all cores. Both alternate in one run, so that the ratio holds on a busy machine. The budget is 90 % of the bare
networks' throughput, and memory that does not grow with the number of photos.
"""

import resource
import statistics
import sys
import time
from pathlib import Path

import torch

import siam
from siam.explanation.batch import predict_pair
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image

ROUNDS, COPIES = 5, 2


def bare(pair: siam.Pair, batches: list[torch.Tensor]) -> float:
    """Return the seconds that both backbones take with pooling, on pictures already in memory, one by one."""
    assert pair.baseline is not None
    began = time.perf_counter()
    with torch.inference_mode():
        for network in (pair.siam, pair.baseline):
            for pixels in batches:
                network.backbone(pixels).mean(dim=(2, 3))
    return time.perf_counter() - began


def scoring(pair: siam.Pair, files: list[Path]) -> float:
    """Return the seconds that scoring the files with both networks takes."""
    began = time.perf_counter()
    predict_pair(pair, files, lambda output: (output.scenicness,))
    return time.perf_counter() - began


def main() -> None:
    """Print one line per round, the median ratio, and the memory for few and for many photos."""
    pair = siam.load("photo", device="cpu")
    paths = [Path(argument) for argument in sys.argv[1:]] or [sample.path for sample in load_samples()]
    batches = [preprocess(read_image(path), pair.siam.config) for path in paths] * COPIES
    files = paths * COPIES
    scoring(pair, paths)  # warm
    ratios = []
    print(f"{'round':<8}{'bare photos/s':>16}{'scoring photos/s':>18}{'ratio':>8}")
    few = _memory()
    for number in range(ROUNDS):
        plain, full = bare(pair, batches), scoring(pair, files)
        ratios.append(plain / full)
        print(f"{number:<8}{len(files) / plain:>16.1f}{len(files) / full:>18.1f}{ratios[-1]:>8.2f}", flush=True)
    middle = _memory()
    scoring(pair, files * 3)
    print(f"median ratio {statistics.median(ratios):.2f} (budget 0.90), {torch.get_num_threads()} threads")
    print(f"peak memory, MiB: {few} warm, {middle} after {len(files)} photos, {_memory()} after {3 * len(files)}")


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
