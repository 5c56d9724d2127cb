"""Findings as a GitLab Code Quality report, which a merge request shows beside the changed lines."""

import json
from collections.abc import Sequence
from typing import Any

from hubcfg.core.finding import Finding
from hubcfg.core.rule import Severity
from hubcfg.views.findings import Surroundings
from hubcfg.views.findings._common import clean, fingerprints, remarks, repository_path, span_of

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def render_gitlab(findings: Sequence[Finding], surroundings: Surroundings) -> str:
    """Returns one JSON document, a list."""
    prints = fingerprints(findings, surroundings)
    issues = [_issue(finding, key, surroundings.prefix) for finding, key in zip(findings, prints, strict=True)]
    return json.dumps(issues, ensure_ascii=False, indent=2)


def _issue(finding: Finding, fingerprint: str, prefix: str) -> dict[str, Any]:
    span = span_of(finding.place)
    return {
        "description": "; ".join([clean(finding.message), *remarks(finding, prefix)]),
        "check_name": finding.name,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        # A report must give a line; a file that cannot be read has none.
        "location": {"path": repository_path(span, prefix), "lines": {"begin": span.line or 1}},
    }


RENDER = render_gitlab
