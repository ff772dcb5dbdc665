"""The errors a caller of `siam` may want to catch.

Every message says what came, what was expected and what to do, in one line that can be shown to a person as it is.
A wrong argument of a programmer is a `ValueError` or `TypeError` instead.
"""


class SIAMError(Exception):
    """Base of all errors about the user's files: catch this one in an app."""


class ImageError(SIAMError):
    """A picture cannot be read, or is outside the limits."""


class CheckpointError(SIAMError):
    """Stored networks are missing, damaged, or do not fit their config."""


class DatasetError(SIAMError):
    """A dataset's folder, table or entry is not as its layout says."""


class StorageError(SIAMError):
    """A file could not be written or locked."""


class TrainingError(SIAMError):
    """Training cannot begin or go on: its settings, what it kept on disk, or a loss that is no number."""
