"""A small local Hugging Face Hub: as much of its API as fetching and pushing a pair needs."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

TOKEN = "hf_test"


@dataclass
class Repository:
    """Commits by hash, each with the bytes of its files, and the commits of branches and tags."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], *references: str) -> str:
        """Store a commit that branches or tags then point to; return its hash."""
        digest = hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()
        self.commits[digest] = files
        self.references |= dict.fromkeys(references or ("main",), digest)
        return digest

    def find(self, revision: str) -> str | None:
        """Return the hash that a branch, tag or hash stands for."""
        return revision if revision in self.commits else self.references.get(revision)


class Hub(ThreadingHTTPServer):
    """The server and its state: `repositories` by name, `requests` as "METHOD path", `failures` to answer with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.failures: dict[str, int] = {}  # beginning of "METHOD path" → status

    def files_asked_for(self) -> list[str]:
        """Return the paths of requests for the content of files."""
        return [request for request in self.requests if "/resolve/" in request]


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Serve on a free port until the block ends."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join(timeout=5)


@contextmanager
def used_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a Hub and let huggingface_hub use it, with a cache and a token of its own below `folder`."""
    with running_hub() as hub:
        for name, value in {
            "ENDPOINT": hub.address,
            "HUGGINGFACE_CO_URL_TEMPLATE": f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
            "HF_HUB_CACHE": str(folder / "cache"),
            "HF_TOKEN_PATH": str(folder / "token"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
        }.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        self.server.requests.append(request)
        for beginning, status in self.server.failures.items():
            if request.startswith(beginning):
                self._answer({"error": "as the test wants it"}, status)
                return
        changes = self.command == "POST"  # blobs are put to a secret address
        if changes and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid username or password."}, 401)
            return
        for pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, request)
            if found:
                answer(self, **found.groupdict())
                return
        self._answer({"error": "not in this small Hub"}, 501)

    def _answer(self, content: object, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _commit(self, name: str, revision: str) -> tuple[Repository, str] | None:
        """Return a repository and the requested commit, or answer that there is none."""
        repository = self.server.repositories.get(name)
        if repository is None or (repository.private and self.headers.get("Authorization") is None):
            self._answer({"error": "Repository not found"}, 401, X_Error_Code="RepoNotFound")
            return None
        digest = repository.find(revision)
        if digest is None:
            self._answer({"error": f"Invalid rev id: {revision}"}, 404, X_Error_Code="RevisionNotFound")
            return None
        return repository, digest

    def info(self, name: str, revision: str | None = None) -> None:
        if found := self._commit(name, revision or "main"):
            self._answer({"id": name, "sha": found[1], "private": found[0].private, "siblings": []})

    def tree(self, name: str, revision: str) -> None:
        if found := self._commit(name, revision):
            entries = [
                {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for path, data in found[0].commits[found[1]].items()
            ]
            self._answer(entries)

    def content(self, name: str, revision: str, path: str) -> None:
        if found := self._commit(name, revision):
            data = found[0].commits[found[1]][path]
            self._answer(data, ETag=f'"{hashlib.sha1(data).hexdigest()}"', X_Repo_Commit=found[1])

    def create(self) -> None:
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.server.repositories:
            self._answer({"error": "exists", "url": f"{self.server.address}/{name}"}, 409)
            return
        repository = self.server.repositories[name] = Repository(wanted.get("visibility") == "private")
        repository.commit({".gitattributes": b""})
        self._answer({"url": f"{self.server.address}/{name}"})

    def branch(self, name: str, branch: str) -> None:
        references = self.server.repositories[name].references
        if branch in references:
            self._answer({"error": "exists"}, 409)
            return
        references[branch] = references["main"]
        self._answer({})

    def validate(self) -> None:
        front = json.loads(self.body)["content"].split("---\n")[1]
        self._answer({"errors": [], "warnings": [] if "library_name:" in front else [{"message": "no metadata"}]})

    def preupload(self, name: str, revision: str) -> None:
        if self._commit(name, revision):
            self._answer(
                {
                    "files": [
                        {
                            "path": file["path"],
                            "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                            "shouldIgnore": False,
                        }
                        for file in json.loads(self.body)["files"]
                    ]
                }
            )

    def batch(self, name: str) -> None:
        assert name in self.server.repositories
        objects = [
            {**item, "actions": {"upload": {"href": f"{self.server.address}/lfs/{item['oid']}"}}}
            for item in json.loads(self.body)["objects"]
        ]
        self._answer({"transfer": "basic", "objects": objects})

    def blob(self, digest: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == digest
        self.server.blobs[digest] = self.body
        self._answer({})

    def commit(self, name: str, revision: str) -> None:
        if not (found := self._commit(name, revision)):
            return
        files = dict(found[0].commits[found[1]])
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header":
                found[0].messages.append(value["summary"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
            else:
                files[value["path"]] = base64.b64decode(value["content"])
        digest = found[0].commit(files, revision)
        self._answer({"commitUrl": f"{self.server.address}/{name}/commit/{digest}", "commitOid": digest})


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_ROUTES = (
    (rf"GET /api/models/{_NAME}", _Handler.info),
    (rf"GET /api/models/{_NAME}/revision/(?P<revision>.+)", _Handler.info),
    (rf"GET /api/models/{_NAME}/tree/(?P<revision>[^/]+)", _Handler.tree),
    (rf"(?:GET|HEAD) /{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler.content),
    (r"POST /api/repos/create", _Handler.create),
    (r"POST /api/validate-yaml", _Handler.validate),
    (rf"POST /api/models/{_NAME}/branch/(?P<branch>.+)", _Handler.branch),
    (rf"POST /api/models/{_NAME}/preupload/(?P<revision>.+)", _Handler.preupload),
    (rf"POST /{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"PUT /lfs/(?P<digest>\w+)", _Handler.blob),
    (rf"POST /api/models/{_NAME}/commit/(?P<revision>.+)", _Handler.commit),
)
