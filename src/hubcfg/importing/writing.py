"""Writes imported files below a folder: all of them or none, and none over another."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from hubcfg.core.errors import OutsideError


def find_existing(folder: Path, paths: Iterable[str]) -> list[str]:
    """Returns which of the paths are there already, whatever they are."""
    return [path for path in paths if os.path.lexists(folder / path)]


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes new files; raises OutsideError where the disk refuses, and then what was written is gone again."""
    made: list[Path] = []
    try:
        for path, text in files.items():
            parent = (folder / path).parent
            for missing in [one for one in reversed((parent, *parent.parents)) if not one.exists()]:
                missing.mkdir()
                made.append(missing)
            with (folder / path).open("x", encoding="utf-8", newline="\n") as file:
                made.append(folder / path)
                file.write(text)
    except BaseException as error:
        for one in reversed(made):
            if one.is_dir():
                one.rmdir()
            else:
                one.unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"`{folder}` cannot be written: {error.strerror}"
            raise OutsideError(message, help="nothing was changed") from error
        raise
