"""Where work is spread: processes of this machine, or a Dask cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hubcfg.core.errors import OutsideError, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

Function = TypeVar("Function", bound=Callable[..., Any])

SCHEME = "dask://"
# How long a scheduler may take to answer, in seconds.
PATIENCE = 10


def workers_options(function: Function) -> Function:
    """Adds `--workers N` and `--executor ADDRESS`."""
    many = "Work in this many processes; the result is the same. Pays from some ten thousand users on."
    far = "Work on a Dask cluster: dask://HOST:PORT of its scheduler."
    function = click.option("--executor", metavar="ADDRESS", help=far)(function)
    return click.option("--workers", type=click.IntRange(1, 64), metavar="N", help=many)(function)


@contextmanager
def open_executor(workers: int | None, address: str | None) -> "Iterator[Executor | None]":
    """Gives an executor of so many processes or of the cluster at an address; None where this process is all there is.

    Its processes end with the block, those of a cluster go on.
    """
    if workers is not None and address is not None:
        raise UsageError("`--workers` and `--executor` are two ways to the same end", help="leave out one of the two")
    if address is not None:
        with _connect(address) as executor:
            yield executor
    elif workers is None or workers == 1:
        yield None
    else:
        with _start(workers) as executor:
            yield executor


@contextmanager
def _start(workers: int) -> "Iterator[Executor]":
    import multiprocessing
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    from hubcfg.core.interrupts import held_interrupts

    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, initializer=_begin_worker)
    try:
        yield pool
    except BaseException as error:
        with held_interrupts():
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenExecutor):
            raise OutsideError("a worker process died", help="try again, or without `--workers`") from error
        raise
    pool.shutdown()


def _begin_worker() -> None:
    """Leaves Ctrl-C to the process that began the run, and ends where that one is gone."""
    import gc
    import multiprocessing
    import os
    import signal
    import threading
    from multiprocessing.connection import wait

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # as the process does that began the run
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _connect(address: str) -> "Iterator[Executor]":
    if not address.startswith(SCHEME) or len(address) == len(SCHEME):
        raise UsageError(f"`{address}` is no executor", help="write `dask://HOST:PORT` of a Dask scheduler")
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise UsageError(
            "`--executor` needs the Dask client, which is not installed", help="`pip install 'hubcfg[dask]'`"
        ) from error
    host = address.removeprefix(SCHEME)
    try:
        client = distributed.Client(f"tcp://{host}", timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OutsideError(
            f"no Dask scheduler answers at `{host}`", help="is it running, and reachable from here?"
        ) from error
    try:
        yield client.get_executor()
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("distributed", "asyncio", "concurrent"):
            raise
        raise OutsideError(
            f"the Dask cluster failed: {type(error).__name__}", help="see the scheduler's log; or try `--workers`"
        ) from error
    finally:
        client.close()
