"""Reads a project's files as text, for findings that quote from them."""

from collections.abc import Callable
from pathlib import Path

from hubcfg.parser.parse import decode
from hubcfg.parser.sources import read_within


def read_source_text(root: Path) -> Callable[[str], str | None]:
    """Returns what gives the text of a file of the project, or None where it cannot be read."""

    def read(path: str) -> str | None:
        try:
            return decode(read_within(root, path))
        except (OSError, UnicodeDecodeError):
            return None

    return read
