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


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user who is not suspended and holds nothing, or works for no client."""
    org = check.org
    for entry, users in check.by_entry.items():
        holding = check.holding(entry)
        role = holding.rights.role
        if entry.suspended or (entry.audience is Audience.STAFF and role is None):
            continue
        if not holding.potential:
            for user in users:
                yield find(RULE, f"`{user.id}` can sign in and do nothing", check.user_key(user),
                           help="grant what the person needs, or remove the entry")  # fmt: skip
        elif org.platform.assigns_clients and role is not None and role.scope is Scope.ASSIGNED:
            for user in users:
                if not user.clients:
                    yield find(RULE, f"`{user.id}` works for assigned clients, but has none assigned", check.user_key(user),
                               help="add `clients:` with the clients that the person works for")  # fmt: skip
                elif user.clients == "all" and not org.clients and not org.is_partial:
                    yield find(RULE, f"`{user.id}` works for all clients, but the org has none", check.user_key(user),
                               help="add a Clients document to the org")  # fmt: skip


RULE = Rule("user-without-access", Table.POLICY, __doc__, Severity.WARNING, check)
