"""A made-up run of the measurements of speed."""

from typing import Any

GOAL = {"of": "ratio", "direction": "at most", "number": 0.35}
MEASUREMENT = {
    "name": "explain", "part": "Networks", "description": "explanation of a photo", "unit": "s", "ours": 0.0583,
    "against": "both networks in PyTorch", "theirs": 0.1521, "ratio": 0.383, "low": 0.37, "high": 0.4012, "rounds": 12,
    "goal": GOAL, "reached": False, "note": "with its preparation",
}  # fmt: skip
ALONE = {
    "name": "upload", "part": "App", "description": "upload to finished page", "unit": "s", "ours": 0.351,
    "low": 0.31, "high": 1.2, "rounds": 8, "goal": {"of": "ours", "direction": "at most", "number": 0.4},
    "reached": True, "note": "in a browser",
}  # fmt: skip


def speed_run(**changes: Any) -> dict[str, Any]:
    """Return the content of a file, with some of it changed."""
    return {
        "format": 1, "date": "2026-11-28", "command": "python -m benchmarks.speed", "git_commit": f"{'a1b2' * 10}",
        "processor": "Processor of a test", "cores": 2, "versions": {"Python": "3.12.1", "torch": "2.13.0"},
        "measurements": [MEASUREMENT, ALONE], **changes,
    }  # fmt: skip
