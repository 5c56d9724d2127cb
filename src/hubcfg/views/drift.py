"""What `hubcfg drift` shows: what was changed in a target behind hubcfg's back."""

import json
from collections.abc import Iterator

from hubcfg.core.instants import format_instant
from hubcfg.core.nearest import shorten
from hubcfg.planner.drift import Drift
from hubcfg.views.changes.json import org_document, totals_document, witness_document
from hubcfg.views.changes.text import ChangesText, Style
from hubcfg.views.counts import number

FORMAT = "hubcfg.drift/1"


def render_drift(output: str, target: str, drift: Drift, style: Style) -> str:
    """Returns the drift of a target as `text` or `json`; before is what was deployed, after what is there now."""
    if output == "json":
        return _render_json(target, drift)
    return "\n".join(_lines(target, drift, style))


def _render_json(target: str, drift: Drift) -> str:
    comparison = drift.comparison
    document = {
        "format": FORMAT,
        "target": target,
        "serial": drift.serial,
        "as_of": format_instant(comparison.instant),
        "drifted": not drift.is_empty,
        "verdict": comparison.verdict.value,
        "gain": witness_document(comparison.gain),
        "loss": witness_document(comparison.loss),
        "totals": totals_document(comparison.totals),
        "orgs": [org_document(org) for org in comparison.orgs],
        "silent": list(drift.silent),
        "left_alone": {org: list(ids) for org, ids in drift.strangers.items()},
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _lines(target: str, drift: Drift, style: Style) -> Iterator[str]:
    if drift.is_empty:
        yield style.paint(f"no drift: `{target}` is as deployment {drift.serial} left it", "good")
    else:
        yield from style.wrap(f"changed in `{target}` since deployment {drift.serial}, and not by hubcfg:")
        changes = ChangesText(drift.comparison.instant, style)
        for change in drift.comparison.orgs:
            yield ""
            yield from changes.org(change)
        for org in drift.silent:
            yield ""
            yield f"org {org}: its data was changed, and nobody's access"
    for org, people in drift.strangers.items():
        yield ""
        text = f"left alone in {org} (`manage: listed`): {number(len(people), 'person', 'people')} whom hubcfg never deployed"
        yield from style.wrap(f"{text}: {shorten(people, 5)}")
    if not drift.is_empty:
        yield ""
        if not drift.comparison.is_empty:
            yield from changes.end(drift.comparison, "")
        yield from style.wrap(
            "help: `hubcfg apply` puts back what the project says; or write down in the project what is right"
        )
