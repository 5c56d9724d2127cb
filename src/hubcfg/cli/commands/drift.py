"""Show what was changed in a target behind hubcfg's back."""

import click

from hubcfg.cli.deploying import environment, explained, target_option
from hubcfg.cli.options import as_of_option, format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError
from hubcfg.core.instants import Instant
from hubcfg.deployment import opened_target, read_past
from hubcfg.drifting import find_drift
from hubcfg.views.changes.text import Style
from hubcfg.views.drift import render_drift
from hubcfg.views.findings import render_findings
from hubcfg.views.held import terminal_width

EXIT_DRIFT = 2


@click.command("drift")
@target_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def drift(settings: Settings, target: str | None, output: str, as_of: Instant) -> int:
    """Show what was changed in a target behind hubcfg's back.

    Compares what the target holds with what the last deployment left there. Exits with 2 where there is any drift.
    """
    root = settings.find_root()
    style = Style(terminal_width(), settings.use_color(), settings.is_verbose)
    with opened_target(root, target, environment(), settings.note) as (project, chosen, writer):
        try:
            records = read_past(writer, writer.read_status(), project)
            found = find_drift(root, writer, records, as_of)
        except HubcfgError as error:
            finding, read = explained(error, root, project, chosen)
            click.echo(render_findings(output, [finding], read, use_color=settings.use_color()))
            return 1
    click.echo(render_drift(output, chosen.name, found, style))
    return 0 if found.is_empty else EXIT_DRIFT


COMMAND = drift
