"""Leads an approver from what is outstanding to a signed approval, by options or by asking."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from msgspec import Struct

from hubcfg.checker.approvals.draft import Outstanding, draft_approval, list_outstanding, new_id
from hubcfg.cli.choosing import ask_which, select
from hubcfg.cli.judged import judge_project
from hubcfg.cli.options import current_instant
from hubcfg.cli.settings import Settings
from hubcfg.cli.signing import SigningKey, choose_key, guess_approver, sign_document, write_approval
from hubcfg.core.errors import HubcfgError, UsageError
from hubcfg.core.instants import DAY, Instant, format_instant, parse_instant
from hubcfg.core.nearest import did_you_mean, shorten
from hubcfg.core.rule import Severity, Table
from hubcfg.pipeline import Compiled
from hubcfg.views.approvals import render_draft, render_outstanding, render_outstanding_json
from hubcfg.views.counts import number


class Request(Struct, frozen=True):
    """What the options of `hubcfg approve` ask for."""

    approver: str | None
    users: tuple[str, ...]
    patterns: tuple[str, ...]
    changes: tuple[str, ...]
    is_all: bool
    org: str | None
    reason: str | None
    ticket: str | None
    expires: str | None
    key: Path | None
    out: Path | None
    base: str | None

    @property
    def says_what(self) -> bool:
        """Whether the options say what to approve."""
        return bool(self.is_all or self.users or self.patterns or self.changes)

    def check(self) -> None:
        """Raises UsageError for options that make no sense, whatever is outstanding."""
        if self.is_all and (self.users or self.patterns or self.changes):
            raise UsageError("`--all` does not go with options that say less", help="leave it or the others out")
        if self.expires is not None:
            end = parse_instant(self.expires, end_of_day=True)
            if end is None:
                raise UsageError(f"`{self.expires}` is not a date or date-time", help="write `--expires 2027-06-30`")
            if end <= current_instant():
                raise UsageError(f"`{self.expires}` has passed already", help="`--expires` takes a later day")
        for name, text in (("--reason", self.reason), ("--ticket", self.ticket)):
            fault = None if text is None else _find_fault(text)
            if fault is not None:
                raise UsageError(f"`{name}` {fault}", help="the auditor will read it")


def _find_fault(text: str) -> str | None:
    """Returns what is wrong with a text that is to be signed: whoever reads it must see all of it, on one line."""
    if not text.strip():
        return "says nothing"
    return None if text.isprintable() else "has line breaks, or characters that can't be seen"


class Approving:
    """One run of `hubcfg approve`."""

    def __init__(self, settings: Settings, request: Request, *, is_json: bool) -> None:
        self._settings = settings
        self._request = request
        self._is_json = is_json
        self._asks = sys.stdin.isatty() and sys.stdout.isatty() and not is_json
        request.check()
        compiled, self._config, self._report = judge_project(settings, as_of=current_instant(), base=request.base)
        self._root = compiled.root
        self._hides_more = self._find_hiding(compiled)

    def run(self) -> int:
        """Lists, asks as far as options leave anything open, signs and writes; returns the exit code."""
        outstanding = self._list_outstanding()
        if not outstanding:
            text = "nothing is outstanding: all that needs an approval has one"
            if self._hides_more:
                text = "nothing is known to be outstanding, but not everything could be looked at"
            self._print([], [], text=f"{text}, judged by {self._report.base.label}")
            return int(self._hides_more)
        approver, is_numbered = self._request.approver, False
        if approver is None:
            if not self._asks:
                return self._only_list(outstanding)
            is_numbered = not self._request.says_what
            self._show(outstanding, is_numbered=is_numbered)
            approver = self._ask_approver(outstanding)
        self._check_approver(approver)
        mine = [one for one in outstanding if approver in one.approvers]
        if not mine:
            if self._request.approver is not None and not self._is_json:
                self._show(outstanding)
            raise HubcfgError(
                f"`{approver}` may approve nothing of what is outstanding",
                help=f"those who may: {shorten(_approvers(outstanding), 5)}" if _approvers(outstanding) else None,
            )
        if not self._asks:
            self._check_complete()
        request = self._request
        chosen = select(self._config, mine, request.users, request.patterns, request.changes)
        self._check_one_file(chosen, is_final=self._request.says_what)
        key = choose_key(self._report.base, approver, self._request.key, asks=self._asks)
        if not self._request.says_what and len(mine) > 1:
            if not is_numbered:
                self._show(mine, is_numbered=True)
            chosen = ask_which(outstanding if is_numbered else mine, approver)
            self._check_one_file(chosen, is_final=True)
        reason = self._request.reason or click.prompt("Reason (the auditor will read it)", value_proc=_read_reason)
        signed = self._sign(approver, key, reason, chosen)
        done = set(map(id, chosen))
        left = [one for one in outstanding if id(one) not in done]
        self._print(left, signed, text=None)
        if signed:
            rest = f"; {number(len(left), 'item')} still outstanding" if left else ""
            self._settings.note(f"commit it together with the change that it approves{rest}")
        return 0 if signed else 1

    def _list_outstanding(self) -> list[Outstanding]:
        org = self._request.org
        known = {*self._config.orgs, *self._report.base.config.orgs}
        if org is not None and org not in known:
            raise UsageError(f"there is no org `{org}`", help=did_you_mean(org, known))
        return [one for one in list_outstanding(self._config, self._report) if org is None or one.org == org]

    def _find_hiding(self, compiled: Compiled) -> bool:
        """Notes errors of other kinds; returns whether they may hide what needs an approval."""
        errors = [
            one
            for one in compiled.findings
            if one.severity is Severity.ERROR and one.rule.table not in (Table.APPROVALS, Table.POLICY)
        ]
        if errors:
            self._settings.note(
                f"note: {number(len(errors), 'error')} of other kinds may hide more; `hubcfg validate` lists them"
            )
        return bool(errors)

    def _only_list(self, outstanding: list[Outstanding]) -> int:
        if self._request.says_what:
            raise UsageError("name yourself with `--as USER` to approve")
        if not self._is_json:
            self._show(outstanding)
        self._print(outstanding, [], text=None)
        self._settings.note("`hubcfg approve --as USER` with `--all`, `--user` or `--permission` signs")
        return 1

    def _show(self, outstanding: Sequence[Outstanding], *, is_numbered: bool = False) -> None:
        use_color, base = self._settings.use_color(), self._report.base.label
        click.echo(render_outstanding(self._config, outstanding, base, use_color=use_color, is_numbered=is_numbered))

    def _print(self, outstanding: Sequence[Outstanding], signed: Sequence[dict[str, str]], *, text: str | None) -> None:
        if self._is_json:
            click.echo(render_outstanding_json(self._config, outstanding, self._report.base.label, signed))
        elif text is not None:
            click.echo(text)

    def _ask_approver(self, outstanding: Sequence[Outstanding]) -> str:
        guess = guess_approver(self._report.base, _approvers(outstanding), self._request.key)

        def read(answer: str) -> str:
            try:
                self._check_approver(answer.strip())
            except UsageError as error:
                raise click.UsageError(f"{error.message}; {error.help}" if error.help else error.message) from error
            return answer.strip()

        approver: str = click.prompt("Approve as (your user id)", default=guess, value_proc=read)
        return approver

    def _check_approver(self, approver: str) -> None:
        known = {user for org in self._report.base.config.orgs.values() for user in org.users}
        if approver not in known:
            raise UsageError(
                f"there is no user `{approver}` in {self._report.base.label}", help=did_you_mean(approver, known)
            )

    def _check_complete(self) -> None:
        """Raises UsageError where options leave open what nobody can be asked for."""
        if not self._request.says_what:
            raise UsageError("say what to approve: `--all`, `--user USER`, `--permission PATTERN` or `--change KIND`")
        if self._request.reason is None:
            raise UsageError("give the reason with `--reason`", help="the auditor will read it")

    def _check_one_file(self, chosen: Sequence[Outstanding], *, is_final: bool) -> None:
        out, orgs = self._request.out, sorted({one.org for one in chosen})
        if out is None:
            return
        if is_final and len(orgs) > 1:
            raise UsageError(
                f"`--out` takes one approval, and these are for {shorten(orgs)}", help="choose one with `--org`"
            )
        if out.exists():
            raise HubcfgError(f"`{out}` exists already", help="choose another file with `--out`")

    def _sign(self, approver: str, key: SigningKey, reason: str, chosen: list[Outstanding]) -> list[dict[str, str]]:
        """Signs an approval for each org, and returns what was written; takes out of `chosen` what was not signed."""
        taken = {
            str(document.value.get("id")) for document in self._config.approvals if isinstance(document.value, dict)
        }
        signed = []
        for org in sorted({one.org for one in chosen}):
            parts = [one for one in chosen if one.org == org]
            now = current_instant()
            id = new_id(format_instant(now)[:10], parts, taken)
            taken.add(id)
            file = self._request.out or self._root / "approvals" / org / f"{id}.yaml"
            draft = draft_approval(
                self._config.project.id, org, approver, parts,
                id=id, approved_at=now, reason=reason, ticket=self._request.ticket, expires=self._request.expires,
            )  # fmt: skip
            if not self._is_json:
                explained = [one.what for one in parts if one.change is not None]
                click.echo(render_draft(draft, use_color=self._settings.use_color(), changes=explained))
                click.echo(f"It is good until {format_instant(self._end(now))} at the latest.")
            if self._asks and not click.confirm(f"Sign this as {approver}?"):
                self._settings.note("not signed")
                chosen[:] = [one for one in chosen if one.org != org]
                continue
            make = partial(sign_document, draft, key, self._settings.note)
            shown = write_approval(file, make, self._root)
            if not self._is_json:
                click.echo(f"signed {shown}")
            signed.append({"id": id, "org": org, "file": shown})
        return signed

    def _end(self, now: Instant) -> Instant:
        """Returns when an approval ends that is given now."""
        of_tree, of_base = self._config.project.approvals, self._report.base.config.project.approvals
        latest = Instant(now + min(of_tree.max_age_days, of_base.max_age_days) * DAY)
        wanted = parse_instant(self._request.expires or "", end_of_day=True)
        return latest if wanted is None else min(wanted, latest)


def _read_reason(answer: str) -> str:
    fault = _find_fault(answer)
    if fault is not None:
        raise click.UsageError(f"the reason {fault}")  # click shows it and asks again
    return answer.strip()


def _approvers(outstanding: Sequence[Outstanding]) -> list[str]:
    return sorted({approver for one in outstanding for approver in one.approvers})
