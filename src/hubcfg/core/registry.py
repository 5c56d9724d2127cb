"""Finds extensions: imports every module of a package, in order, and demands one constant of each."""

import importlib
import os
from collections.abc import Iterator
from typing import Any


def module_names(package: str) -> list[str]:
    """Returns the names of the modules of `package`, sorted, without importing them."""
    (folder,) = importlib.import_module(package).__path__
    names = os.listdir(folder)  # noqa: PTH208 - asked several times at every start
    return sorted(name[:-3] for name in names if name.endswith(".py") and name != "__init__.py")


def load_constants(package: str, constant: str) -> Iterator[Any]:
    """Yields the `constant` of every module of `package`; a module without it is a bug and raises AttributeError."""
    for name in module_names(package):
        yield getattr(importlib.import_module(f"{package}.{name}"), constant)
