"""A local file server that can fail on demand, request by request, and keeps a log."""

import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 1 << 16  # bytes


@dataclass
class Stored:
    """A file and what the server says about it."""

    data: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True  # whether parts are served


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: status to answer with, instead of the file.
        headers: headers in addition to the usual ones.
        drop: bytes after which the connection is closed, short of the promised length.
        cut: bytes after which the body ends as if it were complete.
        stall: bytes after which nothing more is sent until the server's `go_on` is set.
    """

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    drop: int | None = None
    cut: int | None = None
    stall: int | None = None


@dataclass
class Asked:
    """One request: path with query, headers, and how many bytes of the body went out."""

    path: str
    headers: dict[str, str]
    sent: int = 0
    when: float = field(default_factory=time.monotonic)


class Server(ThreadingHTTPServer):
    """Serves `files` by path; each request for a path uses up one of its `faults`, if any are left.

    It waits for `pause` seconds before each `PIECE` of a body.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, Stored] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.log: list[Asked] = []
        self.go_on = threading.Event()
        self.pause = 0.0

    def handle_error(self, *_details: object) -> None:
        """Stay quiet: clients that leave early are part of the tests."""

    def asked(self, path: str) -> list[Asked]:
        """Return the requests for a path, whatever their query."""
        return [asked for asked in self.log if asked.path.partition("?")[0] == path]


@contextmanager
def running_server() -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_details: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = Asked(self.path, dict(self.headers))
        self.server.log.append(asked)
        path = self.path if self.path in self.server.files else self.path.partition("?")[0]
        faults = self.server.faults[path]
        fault = faults.pop(0) if faults else Fault()
        stored = self.server.files.get(path)
        if fault.status is not None or stored is None:
            self.send_response(fault.status or 404)
            for name, value in (*fault.headers, ("Content-Length", "0")):
                self.send_header(name, value)
            self.end_headers()
            return
        self._send(stored, fault, asked)

    def _send(self, stored: Stored, fault: Fault, asked: Asked) -> None:
        start, stop, size = 0, len(stored.data), len(stored.data)
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        partial = bool(found and stored.ranges and condition in (None, stored.etag, stored.modified))
        if partial:
            start, stop = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
        if partial and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = stored.data[start:stop]
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        headers = [("ETag", stored.etag), ("Last-Modified", stored.modified), *fault.headers]
        body = body if fault.cut is None else body[: fault.cut]
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._body(body, fault, asked)

    def _body(self, body: bytes, fault: Fault, asked: Asked) -> None:
        first = next((n for n in (fault.drop, fault.stall) if n is not None), len(body))
        asked.sent += len(body[:first])  # before sending: the client may look as soon as it has them
        for start in range(0, first, PIECE if self.server.pause else max(first, 1)):
            time.sleep(self.server.pause)
            self.wfile.write(body[start : min(first, start + PIECE) if self.server.pause else first])
        self.wfile.flush()
        if fault.drop is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault.stall is not None:
            self.server.go_on.wait(60)
            self.wfile.write(body[first:])
            asked.sent += len(body[first:])
