"""Networks and a gallery of somebody who writes markup of every kind wherever text goes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.base import RatingScale
from siam.gallery.store import About
from siam.gallery.writing import Entry, write
from siam.models.checkpoint import Pair, save
from siam.runtime.digests import digest
from tests.support.networks import baseline_network, siam_network

KINDS = {
    "markup": "<img src=x onerror=document.title='taken'><script>document.title='taken'</script><b>bold</b>&copy;",
    "Markdown": "**strong** *leaning* ~~gone~~ `typed` [link](https://evil.example/a) ![photo](//evil.example/b.png)",
    "addresses": "https://evil.example/c www.evil.example me@evil.example <https://evil.example/d>",
    "LaTeX": "$x^2$ $$y^2$$",
    "directives": ":red[redder] :red-background[redder] :small[smaller] :blue-badge[badge]",
    "pictures": ":material/skull: :streamlit: :pizza: :+1:",
    "arrows": "<-> -> <- -- >= <= ~=",
    "charts": "%{x} {y} <a href='https://evil.example/e'>link</a>",
}
TEXT = " ".join(KINDS.values())
FILE = "# " + TEXT.replace("/", "|")  # the name of a file or folder holds no stroke
SCALE = RatingScale(TEXT, 1, 10)
NONE = [0.0] * (len(KINDS) - 1)


def hostile_pair() -> Pair:
    """Return networks whose name, attributes, scale and card are hostile."""
    siam, baseline, names = siam_network(attributes=len(KINDS)), baseline_network(), tuple(KINDS.values())
    siam.config = replace(siam.config, attributes=names, scale=SCALE)
    baseline.config = replace(baseline.config, scale=SCALE)
    return Pair(TEXT, siam, baseline, dict.fromkeys(("summary", "training_data", "limits", "recipe", "trained"), TEXT))


def hostile_place(folder: Path) -> Path:
    """Write networks and a gallery of three photos into a folder in which the app can be started, and return it."""
    pair = hostile_pair()
    save(pair, folder / "runs" / FILE[:200])
    gallery, entries = folder / "galleries" / FILE[:200], []
    (gallery / "images").mkdir(parents=True)
    for number, start in enumerate(("", "- ", "1. ")):
        path = gallery / "images" / f"{number}.jpg"
        pixels = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((320, 240)).save(path)
        entries.append(
            Entry(
                identifier=f"{start}{TEXT}", siam=5.0 + number, bias=4.0, contributions=[1.0 + number, *NONE],
                presence=[0.5, *NONE], image=f"images/{number}.jpg", sha256=digest(path), crowd_mean=3.0 + number,
                votes=[2 + number, 4 + number], vote_count=2, baseline=4.5, author=TEXT, title=TEXT,
                licence=f"{TEXT} https://example.org/licence", link="https://example.org/photo", source=TEXT, file=FILE,
            )
        )  # fmt: skip
    about = About(TEXT, SCALE, pair.config.attributes, TEXT, TEXT, TEXT, TEXT, None, RatingScale(f"crowd {TEXT}", 1, 7))
    write(gallery, about, entries)
    return folder
