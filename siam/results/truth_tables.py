"""Stored results on rendered scenes as tables: what, where and how, and what SIAM's errors are made of."""

from collections.abc import Sequence

from siam.evaluation.stored import Result
from siam.results.assessment import columns, error_rows, truth_rows
from siam.results.paper import markdown_table


def truth_tables(results: Sequence[Result], *, markdown: bool = False) -> str:
    """Return both tables of every result that tells them, as plain text or Markdown; "" where none does."""
    parts = []
    for result in results:
        for variant, figures in result.figures.items():
            found = figures.get("what_where_how")
            if not isinstance(found, dict):
                continue
            parts.append(f"{'### ' if markdown else ''}{result.model} ({variant}) on {found['n']} rendered scenes")
            tables = [truth_rows(found)] + ([error_rows(found["error"])] if found["error"] else [])
            parts += [markdown_table(rows) if markdown else columns(rows) for rows in tables]
            parts.append(f"{result.date}; `{result.command}`")
    return "\n\n".join(parts) + "\n" if parts else ""
