"""A user with a full-access role whose effective permissions only read, where a read-only role fits.

Why: a read-only role keeps later grants from becoming more than reading; with a full one every grant counts as written.

Example:
    kim@northwind.example: {role: member, permissions: [psa.*.read]}   # `viewer` holds all of it

Mend: give the read-only role, unless the person is meant to do more soon. `hubcfg diff` shows what else the role reads.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.platforms.platform import PlatformRole, Reach, Transfer
from hubcfg.validator.config import Entry


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user for whom a read-only role would do."""
    candidates = [role for role in check.org.platform.roles.values() if _is_candidate(role)]
    if not candidates:
        return
    read = check.org.catalog.read
    for entry, users in check.by_entry.items():
        holding = check.holding(entry)
        role, potential = holding.rights.role, holding.potential
        # Where the role's own baseline is all there is, the role itself is for readers.
        is_reading = potential and not potential & ~read and potential & ~holding.rights.baseline
        if role is None or entry.suspended or not is_reading or role.is_read_only or _does_more(role):
            continue
        for candidate in candidates:
            if candidate.scope is role.scope and _holds_all(check, entry, candidate):
                for user in users:
                    yield find(RULE, f"`{user.id}` can only read, so the read-only role `{candidate.id}` fits", check.place(user, "role"),
                               help=f"write `role: {candidate.id}`, unless more than reading is to come;"
                                    " look with `hubcfg diff` what else the role reads")  # fmt: skip
                break


def _is_candidate(role: PlatformRole) -> bool:
    is_free = role.transfer is not Transfer.FORBIDDEN and not role.assignment_needs_approval and not role.root
    return role.is_read_only and is_free


def _does_more(role: PlatformRole) -> bool:
    """Whether a role is about more than its permissions."""
    return role.root or role.approves is not Reach.NONE or role.manages is not Reach.NONE


def _holds_all(check: OrgCheck, entry: Entry, role: PlatformRole) -> bool:
    """Whether the user would keep everything with another role."""
    potential = check.holding(entry).potential
    return not potential & ~check.resolver.resolve(replace(entry, role=role.id), check.instant).potential


RULE = Rule("viewer-fits", Table.POLICY, __doc__, Severity.INFO, check)
