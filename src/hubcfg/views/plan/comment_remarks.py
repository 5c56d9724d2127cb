"""What a comment says besides who gains and loses what: what stands in the way, approvals, and what it was made from."""

from collections.abc import Iterator, Sequence

from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.planner.covering import Covering
from hubcfg.planner.plan import Plan
from hubcfg.views.counts import number
from hubcfg.views.findings.text import count_line
from hubcfg.views.inert import code, prose
from hubcfg.views.plan.level import cut_names
from hubcfg.views.plan.words import (
    address,
    describe_due,
    describe_hidden,
    describe_interruption,
    describe_kept,
    describe_left_out,
    describe_strangers,
    describe_subject,
    describe_unknown,
    fold_covered,
    short_instant,
)

SHOWN_ERRORS = 3


class Remarks:
    """Writes remarks; `most` is how many there are of a kind before the rest is counted."""

    def __init__(self, plan: Plan, findings: Sequence[Finding], most: int) -> None:
        self._plan = plan
        self._findings = findings
        self._most = most

    def warnings(self) -> Iterator[str]:
        """Yields what stands in the way, as a quote that hosts make conspicuous."""
        lines = [*self._obstacles()]
        if lines:
            yield from ("> [!CAUTION]", *(f"> {line}" for line in lines))
        notes = [*self._notes()]
        if notes:
            yield from ([""] if lines else [])
            yield from ("> [!WARNING]", *(f"> {line}" for line in notes))

    def _obstacles(self) -> Iterator[str]:
        trips = self._plan.all_trips
        for trip in trips[: self._most]:
            name = trip.guardrail.value
            yield f"- **Held back by {code(name)}:** {prose(trip.message, 600)}; {prose(trip.help, 600)}"
        if len(trips) > self._most:
            names = sorted({trip.guardrail.value for trip in trips[self._most :]})
            yield f"- And {len(trips) - self._most:,} more: {', '.join(map(code, names))}"
        left = [*self._plan.left_out.items()]
        for org, errors in left[: self._most]:
            shown = [f"{prose(one.message, 600)} ({code(address(one))})" for one in errors]
            text = f"{prose(describe_left_out(org, len(errors)), 600)}: {'; '.join(cut_names(shown, SHOWN_ERRORS))}"
            yield f"- **Left out:** {text}"
        if len(left) > self._most:
            yield f"- And {number(len(left) - self._most, 'more org')} left out"

        if unknown := describe_unknown(self._plan):
            yield f"- {prose(unknown, 4_000)}"

    def _notes(self) -> Iterator[str]:
        if self._plan.interruption is not None:
            yield f"- {prose(describe_interruption(self._plan.interruption), 2_000)}"
        if self._plan.hidden:
            yield f"- {prose(describe_hidden(self._plan), 2_000)}"

    def approvals(self) -> Iterator[str]:
        """Yields the lines about approvals."""
        for one in self._plan.approvals[: self._most]:
            ticket = f", {code(one.ticket, 100)}" if one.ticket else ""
            yield (
                f"- {code(one.approver)} on {format_instant(one.approved_at)[:10]} until {short_instant(one.end)}{ticket}: "
                f"{code(one.reason, 300)}, for {self._covered(one)} ({code(one.id)})"
            )
        if len(self._plan.approvals) > self._most:
            yield f"- And {number(len(self._plan.approvals) - self._most, 'more approval')}"

    def _covered(self, one: Covering) -> str:
        people = ", ".join(cut_names(one.users, 5, code))
        return f"{people}: {', '.join(cut_names(fold_covered(one.names), 5, code))}"

    def others(self) -> Iterator[str]:
        """Yields what is to be known besides."""
        yield from (f"- {prose(text, 2_000)}" for text in describe_kept(self._plan))
        alone = [org for org in self._plan.orgs if org.strangers and org.change.is_empty]
        for org in alone[: self._most]:
            yield f"- {code(org.id)}: {prose(describe_strangers(org, 5), 2_000)}"
        if len(alone) > self._most:
            yield f"- And people left alone in {number(len(alone) - self._most, 'more org')}"
        if self._plan.due:
            yield f"- {prose(describe_due(self._plan), 4_000)}"
        if self._findings:
            yield f"- {count_line(self._findings)}: `hubcfg validate` shows them"

    def origin(self) -> str:
        """Returns what the plan was made from."""
        plan = self._plan
        return (
            f"Plan of {prose(describe_subject(plan))}, as of {format_instant(plan.comparison.instant)}; "
            f"approvals judged by {prose(plan.origin.base)}"
        )
