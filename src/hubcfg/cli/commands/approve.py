"""Sign an approval for what is outstanding."""

import os
import sys
from pathlib import Path

import click

from hubcfg.checker.approvals.draft import Outstanding, draft_approval, list_outstanding, new_id
from hubcfg.cli.options import base_option, current_instant
from hubcfg.cli.settings import Settings
from hubcfg.cli.signing import choose_key, sign_document
from hubcfg.cli.sources import write_source
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import format_instant, parse_instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.pipeline import Compiled, compile_project
from hubcfg.validator.config import Org
from hubcfg.views.approvals import render_draft, render_outstanding
from hubcfg.views.counts import number


@click.command("approve")
@click.option("--as", "approver", metavar="USER", help="Who approves: your own user id.")
@click.option("--user", "users", multiple=True, metavar="USER", help="Only what these users lack.")
@click.option("--permission", "patterns", multiple=True, metavar="PATTERN", help="Only these permissions.")
@click.option("--all", "everything", is_flag=True, help="All that is outstanding and that you may approve.")
@click.option("--org", metavar="ID", help="Only in this org.")
@click.option("--reason", help="Why you approve it; the auditor will read it.")
@click.option("--ticket", help="The ticket that asked for it.")
@click.option("--expires", metavar="T", help="When the approval ends; a date means its end.")
@click.option("--key", type=click.Path(path_type=Path), help="The SSH key to sign with; default: the agent's.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write; default: approvals/ORG/ID.yaml.")
@base_option
@click.pass_obj
def approve(
    settings: Settings,
    approver: str | None,
    users: tuple[str, ...],
    patterns: tuple[str, ...],
    everything: bool,
    org: str | None,
    reason: str | None,
    ticket: str | None,
    expires: str | None,
    key: Path | None,
    out: Path | None,
    base: str | None,
) -> int:
    """Sign an approval for what is outstanding.

    Without options it lists what is outstanding and, on a terminal, asks what to approve. It shows exactly what is
    about to be signed, and never signs more than is outstanding.

    \b
    hubcfg approve --as olga@northwind.example --user kim@northwind.example --reason "Clean-up"
    """
    compiled = compile_project(settings.find_root(), as_of=current_instant(), base=base, environment=os.environ)
    outstanding = [one for one in _outstanding(compiled) if org is None or one.org == org]
    if not outstanding:
        click.echo("nothing is outstanding: all that needs an approval has one")
        return 0
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if approver is None:
        click.echo(render_outstanding(outstanding, use_color=settings.use_color()))
        if not is_terminal:
            raise UsageError(
                "name yourself with `--as USER` to approve", help="and say what: `--all`, `--user` or `--permission`"
            )
        approver = click.prompt("Approve as (your user id)")
    _check_approver(compiled, approver, outstanding)
    mine = [one for one in outstanding if approver in one.approvers]
    if not mine:
        click.echo(render_outstanding(outstanding, use_color=settings.use_color()))
        raise HubcfgError(f"`{approver}` may approve nothing of what is outstanding", help="the list says who may")
    chosen = _select(compiled, mine, users, patterns)
    if not (everything or users or patterns):
        click.echo(render_outstanding(mine, use_color=settings.use_color(), is_numbered=True))
        if not is_terminal:
            raise UsageError("say what to approve: `--all`, `--user USER` or `--permission PATTERN`")
        chosen = _ask_which(mine)
    if not chosen:
        raise HubcfgError("nothing of what is outstanding fits", help="`hubcfg approve` lists what is outstanding")
    if expires is not None and parse_instant(expires, end_of_day=True) is None:
        raise UsageError(f"`{expires}` is not a date or date-time", help="write `--expires 2027-06-30`")
    if not reason:
        if not is_terminal:
            raise UsageError("give the reason with `--reason`", help="the auditor will read it")
        reason = click.prompt("Reason")
    assert compiled.config is not None and compiled.approvals is not None
    signing_key = choose_key(compiled.approvals.base, approver, key, is_terminal=is_terminal)
    orgs = sorted({one.org for one in chosen})
    if out is not None and len(orgs) > 1:
        raise UsageError(
            f"`--out` takes one approval, and these are for {shorten(orgs)}", help="choose one with `--org`"
        )
    taken = {
        str(document.value.get("id")) for document in compiled.config.approvals if isinstance(document.value, dict)
    }
    now = current_instant()
    for org_id in orgs:
        parts = [one for one in chosen if one.org == org_id]
        id = new_id(format_instant(now)[:10], parts, taken)
        taken.add(id)
        draft = draft_approval(
            compiled.config.project.id, org_id, approver, parts,
            id=id, approved_at=now, reason=reason, ticket=ticket, expires=expires,
        )  # fmt: skip
        click.echo(render_draft(draft, use_color=settings.use_color()))
        if is_terminal and not click.confirm(f"Sign this as {approver}?"):
            raise click.exceptions.Abort
        text = sign_document(draft, signing_key, settings.note)
        file = out or compiled.root / "approvals" / org_id / f"{id}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            raise HubcfgError(f"`{file}` exists already", help="choose another file with `--out`")
        file.touch(mode=0o644)
        write_source(file, text.encode())
        shown = file.relative_to(compiled.root) if file.is_relative_to(compiled.root) else file
        click.echo(f"signed {shown}")
    rest = len(outstanding) - len(chosen)
    left = f"; {number(rest, 'item')} still outstanding" if rest else ""
    settings.note(f"commit the approval together with the change that it approves{left}")
    return 0


