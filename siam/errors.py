"""The errors that callers of `siam` may want to catch.

Every message says what was found, what was expected and what to do, in one line that can be shown to a user as it is.
A programming mistake, such as a wrong argument, raises `ValueError` or `TypeError` instead.
"""

import unicodedata

_BREAKING = ("Cc", "Cs", "Zl", "Zp")  # Unicode: controls, halves of characters, ends of lines and paragraphs
_LONGEST = 1000  # characters


class SIAMError(Exception):
    """Base of all errors about the user's files and settings: catch this one in an app."""

    def __str__(self) -> str:
        """Return the message in one line, whatever the names and contents of files are that it quotes."""
        line = "".join(map(_shown, super().__str__()))
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"


def _shown(character: str) -> str:
    """Return a character, or what stands for one that would break the line or cannot be written."""
    if character.isprintable() or unicodedata.category(character) not in _BREAKING:
        return character
    return " " if character.isspace() else "?"


class ImageError(SIAMError):
    """A picture cannot be read, or is outside the limits."""


class CheckpointError(SIAMError):
    """Stored networks are missing, damaged, or do not fit their config."""


class DatasetError(SIAMError):
    """A dataset's folder, table or entry does not match its layout."""


class StorageError(SIAMError):
    """A file could not be written or locked."""


class TrainingError(SIAMError):
    """Training cannot start or continue: a bad setting, a bad saved state, or a loss that is not a number."""


class EngineError(SIAMError):
    """There is no such inference engine, or it is not installed."""


class WorkerError(SIAMError):
    """A process that shares the work was ended from outside, as the system does when memory runs out."""
