"""What the options before the command say, and how they become colours and a project's folder."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct, field

from hubcfg.core.errors import UsageError
from hubcfg.parser.sources import PROJECT_FILE

if TYPE_CHECKING:
    from hubcfg.parser.cache import ParseCache


class Settings(Struct, frozen=True):
    """The options that every command has."""

    folder: Path
    color: str
    is_quiet: bool
    is_verbose: bool
    has_cache: bool = True
    kept: list[object] = field(default_factory=list)

    def keep(self, *values: object) -> None:
        """Keeps values to the end of the process: to take apart a large project takes as long as to show what is wrong with it."""
        self.kept.extend(values)

    def open_cache(self, root: Path) -> "ParseCache | None":
        """Returns what earlier runs have read of the project at `root`; None where that is not to be used."""
        from hubcfg.parser.cache import open_cache

        return open_cache(root, os.environ) if self.has_cache else None

    def find_root(self) -> Path:
        """Returns the folder of the nearest hubcfg.yaml, upwards from `-C`; that folder itself where there is none."""
        if not self.folder.is_dir():
            raise UsageError(f"there is no folder `{self.folder}`", help="`-C` takes the folder to look in")
        start = self.folder.resolve()
        for folder in (start, *start.parents):
            if (folder / PROJECT_FILE).is_file():
                return folder
        return start

    def use_color(self, stream: TextIO | None = None) -> bool:
        """Whether to colour what goes to a stream (default: stdout); NO_COLOR and FORCE_COLOR have their usual meaning."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"

    def note(self, text: str) -> None:
        """Writes a note for people to stderr, unless they asked for quiet."""
        if not self.is_quiet:
            print(text, file=sys.stderr)
