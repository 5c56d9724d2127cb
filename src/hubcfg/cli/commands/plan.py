"""Show what a deployment would change, and what stands in its way."""

import os
from pathlib import Path

import click
from msgspec.structs import replace

from hubcfg.cli.deploying import explained, target_option
from hubcfg.cli.options import as_of_option, base_option
from hubcfg.cli.progress import shown_progress
from hubcfg.cli.settings import Settings
from hubcfg.cli.workers import open_executor, workers_options
from hubcfg.cli.writing import write_whole
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import Instant
from hubcfg.deployment import Prepared, Request, opened_target, prepare, prepare_against
from hubcfg.views.held import terminal_width
from hubcfg.views.plan import FORMATS, render_plan
from hubcfg.views.plan.failed import render_no_plan

EXIT_CHANGES = 2


@click.command("plan")
@target_option
@click.option("--against", metavar="REF", help="Compare with what a Git revision gives, instead of a target.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan, for `hubcfg apply FILE`.",
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes, and 0 where there are none."
)
@click.option("--bootstrap", is_flag=True, help="For a first deployment: plan as `apply --bootstrap` would.")
@click.option("--format", "output", type=click.Choice(FORMATS), default=FORMATS[0], help="The form of the output.")
@as_of_option
@base_option
@workers_options
@click.pass_obj
def plan(
    settings: Settings,
    target: str | None,
    against: str | None,
    out: Path | None,
    detailed_exitcode: bool,
    bootstrap: bool,
    output: str,
    as_of: Instant,
    base: str | None,
    workers: int | None,
    executor: str | None,
) -> int:
    """Show what a deployment would change, and what stands in its way.

    Compiles the project, reads the target, and shows the difference; nothing is written but the file of --out. With --against no
    target is read, so a pull request needs no credentials. Exits with 1 where anything is an error.

    Example: hubcfg plan --against origin/main --format markdown
    """
    if target is not None and against is not None:
        raise UsageError(
            "a plan is for a target or against a revision, not both", help="leave out one of the two options"
        )
    if against is not None and out is not None:
        raise UsageError(
            "a plan against a revision can't be applied, so there is nothing to save", help="leave out `--out`"
        )
    root = settings.find_root()
    cache = settings.open_cache(root)
    with open_executor(workers, executor) as pool:
        if against is not None:
            with shown_progress(settings) as progress:
                prepared = prepare_against(
                    root, against, as_of=as_of, base=base, environment=os.environ, executor=pool, cache=cache,
                    progress=progress,
                )  # fmt: skip
        else:
            request = Request(
                root, as_of, target, base, bootstrap, environment=dict(os.environ), executor=pool, cache=cache
            )
            found = _prepare(settings, request, output)
            if found is None:
                return 1
            prepared = found
    settings.keep(cache, prepared)
    plan, findings, read = prepared.plan, prepared.findings, prepared.compiled.read
    if plan is None:
        click.echo(render_no_plan(output, findings, read, use_color=settings.use_color()))
        return 1
    width, use_color = terminal_width(), settings.use_color()
    if out is not None:
        write_whole(out, [render_plan("json", plan, findings, width=width, use_color=False, is_verbose=True), "\n"])
    click.echo(render_plan(output, plan, findings, width=width, use_color=use_color, is_verbose=settings.is_verbose))
    if plan.left_out:
        return 1
    return EXIT_CHANGES if detailed_exitcode and not plan.is_empty else 0


def _prepare(settings: Settings, request: Request, output: str) -> Prepared | None:
    """Returns the plan against a target; None, having said why, where the target's state forbids it."""
    with opened_target(request.root, request.target, request.environment, settings.note) as (project, target, writer):
        try:
            with shown_progress(settings) as progress:
                return prepare(replace(request, progress=progress), project, target, writer)
        except HubcfgError as error:
            finding, read = explained(error, request.root, project, target)
            click.echo(render_no_plan(output, [finding], read, use_color=settings.use_color()))
            return None


COMMAND = plan
