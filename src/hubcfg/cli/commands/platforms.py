"""Look at the role models: list them, show one."""

import click

from hubcfg.cli.groups import HelpfulGroup
from hubcfg.cli.known import know_definitions
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.platforms.builtin import builtin_names
from hubcfg.views.platforms import render_platform, render_platforms


@click.group("platforms", cls=HelpfulGroup, invoke_without_command=True)
@format_option("text", "json")
@click.pass_context
def platforms(ctx: click.Context, output: str) -> int:
    """Look at the role models: list them, show one.

    Without a command it lists the platforms that are built in and those of the project.

    Example: hubcfg platforms
    """
    if ctx.invoked_subcommand is not None:
        ctx.default_map = {
            "show": {"output": output}
        }  # `platforms --format json show ID` means the same as with it last
        return 0
    settings: Settings = ctx.obj
    known = know_definitions(settings)
    names = builtin_names()
    found = [
        (platform, id in names)
        for id in known.definitions.platform_ids()
        if (platform := known.definitions.platform(id))
    ]
    click.echo(render_platforms(output, found, use_color=settings.use_color()))
    return 0


def _complete_id(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in builtin_names() if name.startswith(incomplete)]


@platforms.command("show", short_help="Show one platform: features, roles, groups.")
@click.argument("id", metavar="ID", shell_complete=_complete_id)
@format_option("text", "json")
@click.pass_obj
def show(settings: Settings, id: str, output: str) -> int:
    """Show one platform: its features, what each role has and may have at most, and its groups.

    As JSON it is the whole Platform and Catalog documents, with what they extend merged in.

    Example: hubcfg platforms show opspilot365
    """
    known = know_definitions(settings, id)
    platform = known.platform(id)
    catalog = known.catalog(platform.catalog)
    click.echo(render_platform(output, platform, catalog, id in builtin_names(), use_color=settings.use_color()))
    return 0


COMMAND = platforms
