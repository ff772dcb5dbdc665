"""Downloads whole files: resumed after an interruption, checked, and given their final name only when complete.

Until then, a file is called NAME.part; NAME.part.json beside it records what it is part of, so that the rest is
requested with If-Range and a file that has changed on the server is downloaded from the start.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import httpx2
from tqdm import tqdm

from siam.datasets.downloads.web import Again, DownloadError, Web, content_range
from siam.runtime.digests import digest
from siam.runtime.files import storage_errors, write_atomically


def download(web: Web, url: str, target: Path, sha256: str | None = None) -> Path:
    """Download a file unless it exists, continuing a partial download by an earlier run.

    Args:
        web: the client.
        url: of the file.
        target: its final path; the folder is created.
        sha256: of its content, if known.

    Returns:
        The target.

    Raises:
        DownloadError: it cannot be downloaded, or repeatedly differs from its checksum.
        StorageError: it cannot be stored.
    """
    if target.exists():
        return target
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _Part(url, target)
        with tqdm(
            desc=target.name, initial=part.size(), unit="B", unit_scale=True, file=sys.stderr, disable=None
        ) as bar:
            web.persist(lambda: part.fetch(web, bar, sha256), url)
        part.finish(target)
    return target


class _Part:
    """A partially downloaded file."""

    def __init__(self, url: str, target: Path) -> None:
        self._url = url
        self._path = target.with_name(f"{target.name}.part")
        self._about = target.with_name(f"{target.name}.part.json")
        self._most = self.size()  # the most bytes ever held: exceeding it is progress, even after a restart

    def size(self) -> int:
        """Return how many bytes are here and can be continued."""
        return self._path.stat().st_size if self._path.exists() and self._read_about().get("validator") else 0

    def fetch(self, web: Web, bar: tqdm, sha256: str | None) -> None:
        """Download the rest in one attempt."""
        about, have = self._read_about(), self.size()
        if not (have and have == about.get("size")):
            headers = {"Range": f"bytes={have}-", "If-Range": about["validator"]} if have else {}
            try:
                with web.open(self._url, headers) as response:
                    self._receive(response, have, bar)
            except Again as again:
                now = self.size()
                progressed, self._most = now > self._most, max(now, self._most)
                raise Again(again.reason, again.wait, progressed) from again
        if sha256 is not None and digest(self._path) != sha256:
            self._forget()
            raise Again("the downloaded file does not match its checksum")

    def finish(self, target: Path) -> None:
        """Give the file its final name."""
        self._path.replace(target)
        self._about.unlink(missing_ok=True)

    def _receive(self, response: httpx2.Response, have: int, bar: tqdm) -> None:
        """Store a response, from the start of the file or continuing it."""
        first, _end, size = content_range(response)
        if response.status_code == 416:
            if size is not None and size == have:
                return  # everything was here already
            self._forget()
            raise Again("the file on the server is shorter than the part downloaded")
        tag = _validator(response)
        if response.status_code == 206 and have:
            if first != have or (tag and tag != self._read_about().get("validator")):
                self._forget()
                raise Again("the file changed on the server")
        else:
            have, size = 0, int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
            self._forget()
            about = {"url": self._url, "validator": tag, "size": size}
            write_atomically(self._about, json.dumps(about).encode())
        _check_space(self._path, size, have)
        bar.total, bar.n = size, have
        bar.refresh()
        with self._path.open("ab") as file:
            for chunk in response.iter_raw():  # unsized: with a chunk size, httpx2 would lose an incomplete last chunk
                file.write(chunk)
                have += len(chunk)
                bar.update(len(chunk))
            os.fsync(file.fileno())
        if size is not None and have != size:
            if have > size:
                self._forget()
            raise Again("the connection ended early")

    def _read_about(self) -> dict:
        """Return what the part belongs to; empty if that is unknown or another address."""
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return about if isinstance(about, dict) and about.get("url") == self._url else {}

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


def _validator(response: httpx2.Response) -> str | None:
    """Return a value for If-Range: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _check_space(path: Path, size: int | None, have: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if size is not None and size - have > free:
        unit, name = (1e9, "GB") if size - have >= 1e8 else (1e6, "MB")
        needed = f"{(size - have) / unit:.1f} {name} are needed, but only {free / unit:.1f} {name} are free"
        raise DownloadError(f"{path.parent}: {needed}: free some space, then try again")
