"""JSON from anywhere: parsed so that whatever walks through it and computes with it is safe from its shape and size."""

import json
import math
from collections.abc import Callable
from typing import Any, TypeGuard

_DEEPEST = 50  # levels: what we write has fewer than ten


def parse_json(text: str | bytes, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Return the content of a JSON text.

    Args:
        text: the JSON.
        parse_constant: called with "NaN", "Infinity" or "-Infinity" for its value; by default, that of Python.

    Raises:
        ValueError: it is no JSON, or lists and objects are nested too deeply.
    """
    try:
        content = json.loads(text, parse_constant=parse_constant)
    except RecursionError:
        raise ValueError(f"it is nested more than {_DEEPEST} levels deep") from None
    level = [content]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return content
    raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a number, and a finite one as a float, too: 10**400 is not, neither is True."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
