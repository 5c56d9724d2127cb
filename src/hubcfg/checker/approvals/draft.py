"""Drafts approvals: what is outstanding, what of it one approver may approve, and the document to be signed."""

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from hubcfg.checker.approvals.approval import ALL, ApprovedScope
from hubcfg.checker.approvals.changes import check_new_org, check_products, subscriptions
from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.lines import find_lines, show_way
from hubcfg.checker.approvals.outstanding import MissingItem, OrgApprovals
from hubcfg.checker.approvals.trust import find_trust_changes, trust_digest
from hubcfg.core.instants import Instant, format_instant
from hubcfg.parser.document import Value
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import PlatformRole
from hubcfg.validator.config import Config, Org


class Outstanding(Struct, frozen=True):
    """One thing that is not approved: a permission or role of a user, or a change.

    `org` is the org that the approval must carry. `what` names it for people, `way` says how it reaches the user, `approvers`
    who may approve it. A change has its `change`, the entry that an approval would contain.
    """

    org: str
    user: str | None
    uid: str | None
    permission: str | None
    role: str | None
    scope: ApprovedScope | None
    change: tuple[tuple[str, Value], ...] | None
    what: str
    way: str
    approvers: tuple[str, ...]


def list_outstanding(config: Config, report: ApprovalReport) -> list[Outstanding]:
    """Returns all that is not approved, in the order of orgs, users and names."""
    found: list[Outstanding] = []
    for org_id, approvals in sorted(report.orgs.items()):
        found += _changes_of_org(config.orgs[org_id], report)
        for missing in sorted(approvals.missing, key=lambda one: (one.user.id, one.role is None)):
            found += _items(config.orgs[org_id], approvals, missing, report)
    return [*found, *_trust(config, report)]


def _items(org: Org, approvals: OrgApprovals, missing: MissingItem, report: ApprovalReport) -> Iterator[Outstanding]:
    user = missing.user
    names_scope = org.platform.assigns_clients or user.entry.audience is Audience.CLIENT
    scope = missing.scope if names_scope else None
    if missing.role is not None:
        if missing.is_handover:
            yield from _owner_changes(org, missing, missing.role, report)
            return
        if missing.role.root and report.base.org(org.id) is None:
            return  # the new org's own approval covers its root holders
        yield Outstanding(
            org.id,
            user.id,
            user.uid,
            None,
            missing.role.id,
            scope,
            None,
            f"the role {missing.role.id}",
            "",
            tuple(approvals.able(missing)),
        )
        return
    ways = _ways(approvals, missing)
    for name in org.catalog.to_names(missing.permissions):
        one = MissingItem(user, missing.scope, org.catalog.match(name))
        yield Outstanding(
            org.id, user.id, user.uid, name, None, scope, None, name, ways.get(name, ""), tuple(approvals.able(one))
        )


def _ways(approvals: OrgApprovals, missing: MissingItem) -> dict[str, str]:
    check, entry = approvals.check_of_org, missing.user.entry
    ways: dict[str, str] = {}
    for line in find_lines(check, entry, missing.permissions):
        shown = show_way(line.through, quote="") or "directly"
        for name in check.org.catalog.to_names(line.mask):
            ways.setdefault(name, shown)
    for name in check.org.catalog.to_names(missing.permissions):
        ways.setdefault(name, f"role {entry.role}")
    return ways


def _owner_changes(org: Org, missing: MissingItem, role: PlatformRole, report: ApprovalReport) -> Iterator[Outstanding]:
    for previous in report.base.holders(org.id, role.id).values():
        if not previous.entry.suspended:
            change: dict[str, Value] = {"change": "owner", "role": role.id, "from": previous.id, "to": missing.user.id}
            yield _change(org.id, change, f"{role.id} passes from {previous.id} to {missing.user.id}", (previous.id,))


def _changes_of_org(org: Org, report: ApprovalReport) -> Iterator[Outstanding]:
    base, coverage = report.base, report.coverage
    before = base.org(org.id)
    if before is not None and list(check_products(org, base, coverage)):
        by = before.platform.changes.get("products") or org.platform.changes.get("products", ())
        holders = tuple(
            user.id for role in by for user in base.holders(org.id, role).values() if not user.entry.suspended
        )
        wanted: dict[str, Value] = {"change": "products", "products": dict(subscriptions(org))}
        yield _change(org.id, wanted, f"the subscriptions of {org.id}", holders)
    unnamed = {one.user.id for one in report.orgs[org.id].missing if one.role is not None and one.role.root}
    if before is None and not base.is_tree and (unnamed or list(check_new_org(org, base, coverage))):
        yield from _new_org(org, report, unnamed)


