"""How objects that hold arrays print themselves: in one short line, without the arrays."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

_LONGEST = 60  # characters of a field
_MOST = 6  # entries of a collection that are spelt out


def brief(self: Any) -> str:
    """Return a dataclass as one line; made to be its `__repr__`.

    Arrays and tensors show type and shape, tables their size, long collections their length, networks their class.
    Nothing is computed or built.
    """
    shown = [
        f"{field.name}={_short(vars(self)[field.name])}"
        for field in fields(self)
        if field.repr and vars(self).get(field.name) is not None
    ]
    return f"{type(self).__name__}({', '.join(shown)})"


def _short(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(shape)}"
    if hasattr(value, "columns") and shape is not None:
        return f"{shape[0]} rows x {shape[1]} columns"
    if hasattr(value, "named_parameters"):
        return type(value).__name__
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, Collection) and not isinstance(value, str):
        return _collection(value)
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _collection(values: Collection[Any]) -> str:
    if len(values) <= _MOST:
        if isinstance(values, Mapping):
            text = f"{{{', '.join(f'{_short(name)}: {_short(value)}' for name, value in values.items())}}}"
        else:
            text = f"[{', '.join(map(_short, values))}]"
        if len(text) <= _LONGEST:
            return text
    return f"{len(values)} items"
