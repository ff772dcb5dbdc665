"""The first calls of an engine, by several threads at once: none waits for another for ever."""

import os
import subprocess
import sys

import pytest

from siam.models import compiled
from tests.archive.made import stored_pair
from tests.support.paths import ROOT

PROGRAM = """
import sys, threading
import numpy as np
import siam
pair = siam.load(sys.argv[1], "cpu")
ready, results = threading.Barrier(4), []
def work(number):
    image = np.full((1, 3, 96, 96), number, dtype=np.float32)
    ready.wait()
    results.append((number, float(pair.files.ready.run(("siam",), image, 1)[0].sum())))
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(sorted(results))
"""


@pytest.mark.skipif(compiled.openvino() is None, reason="no OpenVINO for this processor")
def test_threads_that_begin_at_once_all_get_their_numbers(tmp_path):
    pair = stored_pair(tmp_path / "pair")
    assert pair.siam.engine is not None
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "pair")]
    once = "import siam, sys; from siam.images import read_image; import numpy as np\n"
    once += "siam.explain(siam.load(sys.argv[1], 'cpu'), np.zeros((96, 96, 3), dtype=np.uint8))"
    subprocess.run([sys.executable, "-c", once, str(tmp_path / "pair")], check=True, env=environment, cwd=ROOT)
    answers = {
        subprocess.run(words, check=True, timeout=300, env=environment, cwd=ROOT, capture_output=True).stdout
        for _ in range(4)
    }
    assert len(answers) == 1 and len(set(answers.pop().split(b"), ("))) == 4
