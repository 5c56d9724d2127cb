"""Options that several commands share, and what they become."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hubcfg.core.errors import OutsideError
from hubcfg.core.instants import Instant, instant_of, parse_instant

if TYPE_CHECKING:
    from concurrent.futures import Executor

Function = TypeVar("Function", bound=Callable[..., Any])


class InstantType(click.ParamType[Instant]):
    """A date or date-time; a date means its beginning in UTC."""

    name = "T"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Instant:
        """Returns the instant; anything else is a usage error."""
        if isinstance(value, int):
            return Instant(value)
        instant = parse_instant(str(value))
        if instant is None:
            self.fail(
                f"'{value}' is not a date such as 2027-06-30 or a date-time such as 2027-06-30T18:00:00Z.", param, ctx
            )
        return instant


def as_of_option(function: Function) -> Function:
    """Adds `--as-of T`; the parameter `as_of` is the instant of the run where the option is not given."""
    option = click.option(
        "--as-of", type=InstantType(), default=current_instant, help="Look at this instant instead of now."
    )
    return option(function)


def base_option(function: Function) -> Function:
    """Adds `--base REF`."""
    help = "The revision that approvals are judged by; default: $HUBCFG_BASE, the pull request's target, or what has landed."
    return click.option("--base", metavar="REF", help=help)(function)


def format_option(*formats: str) -> Callable[[Function], Function]:
    """Adds `--format` with the given choices, the first of which is the default."""
    return click.option(
        "--format", "output", type=click.Choice(formats), default=formats[0], help="The form of the output."
    )


def workers_option(function: Function) -> Function:
    """Adds `--workers N`."""
    help = "Read files in this many processes; the result is the same. Pays from some ten thousand users on."
    return click.option("--workers", type=click.IntRange(1, 64), default=1, metavar="N", help=help)(function)


@contextmanager
def worker_pool(workers: int) -> "Iterator[Executor | None]":
    """Gives an executor of so many processes; None for one, which is this one. Its processes end with the block."""
    if workers == 1:
        yield None
        return
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    with ProcessPoolExecutor(workers, initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            yield pool
        except BrokenExecutor as error:
            raise OutsideError("a worker process died", help="try again, or without `--workers`") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts_to_the_parent() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def org_option(function: Function) -> Function:
    """Adds `--org ID`."""
    return click.option("--org", metavar="ID", help="Look at this org only.")(function)


def current_instant() -> Instant:
    """Returns the present instant, in whole seconds."""
    from datetime import UTC, datetime

    return instant_of(datetime.now(UTC).replace(microsecond=0))
