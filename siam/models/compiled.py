"""Networks as OpenVINO computes them, and the user's cache of them. PyTorch is needed only to convert them.

::

    <user's cache>/engines/<hash>/networks.xml, networks.bin

The hash is of a key, which says of which networks these are, and of the version of OpenVINO. The least recently used
go first.
"""

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from siam.errors import EngineError
from siam.runtime.devices import usual_threads
from siam.runtime.paths import user_cache

ENGINES = ("openvino", "pytorch")
VARIABLE = "SIAM_ENGINE"
CACHE_BYTES = 500_000_000

# What OpenVINO sets up in its first calls is guarded by locks of C++: one thread may hold such a lock and wait for
# Python's, while another does the opposite. So nobody else may be in there before one call has ended.
_beginning, _begun = threading.Lock(), threading.Event()

_FORMAT = 3  # of the cached files and of what they compute; part of the hash
_FILE = "networks.xml"


def chosen(name: str | None = None) -> str:
    """Return which engine computes on a CPU: the one named, or else in the variable SIAM_ENGINE, or else the fastest.

    Raises:
        EngineError: there is no such engine, or it is not installed.
    """
    source = "" if name else f" (from {VARIABLE})"
    name = name or os.environ.get(VARIABLE) or "auto"
    if name not in (*ENGINES, "auto"):
        raise EngineError(f"there is no engine {name!r}{source}: choose auto, {' or '.join(ENGINES)}")
    if name == "openvino" and openvino() is None:
        raise EngineError(f"the engine openvino{source} is not installed: pip install openvino, or choose pytorch")
    return name if name != "auto" else "pytorch" if openvino() is None else "openvino"


def openvino() -> ModuleType | None:
    """Return the package, or None if it is not installed or cannot be loaded.

    Without this entry, importing it would send usage statistics to its makers.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType] - import fails, as it should
    try:
        return importlib.import_module("openvino")
    except Exception:  # a broken wheel is as good as none
        return None


@cache
def _core() -> Any:
    """Return OpenVINO's core, one for the life of the process.

    It gives the thread that creates it a larger stack for signal handlers. If it ends in another thread, that stack is
    unmapped while the first one still has it, and the next signal kills the process.
    """
    ov: Any = openvino()
    return ov.Core()


def failed(error: Exception) -> str:
    """Return a warning that says what went wrong in OpenVINO."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return f"OpenVINO failed ({reason}), so PyTorch takes over: it is slower"


class Compiled:
    """Converted networks, compiled for the outputs and the threads that are asked for.

    Args:
        model: as OpenVINO holds it, with one input for images and a name for each output.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._ready: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def run(self, outputs: Sequence[str], images: np.ndarray, threads: int) -> list[np.ndarray]:
        """Return some outputs (N, …) for images (N, 3, H, W), float32; any exception means that OpenVINO failed.

        Args:
            outputs: their names.
            images: preprocessed.
            threads: a photo gets all of them. With one, each of the caller's threads works on its own photo.
        """
        key = (*outputs, threads)
        with self._lock:
            if key not in self._ready:
                self._ready[key] = self._compile(outputs, threads)
        requests: dict[Any, Any] = vars(self._of_thread)
        if key not in requests:
            requests[key] = self._ready[key].create_infer_request()
        request = requests[key]
        with nullcontext() if _begun.is_set() else _beginning:
            request.infer([np.ascontiguousarray(images)], share_inputs=True)
            results = [request.get_output_tensor(place).data.copy() for place in range(len(outputs))]
        _begun.set()
        return results

    def _compile(self, outputs: Sequence[str], threads: int) -> Any:
        """Compile what the outputs need."""
        ov: Any = openvino()
        part = ov.Model([self._model.output(name) for name in outputs], self._model.get_parameters())
        streams = usual_threads() if threads == 1 else 1  # with one, callers work side by side
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",  # by itself it picks bfloat16 on some processors
            "INFERENCE_NUM_THREADS": max(threads, streams),
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,
        }
        return _core().compile_model(part, "CPU", settings)


def find(key: str) -> Compiled | None:
    """Return networks from the cache; None if they are not there, or damaged, or OpenVINO is missing."""
    folder = _folder(key)
    if openvino() is None or not (folder / _FILE).is_file():
        return None
    try:
        model = _core().read_model(folder / _FILE)
        os.utime(folder)
    except Exception:  # damaged, or not readable
        return None
    return Compiled(model)


def keep(key: str, model: Any) -> None:
    """Store networks, whole or not at all, and remove those that were not used for longest."""
    ov: Any = openvino()
    folder = _folder(key)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            ov.save_model(model, part / _FILE, compress_to_fp16=False)
            shutil.rmtree(folder, ignore_errors=True)  # damaged
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        total = 0
        for path in sorted(folder.parent.iterdir(), key=lambda path: -path.stat().st_mtime):
            total += sum(file.stat().st_size for file in path.iterdir())
            if total > CACHE_BYTES and path != folder:
                shutil.rmtree(path, ignore_errors=True)
    except (OSError, RuntimeError):  # read-only or full, as OpenVINO reports it: it works without
        pass


def _folder(key: str) -> Path:
    """Return where networks are, converted by this version of OpenVINO."""
    library = getattr(openvino(), "__version__", None)
    return user_cache() / "engines" / hashlib.sha256(f"{_FORMAT} {library} {key}".encode()).hexdigest()[:32]
