"""A user who can sign in and do nothing, or sees no client, time windows aside.

Why: the entry looks like access in review, and its owner will call the service desk; more often than not a line is missing.

Example:
    kim@northwind.example: {role: member}

Mend: grant what the person needs, assign clients where the role's scope is `assigned`, or remove the entry.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import Scope
from hubcfg.validator.config import User


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user who is not suspended and holds nothing, or works for no client."""
    for entry, users in check.by_entry.items():
        if entry.suspended or (entry.audience is Audience.STAFF and check.holding(entry).rights.role is None):
            continue
        holds_nothing = not check.holding(entry).potential
        for user in users:
            if holds_nothing:
                yield find(RULE, f"`{user.id}` can sign in and do nothing", check.user_key(user),
                           help="grant what the person needs, or remove the entry")  # fmt: skip
            elif _sees_no_client(check, user):
                yield find(RULE, f"`{user.id}` works for assigned clients, but has none assigned", check.user_key(user),
                           help="add `clients:` with the clients that the person works for")  # fmt: skip


def _sees_no_client(check: OrgCheck, user: User) -> bool:
    role = check.access.role(user)
    is_assigned = check.org.platform.assigns_clients and role is not None and role.scope is Scope.ASSIGNED
    return is_assigned and not check.access.scope(user)["clients"]


RULE = Rule("user-without-access", Table.POLICY, __doc__, Severity.WARNING, check)
