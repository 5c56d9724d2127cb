"""Shows on a terminal how far a run has come, once it has taken a second; gone before anything else is written."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from hubcfg.cli.settings import Settings
from hubcfg.core.progress import Progress, silent

# After how many seconds the first line comes, and how many pass between two.
PATIENCE = 1.0
INTERVAL = 0.1

_CLEAR = "\r\x1b[K"


@contextmanager
def shown_progress(settings: Settings) -> Iterator[Progress]:
    """Gives what to tell how far the run has come: a line on a terminal, nothing anywhere else or where quiet was asked for."""
    if settings.is_quiet or not sys.stderr.isatty():
        yield silent
        return
    line = _Line()
    try:
        yield line.tell
    finally:
        line.clear()


class _Line:
    """One line of a terminal that is written over again and again."""

    def __init__(self) -> None:
        self._next = monotonic() + PATIENCE
        self._is_shown = False

    def tell(self, stage: str, done: int, total: int) -> None:
        """Shows a stage; not more often than people can read."""
        now = monotonic()
        if now < self._next:
            return
        from shutil import get_terminal_size  # slow to import, and most runs are over before

        self._next = now + INTERVAL
        count = f" {done:,} of {total:,}" if total else ""
        self._write(_CLEAR + f"{stage}{count} …"[: max(get_terminal_size().columns - 1, 1)])
        self._is_shown = True

    def clear(self) -> None:
        """Takes the line away."""
        if self._is_shown:
            self._write(_CLEAR)
            self._is_shown = False

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
