"""Archives: any number of photos, scored into Parquet files that other tools read, and that open as a gallery."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.archive.scoring import Settings, score, score_into
    from siam.archive.sources import Source, source_of
    from siam.archive.store import About, about, maps_of

__all__ = ["About", "Settings", "Source", "about", "maps_of", "score", "score_into", "source_of"]

__getattr__ = lazily(
    __name__,
    {
        "About": "store",
        "Settings": "scoring",
        "Source": "sources",
        "about": "store",
        "maps_of": "store",
        "score": "scoring",
        "score_into": "scoring",
        "source_of": "sources",
    },
)
