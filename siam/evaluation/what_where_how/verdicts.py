"""Verdicts: what happened on a rendered scene, as galleries store it ("misread: road") and as a type."""

from dataclasses import dataclass

RIGHT = "right"
BOTH_RIGHT, ONLY_SIAM_RIGHT = "both right", "only SIAM right"  # where there is a baseline
WRONG = ("misread", "misplaced", "misweighted", "outside the vocabulary")  # the largest part of SIAM's error
KINDS = (RIGHT, BOTH_RIGHT, ONLY_SIAM_RIGHT, *WRONG)


@dataclass(frozen=True)
class Verdict:
    """What happened on a scene, judged by its true score; galleries store its text.

    Attributes:
        kind: one of `KINDS`.
        cause: the attribute, the nuance or "bias" that adds most to the error; None if SIAM is right.

    Raises:
        ValueError: there is no such kind, or a cause is missing or not expected.
    """

    kind: str
    cause: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of verdict {self.kind!r}: expected one of {', '.join(KINDS)}")
        if self.is_right != (self.cause is None):
            raise ValueError(f"the verdict {self.kind!r} has the cause {self.cause!r}: only errors have one")

    @classmethod
    def parse(cls, text: str) -> "Verdict":
        """Return the verdict of a stored text; errors as for the class."""
        kind, _colon, cause = text.partition(": ")
        return cls(kind, cause or None)

    def __str__(self) -> str:
        return self.kind if self.cause is None else f"{self.kind}: {self.cause}"

    @property
    def is_right(self) -> bool:
        """Whether SIAM is right."""
        return self.kind not in WRONG

    @property
    def group(self) -> str:
        """`RIGHT` wherever SIAM is right, whatever the baseline says; else the kind."""
        return RIGHT if self.is_right else self.kind
