"""The app as `benchmarks.visitors` watches it: `python -m benchmarks.served FILE OPTION …`, with options of Streamlit.

A line of JSON is added to the file for every run of a page's script (not for those of fragments), with the page and the
seconds from its start to its end, and one for every signal USR1: what the process holds then.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web import cli

from ui.photos import photo
from ui.state import address
from ui.state.turns import EXPLAINERS

_here = threading.local()


def main() -> None:
    """Serve the app until the process is told to stop."""
    file, options = Path(sys.argv[1]), sys.argv[2:]
    run, enter = ScriptRunner._run_script, address.enter

    def timed(self: ScriptRunner, rerun_data: Any) -> None:
        began = time.perf_counter()
        run(self, rerun_data)
        if not rerun_data.fragment_id_queue:
            _add(file, {"page": getattr(_here, "page", None), "seconds": time.perf_counter() - began})

    def entered(path: str) -> None:
        _here.page = path
        enter(path)

    ScriptRunner._run_script, address.enter = timed, entered
    signal.signal(signal.SIGUSR1, lambda *_of: _add(file, {"held": held()}))
    sys.argv[1:] = ["run", "app.py", *options]
    cli.main()


def held() -> dict[str, int]:
    """Return what the process holds: bytes of memory, and how many things of visitors."""
    gc.collect()
    counts = {"sessions": 0, "photos": 0}
    for of in gc.get_objects():
        if type(of) is AppSession:
            counts["sessions"] += bool(len(of.session_state))  # an empty one holds nothing
        elif type(of) is photo.Photo and not of.address:
            counts["photos"] += 1
    files: Any = runtime.get_instance().uploaded_file_mgr
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        **counts,
        "uploads": sum(len(of) for of in files.file_storage.values()),
        "pictures": photo._read.cache_info().currsize,
        "slow": EXPLAINERS.busy,
    }


def _add(file: Path, line: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
