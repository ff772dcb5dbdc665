"""Names that a package exports but imports only on first use, so that nobody waits for what is not needed."""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module


def lazily(package: str, homes: Mapping[str, str], modules: Collection[str] = ()) -> Callable[[str], object]:
    """Return the `__getattr__` of a package.

    Args:
        package: its `__name__`.
        homes: name of an export -> module below the package that defines it.
        modules: submodules that are also available after a plain `import package`.
    """

    def attribute(name: str) -> object:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        if name in modules:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return attribute
