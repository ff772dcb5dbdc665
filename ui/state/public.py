"""What a server for anybody, `SIAM_PUBLIC=1`, offers, allows and tells.

The variables are read once. Their defaults are for a machine of 8 GB.
"""

import os
import re
import tempfile
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from siam.runtime.files import keep_below
from siam.runtime.paths import ASSETS, user_cache
from ui.state.markdown import plain

FLAG = "SIAM_PUBLIC"
_WAYS = ("runs", "models", "galleries", "DATA", "cache", "assets")  # folders beside which the app is started
_END = r"[^\s/\\'\"“”‘’,;:()]"  # a character of a path's part


class SettingError(ValueError):
    """A variable of the environment has a value that it cannot have."""


@dataclass(frozen=True)
class Limits:
    """What a public server keeps and does at most.

    Attributes:
        photos: uploads of one visitor.
        megabytes: of them.
        all_megabytes: of the uploads of all visitors.
        cache_megabytes: of files in the cache, the only ones that are written.
    """

    photos: int = 200
    megabytes: int = 400
    all_megabytes: int = 2000
    cache_megabytes: int = 1000


@cache
def public() -> bool:
    """Return whether anybody may come.

    Raises:
        SettingError: the variable is neither "", "0" nor "1".
    """
    told = os.environ.get(FLAG, "")
    if told not in ("", "0", "1"):
        raise SettingError(f"{FLAG} is {told[:40]!r}, expected 1 (anybody may visit) or 0: set it and start again.")
    return told == "1"


@cache
def limits() -> Limits:
    """Return the limits, from the variables `SIAM_PUBLIC_PHOTOS`, `SIAM_PUBLIC_MEGABYTES` and so on.

    Raises:
        SettingError: one is no whole number above 0.
    """
    told = {}
    for field in fields(Limits):
        name = f"{FLAG}_{field.name.upper()}"
        text = os.environ.get(name, "").strip()
        if text:
            if not re.fullmatch(r"[0-9]{1,9}", text) or not int(text):
                raise SettingError(f"{name} is {text[:40]!r}, expected a whole number above 0: set it and start again.")
            told[field.name] = int(text)
    return Limits(**told)


def tidy() -> None:
    """Keep the cache of a public server within its limit."""
    if public():
        keep_below(user_cache(), limits().cache_megabytes * 1_000_000)


def problem() -> str | None:
    """Return a sentence that says which variable is wrong; None if none is."""
    try:
        public()
        limits()
    except SettingError as error:
        return str(error)
    return None


def private(text: object) -> str:
    """Return text for everybody: on a public server without paths, of which only the last part is left."""
    return _without_paths(str(text)) if public() else str(text)


def message(error: object) -> str:
    """Return what an error says as Markdown; on a public server without paths."""
    return plain(private(error))


def _without_paths(text: str) -> str:
    for root in _roots():  # their names may hold spaces
        text = re.sub(rf"{re.escape(root)}[/\\]", "/", text).replace(root, Path(root).name)
    begun = rf"(?:[A-Za-z]:[/\\]|[/\\~]|\b(?:{'|'.join(_WAYS)})[/\\])"
    return re.sub(rf"(?<![\w/\\:.<])(?:file://)?{begun}(?:{_END}*[/\\])*(?={_END})", "", text)


@cache
def _roots() -> tuple[str, ...]:
    """Return the folders below which this server has files, the longest first."""
    folders = (ASSETS.parent, ASSETS, user_cache(), Path.cwd(), Path.home(), Path(tempfile.gettempdir()))
    roots = {str(way) for folder in folders for way in (folder, folder.resolve())} - {"/"}
    return tuple(sorted(roots, key=len, reverse=True))
