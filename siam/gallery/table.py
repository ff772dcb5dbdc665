"""A gallery's scores and contributions as CSV, for spreadsheets and statistics programs."""

import csv
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd

from siam.gallery.cases import Cases
from siam.gallery.store import PLACE
from siam.runtime.spreadsheets import defused

TEXTS = ("identifier", "file", "title", "author")  # columns of text


def csv_text(cases: Cases, rows: np.ndarray) -> str:
    """Return some photos of a gallery as CSV, one row each.

    The columns are identifier, file (the photo's name as its owner wrote it), title, author, crowd, crowd_sd, votes,
    the scores of the two `Cases.networks`, difference, the two errors, who is closer, the lower and upper end of the
    interval in which people's mean lies for four of five photos like this one, whether it is like the landscapes that
    the networks learned from ("yes" or "no"), latitude and longitude in degrees, bias, then "contribution: ATTRIBUTE"
    and "presence: ATTRIBUTE" for all attributes. Contributions and bias add up to SIAM's score, up to rounding.
    Scores are in points of the gallery's scale, and so are errors unless their names say "in ranks". Numbers have a
    decimal point and six decimals; unknown values are empty. An apostrophe is put before text that a spreadsheet would
    take for a formula.

    Args:
        cases: of the gallery.
        rows: (n,) which cases, in the order they should have in the table.
    """
    held, table = cases.gallery, cases.table
    unit = " in ranks" if cases.in_ranks else ""
    names = held.about.attributes
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *TEXTS,
            "crowd",
            "crowd_sd",
            "votes",
            *cases.networks,
            "difference",
            *(f"error of {name}{unit}" for name in cases.networks),
            "who is closer",
            "SIAM, low",
            "SIAM, high",
            "landscape",
            *PLACE,
            "bias",
            *(f"contribution: {name}" for name in names),
            *(f"presence: {name}" for name in names),
        ]
    )
    bias, low, high = (held.photos[name].to_numpy(dtype=float) for name in ("bias", "siam_low", "siam_high"))
    like = ["" if pd.isna(known) else "yes" if known else "no" for known in held.photos["landscape"]]
    for row in np.asarray(rows, dtype=int).tolist():
        cells = table.iloc[row]
        numbers = [cells[name] for name in ("first", "second", "difference", "first_error", "second_error")]
        writer.writerow(
            [
                *(defused(str(cells[name])) for name in TEXTS),
                _number(cells["crowd"]),
                _number(cells["crowd_sd"]),
                "" if pd.isna(cells["votes"]) else int(cells["votes"]),
                *map(_number, numbers),
                cells["closer"],
                _number(low[row]),
                _number(high[row]),
                like[row],
                *map(_number, (cells[name] for name in PLACE)),
                *map(_number, (bias[row], *held.contributions[row], *held.presence[row])),
            ]
        )
    return text.getvalue()


def _number(value: Any) -> str:
    return "" if pd.isna(value) else f"{float(value):.6f}"
