"""Rules for all tests."""

import atexit
import os
import shutil
import tempfile

import pytest
import torch

from tests.support.server import chromium, running_app

if "PYTEST_XDIST_WORKER" not in os.environ:  # a user's cache for this run alone, which all its processes share
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="siam-tests-")
    atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)
if "PYTEST_XDIST_WORKER" in os.environ:  # processes share the cores: more threads would wait for each other
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the programs that tests start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the browser: its files take longest, and nobody should wait for the last of them alone."""
    items.sort(key=lambda item: "browser" not in getattr(item, "fixturenames", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what did not run has shown nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def address():
    """Start the app once for all tests of a process; yield where it is."""
    with running_app() as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    """Start the system's Chromium once for all tests of a process."""
    with chromium() as program:
        yield program


@pytest.fixture(scope="module")
def one_thread():
    """Work so small is not worth sharing: several threads would mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
