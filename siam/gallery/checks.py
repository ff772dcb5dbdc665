"""Whether a table holds what a gallery should (`siam.gallery.store`), column by column: it may hold tens of
thousands.
"""

import json
import re
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from siam.evaluation.what_where_how.verdicts import Verdict

_SUM = 1e-3  # points: contributions and bias sum to the score up to rounding


def is_address(image: str) -> bool:
    """Return whether a picture is named by its address, rather than by its file below the gallery's folder."""
    return image.startswith(("https://", "http://"))


def problem_of_columns(table: pa.Table, schema: pa.Schema) -> str | None:
    """Return what is wrong with the columns, None where they are as the schema says."""
    for field in schema:
        if field.name not in table.schema.names:
            return f"lacks the column {field.name!r}"
        if table.schema.field(field.name).type != field.type:
            return f"has the column {field.name!r} as {table.schema.field(field.name).type}, not {field.type}"
        if not field.nullable and table[field.name].null_count:
            return f"has an empty cell in the column {field.name!r}"
    return None if len(table) else "holds no photos"


def problem_of_rows(table: pa.Table, attributes: int) -> str | None:
    """Return what is wrong with the first bad row; column by column, since a gallery may hold tens of thousands."""
    names = table["identifier"].to_pylist()
    if len(set(names)) < len(names):
        return f"has two photos that are called {Counter(names).most_common(1)[0][0]!r}"
    for column in ("contributions", "presence"):
        counts = np.diff(table[column].combine_chunks().offsets.to_numpy())
        odd = np.flatnonzero(counts != attributes)
        if len(odd):
            many = f"{counts[odd[0]]} numbers as {column} of {names[odd[0]]!r}"
            return f"has {many}, not one for each of {attributes} attributes"
    total = table["bias"].to_numpy() + numbers(table, "contributions").sum(axis=1)
    scores = table["siam"].to_numpy().astype(float)
    odd = np.flatnonzero(~(np.abs(total - scores) <= _SUM * np.maximum(1.0, np.abs(scores))))
    if len(odd):
        return f"has contributions of {names[odd[0]]!r} that do not sum to SIAM's score"
    for name, image, digest in zip(names, table["image"].to_pylist(), table["sha256"].to_pylist(), strict=True):
        if image is not None and not is_address(image) and not _is_below(image):
            return f"has a picture of {name!r} outside its folder"
        if image is not None and not re.fullmatch(r"[0-9a-f]{64}", digest or ""):
            return f"has a picture of {name!r} without its SHA-256"
    for name, truth in zip(names, table["truth"].to_pylist(), strict=True):
        if truth is not None and (problem := _problem_of_truth(truth)):
            return f"{problem} of {name!r}"
    return None


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """Return a column of lists as (N, K); an empty cell is NaN."""
    flat = table[column].combine_chunks().flatten()
    return flat.to_numpy(zero_copy_only=False).astype(float).reshape(len(table), -1)


def _problem_of_truth(text: str) -> str | None:
    try:
        truth = json.loads(text)
    except ValueError:
        return "has a damaged truth"
    if not isinstance(truth, dict) or not _is_below(str(truth.get("mask", "mask"))):
        return "has something else than a truth"
    try:
        if truth.get("verdict") is not None:
            Verdict.parse(str(truth["verdict"]))
    except ValueError:
        return "has an odd verdict on the truth"
    return None


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
