"""ScenicOrNot from its original sources: `votes.tsv`, then each photo from Geograph with its author, at a polite rate.

Ratings: ODbL. Photos: CC BY-SA 2.0 by their authors on geograph.org.uk.
"""

import re
import sys
from pathlib import Path

from tqdm import tqdm

from siam.datasets.downloads import pictures
from siam.datasets.downloads.attribution import PAGE, SEE_PAGE, Attribution, credit
from siam.datasets.downloads.files import download
from siam.datasets.downloads.selection import Request, Summary, read_rows, wanted
from siam.datasets.downloads.web import DownloadError, RefusedError, Web
from siam.runtime.files import exclusive

VOTES_URL = "http://scenicornot.datasciencelab.co.uk/votes.tsv"
OEMBED_URL = "https://api.geograph.org.uk/api/oembed"
MAXIMUM_RATE, RATE = 10.0, 4.0  # requests per second: the limit that others keep to, and our default

_MOST = 20_000_000  # bytes per photo
_PATIENCE = 20  # failed photos in a row before giving up


def fetch(root: Path, web: Web, request: Request, votes_url: str = VOTES_URL, oembed_url: str = OEMBED_URL) -> Summary:
    """Download votes.tsv and the requested photos to `root`, in the order of their IDs.

    A photo that no longer exists or is not a picture is named on stderr and skipped.

    Args:
        root: folder for votes.tsv, images/ and attribution.csv.
        web: a client whose rate is at most `MAXIMUM_RATE`.
        request: which photos.
        votes_url: of the ratings.
        oembed_url: of the service that gives a photo's address and author.

    Raises:
        DownloadError: the ratings cannot be downloaded, or a server does not respond.
        StorageError: something cannot be stored.
        DatasetError: votes.tsv is malformed.
    """
    with exclusive(root):
        download(web, votes_url, root / "votes.tsv")
        table = wanted(read_rows(root / "votes.tsv"), request)
        chosen = table if request.limit is None else table.iloc[: request.limit]
        attribution = Attribution(root)
        photos = _Photos(root, web, attribution, oembed_url)
        uris = chosen["Geograph URI"] if "Geograph URI" in chosen else [""] * len(chosen)
        photos_left = [
            (identifier, uri)
            for identifier, uri in zip(chosen["ID"].tolist(), uris, strict=True)
            if not attribution.has(identifier)
        ]
        with tqdm(desc="photos", total=len(photos_left), unit="photo", file=sys.stderr, disable=None) as progress:
            for identifier, uri in photos_left:
                photos.fetch(identifier, str(uri), progress)
                progress.update()
        return Summary(len(chosen), len(chosen) - photos.skipped)


class _Photos:
    """Downloads photos one by one, and gives up after many failures in a row."""

    def __init__(self, root: Path, web: Web, attribution: Attribution, oembed_url: str) -> None:
        self._root, self._web, self._attribution, self._oembed_url = root, web, attribution, oembed_url
        self._in_a_row = 0
        self.skipped = 0

    def fetch(self, identifier: int, uri: str, progress: tqdm) -> None:
        """Download one photo and its author, or name it on stderr with the reason."""
        try:
            self._fetch(identifier, uri)
            self._in_a_row = 0
        except RefusedError as refusal:
            self.skipped += 1
            self._in_a_row += 1
            progress.clear()
            sys.stderr.write(f"skipped: photo {identifier}: {refusal}\n")
            if self._in_a_row >= _PATIENCE:
                raise DownloadError(
                    f"{self._oembed_url}: {_PATIENCE} photos in a row could not be downloaded: the service may have "
                    "changed; try --source hub"
                ) from refusal

    def _fetch(self, identifier: int, uri: str) -> None:
        match = re.search(r"/photo/(\d+)\s*$", uri)
        if match is None:
            raise RefusedError(f"its Geograph URI {uri!r} names no photo")
        page = PAGE + match[1]
        about = self._web.get_json(f"{self._oembed_url}?url={page}&format=json")
        address = about.get("url") if isinstance(about, dict) else None
        if not isinstance(address, str):
            raise RefusedError(f"Geograph gives no address for the picture on {page}")
        if not pictures.save(self._root, identifier, self._web.get(address, _MOST)):
            raise RefusedError(f"{address} is not a picture that can be read")
        author, title = str(about.get("author_name") or SEE_PAGE), str(about.get("title") or "")
        self._attribution.add([credit(identifier, author, title, page)])
