"""The image: what its files say is held against the rules of a server, and done once without Docker."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath

import pytest
import yaml
from playwright.sync_api import expect

from tests.support.paths import ROOT
from tests.support.server import HEADINGS, WAIT, wait_until_idle

DOCKER = ROOT / "docker"
USER = "10001"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments, lines joined and comments left out."""
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    words = (line.split(maxsplit=1) for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip())
    return [(name, arguments) for name, arguments in words]


def last(name: str) -> str:
    return [arguments for of, arguments in instructions() if of == name][-1]


def variables() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(last("ENV")))


def health() -> list[str]:
    return json.loads(last("HEALTHCHECK").partition("CMD ")[2])


def service() -> dict:
    (of,) = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    return of


def reaches(name: str) -> bool:
    """Whether a file reaches the image: the last pattern of .dockerignore that fits it, or a folder of it, decides."""
    path = PurePosixPath(name)
    lines = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    answer = True
    for line in filter(None, lines):
        if any(fits(of, line.removeprefix("!")) for of in (path, *path.parents)):
            answer = line.startswith("!")
    return answer


def fits(path: PurePosixPath, pattern: str) -> bool:
    parts = pattern.split("/")
    if parts[0] == "**":
        return fnmatch(path.name, parts[1])
    return len(parts) == len(path.parts) and all(map(fnmatch, path.parts, parts))


