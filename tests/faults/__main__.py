"""`python -m tests.faults`: disturb each kind of work in every way and say what is lost, half-written or not told.

python -m tests.faults --json docs/reliability/faults.json
python -m tests.faults --only "train (joint)" --kills 3
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "SIAM_ENGINE": "pytorch",
    "PYTHONWARNINGS": "ignore",
}
DISTURBANCES = ("killed", "full", "read-only", "two", "clock")


def main(arguments: list[str] | None = None) -> int:
    """Disturb the chosen kinds of work; return 1 if anything was found."""
    os.environ |= _ENVIRONMENT
    from tests.faults.work import WORKS

    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    kinds = [work.kind for work in WORKS]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, metavar="KIND", help=", ".join(kinds))
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="of each kind (default: 20)")
    parser.add_argument("--disturb", nargs="+", choices=DISTURBANCES, default=DISTURBANCES, help="default: all")
    parser.add_argument("--few", action="store_true", help="only one case of each disturbance but kills")
    parser.add_argument("--mount", action="store_true", help="as root: use small disks in memory, not limits on files")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the moments (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add what was found to FILE")
    options = parser.parse_args(arguments)
    bad = False
    for work in WORKS:
        if work.kind in options.only:
            _import(work.modules)
            for report in _disturbed(work, options):
                bad |= report["survived"] < report["times"]
                sys.stdout.write(f"{json.dumps(report, ensure_ascii=False)}\n")
                sys.stdout.flush()
                if options.json is not None:
                    _add(options.json, report, options)
    return int(bad)


def _disturbed(work: Any, options: argparse.Namespace) -> Any:
    from tests.faults import disturbances
    from tests.faults.work import serving

    with tempfile.TemporaryDirectory(prefix="siam-faults-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        base = Path(name)
        if work.served:
            os.environ["HF_ENDPOINT"] = stack.enter_context(serving(work.prepare))
        else:
            work.prepare(base / "data")
        whole, seconds = disturbances.undisturbed(work, base)
        if "killed" in options.disturb:
            yield asdict(disturbances.killed(work, base, whole, seconds, options.kills, options.seed))
        if "full" in options.disturb:
            yield asdict(disturbances.full(work, base, whole, options.mount, options.few))
        if "read-only" in options.disturb:
            yield asdict(disturbances.read_only(work, base, whole, seconds, options.mount, options.few))
        if "two" in options.disturb:
            yield asdict(disturbances.two(work, base, whole, seconds, options.few))
        if "clock" in options.disturb:
            yield asdict(disturbances.clock(work, base, whole, seconds, options.few))


def _import(modules: Sequence[str]) -> None:
    """Import what a command uses, in one thread, so that forks may start at once."""
    for name in modules:
        import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _add(path: Path, report: dict[str, Any], options: argparse.Namespace) -> None:
    """Put a report into a file, in place of an older one of the same kind and disturbance."""
    from siam.runtime.files import write_atomically
    from siam.runtime.provenance import git_commit

    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"format": 1, "reports": []}
    key = ("kind", "disturbance")
    others = [one for one in stored["reports"] if any(one[name] != report[name] for name in key)]
    mount = " --mount" if options.mount else ""
    command = f"python -m tests.faults --only '{report['kind']}' --kills {options.kills} --seed {options.seed}{mount}"
    where = {"command": command, "date": datetime.now(UTC).date().isoformat(), "git_commit": git_commit()}
    versions = {name: version(name) for name in ("torch", "numpy", "pyarrow")}
    stored["reports"] = [*others, {**report, **where, "versions": versions}]
    write_atomically(path, (json.dumps(stored, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
