"""Where work is spread: processes of this machine, or a Dask cluster."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


def choose_workers(workers: int | None, address: str | None) -> "AbstractContextManager[Executor] | None":
    """Returns what gives an executor of so many processes, or of the cluster at an address; None where this process is all there is.

    Its processes end with the block, those of a cluster go on.
    """
    if workers is not None and address is not None:
        raise UsageError("`--workers` and `--executor` are two ways to the same end", help="leave out one of the two")
    if address is not None:
        return _connect(address)
    return None if workers is None or workers == 1 else _start(workers)


@contextmanager
def open_executor(workers: int | None, address: str | None) -> "Iterator[Executor | None]":
    """Gives the executor that `choose_workers` chooses, or None."""
    chosen = choose_workers(workers, address)
    if chosen is None:
        yield None
        return
    with chosen as executor:
        yield executor


@contextmanager
def _start(workers: int) -> "Iterator[Executor]":
    from concurrent.futures import BrokenExecutor

    from hubcfg.core.processes import start_processes

    try:
        with start_processes(workers) as pool:
            yield pool
    except BrokenExecutor as error:
        raise OutsideError("a worker process died", help="try again, or without `--workers`") from error


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
