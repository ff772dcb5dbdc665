"""HTML tables with grouped column heads, for pages that style them."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from siam.drawing.shapes import safe


def html_table(heads: Sequence[Sequence[str]], rows: Mapping[str, Sequence[str]] | Sequence[Sequence[str]]) -> str:
    """Return a table in which adjacent equal heads are merged.

    Args:
        heads: for each column but the first, its heads from the widest group down; all of the same length. A head is
            merged with its neighbour if all heads above it are merged too.
        rows: first cell → other cells, or all cells of each row; a row with a single cell heads the rows below it.
    """
    rows = [(name, *cells) for name, cells in rows.items()] if isinstance(rows, Mapping) else rows
    head = "".join(_head(heads, level) for level in range(len(heads[0])))
    body = "".join(_row(row, len(heads) + 1) for row in rows)
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    # A wide table scrolls, not the page, also by the arrow keys.
    return f'<div style="overflow-x: auto" role="group" aria-label="table" tabindex="0">{table}</div>'


def _head(heads: Sequence[Sequence[str]], level: int) -> str:
    """Return one line of heads: those that agree down to this level share a cell."""
    first = f'<td rowspan="{len(heads[0])}"></td>' if level == 0 else ""
    cells = []
    for path, columns in groupby(heads, key=lambda of: tuple(of[: level + 1])):
        span = len(list(columns))
        wide = f' colspan="{span}" scope="colgroup"' if span > 1 else ' scope="col"'
        text = _shown(path[-1])
        cells.append(
            f"<th{wide}>{text}</th>" if text else f'<td colspan="{span}"></td>'
        )  # a head without words is none
    return f"<tr>{first}{''.join(cells)}</tr>"


def _row(row: Sequence[str], width: int) -> str:
    first, *cells = row
    if not cells:
        return f'<tr><th colspan="{width}" scope="rowgroup">{_shown(first)}</th></tr>'
    head = f'<th scope="row" style="text-align: left; white-space: nowrap">{_shown(first)}</th>'
    return f"<tr>{head}{''.join(map(_cell, cells))}</tr>"


def _cell(text: str) -> str:
    return f'<td style="white-space: nowrap">{_shown(text)}</td>'


def _shown(text: str) -> str:
    """Return text for a cell, on one line: an empty one would end the markup, and Streamlit changes names of icons."""
    return safe(" ".join(text.split())).replace(":material/", "&#58;material/")