def _outstanding(compiled: Compiled) -> list[Outstanding]:
    if compiled.config is None or compiled.approvals is None:
        raise HubcfgError(
            "what is outstanding is not known, because of errors", help="mend them first: `hubcfg validate`"
        )
    return list_outstanding(compiled.config, compiled.approvals)


def _check_approver(compiled: Compiled, approver: str, outstanding: list[Outstanding]) -> None:
    assert compiled.approvals is not None
    orgs: dict[str, Org] = compiled.approvals.base.config.orgs
    known = {user for org in orgs.values() for user in org.users}
    if approver not in known:
        raise UsageError(
            f"there is no user `{approver}` in {compiled.approvals.base.label}", help=did_you_mean(approver, known)
        )


def _select(
    compiled: Compiled, mine: list[Outstanding], users: tuple[str, ...], patterns: tuple[str, ...]
) -> list[Outstanding]:
    assert compiled.config is not None
    for user in users:
        if not any(one.user == user for one in mine):
            near = did_you_mean(user, {one.user for one in mine if one.user})
            raise UsageError(f"nothing that you may approve is outstanding for `{user}`", help=near)
    chosen = []
    for one in mine:
        catalog = compiled.config.orgs[one.org].catalog if one.org in compiled.config.orgs else None
        matches = (
            one.permission is not None
            and catalog is not None
            and any(catalog.match(pattern) & catalog.match(one.permission) for pattern in patterns)
        )
        if (not users or one.user in users) and (not patterns or matches):
            chosen.append(one)
    return chosen


def _ask_which(mine: list[Outstanding]) -> list[Outstanding]:
    answer: str = click.prompt("Approve which? (numbers such as 1,3-5, or `all`)")
    if answer.strip() == "all":
        return mine
    numbers: set[int] = set()
    for part in answer.replace(" ", ",").split(","):
        first, dash, last = part.partition("-")
        if not part:
            continue
        if not first.isdigit() or (dash and not last.isdigit()):
            raise UsageError(f"`{part}` is not a number of the list")
        numbers |= set(range(int(first), int(last or first) + 1))
    if not numbers or not numbers <= set(range(1, len(mine) + 1)):
        raise UsageError(f"the list has the numbers 1 to {len(mine)}")
    return [one for index, one in enumerate(mine, 1) if index in numbers]


COMMAND = approve
