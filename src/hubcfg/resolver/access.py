"""What the resolver returns: for each distinct entry of an org its holding, and what follows from it for each user."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct, field

from hubcfg.core.instants import Instant, format_instant
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PlatformRole, Reach
from hubcfg.platforms.platform import Scope as ScopeRule
from hubcfg.resolver.windows import Timed
from hubcfg.validator.config import Entry, Org, User

# A user's scope as bundles write it: {"clients": "all"}, {"clients": [...]} or {"company": "..."}.
Scope: TypeAlias = dict[str, str | list[str]]


class Rights(Struct, frozen=True):
    """What a platform role (or being a client user) gives and allows, as sets of permissions."""

    role: PlatformRole | None
    audience: Mask
    baseline: Mask
    ceiling: Mask


class Step(Struct, frozen=True):
    """From `instant` on (until the next step) these permissions are effective."""

    instant: Instant
    effective: Mask


class Holding(Struct, frozen=True, eq=False):
    """What the users with one entry hold (docs/resolution.md).

    `effective` and `products` are at the instant that was asked for; `timeline` begins there and has a step for each
    later change. `potential` is what would be effective if all grants counted at once: what the entry can come to,
    time windows aside; `reach` are the products that it could then open. `granted` and `denied` are what the lists say.
    """

    entry: Entry
    rights: Rights
    effective: Mask
    products: frozenset[str]
    timeline: tuple[Step, ...]
    granted: Timed
    denied: Mask
    potential: Mask
    reach: frozenset[str]

    @property
    def ever(self) -> Mask:
        """The permissions that are effective now or at a later instant."""
        mask = 0
        for step in self.timeline:
            mask |= step.effective
        return mask

    def ends(self) -> list[tuple[Instant, Mask]]:
        """Returns what is effective now and ends by itself, with the first instant at which it no longer is."""
        ends = []
        held = self.effective
        for step in self.timeline[1:]:
            gone = held & ~step.effective
            if gone:
                ends.append((step.instant, gone))
                held &= step.effective
        return ends


class OrgAccess(Struct, frozen=True, eq=False):
    """The access of an org's users at one instant and after it.

    `holdings` has those that have been asked for; `all_holdings` has all. `approved` says, by user, when approvals end on which permissions rest: they end with them. It is known once approvals
    have been judged.
    """

    org: Org
    instant: Instant
    holdings: dict[Entry, Holding]
    approved: Mapping[str, Sequence[tuple[Instant, Mask]]] = field(default_factory=dict)

    def all_holdings(self) -> dict[Entry, Holding]:
        """Returns what each distinct entry comes to, in the order of the users."""
        return {user.entry: self.holdings[user.entry] for user in self.org.users.values()}

    def holding(self, user: User) -> Holding:
        """Returns what a user holds."""
        return self.holdings[user.entry]

    def role(self, user: User) -> PlatformRole | None:
        """Returns a staff user's platform role."""
        return self.org.platform.roles.get(user.entry.role) if user.entry.role is not None else None

    def scope(self, user: User) -> Scope:
        """Returns whose clients a user works for (docs/resolution.md, "Scope")."""
        if user.entry.audience is Audience.CLIENT:
            return {"company": user.company or ""}
        role = self.role(user)
        if not self.org.platform.assigns_clients or (role is not None and role.scope is ScopeRule.ALL):
            return {"clients": "all"}
        if role is None or role.scope is ScopeRule.NONE or user.clients is None:
            return {"clients": []}
        return {"clients": sorted(self.org.clients) if user.clients == "all" else sorted(set(user.clients))}

    def manages(self, user: User) -> str | list[str]:
        """Returns whose access a user administers: `all`, or the sorted members of the teams that the user leads."""
        role = self.role(user)
        if role is None or user.entry.suspended or role.manages is Reach.NONE:
            return []
        return "all" if role.manages is Reach.ALL else self.led_by(user)

    def led_by(self, user: User) -> list[str]:
        """Returns the sorted members, without the user, of the teams that a user leads."""
        led = {member for team in self.org.teams.values() if user.id in team.leads for member in team.members}
        return sorted(led - {user.id})

    def obligations(self, holding: Holding) -> dict[str, Mask]:
        """Returns the effective permissions that come with each obligation of the user's role."""
        role, catalog = holding.rights.role, self.org.catalog
        found: dict[str, Mask] = {}
        for name, categories in role.obligations if role is not None else ():
            mask = catalog.sensitive if categories is None else 0
            for category in categories or ():
                mask |= catalog.of_category(category)
            if mask & holding.effective:
                found[name] = mask & holding.effective
        return found

    def ends(self, user: User) -> list[tuple[Instant, Mask]]:
        """Returns what a user holds now and what ends by itself, each permission at the first instant that ends it."""
        holding = self.holding(user)
        if user.id not in self.approved:
            return holding.ends()
        ends: list[tuple[Instant, Mask]] = []
        left = holding.effective
        for instant, mask in sorted([*holding.ends(), *self.approved[user.id]]):
            if mask & left:
                ends.append((instant, mask & left))
                left &= ~mask
        return ends

    def until(self, user: User) -> dict[str, str]:
        """Returns when each permission of a user that ends by itself ends."""
        names = self.org.catalog.to_names
        return {name: format_instant(instant) for instant, mask in self.ends(user) for name in names(mask)}


class Access(Struct, frozen=True, eq=False):
    """The access of every org of a project, from one instant on."""

    instant: Instant
    orgs: dict[str, OrgAccess]
