"""Finds extensions: imports every module of a package, in order, and demands one constant of each."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def module_names(package: str) -> list[str]:
    """Returns the names of the modules of `package`, sorted, without importing them."""
    root = importlib.import_module(package).__file__
    assert root is not None
    return sorted(path.stem for path in Path(root).parent.glob("*.py") if path.stem != "__init__")


def load_constants(package: str, constant: str) -> Iterator[Any]:
    """Yields the `constant` of every module of `package`; a module without it is a bug and raises AttributeError."""
    for name in module_names(package):
        yield getattr(importlib.import_module(f"{package}.{name}"), constant)
