"""The checksum used for pictures and other files: SHA-256, in hexadecimal digits."""

import hashlib
from pathlib import Path


def digest(content: bytes | Path) -> str:
    """Return the checksum of some bytes, or of a file, which need not fit into memory.

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
