"""Readers of labelled photos: one file, one layout, and a dict literal of them all.

Every reader has `read(root, *, findings=None)`. A bad row is a `DatasetError` that names it; where `findings` is a
list, the row is left out and told there instead, which is how `siam.datasets.check` reads everything in one go.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from siam.errors import DatasetError
from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.datasets.base import AttributePhotos, RatingScale, ScoredPhotos

__all__ = ["DATASETS", "AttributePhotos", "RatingScale", "ScoredPhotos", "reader"]

__getattr__ = lazily(__name__, dict.fromkeys(("AttributePhotos", "RatingScale", "ScoredPhotos"), "base"))

DATASETS = {  # name on the command line → module, imported when it is first asked for
    "sun": "siam.datasets.sun_attributes",
    "scenicornot": "siam.datasets.scenicornot",
    "oasis": "siam.datasets.oasis",
    "folder": "siam.datasets.folder",
    "rendered": "siam.datasets.rendered",
}


def reader(name: str) -> ModuleType:
    """Return the module that reads the dataset `name`.

    Raises:
        DatasetError: there is none of that name.
    """
    if name not in DATASETS:
        raise DatasetError(f"no dataset is called {name!r}: choose one of {', '.join(DATASETS)}")
    return import_module(DATASETS[name])
