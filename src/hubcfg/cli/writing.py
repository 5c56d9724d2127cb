"""Writes what a command was asked to write to a file."""

import os
from collections.abc import Iterable
from pathlib import Path

from hubcfg.core.errors import OutsideError


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Writes a file as a whole or not at all; raises OutsideError where the disk refuses."""
    aside = path if path.exists() and not path.is_file() else path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with aside.open("wb") as file:
                for piece in pieces:
                    file.write(piece.encode())
            if aside != path:
                aside.replace(path)
        except BaseException:
            if aside != path:
                aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutsideError(f"`{path}` cannot be written: {error.strerror}") from error
