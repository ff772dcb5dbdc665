"""A file on a server as a Python file object that downloads only the parts that are read."""

import io
from collections.abc import Callable

from siam.datasets.downloads.web import Web


class RangeFile(io.RawIOBase):
    """A read-only file over HTTP range requests, for PyArrow.

    Args:
        web: the client.
        url: of the file.
        size: of the file in bytes.
        progress: called repeatedly with the number of bytes received.
    """

    def __init__(self, web: Web, url: str, size: int, progress: Callable[[int], object] = lambda _: None) -> None:
        super().__init__()
        self._web, self._url, self._size, self._progress = web, url, size, progress
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another position and return it."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes in one request, or the rest for -1.

        Raises:
            DownloadError: they cannot be downloaded.
        """
        stop = self._size if size is None or size < 0 else min(self._size, self._place + size)
        if stop <= self._place:
            return b""
        data = self._web.read_range(self._url, self._place, stop, self._progress)
        self._place = stop
        return data
