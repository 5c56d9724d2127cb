"""List the deployments of a target, and verify their records."""

import click

from hubcfg.applier.records import Record, verify_records
from hubcfg.applier.target import ForeignStateError, Writer
from hubcfg.cli.deploying import environment, explained, target_option
from hubcfg.cli.groups import HelpfulGroup
from hubcfg.cli.options import format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError
from hubcfg.deployment import opened_target, read_past
from hubcfg.views.findings import render_findings
from hubcfg.views.history import render_history, render_verification


@click.group("history", cls=HelpfulGroup, invoke_without_command=True)
@target_option
@format_option("text", "json")
@click.pass_context
def history(ctx: click.Context, target: str | None, output: str) -> int:
    """List the deployments of a target, the latest first."""
    if ctx.invoked_subcommand is not None:
        ctx.meta["hubcfg.history"] = (target, output)
        return 0
    settings: Settings = ctx.obj
    with opened_target(settings.find_root(), target, environment(), settings.note) as (project, chosen, writer):
        try:
            records: tuple[Record, ...] = read_past(writer, writer.read_status(), project)
        except HubcfgError as error:
            finding, read = explained(error, settings.find_root(), project, chosen)
            click.echo(render_findings(output, [finding], read, use_color=settings.use_color()))
            return 1
    click.echo(render_history(output, chosen.name, records, use_color=settings.use_color()))
    return 0


@history.command("verify")
@target_option
@click.option("--format", "output", type=click.Choice(("text", "json")), default=None, help="The form of the output.")
@click.pass_context
def verify(ctx: click.Context, target: str | None, output: str | None) -> int:
    """Check that each record is as it was written, in its place, and that what was deployed last is what it says.

    Finds a record that was changed, dropped or reordered. Exits with 1 where something is wrong.
    """
    settings: Settings = ctx.obj
    outer_target, outer_output = ctx.meta.get("hubcfg.history", (None, "text"))
    format = output or outer_output
    name = target or outer_target
    with opened_target(settings.find_root(), name, environment(), settings.note) as (_, chosen, writer):
        records: list[bytes] = []
        faults: list[str] = []
        try:
            records = writer.read_records()
            faults += verify_records(records)
            faults += _check_end(writer, records)
        except ForeignStateError as error:
            faults.append(error.message)
    click.echo(render_verification(format, chosen.name, len(records), faults, use_color=settings.use_color()))
    return 1 if faults else 0


def _check_end(writer: Writer, records: list[bytes]) -> list[str]:
    """Returns what is wrong with the end of the chain, which no later record vouches for."""
    from hubcfg.drifting import check_last_record

    return check_last_record(writer, records)


COMMAND = history
