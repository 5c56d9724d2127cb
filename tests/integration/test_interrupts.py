"""Ctrl-C on a terminal, at any moment: exit 130, nothing half-written, no process left; and the line of progress there."""

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks.generate import write_orgs

HUBCFG = [sys.executable, "-m", "hubcfg", "--no-cache"]
CLEAR = b"\r\x1b[K"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty orgs of four hundred people: some seconds of work."""
    root = tmp_path_factory.mktemp("project")
    write_orgs(root, 32_000, 80)
    return root


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self.shown = b""
        self.begun = time.monotonic()
        self._own, other = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [*HUBCFG, *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: _take_terminal(other),
        )
        os.close(other)

    def read(self, seconds: float) -> bool:
        """Takes in what is shown; returns False where the other end is closed."""
        ready, _, _ = select.select([self._own], [], [], seconds)
        if ready:
            try:
                self.shown += os.read(self._own, 65536)
            except OSError:
                return False
        return True

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert self.process.poll() is None, self.shown.decode()
            assert time.monotonic() < deadline
            self.read(0.01)

    def interrupt(self) -> None:
        """Presses Ctrl-C: every process of the terminal gets the signal."""
        os.write(self._own, b"\x03")

    def finish(self) -> int:
        """Returns the exit code, with all that was shown read."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.read(0.05)
        while self.read(0) and select.select([self._own], [], [], 0)[0]:
            pass
        return self.process.returncode

    def close(self) -> None:
        """Ends what has not ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        os.close(self._own)

    def is_left(self) -> bool:
        """Whether any process of the command is still there."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


def _take_terminal(fd: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


@pytest.fixture
def start() -> Iterator[Callable[..., Terminal]]:
    """Starts commands on terminals, and ends them with the test."""
    with contextlib.ExitStack() as stack:

        def begin(*arguments: str) -> Terminal:
            terminal = Terminal(list(arguments))
            stack.callback(terminal.close)
            return terminal

        yield begin


def is_begun(_: Path, terminal: Terminal) -> bool:
    """The command has its first tenths of a second behind it."""
    return time.monotonic() > terminal.begun + 0.3


def is_working(folder: Path, _: Terminal) -> bool:
    """Worker processes are started, or about to be."""
    return any(folder.glob(".out-*"))


def has_shards(folder: Path, _: Terminal) -> bool:
    """Workers have written the first org files aside."""
    return any(folder.glob(".out-*/new/orgs/*/staff.json"))


def has_half(folder: Path, _: Terminal) -> bool:
    """Half of the org files are there."""
    return len(list(folder.glob(".out-*/new/orgs/*/staff.json"))) >= 40


def wait_for_nobody(terminal: Terminal) -> None:
    deadline = time.monotonic() + 20
    while terminal.is_left():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("moment", [is_begun, is_working, has_shards, has_half])
def test_interrupted(
    moment: Callable[[Path, Terminal], bool], project: Path, tmp_path: Path, start: Callable[..., Terminal]
) -> None:
    """The folder that was there stays as it was; no worker and nothing aside is left."""
    out = tmp_path / "out"
    (out / "orgs").mkdir(parents=True)
    (out / "manifest.json").write_text('{"format": "hubcfg.manifest/1"}')
    terminal = start("-C", str(project), "compile", "-o", str(out), "--workers", "2")
    terminal.wait_until(lambda: moment(tmp_path, terminal))
    terminal.interrupt()
    # Python ends itself by the signal where it came while classes were made on import; shells call both 130.
    assert terminal.finish() in (130, -signal.SIGINT)
    assert terminal.shown.rstrip().endswith(b"interrupted; nothing is half-written"), terminal.shown
    assert b"Traceback" not in terminal.shown
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "orgs"]
    wait_for_nobody(terminal)


def test_killed(project: Path, tmp_path: Path, start: Callable[..., Terminal]) -> None:
    """Where the command itself is killed its workers notice, and go."""
    terminal = start("-C", str(project), "compile", "-o", str(tmp_path / "out"), "--workers", "2")
    terminal.wait_until(lambda: has_shards(tmp_path, terminal))
    os.kill(terminal.process.pid, 9)
    terminal.finish()
    wait_for_nobody(terminal)
    assert not (tmp_path / "out").exists()


def test_progress(project: Path, tmp_path: Path, start: Callable[..., Terminal]) -> None:
    """A run of more than a second says how far it is, on a line that is gone before the results."""
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    terminal = start("-C", str(copy), "compile", "-o", str(tmp_path / "out"))
    assert terminal.finish() == 0
    lines = terminal.shown.split(CLEAR)
    assert any(b" of 161 \xe2\x80\xa6" in line or b" of 80 \xe2\x80\xa6" in line for line in lines), lines
    assert lines[0] == b""
    assert lines[-1].startswith(b"wrote 81 files to ")
    quiet = start("-q", "-C", str(copy), "compile", "-o", str(tmp_path / "out"))
    assert quiet.finish() == 0
    assert CLEAR not in quiet.shown
