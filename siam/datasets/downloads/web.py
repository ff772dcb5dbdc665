"""Requests with retries: the one place that decides what is worth another try, and when."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from siam.errors import SIAMError

_HEADERS = {"User-Agent": "SIAM-Explorer", "Accept-Encoding": "identity"}  # a compressed body could not be resumed
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)

_Answer = TypeVar("_Answer")


class DownloadError(SIAMError):
    """Something cannot be downloaded, or there is no space for it."""


class RefusedError(DownloadError):
    """The server does not provide what was requested, or the request is impossible: trying again would not help."""


class Again(Exception):  # noqa: N818 - not an error yet: another try may succeed
    """An attempt failed in a way that may be temporary.

    Attributes:
        reason: what happened.
        wait: seconds the server asked us to wait, or None.
        progressed: whether the attempt received data that need not be downloaded again.
    """

    def __init__(self, reason: str, wait: float | None = None, progressed: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait, self.progressed = reason, wait, progressed


@dataclass(frozen=True)
class Patience:
    """How long to keep trying.

    Attributes:
        attempts: failures in a row without progress after which to give up.
        first: seconds to wait after the first failure; doubled after each further one, minus up to half at random.
        longest: most seconds to wait, unless the server asks for more.
        longest_asked: most seconds that a server may ask for (Retry-After); beyond that, give up.
        silence: seconds without a byte after which a connection counts as lost.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 60.0
    longest_asked: float = 600.0
    silence: float = 30.0


class Web:
    """A client that retries after temporary failures; safe to share between threads.

    Args:
        patience: with failures.
        headers: sent with every request, such as an authorisation, but not passed on to other hosts.
        rate: most requests per second, or None.
        sleep: waits for a number of seconds; replaced in tests.
    """

    def __init__(
        self,
        patience: Patience = Patience(),
        headers: Mapping[str, str] | None = None,
        rate: float | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._patience, self._sleep = patience, sleep
        self._interval = 0.0 if rate is None else 1 / rate
        self._turn, self._lock = 0.0, threading.Lock()
        limits = httpx2.Limits(max_connections=16)
        self._client = httpx2.Client(
            headers={**_HEADERS, **(headers or {})}, timeout=patience.silence, follow_redirects=True, limits=limits
        )

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def persist(self, attempt: Callable[[], _Answer], what: str) -> _Answer:
        """Return the result of `attempt`, which is called again after growing pauses as long as it raises `Again`.

        Raises:
            DownloadError: too many attempts in a row made no progress, or the server asks for too long a wait.
        """
        failures = 0
        while True:
            try:
                return attempt()
            except Again as again:
                failures = 1 if again.progressed else failures + 1
                asked = again.wait or 0.0
                if failures >= self._patience.attempts or asked > self._patience.longest_asked:
                    when = f"in {asked / 60:.0f} minutes" if asked > self._patience.longest_asked else "later"
                    tries = f" ({failures} attempts)" if failures > 1 else ""
                    raise DownloadError(
                        f"{what}: {again.reason}{tries}: try again {when}; the download will resume"
                    ) from again
                pause = min(self._patience.longest, self._patience.first * 2 ** (failures - 1))
                self._sleep(max(asked, pause * random.uniform(0.5, 1)))

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx2.Response]:
        """Open one response as a stream; statuses 200, 206 and 416 are left to the caller.

        Raises:
            Again: the connection failed, now or while the body was read, or the server is busy.
            RefusedError: another status, such as 404, or an invalid address.
        """
        self._wait_for_turn()
        try:
            with self._client.stream("GET", url, headers=dict(headers or {})) as response:
                _check_status(response, url)
                yield response
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects) as error:
            raise RefusedError(f"{url} is not an address that can be opened ({error}): check it") from error
        except httpx2.TransportError as error:
            raise Again(str(error) or type(error).__name__) from error

    def get(self, url: str, most: int = 50_000_000) -> bytes:
        """Return the content of a small response.

        Raises:
            DownloadError: it cannot be downloaded, or is larger than `most` bytes.
        """

        def attempt() -> bytes:
            with self.open(url) as response:
                data = bytearray()
                for chunk in response.iter_raw():
                    data += chunk
                    if len(data) > most:
                        raise RefusedError(f"{url} is larger than {most // 1_000_000} MB: check the address")
                return bytes(data)

        return self.persist(attempt, url)

    def get_json(self, url: str) -> Any:
        """Return a decoded JSON response.

        Raises:
            DownloadError: it cannot be downloaded, or is not JSON.
        """
        data = self.get(url)
        try:
            return httpx2.Response(200, content=data).json()
        except ValueError as error:
            raise RefusedError(f"{url} did not return JSON: check the address") from error

    def read_range(self, url: str, start: int, stop: int, progress: Callable[[int], object] = lambda _: None) -> bytes:
        """Return the bytes from `start` up to `stop` of a file; after a broken connection, only the rest is requested.

        Args:
            url: of the file.
            start: the first byte.
            stop: one after the last.
            progress: called repeatedly with the number of bytes received.

        Raises:
            DownloadError: they cannot be downloaded, or the server does not serve parts of files.
        """
        data = bytearray()

        def attempt() -> bytes:
            before = len(data)
            try:
                with self.open(url, {"Range": f"bytes={start + before}-{stop - 1}"}) as response:
                    if content_range(response)[:2] != (start + before, stop):
                        raise DownloadError(f"{url} does not serve parts of the file: check the address")
                    for chunk in response.iter_raw():
                        data.extend(chunk)
                        progress(len(chunk))
            except Again as again:
                raise Again(again.reason, again.wait, len(data) > before) from again
            if len(data) != stop - start:
                raise Again("the connection ended early", progressed=len(data) > before)
            return bytes(data)

        return self.persist(attempt, url)

    def _wait_for_turn(self) -> None:
        if self._interval:
            with self._lock:
                now = time.monotonic()
                turn = max(now, self._turn)
                self._turn = turn + self._interval
            if turn > now:
                self._sleep(turn - now)


def content_range(response: httpx2.Response) -> tuple[int | None, int | None, int | None]:
    """Return first byte, end (exclusive) and total size from Content-Range, each None if not given."""
    text = response.headers.get("Content-Range", "") if response.status_code in (206, 416) else ""
    match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", text.strip())
    if match is None:
        return None, None, None
    first, last, size = match.groups()
    return (
        None if first is None else int(first),
        None if last is None else int(last) + 1,
        None if size == "*" else int(size),
    )


def retry_after(value: str | None, now: str | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, given as a number or a date; None if it is unusable.

    A date is compared with `now`, the server's own time in its Date header, since the clock here may be wrong; without
    one, with the clock here.
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    date = _date(value)
    return None if date is None else max(0.0, (date - (_date(now or "") or datetime.now(UTC))).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if status in (200, 206, 416):
        return
    answer = f"{status} {response.reason_phrase}".strip()
    if status in _TRANSIENT:
        raise Again(
            f"the server answered {answer}",
            retry_after(response.headers.get("Retry-After"), response.headers.get("Date")),
        )
    raise RefusedError(
        f"{url} cannot be downloaded (the server answered {answer}): check the address and your access to it"
    )
