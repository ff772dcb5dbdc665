"""The identity of a photo: whatever way its path is spelled, it is one photo."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from siam.images.formats import SUFFIXES

_UNSEEN = "\N{ZERO WIDTH SPACE}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ZERO WIDTH NO-BREAK SPACE}" + (
    "\N{LEFT-TO-RIGHT EMBEDDING}\N{POP DIRECTIONAL FORMATTING}"  # Windows puts them around copied paths
)


def identity(name: str, root: Path | None = None) -> str:
    """Return the path of a photo within its folder, the same for all spellings: NFC, with `/`, without `.` and `..`.

    Args:
        name: as somebody wrote it.
        root: the folder; absolute names below it are accepted.

    Raises:
        ValueError: the name leads out of the folder; the message says so in a few words.
    """
    plain = unicodedata.normalize("NFC", _stripped(name)).replace("\\", "/")
    if plain.startswith("/") or PureWindowsPath(plain).is_absolute():
        plain = _below(plain, root)
    parts: list[str] = []
    for part in PurePosixPath(plain).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise ValueError("a name that leads out of the folder")
    return "/".join(parts)


def is_there(photo: Path) -> bool:
    """Return whether there is such a file; a name that is too long for any file is none."""
    try:
        return photo.is_file()
    except (OSError, ValueError):
        return False


def known_as(photo: str) -> str:
    """Return the identity of a photo that exists, or its name if that is an odd one."""
    try:
        return identity(photo)
    except ValueError:
        return photo


class Spellings:
    """Finds photos by names that people wrote.

    Args:
        photos: their paths within a folder.
        root: the folder.
        bare: whether a name with a folder may mean a photo without one, as browsers upload it.
    """

    def __init__(self, photos: Iterable[str], root: Path | None = None, *, bare: bool = False) -> None:
        self._photos = dict.fromkeys(photos)
        self._root, self._bare = root, bare
        self._alike: dict[str, list[str]] = {}  # by identity, without letter case, and without its ending
        for photo in self._photos:
            known = PurePosixPath(known_as(photo))
            endless = [_endless(known.with_suffix(""))] if known.suffix.lower() in SUFFIXES else []
            for key in (*_keys(str(known)), *endless):
                self._alike.setdefault(key, []).append(photo)

    def find(self, name: str) -> str | None:
        """Return the photo that a name means: spelled the same, else alike, else alike but for letter case or ending.

        A name may lack the ending of its picture, but not have another: IMG_1 may mean IMG_1.jpg, IMG_1.png does not.

        Raises:
            ValueError: it may mean several photos, or leads out of the folder; the message says so in a few words.
        """
        if (written := _stripped(name)) in self._photos:
            return written
        within = PurePosixPath(name.replace("\\", "/")).name if self._bare else identity(name, self._root)
        names = (known_as(name), identity(within)) if self._bare else (within,)
        endless = [_endless(PurePosixPath(one)) for one in names if PurePosixPath(one).suffix.lower() not in SUFFIXES]
        for key in (*(key for one in names for key in _keys(one)), *endless):
            if found := self._alike.get(key):
                if len(found) > 1:
                    raise ValueError(f"a name that may mean {found[0]!r} or {found[1]!r}")
                return found[0]
        return None


def _keys(within: str) -> tuple[str, str]:
    """Return the keys under which a photo is known; no identity begins with a slash."""
    return within, f"/{unicodedata.normalize('NFC', within.casefold())}"


def _endless(within: PurePosixPath) -> str:
    """Return the key of a name without its ending."""
    return f"//{_keys(str(within))[1]}"


def _stripped(name: str) -> str:
    return name.strip().strip(_UNSEEN).strip()


def _below(name: str, root: Path | None) -> str:
    """Return an absolute name relative to the folder."""
    for base in () if root is None else (Path(os.path.abspath(root)), root.resolve()):  # noqa: PTH100 - keeps links
        beginning = unicodedata.normalize("NFC", base.as_posix()).rstrip("/") + "/"
        path = os.path.normpath(name).replace("\\", "/")
        if path.startswith(beginning):
            return path.removeprefix(beginning)
    raise ValueError("a name outside the folder")
