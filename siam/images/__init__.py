"""Reads pictures from files and prepares them for networks."""

from siam.images.photos import Photo, as_photo
from siam.images.preprocessing import InputConfig, normalise, preprocess, target_size
from siam.images.reading import ACCEPTED, ACCEPTED_SUFFIXES, MAX_BYTES, read_image

__all__ = [
    "ACCEPTED",
    "ACCEPTED_SUFFIXES",
    "MAX_BYTES",
    "InputConfig",
    "Photo",
    "as_photo",
    "normalise",
    "preprocess",
    "read_image",
    "target_size",
]
