"""Whether the holder of a lock is provably gone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hubcfg.applier.holder import Holder, describe_self, is_gone, read_holder

SELF = describe_self("ada", "2026-11-21T12:00:00Z")
MACHINE, BOOT, SPACE = SELF.boot.split("/")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which waits."""
    waiting = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"up\n"
        yield started
        started.kill()


def holder_of(process: subprocess.Popen[bytes]) -> Holder:
    """Returns a process as a holder that does not say when it began."""
    return replace(SELF, pid=process.pid, started="")


def test_living_processes_are_not_gone(process: subprocess.Popen[bytes]) -> None:
    """This process and another that runs are not gone."""
    assert not is_gone(SELF)
    assert not is_gone(holder_of(process))


def test_process_of_somebody_else_is_not_gone() -> None:
    """A process that no signal may be sent to runs all the same."""
    assert not is_gone(replace(SELF, pid=1, started=""))


def test_ended_process_is_gone(process: subprocess.Popen[bytes]) -> None:
    """A process that was killed is gone."""
    holder = holder_of(process)
    process.kill()
    process.wait()
    assert is_gone(holder)


def test_process_that_nobody_waited_for_is_gone(process: subprocess.Popen[bytes]) -> None:
    """A killed process is gone though its parent has not taken note, so that it keeps its number."""
    holder = holder_of(process)
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not is_gone(holder) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_gone(holder)
    os.kill(process.pid, 0)


def test_number_that_is_another_process_now() -> None:
    """A process of the same number that began at another time is another one."""
    assert SELF.started
    assert is_gone(replace(SELF, started=SELF.started + "1"))


def test_machine_that_was_started_again() -> None:
    """What ran before the machine's last start is gone, where it is known to be the same machine."""
    before = replace(SELF, boot=f"abc/{BOOT[::-1]}/{SPACE}")
    assert is_gone(replace(before, boot=f"{MACHINE}/{BOOT[::-1]}/{SPACE}")) == bool(MACHINE)
    assert not is_gone(before)
    assert not is_gone(replace(before, boot=f"/{BOOT[::-1]}/{SPACE}"))


@pytest.mark.parametrize("boot", ["", "x", f"{MACHINE}//{SPACE}", f"{MACHINE}/{BOOT}/1", BOOT])
def test_what_cannot_be_told_is_not_gone(process: subprocess.Popen[bytes], boot: str) -> None:
    """Of a process in another container, or of one that does not say when its machine started, nothing is known."""
    holder = replace(holder_of(process), boot=boot)
    process.kill()
    process.wait()
    assert not is_gone(holder)


def test_another_machine_is_not_gone(process: subprocess.Popen[bytes]) -> None:
    """Of a process on another machine nothing is known."""
    holder = replace(holder_of(process), host=socket.gethostname() + "-2")
    process.kill()
    process.wait()
    assert not is_gone(holder)


def test_holder_reads_back() -> None:
    """A holder written as JSON is read as the same one."""
    assert read_holder(SELF.to_json()) == SELF
    assert SELF.describe() == f"`ada` since 2026-11-21T12:00:00Z, from `{socket.gethostname()}` (process {os.getpid()})"


@pytest.mark.parametrize(
    "change", [{"pid": "1"}, {"pid": True}, {"pid": 0}, {"pid": -1}, {"pid": 2**40}, {"who": 1}, {"more": ""}]
)
def test_what_is_no_holder(change: dict[str, object]) -> None:
    """JSON that does not describe a process is none."""
    assert read_holder({**SELF.to_json(), **change}) is None


@pytest.mark.parametrize("value", [None, [], "ada", {}, {"who": "ada"}])
def test_what_is_no_holder_at_all(value: object) -> None:
    """Other JSON is no holder either."""
    assert read_holder(value) is None
