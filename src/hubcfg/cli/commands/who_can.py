"""List who holds a permission, or something that a pattern matches."""

import click

from hubcfg.cli.looking import compile_for_looking, pick_matching, pick_orgs
from hubcfg.cli.options import as_of_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.core.instants import Instant
from hubcfg.views.held import terminal_width
from hubcfg.views.who_can import find_holders, render_holders


@click.command("who-can")
@click.argument("pattern")
@click.option("--all", "needs_all", is_flag=True, help="Only who holds all that PATTERN matches and they may hold.")
@org_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def who_can(settings: Settings, pattern: str, needs_all: bool, org: str | None, output: str, as_of: Instant) -> int:
    """List who holds something that PATTERN matches, and through what.

    PATTERN may be a permission, an alias or a pattern. Exits with 1 where errors keep somebody's access from being known.
    """
    compiled = compile_for_looking(settings, as_of)
    orgs = pick_orgs(compiled, org)
    matching = pick_matching(settings, orgs, pattern)
    holders = [find_holders(access, pattern, needs_all=needs_all) for access in matching]
    click.echo(render_holders(output, holders, width=terminal_width(), use_color=settings.use_color()))
    return 1 if any(one.unknown for one in holders) else 0


COMMAND = who_can
