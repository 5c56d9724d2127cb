"""A user all of whose permissions fit within the narrower ceiling of another assignable role with products of its own.

Why: a role that is made for the job keeps whatever else is granted by mistake from having an effect.

Example:
    kim@northwind.example: {role: member, permissions: [books.invoices.*]}   # all within the ceiling of `billing`

Mend: give the narrower role, if what comes with it is meant too. `hubcfg diff` shows what that is.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import PlatformRole, Reach, Transfer, match_set


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user whose permissions all lie within such a ceiling."""
    org = check.org
    candidates = [
        (role, match_set(org.catalog, role.ceiling) & org.catalog.of_audience(Audience.STAFF))
        for role in org.platform.roles.values()
        if role.implied_products and not role.root and role.transfer is not Transfer.FORBIDDEN
    ]
    if not candidates:
        return
    for entry, users in check.by_entry.items():
        holding = check.holding(entry)
        role, ceiling, potential = holding.rights.role, holding.rights.ceiling, holding.potential
        if role is None or entry.suspended or not potential or _does_more(role):
            continue
        for other, narrower in candidates:
            is_part = not narrower & ~ceiling and narrower != ceiling
            if is_part and not potential & ~narrower and _is_alike(role, other):
                for user in users:
                    yield find(RULE, f"all that `{user.id}` holds lies within the role `{other.id}`", check.place(user, "role"),
                               help=_advise(other))  # fmt: skip
                break


def _does_more(role: PlatformRole) -> bool:
    """Whether a role is about more than its permissions."""
    return role.root or role.approves is not Reach.NONE or role.manages is not Reach.NONE


def _is_alike(role: PlatformRole, other: PlatformRole) -> bool:
    """Whether the other role works for the same clients, and does not make a reader more than a reader."""
    return other.scope is role.scope and (other.is_read_only or not role.is_read_only)


def _advise(role: PlatformRole) -> str:
    approval = ", which needs an approval," if role.assignment_needs_approval else ""
    return f"write `role: {role.id}`{approval} if what comes with it is meant too; `hubcfg diff` shows it"


RULE = Rule("billing-fits", Table.POLICY, __doc__, Severity.INFO, check)