def copied(folder: Path) -> None:
    """Copy what COPY copies from a checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = listed.split("\0")[:-1] or [str(of.relative_to(ROOT)) for of in ROOT.rglob("*") if ".git" not in of.parts]
    for name in filter(reaches, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def as_user() -> list[str]:
    """Return what starts a program as the image's user, who may still read this environment; needs root."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []  # the folder is read-only for whoever runs the tests
    reading = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", *reading]
    tried = subprocess.run([*prefix, sys.executable, "-c", ""], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else []


@pytest.fixture(scope="module")
def places():
    """Stand-ins for /app, /cache and /tmp of the image."""
    root = Path(tempfile.mkdtemp(prefix="siam-image-"))
    root.chmod(0o755)
    found = {name: root / name for name in ("app", "cache", "tmp")}
    for path in found.values():
        path.mkdir()
    copied(found["app"])
    for name in ("cache", "tmp"):
        found[name].chmod(0o777)
    yield found
    for path in found["app"].rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    found["app"].chmod(0o755)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def started(places):
    """Do what the image does when it starts; yield its address, its environment and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {
        name: str(places[value[1:]]) if value[1:] in places else value for name, value in variables().items()
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment["STREAMLIT_SERVER_PORT"] = port
    environment["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "2")
    with (places["tmp"] / "log").open("w") as log:
        command = [*as_user(), *json.loads(last("CMD"))]
        process = subprocess.Popen(command, cwd=places["app"], env=environment, stdout=log, stderr=log)
        yield f"http://127.0.0.1:{port}", environment, process
        process.terminate()
        process.wait(timeout=20)


def healthy(environment: dict[str, str]) -> bool:
    return subprocess.run(health(), env=environment, capture_output=True, check=False).returncode == 0


def content(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_the_image_starts_a_page_as_its_user_and_writes_only_where_it_may(places, started, browser):
    address, environment, process = started
    before = content(places["app"])
    for _attempt in range(300):
        assert process.poll() is None, (places["tmp"] / "log").read_text()
        if healthy(environment):
            break
        time.sleep(0.2)
    assert healthy(environment)
    if as_user():
        assert Path(f"/proc/{process.pid}").stat().st_uid == int(USER)
    page = browser.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", name=HEADINGS[""])).to_be_visible(timeout=WAIT)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)  # the networks inside explain a photo
    wait_until_idle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.close()
    assert content(places["app"]) == before
    assert (places["cache"] / "siam-explorer").is_dir()  # networks, converted once
    log = (places["tmp"] / "log").read_text()
    assert "Traceback" not in log and "denied" not in log, log


@pytest.mark.parametrize(
    ("base", "answer", "well"),
    [
        (None, 200, True),
        ("", 200, True),
        ("siam", 200, True),
        ("/siam/", 200, True),
        (None, 503, False),
        (None, 0, False),
    ],
)
def test_the_health_check_asks_where_the_server_is_and_fails_unless_it_answers_ok(base, answer, well):
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(answer)
            self.end_headers()

        def log_message(self, format, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        environment["STREAMLIT_SERVER_PORT"] = str(server.server_port)
        if base is not None:
            environment["STREAMLIT_SERVER_BASE_URL_PATH"] = base
        if answer:
            threading.Thread(target=server.handle_request, daemon=True).start()
        else:
            server.server_close()
        assert healthy(environment) is well
    prefix = "/siam" if base and base.strip("/") else ""
    assert asked == ([f"{prefix}/_stcore/health"] if answer else [])


@pytest.mark.parametrize(
    "name",
    ["app.py", "pages/explain.py", "siam/models/siam.py", "assets/models/photo/siam.safetensors", "constraints.txt",
     "ui/router.py", ".streamlit/config.toml", "LICENSE", "siam/reports/report.css"],
)  # fmt: skip
def test_what_the_dashboard_needs_reaches_the_image(name):
    assert (ROOT / name).is_file() and reaches(name)


@pytest.mark.parametrize(
    "name",
    [".git/config", ".streamlit/secrets.toml", ".env", "runs/mine/card.json", "models/mine/card.json",
     "galleries/walk/gallery.parquet", "DATA/scenicornot/1.jpg", "photo.jpg", "cache/views.npy", "tests/conftest.py",
     ".venv/bin/python", "siam/__pycache__/errors.cpython-313.pyc", "docker/compose.yaml", "notes/app.py"],
)  # fmt: skip
def test_what_is_private_or_of_no_use_stays_outside(name):
    assert not reaches(name)


def test_base_images_have_a_version_and_a_user_without_name_runs_them():
    bases = [arguments.split()[0] for name, arguments in instructions() if name == "FROM"]
    assert bases and all(re.fullmatch(r"python:3\.1[1-4][\w.]*-slim-\w+", base) for base in bases)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER")) and last("USER").startswith(USER)
    after = instructions()[[name for name, _arguments in instructions()].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & {name for name, _arguments in after}


def test_packages_are_those_that_are_tested_together():
    installs = re.findall(r"pip install [^&]*", " && ".join(of for name, of in instructions() if name == "RUN"))
    assert len(installs) == 2 and all("-c constraints.txt" in of and "--no-cache-dir" in of for of in installs)
    assert "download.pytorch.org/whl/cpu" in installs[0] and "-r requirements.txt" in installs[1]


def test_compose_takes_every_right_that_the_dashboard_can_do_without():
    of = service()
    assert of["read_only"] is True and of["cap_drop"] == ["ALL"] and "no-new-privileges:true" in of["security_opt"]
    assert of["mem_limit"] and of["pids_limit"] and of["environment"]["SIAM_PUBLIC"] == "1"
    assert not {"privileged", "user", "network_mode", "pid", "cap_add", "devices"} & of.keys()
    assert all(port.startswith("127.0.0.1:") for port in of["ports"])


def test_where_the_image_writes_the_compose_file_lets_it():
    of, told = service(), variables()
    writable = {*of["tmpfs"], *(volume.split(":")[1] for volume in of["volumes"])}
    assert {told["HOME"], told["XDG_CACHE_HOME"]} == writable
    assert (ROOT / "docker" / of["build"]["context"]).resolve() == ROOT
    assert (ROOT / of["build"]["dockerfile"]).is_file()
    (port,) = of["ports"]
    assert port.endswith(f":{told['STREAMLIT_SERVER_PORT']}") and last("EXPOSE") == told["STREAMLIT_SERVER_PORT"]
