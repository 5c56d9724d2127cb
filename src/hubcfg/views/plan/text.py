"""A plan for people at a terminal: what holds it back first, then what changes for whom, the verdict at the end."""

import sys
from collections.abc import Iterator, Sequence

from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.core.nearest import shorten
from hubcfg.planner.covering import Covering
from hubcfg.planner.plan import OrgPlan, Plan
from hubcfg.views.changes.text import SHOWN_USERS, ChangesText, Style
from hubcfg.views.changes.words import describe_witnesses
from hubcfg.views.counts import join_words, number
from hubcfg.views.findings.text import count_line, visible
from hubcfg.views.plan.words import (
    SHIELD,
    address,
    allowances,
    describe_covering,
    describe_due,
    describe_hidden,
    describe_interruption,
    describe_kept,
    describe_left_out,
    describe_nothing,
    describe_strangers,
    describe_subject,
    describe_unknown,
    fold_covered,
    ordered_orgs,
)

SHOWN_ERRORS, SHOWN_APPROVALS = 5, 20
_PLAIN = {ord(character): plain for character, plain in (("→", "->"), ("…", "..."), ("±", "+-"))}


def render_text(plan: Plan, findings: Sequence[Finding], *, width: int, use_color: bool, is_verbose: bool) -> str:
    """Returns the plan as text of some width."""
    return printable(
        "\n".join(_Text(plan, findings, Style(width, use_color, is_verbose, SHIELD)).render()), sys.stdout.encoding
    )


def printable(text: str, encoding: str | None) -> str:
    """Returns the text in characters that an encoding has: `sensitive` then stands alone for the shield."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        plain = text.replace(f"{SHIELD} ", "").translate(_PLAIN)
        return plain.encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")
    return text


class _Text:
    def __init__(self, plan: Plan, findings: Sequence[Finding], style: Style) -> None:
        self._plan = plan
        self._findings = findings
        self._style = style
        self._now = plan.comparison.instant
        self._changes = ChangesText(self._now, style)

    def render(self) -> list[str]:
        """Returns the lines."""
        plan = self._plan
        before, after = [*self._warnings()], [*self._remarks()]
        if plan.is_empty and not before and not plan.has_work:
            return [visible(describe_nothing(plan)), *after, "verdict: equivalent"]
        rows = self._head()
        if before:
            rows += ["", *before]
        for org in ordered_orgs(plan):
            rows += ["", *self._changes.org(org.change, self._facts(org))]
        if plan.comparison.is_empty:
            known = " of those whose access is known" if any(plan.comparison.unknown) else ""
            rows += ["", f"nobody's access changes{known}"]
        if plan.approvals:
            rows += ["", *self._approvals()]
        if after:
            rows += ["", *after]
        return [
            *rows,
            "",
            *self._changes.end(plan.comparison, ", as far as is known" if any(plan.comparison.unknown) else ""),
            *self._verdict_of_apply(),
        ]

    def _head(self) -> list[str]:
        plan = self._plan
        return self._style.wrap(
            f"plan of {describe_subject(plan)}, as of {format_instant(self._now)}; approvals judged by {plan.origin.base}"
        )

    def _warnings(self) -> Iterator[str]:
        """Yields what stands in the way."""
        for trip in self._plan.all_trips:
            yield from self._style.painted(f"held back [{trip.guardrail.value}]: {trip.message}", "error")
            yield from self._style.wrap(f"help: {trip.help}", "  ", 4)
        for org, errors in self._plan.left_out.items():
            yield from self._style.painted(f"left out: {describe_left_out(org, len(errors))}", "error")
            for finding in errors if self._style.is_verbose else errors[:SHOWN_ERRORS]:
                yield from self._style.wrap(f"{finding.name}: {finding.message} ({address(finding)})", "  ", 4)
            if len(errors) > SHOWN_ERRORS and not self._style.is_verbose:
                yield f"  … and {number(len(errors) - SHOWN_ERRORS, 'more error')}"
        if unknown := describe_unknown(self._plan):
            yield from self._style.painted(unknown, "error")
        if self._plan.interruption is not None:
            yield from self._style.painted(f"note: {describe_interruption(self._plan.interruption)}", "warning")
        if self._plan.hidden:
            yield from self._style.painted(f"note: {describe_hidden(self._plan)}", "warning")

    def _facts(self, org: OrgPlan) -> Iterator[str]:
        if sum(not one.change.is_empty for one in self._plan.orgs) > 1:
            yield from describe_witnesses(org.change, self._now)

    def _approvals(self) -> Iterator[str]:
        yield self._style.paint("approvals for what is sensitive:", "bold")
        shown = self._plan.approvals if self._style.is_verbose else self._plan.approvals[:SHOWN_APPROVALS]
        for one in shown:
            yield from self._style.wrap(f"{one.id}: {describe_covering(one)}", "  ", 4)
            yield from self._style.wrap(f"for {self._covered(one)}", "    ", 6)
        if len(shown) < len(self._plan.approvals):
            yield f"  … and {number(len(self._plan.approvals) - len(shown), 'more approval')}; `-v` shows all"

    def _covered(self, one: Covering) -> str:
        people = (
            join_words(self._style.cut(one.users)) if len(one.users) <= SHOWN_USERS else number(len(one.users), "user")
        )
        return f"{people}: {'; '.join(self._style.cut(fold_covered(one.names)))}"

    def _remarks(self) -> Iterator[str]:
        """Yields what is to be known besides."""
        for text in describe_kept(self._plan):
            yield from self._style.wrap(text)
        for org in self._plan.orgs:
            if org.strangers:
                text = describe_strangers(org, None if self._style.is_verbose else SHOWN_USERS)
                yield from self._style.wrap(f"org {org.id}: {text}")
        if self._plan.due:
            yield from self._style.wrap(describe_due(self._plan))
        if self._findings:
            yield from self._style.wrap(f"{count_line(self._findings)}: `hubcfg validate` shows them")

    def _verdict_of_apply(self) -> Iterator[str]:
        plan = self._plan
        if plan.all_trips:
            options = join_words([f"`{one}`" for one in allowances(plan)])
            yield from self._style.painted(f"apply refuses this without {options}", "error")
        if plan.left_out:
            yield from self._style.painted(f"left out: {shorten(plan.left_out)}", "error")
