"""Processes of this machine that work for one run, and end with it: at its end, when it is interrupted, and when it is killed."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic
from types import FrameType
from typing import ParamSpec, TypeVar

from hubcfg.core.interrupts import blocked_interrupts, held_interrupts

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

# How long processes may take to give up their tasks, and how often they are told, in seconds.
PATIENCE = 10.0
INTERVAL = 0.05


class _GivenUp(BaseException):
    """Ends a task whose result nobody waits for."""


class _Pool(ProcessPoolExecutor):
    """A pool whose tasks can be given up half-way.

    A process that is terminated may take a lock with it, or leave half a result in a pipe, and the pool waits for ever. So a
    process is asked, in the middle of its task and nowhere else, and ends as one that has finished.
    """

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        with blocked_interrupts():  # where this starts a process, Ctrl-C must not find that half made
            return super().submit(_do, fn, *args, **kwargs)


@contextmanager
def start_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Gives an executor of so many processes; they are gone after the block, however it ends."""
    others = set(multiprocessing.active_children())
    pool = _Pool(count, initializer=_begin)
    try:
        yield pool
    except BaseException:
        with held_interrupts():
            pool.shutdown(wait=False, cancel_futures=True)
            _give_up(set(multiprocessing.active_children()) - others)
            pool.shutdown()
        raise
    pool.shutdown()


def _give_up(processes: set[BaseProcess]) -> None:
    """Has processes give up their tasks until they have ended; one that does not is killed."""
    deadline = monotonic() + PATIENCE
    while living := [process for process in processes if process.is_alive()]:
        for process in living:
            if monotonic() < deadline:
                process.terminate()
            else:
                process.kill()
        wait([process.sentinel for process in living], INTERVAL)


def _do(function: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    return function(*args, **kwargs)


def _begin() -> None:
    """Leaves Ctrl-C to the process that began the run, and ends where that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _on_terminate)
    gc.disable()  # as the command line does: what a task builds lives to its end and forms no cycles
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _on_terminate(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code is _do.__code__:
            raise _GivenUp
        frame = frame.f_back


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
