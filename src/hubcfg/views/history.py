"""What `hubcfg history` shows: the deployments of a target, and whether their records are as they were written."""

import json
from collections.abc import Sequence
from typing import Any

from hubcfg.applier.records import Record
from hubcfg.views.colors import paint
from hubcfg.views.counts import number

FORMAT, VERIFY_FORMAT = "hubcfg.history/1", "hubcfg.history-verify/1"


def render_history(output: str, target: str, records: Sequence[Record], *, use_color: bool) -> str:
    """Returns the deployments as `text` or `json`, the latest first."""
    latest = list(reversed(records))
    if output == "json":
        deployments = [{**record.value, "sha256": record.sha256} for record in latest]
        return json.dumps(
            {"format": FORMAT, "target": target, "deployments": deployments}, ensure_ascii=False, indent=2
        )
    if not latest:
        return f"nothing has been deployed to `{target}` yet"
    return "\n\n".join("\n".join(_describe(record, use_color)) for record in latest)


def _describe(record: Record, use_color: bool) -> list[str]:
    value: dict[str, Any] = dict(record.value)
    head = f"deployment {record.serial}"
    if value.get("kind") == "rollback":
        head += f" (back to {value.get('restores')})"
    result = str(value.get("result"))
    counts = value.get("counts") or {}
    lines = [
        paint(head, "bold", use_color=use_color)
        + ("" if result == "complete" else paint(f" {result}", "error", use_color=use_color)),
        f"  {value.get('when')} by {value.get('who')} on {value.get('host')}, {value.get('tool')}",
        f"  revision {(record.revision or '')[:10] or 'none (not a clean Git work tree)'}, judged by {value.get('base')}",
        f"  {value.get('verdict')}: {number(counts.get('users', 0), 'user')} touched,"
        f" {number(counts.get('gained', 0), 'permission')} gained"
        f" ({counts.get('sensitive_gained', 0):,} sensitive), {counts.get('lost', 0):,} lost",
    ]
    for label, key in (
        ("orgs", "done"),
        ("left out", "left_out"),
        ("not tried", "untried"),
        ("guardrails lifted", "allowed"),
    ):
        names = value.get(key) or []
        if names:
            shown = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
            lines.append(f"  {label}: {shown}")
    lines += [f"  failed: {org}: {reason}" for org, reason in (value.get("failed") or {}).items()]
    used = sorted({id for of_org in record.approvals.values() for id in of_org})
    if used:
        lines.append(f"  approvals: {', '.join(used[:5])}" + (f" and {len(used) - 5:,} more" if len(used) > 5 else ""))
    return lines


def render_verification(output: str, target: str, count: int, faults: Sequence[str], *, use_color: bool) -> str:
    """Returns what is wrong with the records of a target, as `text` or `json`."""
    if output == "json":
        document = {
            "format": VERIFY_FORMAT,
            "target": target,
            "records": count,
            "intact": not faults,
            "faults": list(faults),
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    if not faults:
        return paint(
            f"{number(count, 'record')} of `{target}`, each as it was written and in its place",
            "good",
            use_color=use_color,
        )
    lines = [paint(f"error: {fault}", "error", use_color=use_color) for fault in faults]
    return "\n".join([*lines, f"{number(len(faults), 'fault')} in {number(count, 'record')} of `{target}`"])
