"""Approvals for people: what is outstanding, what is about to be signed, and what is there."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from hubcfg.checker.approvals.approval import ALL
from hubcfg.checker.approvals.draft import Outstanding
from hubcfg.core.nearest import shorten
from hubcfg.parser.document import Value
from hubcfg.views.colors import paint
from hubcfg.views.counts import number


def render_outstanding(outstanding: Sequence[Outstanding], *, use_color: bool, is_numbered: bool = False) -> str:
    """Returns what is outstanding, by org and user: what, through what, in which scope, and who may approve it."""
    rows: list[str] = []
    for (org, user), group in groupby(enumerate(outstanding, 1), key=lambda pair: (pair[1].org, pair[1].user)):
        items = list(group)
        rows += [*([""] if rows else []), paint(f"{user or 'changes'} in {org}", "bold", use_color=use_color)]
        everybody = {one.approvers for _, one in items}
        for index, one in items:
            mark = f"{index:>3}. " if is_numbered else "  - "
            way = f"  ({one.way})" if one.way else ""
            scope = f"  for {_scope(one)}" if one.scope is not None else ""
            rows.append(f"{mark}{paint(one.what, 'sensitive', use_color=use_color)}{way}{scope}")
            if len(everybody) > 1 and not is_numbered:
                rows.append(_who(one, use_color=use_color))
        if len(everybody) == 1 and not is_numbered:
            rows.append(_who(items[0][1], use_color=use_color))
    return "\n".join([*rows, "", f"{number(len(outstanding), 'item')} outstanding"])


def _who(one: Outstanding, *, use_color: bool) -> str:
    names = shorten(one.approvers, 4).replace("`", "") or "nobody, as things stand"
    return paint(f"    may be approved by {names}", "dim", use_color=use_color)


def _scope(one: Outstanding) -> str:
    return "all clients" if one.scope == ALL else ", ".join(sorted(one.scope or ())) or "no client yet"


def render_draft(draft: Mapping[str, Value], *, use_color: bool) -> str:
    """Returns exactly what an approval says, before it is signed."""
    rows = [paint("About to sign:", "bold", use_color=use_color)]
    for key in ("id", "project", "org", "approver", "approved_at", "expires", "reason", "ticket"):
        if key in draft:
            rows.append(f"  {key + ':':<12} {draft[key]}")
    grants, changes = draft.get("grants"), draft.get("changes")
    for grant in grants if isinstance(grants, list) else []:
        if isinstance(grant, dict):
            uid = f" (uid {grant['uid']})" if "uid" in grant else ""
            rows.append(f"  {paint(str(grant['user']), 'bold', use_color=use_color)}{uid}{_clients(grant)}")
            listed = grant.get("permissions")
            names = [f"the role {grant['role']}"] if "role" in grant else []
            names += [str(name) for name in listed] if isinstance(listed, list) else []
            rows += [f"    + {paint(name, 'sensitive', use_color=use_color)}" for name in names]
    for change in changes if isinstance(changes, list) else []:
        if isinstance(change, dict):
            values = ", ".join(f"{key} {_plain(value)}" for key, value in change.items() if key != "change")
            rows.append(f"  change {paint(str(change['change']), 'bold', use_color=use_color)}: {values}")
    return "\n".join(rows)


def _clients(grant: Mapping[str, Value]) -> str:
    clients = grant.get("clients")
    if clients is None:
        return ""
    return " for all clients" if clients == ALL else f" for {_plain(clients)}"


def _plain(value: Value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {part}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
