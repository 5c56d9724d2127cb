"""A plan as JSON: all of it, and what `--out` saves."""

import json
from collections.abc import Sequence
from typing import Any

from hubcfg.core.finding import Finding
from hubcfg.core.instants import format_instant
from hubcfg.planner.covering import Covering
from hubcfg.planner.due import Due, first_due
from hubcfg.planner.guardrails import Trip
from hubcfg.planner.plan import Interruption, OrgPlan, Plan
from hubcfg.planner.saved import FORMAT, origin_document
from hubcfg.views.changes.json import org_document, totals_document, witness_document
from hubcfg.views.findings.json import findings_document


def render_json(plan: Plan, findings: Sequence[Finding]) -> str:
    """Returns one JSON document."""
    return json.dumps(_document(plan, findings), ensure_ascii=False, indent=2)


def _document(plan: Plan, findings: Sequence[Finding]) -> dict[str, Any]:
    comparison, due = plan.comparison, first_due(plan.due)
    return {
        **findings_document(findings),
        "format": FORMAT,
        "project": plan.project,
        "as_of": format_instant(comparison.instant),
        "origin": origin_document(plan.origin),
        "empty": plan.is_empty,
        "verdict": comparison.verdict.value,
        "gain": witness_document(comparison.gain),
        "loss": witness_document(comparison.loss),
        "totals": totals_document(comparison.totals),
        "guardrails": [_trip(trip) for trip in plan.all_trips],
        "left_out": [
            {"org": org, "findings": findings_document(errors)["findings"]} for org, errors in plan.left_out.items()
        ],
        "interrupted": None if plan.interruption is None else _interruption(plan.interruption),
        "hidden": list(plan.hidden),
        "approvals": [_covering(one) for one in plan.approvals],
        "due": None if due is None else format_instant(due),
        "coming": [due_document(one) for one in plan.due],
        "orgs": [_org(org) for org in plan.orgs],
    }


def _org(org: OrgPlan) -> dict[str, Any]:
    document = org_document(org.change)
    for group, (change, _) in zip(document["changes"], org.change.groups(), strict=True):
        group["widened"] = list(change.widened)
    return {
        **document,
        "written": org.is_written,
        "new": org.is_new,
        "left_alone": list(org.strangers),
    }


def _trip(trip: Trip) -> dict[str, Any]:
    return {"guardrail": trip.guardrail.value, "org": trip.org, "message": trip.message, "help": trip.help}


def _interruption(one: Interruption) -> dict[str, Any]:
    return {"serial": one.serial, "who": one.who, "when": one.when, "orgs": list(one.orgs)}


def _covering(one: Covering) -> dict[str, Any]:
    return {
        "id": one.id,
        "org": one.org,
        "approver": one.approver,
        "approved_at": format_instant(one.approved_at),
        "until": format_instant(one.end),
        "ticket": one.ticket,
        "reason": one.reason,
        "users": list(one.users),
        "names": list(one.names),
    }


def due_document(one: Due) -> dict[str, Any]:
    """Returns what is to begin at an instant, and for whom."""
    return {
        "from": format_instant(one.instant),
        "org": one.org,
        "users": list(one.users),
        "permissions": list(one.permissions),
    }
