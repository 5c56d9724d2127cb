"""What a comparison comes to, as values: by org, by user, and what each gains and loses (docs/diff.md)."""

from collections.abc import Iterator
from enum import Enum
from typing import Generic, TypeAlias, TypeVar, assert_never

from msgspec import Struct

from hubcfg.core.instants import Instant
from hubcfg.planner.state import CatalogState, Extent, SignIn
from hubcfg.planner.verdict import NO_TOTALS, Difference, Totals, Verdict, Witness, judge, pick_witness
from hubcfg.platforms.grants import Audience
from hubcfg.resolver.windows import Window

T = TypeVar("T")

# When something holds, from the instant that is looked at on; windows do not touch, and an open end is END.
Windows: TypeAlias = tuple[Window, ...]


class Presence(Enum):
    """On which sides something is there."""

    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"


class Changed(Struct, Generic[T], frozen=True):
    """A value that is not the same on both sides."""

    before: T
    after: T


class PermissionChange(Struct, frozen=True):
    """Permissions that are held at other times than before, all in the same way.

    `obligations` come with them where they are gained, or else came with them. `is_from_catalog` says that the grants of before
    give the same with the catalog of after: nobody wrote the change but the author of the catalog.
    """

    permissions: tuple[str, ...]
    before: Windows
    after: Windows
    is_gained: bool
    is_lost: bool
    sensitive: tuple[str, ...]
    obligations: tuple[str, ...]
    is_from_catalog: bool


class ObligationChange(Struct, frozen=True):
    """Permissions held on both sides for which an obligation is new (`imposed`) or no more (`lifted`)."""

    obligation: str
    imposed: tuple[str, ...]
    lifted: tuple[str, ...]


class ProductChange(Struct, frozen=True):
    """A product that is open at other times; `onboarding` is what a first access starts."""

    product: str
    before: Windows
    after: Windows
    onboarding: str | None

    @property
    def is_first(self) -> bool:
        """Whether the product was not in the menu before."""
        return not self.before


