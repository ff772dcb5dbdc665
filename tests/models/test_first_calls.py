"""The first calls of an engine, by several threads at once: none waits for another for ever."""

import ast
import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

import siam
from tests.archive.made import stored_pair
from tests.support.paths import ROOT

PROGRAM = """
import sys, threading
import numpy as np
import siam
pair = siam.load(sys.argv[1], "cpu")
ready, results = threading.Barrier(4), []
def work(number):
    image = np.full((96, 96, 3), 70 * number, dtype=np.uint8)
    ready.wait()
    results.append((number, siam.explain(pair, image).scenicness))
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(sorted(results))
"""


def test_threads_that_begin_at_once_all_get_their_numbers(tmp_path):
    pair = stored_pair(tmp_path / "pair")  # which also leaves the networks ready for new processes
    siam.explain(pair, np.zeros((96, 96, 3), dtype=np.uint8))
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "pair")]
    settings = {"check": True, "timeout": 300, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "capture_output": True}
    answers = [ast.literal_eval(subprocess.run(words, **settings, text=True).stdout) for _ in range(4)]
    images = [np.full((96, 96, 3), 70 * number, dtype=np.uint8) for number in range(4)]
    alone = [siam.explain(pair, image).scenicness for image in images]
    assert min(abs(one - other) for one, other in combinations(alone, 2)) > 1e-4
    for answer in answers:
        assert dict(answer) == pytest.approx(dict(enumerate(alone)), abs=1e-5)
