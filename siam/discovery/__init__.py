"""What has no name: parts of the baseline's features that explain what SIAM cannot, and how they become attributes.

`cells` looks at the photos, `directions` takes the features apart, `candidates` asks which part explains what SIAM
leaves, `gallery` does all that for a gallery, and `naming` makes an attribute of a candidate. `report` writes what was
found, and `answers` finds the photos that people spoke of.
"""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.discovery.candidates import Candidate, Discovery, discover
    from siam.discovery.gallery import discover_in
    from siam.discovery.naming import Named, Questions, name
    from siam.discovery.report import write

__all__ = ["Candidate", "Discovery", "Named", "Questions", "discover", "discover_in", "name", "write"]

__getattr__ = lazily(
    __name__,
    {
        "Candidate": "candidates",
        "Discovery": "candidates",
        "Named": "naming",
        "Questions": "naming",
        "discover": "candidates",
        "discover_in": "gallery",
        "name": "naming",
        "write": "report",
    },
)
