"""What `apply` and `rollback` share: prepare, show, ask, carry out, and tell what came of it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from hubcfg.cli.options import current_instant
from hubcfg.cli.progress import shown_progress
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.deployment import Prepared, Request, opened_target, prepare
from hubcfg.parser.decoding import read_source_text
from hubcfg.planner.due import first_due
from hubcfg.planner.guardrails import Guardrail
from hubcfg.planner.plan import Origin, Plan
from hubcfg.validator.config import Project, Target
from hubcfg.views.findings import render_findings
from hubcfg.views.held import terminal_width
from hubcfg.views.plan import render_plan

Function = TypeVar("Function", bound=Callable[..., Any])

EXIT_REFUSED, EXIT_OUTSIDE = 1, 3


def target_option(function: Function) -> Function:
    """Adds `--target NAME`."""
    help = "The target in hubcfg.yaml; default: the first one."
    return click.option("--target", metavar="NAME", help=help)(function)


def deploying_options(function: Function) -> Function:
    """Adds the options of commands that change a target."""
    for option in (
        click.option("--auto-approve", is_flag=True, help="Don't ask; for CI."),
        click.option(
            "--allow",
            "allowed",
            multiple=True,
            type=click.Choice([one.value for one in Guardrail]),
            help="Lift this guardrail for this one deployment; its record says so.",
        ),
        click.option(
            "--bootstrap",
            is_flag=True,
            help="For a first deployment: let the tree itself serve as the base that approvals are judged by.",
        ),
        click.option("--as-of", hidden=True, expose_value=False, callback=_refuse_as_of),
    ):
        function = option(function)
    return function


def explained(
    error: HubcfgError, root: Path, project: Project, target: Target
) -> tuple[Finding, Callable[[str], str | None]]:
    """Returns the finding that an error about a target is, with what it quotes from; raises an error that is none."""
    from hubcfg.applying import explain_error  # slow to import, and only needed when something is wrong

    read = read_source_text(root)
    finding = explain_error(error, project, target, read)
    if finding is None:
        raise error
    return finding, read


def _refuse_as_of(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(
            "what is deployed is what holds now, so `--as-of` is not for this command",
            help="an earlier instant would bring back what has ended; `hubcfg plan --as-of T` looks at another one",
        )


def deploy(
    settings: Settings,
    request: Request,
    *,
    saved: Origin | None,
    is_approved: bool,
    allowed: tuple[str, ...],
    output: str,
) -> int:
    """Prepares a deployment, shows it, asks, carries it out and tells what came of it; returns the exit code."""
    # Slow to import, and planning needs none of it.
    from hubcfg.applying import carry_out, check_saved, find_obstacles, is_ready
    from hubcfg.views.receipt import Deployed, render_receipt

    if not is_approved and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HubcfgError(
            "there is no terminal to ask on, so nothing was changed",
            help="look at `hubcfg plan` first; `--auto-approve` then goes on without asking",
        )
    with opened_target(request.root, request.target, request.environment, settings.note) as (project, target, writer):
        try:
            with shown_progress(settings) as progress:
                prepared = prepare(replace(request, progress=progress), project, target, writer)
            if prepared.plan is None:
                return _refuse(settings, output, prepared.findings, prepared.compiled.read, target.name)
            obstacles = [] if saved is None else check_saved(saved, prepared)
            obstacles = obstacles or find_obstacles(prepared, allowed=allowed, bootstrap=request.bootstrap)
            if output == "text" or not (is_approved or obstacles):
                _show(settings, prepared, is_result=output == "text")
            if obstacles:
                return _refuse(settings, output, obstacles, prepared.compiled.read, target.name)
            receipt = None
            if is_ready(prepared):
                if not is_approved:
                    _ask(prepared.plan)
                    request = replace(request, as_of=current_instant())
                try:
                    with shown_progress(settings) as progress:
                        told = replace(request, progress=progress)
                        receipt = carry_out(told, prepared, writer, allowed=allowed, has_waited=not is_approved)
                except KeyboardInterrupt:
                    # Each org is wholly old or new; which of them, the target knows.
                    settings.note(
                        f"`{target.name}` may have been reached: another apply records that, and does the rest"
                    )
                    raise
        except HubcfgError as error:
            finding, read = explained(error, request.root, project, target)
            return _refuse(settings, output, [finding], read, target.name)
    deployed = Deployed(target.name, prepared.plan, receipt, tuple(prepared.findings))
    click.echo(render_receipt(output, deployed, use_color=settings.use_color()))
    _note_due(settings, prepared.plan)
    if receipt is not None and (not receipt.is_complete or receipt.is_doubtful):
        return EXIT_OUTSIDE
    return EXIT_REFUSED if prepared.plan.left_out else 0


def _show(settings: Settings, prepared: Prepared, *, is_result: bool) -> None:
    """Shows the plan; on the side, where the result is to be a document and somebody is asked about it all the same."""
    assert prepared.plan is not None
    shown = render_plan(
        "text",
        prepared.plan,
        prepared.findings,
        width=terminal_width(),
        use_color=settings.use_color(),
        is_verbose=settings.is_verbose,
    )
    click.echo(f"{shown}\n", err=not is_result)


def _ask(plan: Plan) -> None:
    """Asks whether to go on; raises HubcfgError where the answer is anything but yes."""
    what = "Apply this to" if plan.has_work or plan.interruption else "Record these sources in"
    if not click.confirm(f"{what} `{plan.origin.target}`?", default=False, err=True):
        raise HubcfgError("not applied, because the answer was no; nothing was changed")


def _refuse(
    settings: Settings, output: str, findings: list[Finding], read: Callable[[str], str | None], target: str
) -> int:
    click.echo(render_findings(output, findings, read, use_color=settings.use_color()))
    settings.note(f"nothing was changed in {target}")
    return EXIT_REFUSED


def _note_due(settings: Settings, plan: Plan) -> None:
    due = first_due(plan.due)
    if due is not None:
        settings.note(f"another apply is due at {format_instant(due)}: somebody's access begins or returns then")


def environment() -> dict[str, str]:
    """Returns the environment of the process."""
    return dict(os.environ)
