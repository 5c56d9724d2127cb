"""Worker processes end with the block that they work for, however it ends."""

import multiprocessing
import os
import time
from collections.abc import Iterator

import pytest

from hubcfg.cli.workers import open_executor
from hubcfg.core.errors import OutsideError
from hubcfg.core.processes import start_processes


@pytest.fixture(autouse=True)
def _nobody_left() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) <= before


def test_results() -> None:
    """Tasks are done in other processes."""
    with start_processes(2) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()


def test_given_up() -> None:
    """Tasks that would take an hour are given up half-way where the block is left by an exception."""

    def interrupted() -> None:
        with start_processes(2) as pool:
            for _ in range(8):
                pool.submit(time.sleep, 3600)
            time.sleep(0.2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_a_process_that_dies() -> None:
    """A worker that dies is a failure of the machine, with advice, and no bug."""

    def dying() -> None:
        with open_executor(2, None) as pool:
            assert pool is not None
            pool.submit(os._exit, 9).result()

    with pytest.raises(OutsideError, match="a worker process died") as caught:
        dying()
    assert caught.value.help == "try again, or without `--workers`"


@pytest.mark.parametrize("workers", [None, 1])
def test_one_process(workers: int | None) -> None:
    """One worker is the process itself."""
    with open_executor(workers, None) as pool:
        assert pool is None
