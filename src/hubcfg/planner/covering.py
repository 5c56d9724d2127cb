"""Which approvals cover what a plan gives that is sensitive."""

from msgspec import Struct

from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.cover import role_key
from hubcfg.checker.approvals.judge import ValidApproval
from hubcfg.core.instants import Instant
from hubcfg.planner.change import OrgChange
from hubcfg.validator.config import Org


class Covering(Struct, frozen=True):
    """One approval, and the users and sensitive permissions or roles of a plan that rest on it."""

    id: str
    org: str
    approver: str
    approved_at: Instant
    end: Instant
    ticket: str | None
    reason: str
    users: tuple[str, ...]
    names: tuple[str, ...]


def find_covering(report: ApprovalReport, org: Org, change: OrgChange) -> list[Covering]:
    """Returns the approvals that cover what people of an org gain that is sensitive, or hold of it more widely, by id."""
    found: dict[str, tuple[ValidApproval, set[str], set[str]]] = {}

    def add(one: ValidApproval, user: str, name: str) -> None:
        _, users, names = found.setdefault(one.approval.id, (one, set(), set()))
        users.add(user)
        names.add(name)

    changes = [(one, made.value, "to") for one, made in report.coverage.changes("owner")]
    changes += [(one, made.value, "user") for one, made in report.coverage.changes("org")]
    for change_of_user in change.users:
        totals = change_of_user.access.totals
        user = org.users.get(change_of_user.after or "")
        if user is None or not (totals.sensitive_gained or totals.sensitive_widened):
            continue
        gained = [
            name
            for one in change_of_user.access.permissions
            if one.is_gained and one.sensitive
            for name in one.permissions
        ]
        if totals.sensitive_widened:
            gained = org.catalog.to_names(org.catalog.sensitive)
        role = user.entry.role
        names = [*gained, *([role_key(role)] if role is not None else [])]
        for name in names:
            for one in report.coverage.naming(org.id, user, name):
                add(one, user.id, name)
        for one, value, key in changes:
            if org.id in (one.approval.org, value.get("org")) and (value.get("role"), value.get(key)) == (
                role,
                user.id,
            ):
                add(one, user.id, role_key(role or ""))
    return [_describe(one, users, names) for _, (one, users, names) in sorted(found.items())]


def _describe(one: ValidApproval, users: set[str], names: set[str]) -> Covering:
    approval = one.approval
    assert approval.approved_at is not None
    return Covering(
        approval.id, approval.org, approval.approver, approval.approved_at, one.end, approval.ticket, approval.reason,
        tuple(sorted(users)), tuple(sorted(names)),
    )  # fmt: skip
