'''A study: what is asked of people, of which photos and in which order, as a TOML file. Its answers lie beside it.

::

    title = "Beauty of the valley"
    gallery = "galleries/valley"          # a gallery's folder, or: photos = "photos", any folder of photos
    mode = "rating"                       # or "pairs": which of two photos is more beautiful?
    instructions = """How beautiful is this landscape? Go by your first impression."""
    consent = """Your answers are stored without your name and may be published."""
    low = "not at all beautiful"          # what 1 and 7 mean
    high = "extremely beautiful"
    order = "chosen"                      # each rating tells most; or "random"
    seed = 0
    number = 60                           # photos or pairs for each person; without it, all
    repeats = 0.1                         # share that is asked again

Only title and photos or gallery must be there; without the others, it is as above, but without consent and number.
Folders are relative to the file. STUDY.toml keeps its answers in STUDY.jsonl (`siam.taste.ratings`).
'''

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from siam.errors import DatasetError, StorageError

MODES = ("rating", "pairs")
ORDERS = ("chosen", "random")
_LONGEST = 20_000  # characters of a text
_MOST = 10_000  # photos or pairs


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        title: in one line.
        photos: folder of the photos; None if `gallery` is given.
        gallery: folder of a gallery; None if `photos` is given.
        mode: one of `MODES`.
        instructions: what people read before they begin, Markdown.
        consent: what they agree to, Markdown; "" if they are not asked.
        low: what 1 means.
        high: what 7 means.
        order: one of `ORDERS`; pairs are drawn at random.
        seed: of all that is drawn; people with the same seed see the same order.
        number: of photos or pairs for each person; None for all.
        repeats: share that is asked again, 0 to 0.5.
    """

    title: str
    photos: Path | None = None
    gallery: Path | None = None
    mode: str = "rating"
    instructions: str = "How beautiful is this landscape? Go by your first impression."
    consent: str = ""
    low: str = "not at all beautiful"
    high: str = "extremely beautiful"
    order: str = "chosen"
    seed: int = 0
    number: int | None = None
    repeats: float = 0.1


def answers_file(study: Path) -> Path:
    """Return the file with the answers to the study in a file."""
    return study.with_suffix(".jsonl")


def studies_in(folder: Path) -> list[Path]:
    """Return the files of the studies in a folder, by name; there are none if there is no folder."""
    return sorted(path for path in folder.glob("*.toml") if path.is_file())


def read(path: Path) -> Study:
    """Return the study in a file.

    Raises:
        DatasetError: the file is missing or no TOML, lacks a setting, or has an unknown or impossible one.
        StorageError: it cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: write a study as siam.taste.study describes it") from None
    except ValueError as error:
        raise DatasetError(f"{path} is not readable as TOML ({error}): correct it") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    unknown = [name for name in content if name not in _CHECKS]
    if unknown:
        near = get_close_matches(unknown[0], _CHECKS, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_CHECKS)}"
        raise DatasetError(f"{path} has the unknown setting {unknown[0]!r:.60}{meant}")
    if "title" not in content:
        raise DatasetError(f'{path} lacks the title: add title = "…"')
    if ("photos" in content) == ("gallery" in content):
        raise DatasetError(f"{path} needs either photos or gallery: give the one folder whose photos are shown")
    for name, value in content.items():
        expected, holds = _CHECKS[name]
        if not holds(value):
            raise DatasetError(f"{path} has {_short(value)} as {name}; expected {expected}")
    for name in ("photos", "gallery"):
        if name in content:
            content[name] = path.parent / content[name]
            if not content[name].is_dir():
                raise DatasetError(f"{path} names the folder {content[name]}, which is not there: correct {name}")
    return Study(**content)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _line(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 200 and value.isprintable()


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 0.5


_LINE = "a line of text", _line
_TEXT = f"text of at most {_LONGEST:,} characters", _text
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {  # setting: what is expected, and whether a value is that
    "title": _LINE,
    "photos": _LINE,
    "gallery": _LINE,
    "mode": (" or ".join(map(repr, MODES)), lambda value: value in MODES),
    "instructions": _TEXT,
    "consent": _TEXT,
    "low": _LINE,
    "high": _LINE,
    "order": (" or ".join(map(repr, ORDERS)), lambda value: value in ORDERS),
    "seed": ("a whole number from 0", _whole(0, 2**63 - 1)),
    "number": (f"a whole number from 1 to {_MOST:,}", _whole(1, _MOST)),
    "repeats": ("a share from 0 to 0.5", _share),
}


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:59]}…"
