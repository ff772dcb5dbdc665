"""The formats that are read, and the endings that their files have: what this Pillow can open of them."""

from importlib import import_module

import pillow_heif
from PIL import Image, features

_READ = {  # Pillow's plugin → its formats, what people call them, and the library that a build may lack
    "Jpeg": (("JPEG",), "JPEG", None),
    "Mpo": (("MPO",), None, None),  # JPEGs of cameras that hold several pictures
    "Png": (("PNG",), "PNG", None),
    "WebP": (("WEBP",), "WebP", "webp"),
    "Tiff": (("TIFF",), "TIFF", None),
    "Bmp": (("BMP", "DIB"), "BMP", None),
    "Gif": (("GIF",), "GIF", None),
    "Jpeg2K": (("JPEG2000",), "JPEG 2000", "jpg_2000"),
    "Heif": (("HEIF",), "HEIC", None),  # of pillow-heif
    "Avif": (("AVIF",), "AVIF", "avif"),
}
_HERE = {plugin: entry for plugin, entry in _READ.items() if entry[2] is None or features.check(entry[2])}

pillow_heif.register_heif_opener()
for _plugin in _HERE.keys() - {"Heif"}:
    import_module(f"PIL.{_plugin}ImagePlugin")  # which registers its formats and endings

_known = [known for formats, _, _ in _HERE.values() for known in formats]
FORMATS = tuple(known for known in _known if known in Image.OPEN)  # MPO is opened as JPEG
NAMES = [name for _, name, _ in _HERE.values() if name]
SUFFIXES = tuple(sorted(suffix for suffix, known in Image.EXTENSION.items() if known in _known))
