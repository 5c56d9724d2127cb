"""Go back to what an earlier deployment was made from."""

import click

from hubcfg.cli.deploying import deploy, deploying_options, environment, target_option
from hubcfg.cli.options import base_option, current_instant, format_option
from hubcfg.cli.settings import Settings
from hubcfg.deployment import Request


@click.command("rollback")
@click.argument("serial", type=click.IntRange(1))
@target_option
@deploying_options
@format_option("text", "json")
@base_option
@click.pass_obj
def rollback(
    settings: Settings,
    serial: int,
    target: str | None,
    bootstrap: bool,
    allowed: tuple[str, ...],
    auto_approve: bool,
    output: str,
    base: str | None,
) -> int:
    """Go back to what an earlier deployment was made from.

    Takes the sources of deployment SERIAL, which the target keeps, compiles them as of now, and applies that with the same
    guards: what has ended since does not come back, and approvals that have ended are asked for again. It is a deployment of its
    own. The files of the project stay as they are: mend those too, or the next apply undoes it.

    Example: hubcfg rollback 12
    """
    request = Request(
        settings.find_root(), current_instant(), target, base, bootstrap, serial, environment=environment()
    )
    return deploy(settings, request, saved=None, is_approved=auto_approve, allowed=allowed, output=output)


COMMAND = rollback
