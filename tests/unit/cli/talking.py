"""Talks to `hubcfg` through a pseudo-terminal, as a person does: waits for a question and answers it."""

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE = 60.0


def talk(
    arguments: Sequence[str], answers: Sequence[tuple[str, str]], folder: Path, environment: Mapping[str, str]
) -> tuple[str, int]:
    """Runs hubcfg on a terminal of its own and gives each answer when its question is shown.

    Returns all that the terminal showed, with what was typed, and the exit code.
    """
    controller, terminal = pty.openpty()
    command = [sys.executable, "-c", "from hubcfg.cli.main import main; main()", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True,
        start_new_session=True, preexec_fn=_own_terminal,
    )  # fmt: skip
    os.close(terminal)
    try:
        shown, done = b"", 0
        for question, answer in answers:
            while question.encode() not in shown[done:]:
                more = _read(controller)
                assert more, f"`{question}` was never asked:\n{shown.decode()}"
                shown += more
            done = len(shown)
            # A line break after Ctrl-C could be read as an answer before the interrupt is.
            os.write(controller, answer.encode() + (b"" if answer == "\x03" else b"\n"))
        # An interrupt in the instant before Python begins to wait for an answer is noticed after the next key only; a person
        # presses Ctrl-C once more then.
        again = b"\x03" if answers and answers[-1][1] == "\x03" else b""
        while more := _read(controller, again):
            shown += more
        return shown.decode(), process.wait(_PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def _own_terminal() -> None:
    """Makes the terminal the one whose keys interrupt the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(controller: int, again: bytes = b"") -> bytes:
    """Returns what the terminal shows next; nothing once the program has ended. `again` is typed every three seconds."""
    end = time.monotonic() + _PATIENCE
    ready: list[int] = []
    while not ready and (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([controller], [], [], min(left, 3.0) if again else left)
        if again and not ready:
            os.write(controller, again)
    assert ready, "hubcfg shows nothing and does not end"
    try:
        return os.read(controller, 4096)
    except OSError:  # Linux says so that nobody has the terminal open any more
        return b""
