"""The paper's Tables 2 and 3 beside our own results: what it reports, and what we measured on which data.

Reported figures: D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps: what-where-how explanations
within CNNs", ICCV Workshops 2019, arXiv:1909.08442, Tables 2 and 3. Of the two average precisions on SUN, 0.418 is read
as SIAM's and 0.331 as the one without fine-tuning: both tables list the variants with attributes in this order, as they
do for 0.501 and 0.449 on the 90 photos.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siam.evaluation.figures import PhotoFigures, VariantFigures
from siam.evaluation.stored import Result

VARIANTS = {"baseline": "baseline", "siam": "SIAM", "siam-frozen": "SIAM, no fine-tuning"}

_Column = dict[str, str]  # variant → cell

REPORTED = "reported by the paper"
MEASURED = "measured on our data"
_BOTH, _PRECISION = "RMSE / τ", "mean AP"
_TABLE_2: tuple[tuple[str, str, _Column], ...] = (
    (
        "ScenicOrNot test, 30,000 photos",
        _BOTH,
        {"baseline": "0.987 / 0.640", "siam": "1.01 / 0.607", "siam-frozen": "1.24 / 0.496"},
    ),
    ("SUN test, 1,429 photos", _PRECISION, {"siam": "0.418", "siam-frozen": "0.331"}),
)
_TABLE_3: tuple[tuple[str, str, _Column], ...] = (
    (
        "90 ScenicOrNot photos",
        _BOTH,
        {"baseline": "1.23 / 0.747", "siam": "1.22 / 0.700", "siam-frozen": "1.68 / 0.526"},
    ),
    ("90 ScenicOrNot photos", _PRECISION, {"siam": "0.501", "siam-frozen": "0.449"}),
)
_ANNOTATED = "annotated"  # figures for photos with both scores and attributes
_OTHER_VARIANT = {"f_alone": ("siam-frozen", "sun_test")}  # f before it learned scores is the f of siam-frozen
_ABLATIONS = {"without_regions"}  # not variants of the paper
_TITLE_2 = "Table 2. Scores and attributes, each on the photos of its own dataset"
_TITLE_3 = "Table 3. Scores and attributes of the same photos"
_NOTES_2 = (
    "τ: Kendall's tau-b. RMSE: in points of each dataset's own scale (ScenicOrNot 1 to 10, OASIS 1 to 7), so it is "
    "not comparable across datasets. Mean AP: average precision, mean over attributes.",
    "Columns under different headings are different photos, raters and networks: they stand side by side and do not "
    "compete.",
)
_NOTE_3 = (
    "The paper's 90 photos, ten per score bracket, with attributes labelled by four people, were never published; it "
    "reports that the annotators agree with each other at 0.496."
)
_NONE_YET = "nothing measured yet: no stored result has such figures"


@dataclass(frozen=True)
class _Measured:
    """One measured column: the photos' name, kind of figure, cells, number of photos, and the result it is from."""

    data: str
    kind: str
    cells: _Column
    count: int
    result: Result


