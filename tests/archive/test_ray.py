"""Ray Data: the same rows as without it, on two nodes, and whatever of it is killed."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pytest

from siam.archive import Settings, engines, on_ray, score_into, source_of
from siam.errors import EngineError
from siam.models.checkpoint import Pair
from tests.archive.made import write_photos
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT

PHOTOS = 40


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, PHOTOS)
    (folder / "part-1" / "0013.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def alone(pair, photos, tmp_path_factory):
    """Return the rows that this process computes by itself."""
    folder = tmp_path_factory.mktemp("alone")
    score_into(pair, source_of(str(photos)), folder, Settings(engine="local", maps=True, shard=10))
    return rows_of(folder)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start two nodes of one core each, in processes of their own; yield their address."""
    program = (
        "import sys\n"
        "from ray.cluster_utils import Cluster\n"
        "cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'object_store_memory': 150_000_000})\n"
        "cluster.add_node(num_cpus=1, object_store_memory=150_000_000)\n"
        "cluster.wait_for_nodes()\n"
        "print('address', cluster.address, flush=True)\n"
        "sys.stdin.read()\n"
        "cluster.shutdown()\n"
    )
    settings = {
        **os.environ,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=settings, cwd=ROOT,
    ) as nodes:  # fmt: skip
        assert nodes.stdout is not None and nodes.stdin is not None
        found = next(match for line in nodes.stdout if (match := re.match(r"address (\S+)", line)))
        yield found[1]
        nodes.stdin.close()


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder)


def words(pair, photos, out, address, *more):
    command = [sys.executable, "-m", "siam", "score", str(photos), "--out", str(out), "--model", str(pair.files.folder)]
    return [*command, "--maps", "--shard", "10", "--ray-address", address, *more]


def started(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        words(*arguments), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def workers():
    """Return the processes that hold networks for Ray."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "MapWorker(MapBatches(_Worker))" in " ".join(process.info["cmdline"] or ()):
            found.append(process)
    return found


def test_two_nodes_compute_the_same_rows_whatever_of_them_is_killed(pair, photos, alone, cluster, tmp_path):
    out = tmp_path / "out"
    with started(pair, photos, out, cluster) as process:
        while process.poll() is None and not (killed := workers()):
            time.sleep(0.05)
        for worker in killed:
            worker.send_signal(signal.SIGKILL)
        while process.poll() is None and not list(out.glob("scores-*.parquet")):
            time.sleep(0.02)
        process.kill()
    stored = {path.name: path.stat().st_mtime_ns for path in out.glob("scores-*.parquet")}
    with started(pair, photos, out, cluster, "--resume") as process:
        told, err = process.communicate()
    assert process.returncode == 0 and "40 photos, 39 scored" in told.decode(), err.decode()[-2000:]
    assert stored and all((out / name).stat().st_mtime_ns == when for name, when in stored.items())
    assert not any(word in err.decode() for word in ("Traceback", "WARNING", "INFO"))
    pd.testing.assert_frame_equal(rows_of(out), alone, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray, about settings that it reads itself
def test_ray_takes_a_long_archive_part_by_part(pair, photos, alone, cluster, monkeypatch):
    monkeypatch.setattr(on_ray, "LISTED", 24)
    source, taken = source_of(str(photos)), list[int]()
    listing = pa.concat_tables(source.listed()).append_column("row", pa.array(range(PHOTOS)))

    def units():
        for start in range(0, PHOTOS, 8):
            taken.append(start)
            yield listing.slice(start, 8)

    batches = engines.run(pair, units(), source, Settings(engine="ray", ray_address=cluster))
    scored = list(next(batches))
    assert taken == [0, 8, 16]
    scored.extend(photo for batch in batches for photo in batch)
    scored.sort(key=lambda photo: photo["row"])
    assert [photo["identifier"] for photo in scored] == alone["identifier"].tolist()
    assert [photo.get("siam") for photo in scored if "error" not in photo] == pytest.approx(
        alone["siam"].dropna().tolist(), abs=1e-4
    )


def test_a_cluster_that_is_not_there_is_told_in_a_line(pair, photos, tmp_path):
    settings = Settings(engine="ray", ray_address="127.0.0.1:1")
    with pytest.raises(EngineError, match=r"Ray does not answer at 127\.0\.0\.1:1 .*check --ray-address"):
        score_into(pair, source_of(str(photos)), tmp_path / "out", settings)


def test_networks_without_files_are_not_for_ray(photos, tmp_path):
    pair = Pair("tiny", siam_network(), baseline_network(), {})
    with pytest.raises(EngineError, match="not loaded from files, which Ray's workers need: save them"):
        score_into(pair, source_of(str(photos)), tmp_path / "out", Settings(engine="ray"))
