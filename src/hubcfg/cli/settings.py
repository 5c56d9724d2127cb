"""What the options before the command say, and how they become colours and a project's folder."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hubcfg.core.errors import UsageError
from hubcfg.parser.sources import PROJECT_FILE


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that every command has."""

    folder: Path
    color: str
    is_quiet: bool
    is_verbose: bool

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
