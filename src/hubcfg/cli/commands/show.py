"""Show what a user holds, and through what."""

import click

from hubcfg.cli.looking import compile_for_looking, pick_users
from hubcfg.cli.options import as_of_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.core.instants import Instant
from hubcfg.views.held import terminal_width
from hubcfg.views.places import Lines
from hubcfg.views.show import render_shown, show_user


@click.command("show")
@click.argument("user")
@org_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def show(settings: Settings, user: str, org: str | None, output: str, as_of: Instant) -> int:
    """Show what USER holds, and through what.

    In every org that has the user, unless --org picks one. Exits with 1 where errors keep the access from being known.
    """
    compiled = compile_for_looking(settings, as_of)
    lines = Lines(compiled.read)
    shown = [show_user(access, one, lines) for access, one in pick_users(compiled, org, user)]
    click.echo(render_shown(output, shown, width=terminal_width(), use_color=settings.use_color()))
    return 0 if all(one.is_known for one in shown) else 1


COMMAND = show
