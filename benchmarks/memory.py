"""How much time keeping freed memory saves the networks in PyTorch: `python -m benchmarks.memory`.

Both networks of the photo pair score the same picture in alternating processes: one with the C library's defaults, one
with `siam.runtime.memory`. The choice applies to a whole process, so a round is one process of each.
"""

import statistics
import subprocess
import sys
import time
from unittest.mock import patch

import torch

import siam
from benchmarks.measuring import paired
from siam.gallery.samples import load_samples
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image

ROUNDS, TIMES = 5, 10
USUAL, KEPT = "usual", "kept"


def milliseconds() -> float:
    """Return the milliseconds that both networks take for a picture: the median of several runs."""
    pair = siam.load("photo", device="cpu", engine="pytorch")
    assert pair.baseline is not None
    pixels = preprocess(read_image(load_samples()[0].path), pair.siam.config)
    taken = []
    with torch.inference_mode():
        for _time in range(TIMES):
            began = time.perf_counter()
            pair.siam(pixels)
            pair.baseline(pixels)
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[2:])  # after warming up


def main() -> None:
    """Print one line per round, and the median ratio."""
    if sys.argv[1:] == [USUAL]:
        with patch("siam.models.checkpoint.keep_freed_memory"):
            print(milliseconds())
        return
    if sys.argv[1:] == [KEPT]:
        print(milliseconds())
        return
    command = [sys.executable, "-m", "benchmarks.memory"]

    def measured(which: str) -> float:
        return float(subprocess.check_output([*command, which]))

    pairs = paired(lambda: measured(KEPT), lambda: measured(USUAL), ROUNDS, "memory")
    print(f"{'round':<8}{'usual, ms':>12}{'kept, ms':>12}{'ratio':>8}")
    for number, (usual, kept, ratio) in enumerate(zip(pairs.theirs, pairs.ours, pairs.ratios, strict=True)):
        print(f"{number:<8}{usual:>12.1f}{kept:>12.1f}{ratio:>8.2f}")
    print(f"median ratio {statistics.median(pairs.ratios):.2f}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
