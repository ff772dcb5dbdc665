"""What the candidates for the engine cost: `python -m benchmarks.engines`.

Each computes the backbone of the photo pair's SIAM in a process of its own, one picture of 384 x 512 px at a time:
milliseconds, what preparing it once takes, what a new process takes until its first result, and the memory it then
holds. ONNX Runtime is no dependency of the project: pip install onnx onnxruntime, or its row is left out.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (1, 3, 384, 512)
TIMES, ROUNDS = 30, 7
CANDIDATES = ("pytorch", "torch.compile", "onnxruntime", "openvino")

CACHES = ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")
Step = Callable[[], object]


def prepare(name: str, folder: Path) -> float:
    """Return the seconds it takes to convert or compile the network, once for all later processes."""
    import torch

    import siam

    backbone, images = _backbone(), _pictures()
    network = siam.load("photo", device="cpu", engine="openvino").siam
    began = time.perf_counter()
    if name == "onnxruntime":
        axes = {"images": {0: "n", 2: "h", 3: "w"}}
        torch.onnx.export(
            backbone, (images,), str(folder / "network.onnx"), input_names=["images"], dynamic_axes=axes, dynamo=False
        )
    elif name == "torch.compile":
        with torch.inference_mode():
            torch.compile(backbone)(images)  # keeps its kernels in a folder
    elif name == "openvino":
        with torch.inference_mode():
            network(images)  # keeps it in the user's cache
    else:
        return 0.0
    return time.perf_counter() - began


def ready(name: str, folder: Path) -> Step:
    """Return what computes a picture."""
    if name == "openvino":
        import siam

        files: Any = siam.load("photo", device="cpu", engine="openvino").files
        pictures = np.zeros(SHAPE, np.float32)
        return lambda: files.ready.run(["siam features"], pictures, 2)
    if name == "onnxruntime":
        import onnxruntime  # pyright: ignore[reportMissingImports] - no dependency

        session = onnxruntime.InferenceSession(folder / "network.onnx", providers=["CPUExecutionProvider"])
        pictures = np.zeros(SHAPE, np.float32)
        return lambda: session.run(None, {"images": pictures})
    import torch

    backbone, images = _backbone(), _pictures()
    compute: Any = torch.compile(backbone) if name == "torch.compile" else backbone

    def step() -> object:
        with torch.inference_mode():
            return compute(images)

    return step


def measure(name: str, folder: Path) -> tuple[float, float, float]:
    """Return the milliseconds for a picture, the seconds until the first, and the memory of this process in MB."""
    began = time.perf_counter()
    step = ready(name, folder)
    step()
    first, taken = time.perf_counter() - began, []
    for _time in range(TIMES):
        began = time.perf_counter()
        step()
        taken.append(1000 * (time.perf_counter() - began))
    status = Path("/proc/self/status").read_text()
    held = next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS"))
    return statistics.median(taken), first, held


def main() -> None:
    """Print a row for each candidate: medians of the rounds, in which all take turns."""
    parser = argparse.ArgumentParser(description="Measure the candidates for the engine.")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "NAME", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, name, folder = options.one
        found = [prepare(name, Path(folder))] if what == "prepare" else measure(name, Path(folder))
        print(*found)
        return
    names = [name for name in CANDIDATES if name != "onnxruntime" or find_spec("onnxruntime")]
    with tempfile.TemporaryDirectory() as folder:
        prepared = {name: _one("prepare", name, folder)[0] for name in names}
        rows = [{name: _one("measure", name, folder) for name in names} for _round in range(ROUNDS)]
    print(f"{'engine':<16}{'ms':>8}{'prepared, s':>14}{'first result, s':>18}{'memory, MB':>13}")
    for name in names:
        taken, first, held = (statistics.median(row[name][place] for row in rows) for place in range(3))
        print(f"{name:<16}{taken:>8.1f}{prepared[name]:>14.1f}{first:>18.1f}{held:>13.0f}")


def _one(what: str, name: str, folder: str) -> list[float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engines", "--one", what, name, folder]
    answer = subprocess.check_output(command, text=True, env={**os.environ, **dict.fromkeys(CACHES, folder)})
    return [float(number) for number in answer.split()]


def _backbone() -> Any:
    import siam

    return siam.load("photo", device="cpu", engine="pytorch").siam.backbone


def _pictures() -> Any:
    import torch

    return torch.zeros(SHAPE)


if __name__ == "__main__":
    main()
