"""Galleries: photos with the scores of both networks, every contribution and, where known, the crowd's ratings."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.gallery.cases import Cases, Filters
    from siam.gallery.store import Gallery, read
    from siam.gallery.writing import build

__all__ = ["Cases", "Filters", "Gallery", "build", "read"]

__getattr__ = lazily(
    __name__, {"Cases": "cases", "Filters": "cases", "Gallery": "store", "build": "writing", "read": "store"}
)
