"""Findings as JSON (docs/findings.md, "Findings as JSON")."""

import json
from collections.abc import Sequence
from typing import Any

from hubcfg.core.finding import Edit, Finding, Fix
from hubcfg.core.places import AnyPlace, Span
from hubcfg.views.counts import count_findings
from hubcfg.views.findings import Surroundings

FORMAT = "hubcfg.findings/1"


def render_json(findings: Sequence[Finding], _surroundings: Surroundings | None = None) -> str:
    """Returns one JSON document."""
    return json.dumps(findings_document(findings), ensure_ascii=False, indent=2)


def findings_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Returns the findings as the value of the JSON document."""
    return {
        "format": FORMAT,
        "findings": [_finding(finding) for finding in findings],
        "counts": count_findings(findings),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        **_place(finding.place),
        "help": finding.help,
        "related": [{"message": one.message, **_start(one.place)} for one in finding.related],
        "fix": None if finding.fix is None else _fix(finding.fix),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"title": fix.title, "edits": [_edit(edit) for edit in fix.edits]}


def _edit(edit: Edit) -> dict[str, Any]:
    return {"action": edit.action.value, "text": edit.text, **_place(edit.place)}


def _start(place: AnyPlace) -> dict[str, Any]:
    assert isinstance(place, Span)
    return {"file": place.file, "line": place.line or None, "column": place.column or None}


def _place(place: AnyPlace) -> dict[str, Any]:
    assert isinstance(place, Span)
    return {**_start(place), "end_line": place.end_line or None, "end_column": place.end_column or None}


RENDER = render_json
