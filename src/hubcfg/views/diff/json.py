"""A comparison of revisions as JSON."""

import json
from typing import Any

from hubcfg.core.instants import format_instant
from hubcfg.core.places import Place
from hubcfg.views.changes.json import org_document, totals_document, witness_document
from hubcfg.views.diff import FORMAT, Report, Side


def render_json(report: Report) -> str:
    """Returns one JSON document."""
    return json.dumps(_document(report), ensure_ascii=False, indent=2)


def _document(report: Report) -> dict[str, Any]:
    comparison, condition = report.comparison, report.condition
    return {
        "format": FORMAT,
        "as_of": format_instant(comparison.instant),
        "before": _side(report.before),
        "after": _side(report.after),
        "known": report.is_known,
        "verdict": comparison.verdict.value,
        "gain": witness_document(comparison.gain),
        "loss": witness_document(comparison.loss),
        "totals": totals_document(comparison.totals),
        "fail_on": None if condition is None else {"condition": condition.value, "met": report.is_met},
        "orgs": [org_document(org) for org in comparison.orgs],
    }


def _side(side: Side) -> dict[str, Any]:
    errors = [
        {
            "name": finding.name,
            "message": finding.message,
            "file": finding.place.file,
            "document": finding.place.document if isinstance(finding.place, Place) else 0,
        }
        for finding in side.errors
    ]
    return {"label": side.label, "commit": side.commit, "errors": errors}
