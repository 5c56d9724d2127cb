"""End a target's lock by hand."""

import click

from hubcfg.cli.deploying import environment, target_option
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError
from hubcfg.deployment import opened_target
from hubcfg.views.lock import render_unlocked


@click.command("unlock")
@target_option
@click.option("--force", is_flag=True, help="End the lock, whoever holds it.")
@format_option("text", "json")
@click.pass_obj
def unlock(settings: Settings, target: str | None, force: bool, output: str) -> int:
    """End a target's lock by hand.

    A lock whose process is provably gone is taken over by the next apply by itself; this is for one that ran on another machine
    and is certainly dead. Whoever held it can't change the target any more. Without --force it only says who holds the lock.
    """
    with opened_target(settings.find_root(), target, environment(), settings.note) as (_, chosen, writer):
        if not force:
            holder = writer.read_status().holder
            if holder is not None:
                raise HubcfgError(
                    f"`{chosen.name}` is locked by {holder.describe()}",
                    help="wait for it, or end the lock with `--force` if it is certainly gone",
                )
        ended = writer.unlock() if force else None
    click.echo(render_unlocked(output, chosen.name, ended))
    return 0


COMMAND = unlock
