"""Work on several processes: one that is killed is told in a line, and none outlives the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from siam.cli.main import main
from siam.errors import WorkerError
from siam.runtime.processes import in_parallel
from siam.worlds.flowers import render
from tests.support.paths import ROOT

PROGRAM = """
from pathlib import Path
from siam.runtime.processes import in_parallel
from tests.runtime.test_processes import slowly
if __name__ == "__main__":
    list(in_parallel(slowly, ((Path({folder!r}), number) for number in range(40)), 2))
"""


def end_at_once(_number):
    os.kill(os.getpid(), signal.SIGKILL)


def end_at_once_as_a_flower(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)


def slowly(folder, number):
    (folder / f"{number}-{os.getpid()}").touch()
    time.sleep(0.1)


def runs(process):
    """Return whether a process still works: one that has ended may wait for somebody to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_worker_is_told_in_one_line():
    with pytest.raises(WorkerError, match="ended from outside, as when memory runs out: run the command") as caught:
        list(in_parallel(end_at_once, ((number,) for number in range(5)), 2))
    assert "\n" not in str(caught.value)


def test_the_command_line_says_it_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(render, "render_one", end_at_once_as_a_flower)
    words = "data", "render", "--world", "flowers", "--count", "4", "--size", "64", "--workers", "2", "--out"
    assert main([*words, str(tmp_path / "flowers")]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and "with fewer --workers; finished work is kept" in told[0]


def test_workers_end_with_the_process_that_started_them(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(folder=str(tmp_path)))
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )

    def workers():
        return {int(path.name.partition("-")[2]) for path in tmp_path.glob("*-*")}

    try:
        while len(workers()) < 2:
            assert parent.poll() is None
            time.sleep(0.02)
    finally:
        parent.kill()  # it alone, with no chance to stop them
        parent.wait()
    until = time.monotonic() + 60
    while any(map(runs, workers())):
        assert time.monotonic() < until, "they still work"
        time.sleep(0.05)
    assert len(list(tmp_path.glob("*-*"))) < 40
