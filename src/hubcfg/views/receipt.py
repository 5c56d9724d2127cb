"""What `apply` and `rollback` say came of it: what was done, what failed, and what was not tried."""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from hubcfg.applier.apply import Receipt
from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.core.nearest import shorten
from hubcfg.planner.due import first_due
from hubcfg.planner.plan import Plan
from hubcfg.views.changes.json import totals_document, witness_document
from hubcfg.views.colors import paint
from hubcfg.views.counts import join_words, number
from hubcfg.views.findings.json import findings_document
from hubcfg.views.plan.json import due_document

FORMAT = "hubcfg.receipt/1"


class Deployed(Struct, frozen=True):
    """A plan that was carried out, with the receipt; without one there was nothing to do."""

    target: str
    plan: Plan
    receipt: Receipt | None
    findings: tuple[Finding, ...]


def render_receipt(output: str, deployed: Deployed, *, use_color: bool) -> str:
    """Returns the receipt as `text` or `json`."""
    if output == "json":
        return json.dumps(_document(deployed), ensure_ascii=False, indent=2)
    return "\n".join(_lines(deployed, use_color))


def _result(deployed: Deployed) -> str:
    receipt = deployed.receipt
    if receipt is None:
        return "nothing-to-do"
    if receipt.is_complete:
        return "unconfirmed" if receipt.is_doubtful else "complete"
    return "partial" if receipt.outcome.done else "failed"


def _document(deployed: Deployed) -> dict[str, Any]:
    plan, receipt = deployed.plan, deployed.receipt
    outcome = None if receipt is None else receipt.outcome
    record = None if receipt is None else receipt.record
    found = findings_document(deployed.findings)
    due = first_due(plan.due)
    return {
        "format": FORMAT,
        "target": deployed.target,
        "result": _result(deployed),
        "serial": plan.origin.serial if record is None else record.serial,
        "digest": plan.origin.state if record is None else record.value["digest"],
        "record": None if record is None else record.sha256,
        "settled": None if receipt is None else receipt.settled,
        "revision": plan.origin.revision,
        "base": plan.origin.base,
        "verdict": plan.comparison.verdict.value,
        "gain": witness_document(plan.comparison.gain),
        "loss": witness_document(plan.comparison.loss),
        "totals": totals_document(plan.comparison.totals),
        "done": [] if outcome is None else sorted(outcome.done),
        "failed": {} if outcome is None else dict(outcome.failed),
        "untried": [] if outcome is None else sorted(outcome.untried),
        "reason": None if outcome is None else outcome.reason,
        "left_out": sorted(plan.left_out),
        "due": None if due is None else format_instant(due),
        "coming": [due_document(one) for one in plan.due],
        "findings": found["findings"],
        "counts": found["counts"],
    }


def _lines(deployed: Deployed, use_color: bool) -> Iterator[str]:
    plan, receipt = deployed.plan, deployed.receipt
    if receipt is None and plan.left_out:
        yield f"nothing was changed: `{deployed.target}` stays at deployment {plan.origin.serial}"
    elif receipt is None:
        yield f"nothing to change: `{deployed.target}` is at deployment {plan.origin.serial}, as the project says"
    if receipt is not None:
        if receipt.settled is not None:
            yield f"deployment {receipt.settled} had been interrupted; it is recorded now, as far as it came"
        yield from _outcome(deployed, receipt, use_color)
    for org, findings in sorted(plan.left_out.items()):
        text = (
            f"left out: {org}, which stays as it was: {number(len(findings), 'error')}, the first is {findings[0].name}"
        )
        yield paint(text, "error", use_color=use_color)


def _outcome(deployed: Deployed, receipt: Receipt, use_color: bool) -> Iterator[str]:
    outcome, totals = receipt.outcome, deployed.plan.comparison.totals
    if receipt.is_doubtful:
        yield paint(
            f"deployment {receipt.serial} of `{deployed.target}` is there, but: {outcome.reason}",
            "error",
            use_color=use_color,
        )
        return
    if receipt.is_complete and not outcome.done:
        text = f"nothing to change in `{deployed.target}`; deployment {receipt.serial} records these sources"
        yield paint(text, "good", use_color=use_color)
        return
    if receipt.is_complete:
        counts = f"{number(len(outcome.done), 'org')}, {number(totals.users, 'user')} touched"
        yield paint(
            f"applied to `{deployed.target}` as deployment {receipt.serial}: {counts}", "good", use_color=use_color
        )
        return
    head = f"deployment {receipt.serial} of `{deployed.target}` was not completed"
    yield paint(head + (f": {outcome.reason}" if outcome.reason else ""), "error", use_color=use_color)
    if outcome.done:
        yield f"  done:      {_list(outcome.done)}"
    for org, reason in sorted(outcome.failed.items()):
        yield paint(f"  failed:    {org}: {reason}", "error", use_color=use_color)
    if outcome.untried:
        yield f"  not tried: {_list(outcome.untried)}"
    if receipt.record is None:
        yield "  it is not recorded yet; the next apply does that"
    yield "  help: `hubcfg apply` again takes up from here"


def _list(orgs: tuple[str, ...]) -> str:
    return join_words(sorted(orgs)) if len(orgs) <= 10 else shorten(sorted(orgs), 10)
