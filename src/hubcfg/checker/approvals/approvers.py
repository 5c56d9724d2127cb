"""Who may approve what: the base's users, what they hold themselves, for whom and within which scope."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from hubcfg.checker.approvals.approval import ALL, ApprovedScope, covers_scope
from hubcfg.checker.approvals.base import Base
from hubcfg.core.ids import fold_id
from hubcfg.core.instants import Instant
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PlatformRole, Reach, match_set
from hubcfg.resolver.access import OrgAccess
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.validator.config import Config, Org, User


class Person(Protocol):
    """Whom an approval is for: somebody of the tree, or whom the approval names."""

    @property
    def id(self) -> str:
        """The user's id."""

    @property
    def uid(self) -> str | None:
        """The identity provider's id, where one is given."""


class Named(Struct, frozen=True):
    """A person as an approval names one, whether there is such a user or not."""

    id: str
    uid: str | None


class Approver(Struct, frozen=True, eq=False):
    """A user of the base who may approve something.

    `holds` is what the person would hold, whoever may hold it; `baseline` what the person's role gives; both in the tree's
    catalog. `led` are the members of the teams that the person leads, with their uids, or None where there is no such limit.
    """

    user: User
    role: PlatformRole
    holds: Mask
    baseline: Mask
    scope: ApprovedScope
    led: Mapping[str, str | None] | None

    def find_obstacle(self, beneficiary: Person, scope: ApprovedScope) -> str | None:
        """Returns why this approver cannot approve for a person in a scope, whatever it is."""
        if self.led is not None:
            if beneficiary.id not in self.led:
                return f"`{self.user.id}` leads no team that `{beneficiary.id}` is in"
            if self.led[beneficiary.id] != beneficiary.uid:
                return f"`{beneficiary.id}` is not the person whom `{self.user.id}` leads: the uid is another"
        if not covers_scope(self.scope, scope):
            beyond = "all clients" if scope == ALL else _shown(frozenset(scope) - frozenset(self.scope))
            return f"`{self.user.id}` does not work for {beyond}"
        return None

    def is_same_person(self, beneficiary: Person) -> bool:
        """Whether approver and beneficiary are one person, by ids that look the same or by uid."""
        if fold_id(self.user.id) == fold_id(beneficiary.id):
            return True
        return self.user.uid is not None and self.user.uid == beneficiary.uid


class Approvers:
    """Finds the approvers of the base for the orgs of the tree."""

    def __init__(self, base: Base, config: Config, instant: Instant) -> None:
        self.base = base
        self._config = config
        self._instant = instant
        self._found: dict[str, dict[str, Approver]] = {}
        self.allows_self = (
            base.config.project.approvals.allow_self_approval and config.project.approvals.allow_self_approval
        )

    def of_org(self, org: str) -> dict[str, Approver]:
        """Returns who may approve in an org, by user id; nobody in an org that the base does not have."""
        if org not in self._found:
            before, now = self.base.org(org), self._config.orgs.get(org)
            self._found[org] = self._find(before, now) if before is not None and now is not None else {}
        return self._found[org]

    def may_approve_own(self, approver: Approver, beneficiary: Person) -> bool:
        """Whether the approver is somebody else than the beneficiary, or may approve for himself or herself."""
        return not approver.is_same_person(beneficiary) or self.allows_self or approver.role.root

    def _find(self, before: Org, now: Org) -> dict[str, Approver]:
        # The person's entry, groups and role are the base's; which permissions and subscriptions there are, the tree's.
        org = replace_org(before, now)
        resolver = OrgResolver(org, every_audience=True)
        access = OrgAccess(org, self._instant, {})
        found = {}
        for user in before.users.values():
            role = org.platform.roles.get(user.entry.role or "")
            if role is None or role.approves is Reach.NONE or user.entry.suspended or user.id in before.unsound:
                continue
            holding = resolver.resolve(user.entry, self._instant)
            scope = access.scope(user).get("clients", [])
            found[user.id] = Approver(
                user=user,
                role=role,
                holds=holding.effective,
                baseline=holding.rights.baseline,
                scope=ALL if scope == ALL else frozenset(scope),
                led=_led(access, user) if role.approves is Reach.LED_TEAMS else None,
            )
        return found


def _led(access: OrgAccess, user: User) -> dict[str, str | None]:
    users = access.org.users
    return {member: users[member].uid for member in access.led_by(user) if member in users}


def replace_org(before: Org, now: Org) -> Org:
    """Returns the base's org with the tree's catalog and subscriptions."""
    return replace(before, catalog=now.catalog, products=now.products)


def role_baseline(org: Org, role: PlatformRole) -> Mask:
    """Returns the baseline of a platform role in an org, whoever may hold it."""
    mask = match_set(org.catalog, role.baseline)
    return mask & org.catalog.read if role.is_read_only else mask


def _shown(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)[:3]) or "those clients"