class AccessChange(Struct, frozen=True):
    """How somebody's access changes; users with an equal change are shown together. What is None does not change.

    `widened` are the sensitive permissions that are held on both sides, but afterwards for more clients or with fewer obligations.
    """

    presence: Presence
    permissions: tuple[PermissionChange, ...] = ()
    obligations: tuple[ObligationChange, ...] = ()
    products: tuple[ProductChange, ...] = ()
    scope: Changed[Extent] | None = None
    manages: Changed[Extent] | None = None
    role: Changed[str | None] | None = None
    audience: Changed[Audience | None] | None = None
    suspended: Changed[bool] | None = None
    sign_in: Changed[SignIn | None] | None = None
    widened: tuple[str, ...] = ()
    gain: Difference | None = None
    loss: Difference | None = None
    totals: Totals = NO_TOTALS

    @property
    def verdict(self) -> Verdict:
        """Whether the user gains or loses."""
        return judge(gains=self.gain is not None, losses=self.loss is not None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self == _NO_CHANGE


_NO_CHANGE = AccessChange(Presence.KEPT)


class UserChange(Struct, frozen=True):
    """One user's change: the ids on both sides, which differ where the user was renamed.

    `is_other_person` says that the id is on both sides, but of people with another uid: one is removed, one added.
    """

    before: str | None
    after: str | None
    access: AccessChange
    uid: Changed[str | None] | None = None
    is_other_person: bool = False

    @property
    def id(self) -> str:
        """The id that the user has, or had."""
        return self.after or self.before or ""

    @property
    def is_rename(self) -> bool:
        """Whether the same person has another id."""
        return self.before is not None and self.after is not None and self.before != self.after

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self.access.is_empty and not self.is_rename and self.uid is None


class ClientsChange(Struct, frozen=True):
    """The clients of an org that are new, gone, or described otherwise."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class CatalogChange(Struct, frozen=True):
    """An org's catalog that is another, or another version, or has other permissions or marks."""

    before: CatalogState
    after: CatalogState
    added: tuple[str, ...]
    removed: tuple[str, ...]
    newly_sensitive: tuple[str, ...]
    no_longer_sensitive: tuple[str, ...]


class OrgChange(Struct, frozen=True):
    """How an org changes. `products` are its subscriptions, by state; of `unknown` users the access is not known."""

    id: str
    presence: Presence
    users: tuple[UserChange, ...]
    unknown: tuple[str, ...]
    gain: Witness | None
    loss: Witness | None
    totals: Totals
    platform: Changed[str] | None = None
    manage: Changed[str] | None = None
    products: tuple[tuple[str, Changed[str | None]], ...] = ()
    clients: ClientsChange = ClientsChange()
    catalog: CatalogChange | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether anybody of the org gains or loses."""
        return judge(gains=self.gain is not None, losses=self.loss is not None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes that the org or its people have; the catalog alone is nobody's access."""
        is_same = self.presence is Presence.KEPT and not self.users and self.clients == ClientsChange()
        return is_same and not (self.platform or self.manage or self.products)

    def groups(self) -> list[tuple[AccessChange, list[UserChange]]]:
        """Returns the users by what changes: sensitive gains first, then other gains, then the rest."""
        same: dict[
            int, tuple[AccessChange, list[UserChange]]
        ] = {}  # most who share a change share the object; to hash it is slow
        for user in self.users:
            same.setdefault(id(user.access), (user.access, []))[1].append(user)
        grouped: dict[AccessChange, list[UserChange]] = {}
        for access, users in same.values():
            grouped.setdefault(access, []).extend(users)
        if len(grouped) < len(same):
            for users in grouped.values():
                users.sort(key=lambda user: (user.id, user.after is not None))
        return sorted(grouped.items(), key=lambda item: (_urgency(item[0]), item[1][0].id))


def _urgency(change: AccessChange) -> int:
    if change.totals.sensitive_gained or change.totals.sensitive_widened:
        return 0
    return 1 if change.gain is not None else 2


class Comparison(Struct, frozen=True):
    """The difference between two states of a project, from an instant on; orgs without any are there too."""

    instant: Instant
    orgs: tuple[OrgChange, ...]

    @property
    def gain(self) -> Witness | None:
        """Who gains what, if anybody does: the most telling one."""
        return pick_witness(org.gain for org in self.orgs)

    @property
    def loss(self) -> Witness | None:
        """Who loses what, if anybody does: the most telling one."""
        return pick_witness(org.loss for org in self.orgs)

    @property
    def verdict(self) -> Verdict:
        """Whether anybody gains or loses."""
        return judge(gains=self.gain is not None, losses=self.loss is not None)

    @property
    def totals(self) -> Totals:
        """The counts of all orgs."""
        totals = NO_TOTALS
        for org in self.orgs:
            totals = totals.plus(org.totals)
        return totals

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return all(org.is_empty for org in self.orgs)

    @property
    def unknown(self) -> Iterator[tuple[str, str]]:
        """The users whose access is not known because of errors, each with the org."""
        return ((org.id, user) for org in self.orgs for user in org.unknown)


class Condition(Enum):
    """What a comparison can be held against, so that it proves something."""

    GAINS = "gains"
    SENSITIVE_GAINS = "sensitive-gains"
    ANY = "any"


def meets(comparison: Comparison, condition: Condition) -> bool:
    """Whether somebody gains something, or a sensitive permission, or whether anything changes."""
    totals = comparison.totals
    match condition:
        case Condition.GAINS:
            return comparison.gain is not None
        case Condition.SENSITIVE_GAINS:
            return bool(totals.sensitive_gained or totals.sensitive_widened)
        case Condition.ANY:
            return not comparison.is_empty
        case _:
            assert_never(condition)
