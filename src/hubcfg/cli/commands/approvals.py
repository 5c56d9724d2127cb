"""Look at approvals: list them, show one, verify their signatures."""

import os
import sys

import click

from hubcfg.checker.approvals.approval import payload_of
from hubcfg.checker.approvals.status import ApprovalStatus, read_statuses
from hubcfg.cli.judged import judge_project
from hubcfg.cli.options import as_of_option, base_option, current_instant, format_option
from hubcfg.cli.settings import Settings
from hubcfg.core.errors import UsageError
from hubcfg.core.instants import Instant
from hubcfg.core.nearest import did_you_mean
from hubcfg.pipeline import compile_project
from hubcfg.views.approval_status import render_status, render_statuses


@click.group("approvals")
def approvals() -> None:
    """Look at approvals: list them, show one, verify their signatures."""


@approvals.command("list")
@format_option("text", "json")
@as_of_option
@base_option
@click.pass_obj
def list_(settings: Settings, output: str, as_of: Instant, base: str | None) -> int:
    """List every approval: whose, for whom, until when, and whether it counts."""
    statuses, label = _read(settings, as_of, base)
    click.echo(render_statuses(output, statuses, label, use_color=settings.use_color()))
    return 0


@approvals.command("show")
@click.argument("id")
@click.option(
    "--payload", is_flag=True, help="Print exactly the bytes that the signature covers, for ssh-keygen -Y verify."
)
@format_option("text", "json")
@as_of_option
@base_option
@click.pass_obj
def show(settings: Settings, id: str, payload: bool, output: str, as_of: Instant, base: str | None) -> int:
    """Show one approval: what it says, whether it counts and why not.

    \b
    hubcfg approvals show ID --payload |
      ssh-keygen -Y verify -f trust/allowed_signers -I APPROVER -n hubcfg-approval -s ID.sig
    """
    if payload:
        sys.stdout.buffer.write(_find_payload(settings, id))
        sys.stdout.buffer.flush()
        return 0
    statuses, label = _read(settings, as_of, base)
    status = _find(statuses, id)
    click.echo(render_status(output, status, label, use_color=settings.use_color()))
    return 0


@approvals.command("verify")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@format_option("text", "json")
@as_of_option
@base_option
@click.pass_obj
def verify(settings: Settings, ids: tuple[str, ...], output: str, as_of: Instant, base: str | None) -> int:
    """Verify signatures, keys, dates and approvers; exits with 1 where one does not count."""
    statuses, label = _read(settings, as_of, base)
    chosen = [_find(statuses, id) for id in ids] if ids else statuses
    click.echo(render_statuses(output, chosen, label, use_color=settings.use_color()))
    return 0 if all(status.counts for status in chosen) else 1


def _read(settings: Settings, as_of: Instant, base: str | None) -> tuple[list[ApprovalStatus], str]:
    _, config, report = judge_project(settings, as_of=as_of, base=base)
    return read_statuses(config, report), report.base.label


def _find(statuses: list[ApprovalStatus], id: str) -> ApprovalStatus:
    for status in statuses:
        if status.approval.id == id:
            return status
    raise UsageError(f"there is no approval `{id}`", help=did_you_mean(id, [status.approval.id for status in statuses]))


def _find_payload(settings: Settings, id: str) -> bytes:
    """Returns what an approval's signature covers; whether it counts does not matter here, nor who could say so."""
    root = settings.find_root()
    cache = settings.open_cache(root)
    compiled = compile_project(root, as_of=current_instant(), environment=os.environ, cache=cache)
    documents = compiled.config.approvals if compiled.config is not None else ()
    values = {str(one.value["id"]): one.value for one in documents if isinstance(one.value, dict)}
    if id not in values:
        help = did_you_mean(id, values) if values else "`hubcfg validate` says what is wrong with the project"
        raise UsageError(f"there is no approval `{id}`", help=help)
    return payload_of(values[id])


COMMAND = approvals
