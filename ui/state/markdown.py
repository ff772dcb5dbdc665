"""Text from files and people inside Markdown."""

import re


def plain(text: str) -> str:
    """Return text such as a file name so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]$~:<#&])", r"\\\1", " ".join(text.split()))
