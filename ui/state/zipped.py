"""A pair as a file to take home."""

import io
import tempfile
import zipfile
from pathlib import Path

from siam.models.checkpoint import Pair, save


def zipped(pair: Pair, name: str) -> bytes:
    """Return a ZIP of a pair's folder, which has the given name in it."""
    data = io.BytesIO()
    with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        save(pair, Path(place) / name, half=True)
        for path in sorted((Path(place) / name).iterdir()):
            archive.write(path, f"{name}/{path.name}")
    return data.getvalue()
