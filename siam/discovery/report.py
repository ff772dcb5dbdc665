"""Candidates in words, as tables and as sheets of photos.

A folder gets::

    candidates.csv    one row per candidate, the most stable first
    amounts.csv       one row per photo: its identifier, SIAM's score, what that was held against, and how much of each
                      candidate it shows, from 0 to 1
    01-pattern-7.png  … a sheet per candidate: the photos with most of it, its map on them, and those with least
"""

import csv
import re
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from siam.discovery.candidates import Candidate, Discovery, Gain
from siam.discovery.naming import Named
from siam.drawing.colours import INK, PAPER, SOFT_INK
from siam.drawing.maps import display_photo, end_texts, lit, signed_cells
from siam.drawing.phrases import signed, words
from siam.drawing.shapes import font, shortened
from siam.gallery.store import Gallery
from siam.images.photos import Photo, as_photo
from siam.runtime.files import whole_files
from siam.runtime.spreadsheets import defused
from siam.taste.maps import of_rows

TABLE, AMOUNTS = "candidates.csv", "amounts.csv"
COLUMNS = (
    "number", "name", "points", "stability", "tau", "tau_low", "tau_high", "rmse", "rmse_low", "rmse_high", "like",
    "unlike", "picture",
)  # fmt: skip

_ACROSS, _MOST, _LEAST = 4, 8, 4  # photos: in a row, and of each end
_TILE = 240, 180  # px
_GAP, _HEAD, _LINE = 12, 132, 34  # px
_WHERE = 96  # px, side of the map in the head
_DIM = 0.45  # brightness of a photo where the map is 0


def heading(discovery: Discovery) -> str:
    """Return what a discovery says of its gallery, in one line."""
    other = "the crowd’s ratings" if discovery.rated else "the baseline’s scores"
    tau, share = signed(discovery.tau, 3).removeprefix("+"), round(100 * discovery.explained)
    return (
        f"{len(discovery.photos.rows):,} photos: SIAM’s scores and {other} agree by τ {tau}; together, the candidates "
        f"explain {f'{share} %' if share > 0 else 'none'} of the rest, out of fold"
    )


def line(candidate: Candidate) -> str:
    """Return what is known of a candidate, in one line."""
    parts = [effect(candidate), f"τ {gain_text(candidate.tau)}", f"stability {candidate.stability:.2f}"]
    return f"{candidate.name}: {'; '.join(parts + _resemblances(candidate))}"


def effect(candidate: Candidate) -> str:
    """Return whether it raises or lowers the rest, and by how much: "raises by 0.31 points per SD"."""
    return f"{'lowers' if candidate.points < 0 else 'raises'} by {abs(candidate.points):.2f} points per SD"


def gain_text(gain: Gain) -> str:
    """Return a gain with its interval: "+0.012 (−0.001 to +0.025)"."""
    value, low, high = (signed(of, 3) for of in (gain.value, gain.low, gain.high))
    return f"{value} ({low} to {high})"


def agreement(named: Named) -> str:
    """Return what a new attribute does for Kendall's τ, in one line."""
    fit = named.fit
    before, after = (signed(of, 3).removeprefix("+") for of in (fit.crowd_tau, fit.tau))
    gain = Gain(fit.tau - fit.crowd_tau, float(fit.gain[0]), float(fit.gain[1]))
    return f"τ {before} before, {after} after, out of fold: {gain_text(gain)}"


def _resemblances(candidate: Candidate) -> list[str]:
    ends = {"like": candidate.resembles, "unlike": candidate.opposes}
    return [f"{word} {_named(of)}" for word, of in ends.items() if of]


