"""Readers of labelled photos: one module per layout, and one dict literal that lists them.

Every reader has `read(root, *, findings=None)` and may have a `LAYOUT` (`siam.datasets.base.Layout`). A bad row raises
a `DatasetError` that names it; if `findings` is a list, the row is skipped and added to it instead, which is how
`siam.datasets.check` reads everything in one go.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from siam.errors import DatasetError
from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.datasets.base import AttributePhotos, Layout, RatingScale, ScoredPhotos

__all__ = ["DATASETS", "AttributePhotos", "RatingScale", "ScoredPhotos", "reader"]

__getattr__ = lazily(__name__, dict.fromkeys(("AttributePhotos", "RatingScale", "ScoredPhotos"), "base"))

DATASETS = {  # name on the command line → module, imported on first use
    "sun": "siam.datasets.sun_attributes",
    "scenicornot": "siam.datasets.scenicornot",
    "oasis": "siam.datasets.oasis",
    "folder": "siam.datasets.folder",
    "rendered": "siam.datasets.rendered",
    "masks": "siam.datasets.human_masks",
}


def reader(name: str) -> ModuleType:
    """Return the module that reads the dataset `name`.

    Raises:
        DatasetError: no dataset has that name.
    """
    if name not in DATASETS:
        raise DatasetError(f"no dataset is called {name!r}: choose one of {', '.join(DATASETS)}")
    return import_module(DATASETS[name])


def layout(name: str) -> "Layout":
    """Return the `LAYOUT` of the dataset `name`, or the defaults if it has none.

    Raises:
        DatasetError: no dataset has that name.
    """
    from siam.datasets.base import Layout

    return getattr(reader(name), "LAYOUT", Layout())


def read_rated(data: str, root: Path, scale: "RatingScale | None") -> Any:
    """Read a dataset, whose owner may have given the scale of its ratings.

    Raises:
        DatasetError: the dataset does not match its layout, or has a scale of its own.
    """
    if scale is None:
        return reader(data).read(root)
    if layout(data).names_scale:
        raise DatasetError(f"the layout {data!r} has its own scale: leave out {scale.low:g} to {scale.high:g}")
    return reader(data).read(root, scale=scale)


def labels_beside(root: Path) -> "AttributePhotos | None":
    """Return the labels of photos in a folder, beside their ratings; None if it holds none.

    They are in attributes.csv, or in a labels.csv of the layout "sun".

    Raises:
        DatasetError: they do not match their layout.
    """
    from siam.datasets import sun_attributes, vocabulary

    return next((of.read(root) for of in (vocabulary, sun_attributes) if of.has_labels(root)), None)


def layout_of(photos: str) -> "Layout | None":
    """Return the layout of a set of photos, given as in results: the name of its folder, or "folder (layout)"."""
    name = layout_name(photos)
    return None if name is None else layout(name)


def layout_name(photos: str) -> str | None:
    """Return the name of the layout that `layout_of` returns."""
    folder, _, named = photos.partition(" (")
    if (named := named.removesuffix(")")) in DATASETS:
        return named
    titled = (name for name in DATASETS if folder in layout(name).titles)
    alike = (name for name in DATASETS if folder.startswith(name))  # "rendered-2", say
    return folder if folder in DATASETS else next(titled, None) or next(alike, None)