@dataclass(frozen=True)
class _Table:
    title: str
    reported: Sequence[tuple[str, str, _Column]]
    measured: Sequence[_Measured]
    notes: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table as shown: a group (`REPORTED` or `MEASURED`) and a heading for each column, rows and notes.

    Attributes:
        title: the table's title.
        heads: for each column its group, its photos, which of them (how many, and the number of their result), and the
            kind of figure.
        rows: name of a variant → its cells.
        notes: on all columns; then on each result, by number.
    """

    title: str
    heads: Sequence[tuple[str, str, str, str]]
    rows: dict[str, list[str]]
    notes: Sequence[str]


def tables(results: Sequence[Result]) -> list[Table]:
    """Return both tables, reported columns before measured ones."""
    shown = []
    for table in _tables(results):
        groups, heads, rows = _cells(table)
        together = [(group, *head) for group, head in zip(groups, heads, strict=True)]
        shown.append(Table(table.title, together, {name: cells for name, *cells in rows}, _notes(table)))
    return shown


def markdown(results: Sequence[Result]) -> str:
    """Return both tables as Markdown; every measured column names its data and refers to its source below it."""
    parts = []
    for table in _tables(results):
        groups, heads, rows = _cells(table)
        first = [f"**{group}:** {' · '.join(filter(None, head))}" for group, head in zip(groups, heads, strict=True)]
        lines = [
            markdown_row(["variant", *first]),
            markdown_row(["---"] * (len(first) + 1)),
            *(markdown_row(row) for row in rows),
        ]
        parts += [f"### {table.title}", "\n".join(lines), "\n".join(f"- {note}" for note in _notes(table))]
    return "\n\n".join(parts) + "\n"


def text(results: Sequence[Result]) -> str:
    """Return both tables as plain text, with a double bar between reported and measured columns."""
    parts = []
    for table in _tables(results):
        groups, heads, rows = _cells(table)
        above = [["", "", "", "variant"], *([group, *head] for group, head in zip(groups, heads, strict=True))]
        columns = [[*head, *(row[place] for row in rows)] for place, head in enumerate(above)]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            _line([column[at] for column in columns], widths, len(table.reported)) for at in range(len(columns[0]))
        ]
        parts += [table.title, "\n".join(lines), "\n".join(_notes(table))]
    return "\n\n".join(parts) + "\n"


def _tables(results: Sequence[Result]) -> tuple[_Table, _Table]:
    separate = [column for result in results for column in _columns(result, annotated=False)]
    same = [column for result in results for column in _columns(result, annotated=True)]
    return _Table(_TITLE_2, _TABLE_2, separate, _NOTES_2), _Table(_TITLE_3, _TABLE_3, same, (_NOTE_3,))


def _columns(result: Result, *, annotated: bool) -> Iterator[_Measured]:
    """Yield a column for each set of photos and each kind of figure in a result."""
    cells: dict[tuple[str, str], _Column] = {}
    counts: dict[tuple[str, str], int] = {}
    for variant, figures in result.figures.items():
        for whose, name, photos in _sets(variant, figures):
            if (name == _ANNOTATED) is not annotated:
                continue
            data = f"{result.data}, {result.split}" if name in ("", _ANNOTATED) else name
            for kind, cell, count in _kinds(photos):
                cells.setdefault((data, kind), {})[whose] = cell
                counts.setdefault((data, kind), count)
    for (data, kind), column in cells.items():
        yield _Measured(data, kind, column, counts[data, kind], result)


def _sets(variant: str, figures: VariantFigures) -> Iterator[tuple[str, str, PhotoFigures]]:
    """Yield the sets of photos in a variant's figures: variant, the set's name ("" for its own), and figures."""
    yield variant, "", figures.photos
    for name, photos in figures.sets.items():
        if name not in _ABLATIONS:
            yield *_OTHER_VARIANT.get(name, (variant, name)), photos


def _kinds(photos: PhotoFigures) -> Iterator[tuple[str, str, int]]:
    """Yield the kinds of figures for a set of photos, each with its cell and the number of photos."""
    if (scores := photos.scores) is not None:
        yield _BOTH, f"{_number(scores.rmse)} / {_number(scores.kendall_tau)}", scores.n
    if (attributes := photos.attributes) is not None:
        yield _PRECISION, _number(attributes.mean_average_precision), attributes.n


def _cells(table: _Table) -> tuple[list[str], list[tuple[str, str, str]], list[list[str]]]:
    """Return each column's group and heading (data, which photos, kind of figure), and the rows of all variants."""
    groups = [REPORTED] * len(table.reported) + [MEASURED] * max(1, len(table.measured))
    heads = [(*_halves(data), kind) for data, kind, _column in table.reported]
    columns = [column for _data, _kind, column in table.reported]
    sources = _sources(table)
    for measured in table.measured:
        which = f"{measured.count:,} photos [{sources.index(measured.result) + 1}]"
        heads.append((measured.data, which, measured.kind))
        columns.append(measured.cells)
    if not table.measured:
        heads.append(("no result yet", "", ""))
        columns.append({})
    rows = [[name, *(column.get(variant, "–") for column in columns)] for variant, name in VARIANTS.items()]
    return groups, heads, rows


def _halves(data: str) -> tuple[str, str]:
    name, _comma, photos = data.partition(", ")
    return name, photos


def _notes(table: _Table) -> list[str]:
    """Return the notes on all columns, then on each result by number."""
    notes = list(table.notes)
    for number, result in enumerate(_sources(table), 1):
        commit = f", commit {result.git_commit[:12]}" if result.git_commit else ""
        notes.append(f"[{number}] {result.model}; {result.protocol}; {result.date}{commit}; `{result.command}`")
    return notes if table.measured else [*notes, _NONE_YET]


def _sources(table: _Table) -> list[Result]:
    """Return the results behind the measured columns, each once, in order."""
    sources: list[Result] = []
    for column in table.measured:
        if column.result not in sources:
            sources.append(column.result)
    return sources


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def markdown_row(cells: Sequence[str]) -> str:
    """Return cells as a row of a Markdown table."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, the headings first, as a Markdown table."""
    heads, *body = rows
    return "\n".join([markdown_row(heads), markdown_row(["---"] * len(heads)), *map(markdown_row, body)])


def _line(cells: Sequence[str], widths: Sequence[int], reported: int) -> str:
    """Return cells in columns, with a double bar between reported and measured ones."""
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    left, right = padded[: 1 + reported], padded[1 + reported :]
    return f"{'  '.join(left)}  ‖  {'  '.join(right)}".rstrip()
