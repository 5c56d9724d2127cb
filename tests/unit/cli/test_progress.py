"""The line of progress: after a second, not too often, within the terminal's width, and gone at the end."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from hubcfg.cli import progress
from hubcfg.cli.progress import shown_progress
from hubcfg.cli.settings import Settings
from hubcfg.core.progress import silent

CLEAR = "\r\x1b[K"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setenv("COLUMNS", "30")
    return terminal


def settings(*, is_quiet: bool = False) -> Settings:
    return Settings(Path(), "never", is_quiet, is_verbose=False)


def test_short_runs_show_nothing(clock: Clock, terminal: Terminal) -> None:
    """What ends within a second has no line."""
    with shown_progress(settings()) as tell:
        clock.now += 0.9
        tell("reading files", 1, 2)
    assert terminal.getvalue() == ""


def test_long_runs(clock: Clock, terminal: Terminal) -> None:
    """After a second stages are shown ten times a second at most, and nothing of them stays."""
    with shown_progress(settings()) as tell:
        clock.now += 1.1
        tell("reading files", 1200, 5000)
        clock.now += 0.05
        tell("reading files", 1300, 5000)
        clock.now += 0.1
        tell("resolving", 0, 0)
        clock.now += 0.1
        tell("a stage of which there is much to be said", 1, 2)
    lines = ["reading files 1,200 of 5,000 …", "resolving …", "a stage of which there is much"]
    assert terminal.getvalue() == "".join(CLEAR + line[:29] for line in lines) + CLEAR


def test_an_exception_leaves_no_line(clock: Clock, terminal: Terminal) -> None:
    """Whatever ends the run, the line is gone before anything else is written."""

    def interrupted() -> None:
        with shown_progress(settings()) as tell:
            clock.now += 2
            tell("resolving", 0, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert terminal.getvalue().endswith(CLEAR)


def test_quiet_or_no_terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told where quiet was asked for, nor where stderr goes to a file."""
    with shown_progress(settings(is_quiet=True)) as tell:
        assert tell is silent
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=io.StringIO()))
    with shown_progress(settings()) as tell:
        assert tell is silent
