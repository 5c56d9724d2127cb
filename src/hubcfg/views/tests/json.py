"""Outcomes of tests as JSON."""

import json
from typing import Any

from hubcfg.views.tests import FORMAT, Outcome, count_outcomes


def render_json(outcomes: list[Outcome], as_of: str) -> str:
    """Returns one JSON document with every test, in the order of files and lines."""
    document = {
        "format": FORMAT,
        "as_of": as_of,
        "tests": [_outcome(outcome) for outcome in outcomes],
        "counts": count_outcomes(outcomes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "org": outcome.org,
        "name": outcome.name,
        "user": outcome.user,
        "file": outcome.span.file,
        "line": outcome.span.line or None,
        "as_of": outcome.as_of,
        "passed": outcome.has_passed,
        "failures": [{"expected": one.expected, "actual": one.actual, "why": one.why} for one in outcome.failures],
    }