def _named(attributes: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{words(name)} {signed(correlation)}" for name, correlation in attributes)


def table(discovery: Discovery) -> bytes:
    """Return a row per candidate as CSV in UTF-8, with `COLUMNS`.

    points: how much higher the rest is for one standard deviation more of it; tau and rmse: by how much Kendall's τ
    rises and RMSE falls with it, out of fold, with 95 % intervals; like and unlike: attributes with their correlations.
    """
    rows: list[list[object]] = [list(COLUMNS)]
    for place, one in enumerate(discovery.candidates):
        gains = [f"{of:.6f}" for gain in (one.tau, one.rmse) for of in (gain.value, gain.low, gain.high)]
        alike = [defused(_named(of)) for of in (one.resembles, one.opposes)]
        known = [place + 1, one.name, f"{one.points:.6f}", f"{one.stability:.2f}"]
        rows.append([*known, *gains, *alike, picture(discovery, place)])
    return _csv(rows)


def amounts(discovery: Discovery, gallery: Gallery) -> bytes:
    """Return a row per photo as CSV in UTF-8: identifier, siam, target, and a column of amounts for each candidate."""
    every = discovery.photos
    columns = [every.siam, every.target, *every.amounts.T]
    rows: list[list[object]] = [["identifier", "siam", "target", *(one.name for one in discovery.candidates)]]
    for place, row in enumerate(every.rows):
        name = defused(str(gallery.photos["identifier"][row]))
        rows.append([name, *(f"{column[place]:.6f}" for column in columns)])
    return _csv(rows)


def _csv(rows: list[list[object]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def picture(discovery: Discovery, place: int) -> str:
    """Return the name of a candidate's sheet: "01-pattern-7.png"."""
    return f"{place + 1:02}-{re.sub(r'[^a-z0-9]+', '-', discovery.candidates[place].name.lower())}.png"


def sheet(candidate: Candidate, discovery: Discovery, gallery: Gallery) -> Image.Image:
    """Return the photos with most of a candidate, each above the same photo lit where its map is high, and the photos
    with least.

    Raises:
        ImageError: a photo cannot be read any more.
    """

    def opened(places: np.ndarray) -> list[Image.Image]:
        return [_opened(photo) for photo, _sha256 in of_rows(gallery, discovery.rows[places]).values()]

    most, bands = candidate.most(_MOST), []
    limit = float(candidate.maps[most].max())
    for start in range(0, len(most), _ACROSS):
        places = most[start : start + _ACROSS]
        photos, maps = opened(places), candidate.maps[places].astype(np.float32)
        lights = [lit(photo, field, limit, _DIM) for photo, field in zip(photos, maps, strict=True)]
        bands += [("" if start else "With most of it, and where", photos, 4), ("", lights, _GAP)]
    bands.append(("With least of it", opened(candidate.least(_LEAST)), _GAP))
    height = _HEAD + sum((_LINE if title else 0) + _TILE[1] + gap for title, _tiles, gap in bands)
    drawn = Image.new("RGB", (_ACROSS * (_TILE[0] + _GAP) + _GAP, height), PAPER)
    pen, y = ImageDraw.Draw(drawn), _HEAD
    _draw_head(drawn, pen, candidate)
    for title, tiles, gap in bands:
        if title:
            pen.text((_GAP, y + 22), title, INK, font(16), "ls")
            y += _LINE
        for column, image in enumerate(tiles):
            drawn.paste(ImageOps.contain(image, _TILE), (_GAP + column * (_TILE[0] + _GAP), y))
        y += _TILE[1] + gap
    return drawn


def _opened(photo: Photo | None) -> Image.Image:
    assert photo is not None  # it was looked at a moment ago
    return display_photo(as_photo(photo), 2 * _TILE[0])


def _draw_head(drawn: Image.Image, pen: ImageDraw.ImageDraw, candidate: Candidate) -> None:
    """Draw what is known of a candidate, and on the right, where in a photo more of it raises or lowers."""
    limit = float(np.abs(candidate.where).max()) or 1.0
    left = drawn.width - _GAP - _WHERE
    drawn.paste(signed_cells(candidate.where, limit, (_WHERE, _WHERE)), (left, _GAP))
    pen.rectangle((left, _GAP, left + _WHERE - 1, _GAP + _WHERE - 1), outline="#CBD2D9")
    for place, text in enumerate(end_texts(limit)):
        pen.text((left - _GAP, _GAP + 40 + 20 * place), text, SOFT_INK, font(13), "rs")
    room = left - 140 - 2 * _GAP
    pen.text((_GAP, 40), shortened(candidate.name, 24, room), INK, font(24), "ls")
    told = f"{effect(candidate)}; τ {gain_text(candidate.tau)}; stability {candidate.stability:.2f}"
    for place, text in enumerate([told, *_resemblances(candidate)]):
        pen.text((_GAP, 68 + 22 * place), shortened(text, 15, room), SOFT_INK, font(15), "ls")


def write(discovery: Discovery, gallery: Gallery, folder: Path) -> tuple[Path, ...]:
    """Write the tables and a sheet per candidate into a folder; returns their paths.

    Raises:
        StorageError: a file cannot be stored; those that were there stay.
        ImageError: a photo cannot be read any more.
    """
    files = {TABLE: table(discovery), AMOUNTS: amounts(discovery, gallery)}
    for place, candidate in enumerate(discovery.candidates):
        stored = BytesIO()
        sheet(candidate, discovery, gallery).save(stored, "PNG")
        files[picture(discovery, place)] = stored.getvalue()
    with whole_files(folder / TABLE) as store:
        for name, data in files.items():
            store(folder / name, data)
    return tuple(folder / name for name in files)
