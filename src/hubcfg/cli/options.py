"""Options that several commands share, and what they become."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hubcfg.core.instants import Instant, instant_of, parse_instant

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


def org_option(function: Function) -> Function:
    """Adds `--org ID`."""
    return click.option("--org", metavar="ID", help="Look at this org only.")(function)


def current_instant() -> Instant:
    """Returns the present instant, in whole seconds."""
    from datetime import UTC, datetime

    return instant_of(datetime.now(UTC).replace(microsecond=0))
