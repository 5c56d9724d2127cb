"""The approvals that are there, with their verdicts, as text and JSON."""

import json
from collections.abc import Sequence
from typing import Any

from hubcfg.checker.approvals.status import ApprovalStatus
from hubcfg.core.instants import format_instant
from hubcfg.core.nearest import shorten
from hubcfg.views.approvals import render_draft
from hubcfg.views.colors import paint
from hubcfg.views.counts import number


def render_statuses(format: str, statuses: Sequence[ApprovalStatus], base: str, *, use_color: bool) -> str:
    """Returns a line or two for each approval, and what they were judged by."""
    if format == "json":
        document = {"format": "hubcfg.approvals/1", "base": base, "approvals": [_value(one) for one in statuses]}
        return json.dumps(document, ensure_ascii=False, indent=2)
    rows = [row for status in statuses for row in _rows(status, use_color=use_color)]
    good = sum(status.counts for status in statuses)
    rows.append(f"{number(len(statuses), 'approval')}, {good} in force, judged by {base}")
    return "\n".join(rows)


def render_status(format: str, status: ApprovalStatus, base: str, *, use_color: bool) -> str:
    """Returns one approval in full."""
    if format == "json":
        return json.dumps(
            {"format": "hubcfg.approval/1", "base": base, **_value(status), "document": status.approval.document.value},
            ensure_ascii=False,
            indent=2,
        )
    value = status.approval.document.value
    assert isinstance(value, dict)
    says = render_draft(value, use_color=use_color).split("\n")[1:]
    key = [f"  signed with: {status.key}"] if status.key is not None else []
    return "\n".join([*_rows(status, use_color=use_color), *says, *key, f"judged by {base}"])


def _rows(status: ApprovalStatus, *, use_color: bool) -> list[str]:
    approval = status.approval
    if status.end is not None:
        state = paint("in force", "good", use_color=use_color) + f" until {format_instant(status.end)}"
        if not status.is_used:
            state += ", but nothing of it is used any more"
    else:
        state = paint("does not count", "bad", use_color=use_color)
    users = sorted({grant.user for grant in approval.grants})
    what = [shorten(users, 3).replace("`", "")] if users else []
    what += [f"change of {change.kind}" for change in approval.changes]
    head = (
        f"{paint(approval.id, 'bold', use_color=use_color)}  {approval.org}: {approval.approver} for {', '.join(what)}"
    )
    return [head, f"  {state}", *(f"  {fault}" for fault in status.faults)]


def _value(status: ApprovalStatus) -> dict[str, Any]:
    approval = status.approval
    return {
        "id": approval.id,
        "org": approval.org,
        "approver": approval.approver,
        "file": approval.document.file,
        "counts": status.counts,
        "until": format_instant(status.end) if status.end is not None else None,
        "faults": list(status.faults),
        "key": status.key,
        "used": status.is_used,
        "standing": status.is_standing,
        "users": sorted({grant.user for grant in approval.grants}),
        "changes": [change.kind for change in approval.changes],
    }
