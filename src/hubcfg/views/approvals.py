"""Approvals for people and as JSON: what is outstanding, what is about to be signed, and what was signed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from hubcfg.checker.approvals.approval import ALL
from hubcfg.checker.approvals.draft import Outstanding
from hubcfg.core.nearest import shorten
from hubcfg.parser.document import Value
from hubcfg.validator.config import Config
from hubcfg.views.colors import paint
from hubcfg.views.counts import number

OUTSTANDING_FORMAT = "hubcfg.outstanding/1"


def render_outstanding(
    config: Config,
    outstanding: Sequence[Outstanding],
    base: str,
    *,
    use_color: bool,
    is_numbered: bool = False,
) -> str:
    """Returns what is outstanding, by org and user: what, of which category, through what, for whom, and who may approve it."""
    rows: list[str] = []
    who = {one.approvers for one in outstanding}
    for (org, user, scope), group in groupby(
        enumerate(outstanding, 1), key=lambda pair: (pair[1].org, pair[1].user, pair[1].scope)
    ):
        items = list(group)
        where = f" {_scope(scope)}" if scope is not None else ""
        rows.append(paint(f"{user or 'changes'} in {org}", "bold", use_color=use_color) + where)
        differs = len({one.approvers for _, one in items}) > 1
        for index, one in items:
            mark = f"{index:>4}. " if is_numbered else "    - "
            notes = [*_categories(config, one), *([f"through {one.way}"] if one.way not in ("", "directly") else [])]
            note = paint(f"  {', '.join(notes)}", "dim", use_color=use_color) if notes else ""
            rows.append(f"{mark}{paint(one.what, 'sensitive', use_color=use_color)}{note}")
            if differs:
                rows.append(_who(one.approvers, use_color=use_color))
        if not differs and len(who) > 1:
            rows.append(_who(items[0][1].approvers, use_color=use_color))
    if len(who) == 1:
        rows.append(_who(next(iter(who)), use_color=use_color))
    return "\n".join([*rows, f"{number(len(outstanding), 'item')} outstanding, judged by {base}"])


def render_outstanding_json(
    config: Config, outstanding: Iterable[Outstanding], base: str, signed: Sequence[Mapping[str, str]]
) -> str:
    """Returns what is outstanding and what was signed just now as a JSON document."""
    document = {
        "format": OUTSTANDING_FORMAT,
        "base": base,
        "outstanding": [_outstanding_value(config, one) for one in outstanding],
        "signed": [dict(one) for one in signed],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _outstanding_value(config: Config, one: Outstanding) -> dict[str, Any]:
    return {
        "org": one.org,
        "user": one.user,
        "uid": one.uid,
        "permission": one.permission,
        "role": one.role,
        "sensitive": _categories(config, one),
        "through": one.way or None,
        "clients": sorted(one.scope) if isinstance(one.scope, frozenset) else one.scope,
        "change": dict(one.change) if one.change is not None else None,
        "approvers": list(one.approvers),
    }


def _categories(config: Config, one: Outstanding) -> list[str]:
    org = config.orgs.get(one.org)
    permission = org.catalog.permissions.get(one.permission or "") if org is not None else None
    return sorted(permission.sensitive) if permission is not None else []


def _who(approvers: Sequence[str], *, use_color: bool) -> str:
    names = shorten(approvers, 4).replace("`", "")
    text = f"may be approved by {names}" if names else "nobody could approve it, as things stand"
    return paint(f"    {text}", "dim", use_color=use_color)


def _scope(scope: Iterable[str]) -> str:
    return "for all clients" if scope == ALL else f"for {', '.join(sorted(scope)) or 'no client yet'}"


def render_draft(draft: Mapping[str, Value], *, use_color: bool, changes: Sequence[str] = ()) -> str:
    """Returns exactly what an approval says, but for its signature. `changes` explains its changes, in their order."""
    rows = [paint("About to sign:", "bold", use_color=use_color)]
    for key in ("id", "project", "org", "approver", "approved_at", "expires", "reason", "ticket"):
        if key in draft:
            rows.append(f"  {key + ':':<12} {_shown(draft[key])}")
    for grant in _maps(draft.get("grants")):
        uid = f" (uid {_shown(grant['uid'])})" if "uid" in grant else ""
        rows.append(f"  {paint(_shown(grant['user']), 'bold', use_color=use_color)}{uid}{_clients(grant)}")
        listed = grant.get("permissions")
        names = [f"the role {_shown(grant['role'])}"] if "role" in grant else []
        names += [_shown(name) for name in listed] if isinstance(listed, list) else []
        rows += [f"    + {paint(name, 'sensitive', use_color=use_color)}" for name in names]
    for index, change in enumerate(_maps(draft.get("changes"))):
        values = ", ".join(f"{key} {_plain(value)}" for key, value in change.items() if key != "change")
        rows.append(f"  change {paint(_shown(change['change']), 'bold', use_color=use_color)}: {values}")
        if index < len(changes):
            rows.append(paint(f"    {changes[index]}", "dim", use_color=use_color))
    return "\n".join(rows)


def _maps(value: Value) -> list[dict[str, Value]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _clients(grant: Mapping[str, Value]) -> str:
    clients = grant.get("clients")
    if clients is None:
        return ""
    if clients == []:
        return " for no client yet"
    return " for all clients" if clients == ALL else f" for {_plain(clients)}"


def _plain(value: Value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(part)}" for key, part in value.items())
    return ", ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)


def _shown(value: Value) -> str:
    """Returns a text as it is; one with line breaks or other controls as JSON, so that it can't pass for other lines."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)
