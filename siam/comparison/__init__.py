"""Explainers measured against each other on pictures whose truth is known."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.comparison.records import compare
    from siam.comparison.statistics import summary

__all__ = ["compare", "summary"]

__getattr__ = lazily(__name__, {"compare": "records", "summary": "statistics"})
