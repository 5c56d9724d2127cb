"""Compare two revisions: who gains and loses what, and whether anybody gains at all."""

from pathlib import Path

import click

from hubcfg.cli.options import as_of_option, format_option, org_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import Instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.planner.change import Condition
from hubcfg.planner.resolved import compare_access
from hubcfg.snapshot import Snapshot, read_snapshots
from hubcfg.views.diff import Report, Side, render_report
from hubcfg.views.held import terminal_width


@click.command("diff")
@click.argument("before", metavar="REF")
@click.argument("after", metavar="[REF2]", required=False)
@click.option(
    "--fail-on",
    "condition",
    type=click.Choice([one.value for one in Condition]),
    help="Exit with 1 where somebody gains something, gains something sensitive, or anything changes.",
)
@org_option
@format_option("text", "json")
@as_of_option
@click.pass_obj
def diff(
    settings: Settings,
    before: str,
    after: str | None,
    condition: str | None,
    org: str | None,
    output: str,
    as_of: Instant,
) -> int:
    """Compare the access that REF gives with that of REF2, or of the work tree.

    Shows who gains and loses what, and the verdict: equivalent, narrower, wider or mixed. Nothing is checked out, and
    approvals are not judged. Exits with 1 where --fail-on is met, or where errors keep somebody's access from being known.

    Example: hubcfg diff main --fail-on gains
    """
    root = settings.find_root()
    sides = read_snapshots(root, before, after, as_of, settings.open_cache(root))
    settings.keep(sides)
    _check_projects(settings, root, sides)
    _check_org(org, sides)
    comparison = compare_access(sides[0].access, sides[1].access, None if org is None else [org])
    old, new = (Side(one.label, one.commit, one.errors) for one in sides)
    report = Report(old, new, comparison, None if condition is None else Condition(condition))
    shown = render_report(
        output, report, width=terminal_width(), use_color=settings.use_color(), is_verbose=settings.is_verbose
    )
    click.echo(shown)
    return 1 if report.is_refused else 0


def _check_projects(settings: Settings, root: Path, sides: tuple[Snapshot, Snapshot]) -> None:
    """Says which side has no project at all; raises HubcfgError where neither has."""
    lacking = [one for one in sides if not one.has_project]
    if len(lacking) == len(sides):
        raise HubcfgError(f"neither revision has a `hubcfg.yaml` in `{root.name}`", help="`-C DIR` looks elsewhere")
    for one in lacking:
        settings.note(f"note: {one.label} has no `hubcfg.yaml` here, so nobody holds anything there")


def _check_org(org: str | None, sides: tuple[Snapshot, Snapshot]) -> None:
    known = sorted(sides[0].access.orgs.keys() | sides[1].access.orgs.keys())
    if org is not None and org not in known:
        advice = did_you_mean(org, known) or (f"there are {shorten(known, 10)}" if known else None)
        raise UsageError(f"neither revision has an org `{org}`", help=advice)


COMMAND = diff
