"""An org has more or fewer holders of a role than its platform states.

Why: an org without an owner has nobody to answer for it, and two owners are one too many to trust.

Example:
    ana@northwind.example: {role: owner}
    bo@northwind.example: {role: owner}     # onestack: exactly one owner

Mend: give the role to as many people as the platform states. Suspended users do not count for the minimum.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import PlatformRole
from hubcfg.validator.config import User


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each holder too many, and one where holders are missing."""
    roles = check.org.platform.roles
    limited = [role for role in roles.values() if role.min_holders or role.max_holders is not None]
    holders: dict[str, list[User]] = {role.id: [] for role in limited}
    is_known = not check.org.is_partial
    for entry, users in check.all_by_entry.items():
        if entry.audience is Audience.CLIENT:
            continue
        if entry.role is None or entry.role not in roles:
            is_known = False  # one of the missing holders may be meant
        elif entry.role in holders:
            holders[entry.role] += users
    for role in limited:
        if role.max_holders is not None and len(holders[role.id]) > role.max_holders:
            yield from _report_extra(check, role, holders[role.id])
        active = [user for user in holders[role.id] if not user.entry.suspended]
        if len(active) < role.min_holders and is_known:
            yield _report_missing(check, role, holders[role.id], len(active))


def _report_extra(check: OrgCheck, role: PlatformRole, holders: list[User]) -> Iterator[Finding]:
    assert role.max_holders is not None
    ordered = sorted(holders, key=check.written_order)
    first, extra = ordered[: role.max_holders], ordered[role.max_holders :]
    names = shorten((user.id for user in first), 3)
    for user in extra:
        allowed = f"only {role.max_holders}" if role.max_holders else "no"
        held = f", and {names} {'is' if len(first) == 1 else 'are'} there already" if first else ""
        yield find(RULE, f"an org on the platform `{check.org.platform.id}` has {allowed} `{role.id}`{held}",
                   check.place(user, "role"), help="give one of them another role",
                   related=tuple(Related(f"`{one.id}` holds it here", check.place(one, "role")) for one in first[:10]))  # fmt: skip


def _report_missing(check: OrgCheck, role: PlatformRole, holders: list[User], active: int) -> Finding:
    suspended = len(holders) - active
    count = f"has {active if active else 'none'}"
    note = f" (suspended users, here {suspended}, do not count)" if suspended else ""
    related = tuple(
        Related(f"`{user.id}` is suspended", check.place(user, "suspended")) for user in holders if user.entry.suspended
    )
    return find(RULE, f"the org `{check.org.id}` must have at least {role.min_holders} `{role.id}` and {count}{note}",
                check.org.document.place("id"), help=f"give a user of the org `role: {role.id}`", related=related[:10])  # fmt: skip


RULE = Rule("role-holder-count", Table.PLATFORM, __doc__, check=check)
