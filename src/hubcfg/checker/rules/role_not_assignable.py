"""A role is given, or taken away, that can't be moved by configuration.

Why: such a role comes with the account itself; writing it down elsewhere would promise what no deployment can do.

Example:
    bo@panel.example: {role: owner}    # msp-panel: `transfer: forbidden`, and the base's owner is somebody else

Mend: leave the role with its holder. Where nothing has been deployed yet, any holder is accepted as the existing one.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.rule import Rule, Table
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.platform import PlatformRole, Transfer
from hubcfg.validator.config import User


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each new holder of such a role; where there is none, for each holder that lost it."""
    if check.base_holders is None:
        return
    fixed = [role for role in check.org.platform.roles.values() if role.transfer is Transfer.FORBIDDEN]
    for role in fixed:
        before = check.base_holders.get(role.id, frozenset())
        holders = {
            user.id: user
            for user in check.org.users.values()
            if user.entry.role == role.id and user.entry.audience is Audience.STAFF
        }
        new = [user for id, user in holders.items() if id not in before]
        lost = sorted(before - holders.keys())
        if new:
            yield from (_report_new(check, role, user, lost or sorted(before)) for user in new)
        elif lost and not check.org.is_partial:
            yield from (_report_lost(check, role, id) for id in lost if not _is_role_unknown(check, id))


def _report_new(check: OrgCheck, role: PlatformRole, user: User, before: list[str]) -> Finding:
    held = f"; it belongs to {shorten(before, 3)}" if before else ""
    there = [check.org.users[id] for id in before if id in check.org.users]
    return find(RULE, f"the role `{role.id}` can't be given by configuration{held}", check.place(user, "role"),
                help="give the person another role, and leave this one where it is",
                related=tuple(Related(f"`{one.id}` held it before", check.user_key(one)) for one in there[:10]))  # fmt: skip


def _report_lost(check: OrgCheck, role: PlatformRole, id: str) -> Finding:
    user = check.org.users.get(id)
    message = f"the role `{role.id}` can't be taken from `{id}` by configuration"
    if user is None:
        return find(RULE, message, check.org.document.place("id"), help=f"keep the user `{id}` with `role: {role.id}`")
    place = check.place(user, "role") if user.entry.role is not None else check.user_key(user)
    return find(RULE, message, place, help=f"write `role: {role.id}`")


def _is_role_unknown(check: OrgCheck, id: str) -> bool:
    user = check.org.users.get(id)
    return user is not None and user.entry.role is not None and user.entry.role not in check.org.platform.roles


RULE = Rule("role-not-assignable", Table.PLATFORM, __doc__, check=check)