def _new_org(org: Org, report: ApprovalReport, unnamed: Collection[str]) -> Iterator[Outstanding]:
    roots = [(user, user.entry.role) for user in org.users.values() if user.id in unnamed]
    for other in report.base.config.orgs.values():
        holders = tuple(_root_holders(other))
        for user, role_id in roots if holders else ():
            wanted: dict[str, Value] = {"change": "org", "org": org.id, "role": role_id, "user": user.id}
            yield _change(other.id, wanted, f"the new org {org.id} with {user.id} as {role_id}", holders)


def _trust(config: Config, report: ApprovalReport) -> Iterator[Outstanding]:
    changes = list(find_trust_changes(config, report.files, report.base))
    if not changes:
        return
    digest = trust_digest(config, report.files)
    for org_id in sorted({org for change in changes for org in change.orgs}):
        org = report.base.org(org_id)
        if org is None or report.coverage.has_change(org_id, "trust", digest=digest):
            continue
        keys = ", ".join(change.key for change in changes if org_id in change.orgs)
        yield _change(
            org_id, {"change": "trust", "digest": digest}, f"trust settings: {keys}", tuple(_root_holders(org))
        )


def _root_holders(org: Org) -> Iterator[str]:
    for user in org.users.values():
        role = org.platform.roles.get(user.entry.role or "")
        if role is not None and role.root and not user.entry.suspended:
            yield user.id


def _change(org: str, change: dict[str, Value], what: str, approvers: tuple[str, ...]) -> Outstanding:
    return Outstanding(org, None, None, None, None, None, tuple(change.items()), what, "", approvers)


def draft_approval(
    project: str,
    org: str,
    approver: str,
    chosen: Iterable[Outstanding],
    *,
    id: str,
    approved_at: Instant,
    reason: str,
    ticket: str | None = None,
    expires: str | None = None,
) -> dict[str, Value]:
    """Returns the Approval document, without its signature, for things that are outstanding in one org."""
    grants: dict[tuple[str, str | None, ApprovedScope | None], dict[str, Value]] = {}
    roles: list[Value] = []
    changes: list[Value] = []
    for one in chosen:
        if one.change is not None:
            changes.append(dict(one.change))
            continue
        if one.role is not None:
            roles.append(_grant(one) | {"role": one.role} | _clients(one.scope))
            continue
        key = (one.user or "", one.uid, one.scope)
        grant = grants.setdefault(key, _grant(one) | {"permissions": []} | _clients(one.scope))
        permissions = grant["permissions"]
        assert isinstance(permissions, list)
        assert one.permission is not None
        permissions.append(one.permission)
    document: dict[str, Value] = {"kind": "Approval", "id": id, "project": project, "org": org, "approver": approver}
    document["approved_at"] = format_instant(approved_at)
    if expires is not None:
        document["expires"] = expires
    document["reason"] = reason
    if ticket is not None:
        document["ticket"] = ticket
    if roles or grants:
        document["grants"] = [*roles, *grants.values()]
    if changes:
        document["changes"] = changes
    return document


def _grant(one: Outstanding) -> dict[str, Value]:
    grant: dict[str, Value] = {"user": one.user}
    return grant if one.uid is None else grant | {"uid": one.uid}


def _clients(scope: ApprovedScope | None) -> dict[str, Value]:
    if scope is None:
        return {}
    listed: list[Value] = [*sorted(scope)]
    return {"clients": ALL if scope == ALL else listed}


def new_id(day: str, chosen: Iterable[Outstanding], taken: Collection[str]) -> str:
    """Returns an id for an approval: the day and whom or what it is for, with a number where that is taken."""
    names = sorted(
        {one.user.split("@")[0] if one.user else str(dict(one.change or ()).get("change")) for one in chosen}
    )
    word = re.sub(r"[^a-z0-9]+", "-", "-".join(names[:2]).lower()).strip("-") or "approval"
    stem = f"{day}-{word}"[:58].rstrip("-")
    return next(id for id in (stem, *(f"{stem}-{count}" for count in range(2, 10_000))) if id not in taken)
