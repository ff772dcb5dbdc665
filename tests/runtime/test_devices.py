"""Threads of a server that wait for each other leave the cores to others."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# Each operation is shared by two threads; between two of them there is nothing to do.
PROGRAM = """
import time
{first}
import torch
torch.set_num_threads(2)
one = torch.ones(1 << 17)
def work():
    for _time in range(100):
        one.add(1)
        time.sleep(0.01)
work()
before = time.process_time()
work()
print(time.process_time() - before)
"""


def cpu_time(first: str) -> float:
    """Return the seconds of the processor that a hundred small operations and the pauses between them take."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-c", PROGRAM.format(first=first)]
    return float(subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout)


def test_the_threads_of_the_dashboard_sleep_while_there_is_nothing_to_do():
    assert cpu_time("import ui.router") < 0.5 * cpu_time("")


@pytest.mark.parametrize(("asked", "used"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
@pytest.mark.parametrize("module", ["ui.router", "benchmarks.served"])
def test_openmp_learns_how_to_wait_unless_somebody_said_otherwise(asked, used, module):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-c", f"import {module}, torch; torch.ones(9)"]
    answer = subprocess.run(
        command, cwd=ROOT, env={**environment, **asked, "OMP_DISPLAY_ENV": "TRUE"}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    assert f"OMP_WAIT_POLICY = '{used}'" in answer.stderr
