"""Explains what a user holds and does not hold: through what, and what stands in the way (docs/resolution.md, "Explaining")."""

from enum import Enum

from msgspec import Struct

from hubcfg.core.instants import Instant
from hubcfg.platforms.grants import Audience
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import match_set
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.chains import Chain, GrantGraph, Link, Ways
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import union_at
from hubcfg.validator.config import Entry, User

LISTED_CHAINS = 20


class Obstacle(Enum):
    """Why somebody does not hold a permission."""

    SUSPENDED = "suspended"
    AUDIENCE = "audience"
    NO_ROLE = "no-role"
    READ_ONLY = "read-only"
    NOT_GRANTED = "not-granted"
    NOT_YET = "not-yet"
    ENDED = "ended"
    DENIED = "denied"
    CEILING = "ceiling"
    NOT_SUBSCRIBED = "not-subscribed"
    NO_PRODUCT_ENTRY = "no-product-entry"
    NO_ACCESS_IMPLIED = "no-access-implied"


class Opening(Enum):
    """Why a product is open to a user."""

    ROLE = "role"
    NAMED = "named"
    ALWAYS = "always"
    ROLE_IMPLIES = "role-implies"
    IMPLIED = "implied"
    CLIENT = "client"


class Deny(Struct, frozen=True):
    """One entry of a `deny` list; `path` is relative to the user's entry."""

    path: tuple[str | int, ...]
    pattern: str


class Hindrance(Struct, frozen=True):
    """One thing that stands in the way. All of an answer's hindrances must go before it is "yes".

    `instant` is when the first grant begins (`NOT_YET`) or the last one ended (`ENDED`); `denies` take the
    permission away (`DENIED`), or everything that would have implied access to the product (`NO_ACCESS_IMPLIED`).
    """

    obstacle: Obstacle
    instant: Instant | None = None
    denies: tuple[Deny, ...] = ()


class Source(Struct, frozen=True, eq=False):
    """What some permissions come through: a chain, or a baseline (`chain` is None): that of `role`, or of client users.

    `is_downgraded` says that the chain grants something else of the same resource, of which a read-only role leaves reading.
    """

    chain: Chain | None
    mask: Mask
    is_downgraded: bool = False
    role: str | None = None


class Origins(Struct, frozen=True, eq=False):
    """Where an entry's effective permissions come from: of each the shortest way, direct and inherited.

    A permission that is both direct and inherited is in one source of each.
    """

    direct: tuple[Source, ...]
    inherited: tuple[Source, ...]


class Carrier(Struct, frozen=True):
    """A group or Hub role that gives a permission, with how many it gives in all."""

    noun: str
    id: str
    size: int


class Explanation(Struct, frozen=True, eq=False):
    """Why a user holds a permission, or why not.

    `counting` are the chains that yield it, `waiting` those whose windows do not hold. `denies` are all that match,
    also where the baseline gives the permission all the same. `begins` is the next instant at which the answer
    becomes "yes" by itself. `carriers` would give the permission; `roles` are the platform roles that may hold it, of which
    `giving` have it without any grant. `obligations` come with the permission where it is held.
    """

    user: User
    holding: Holding
    permission: str
    is_held: bool
    in_baseline: bool
    counting: Ways
    waiting: Ways
    denies: tuple[Deny, ...]
    hindrances: tuple[Hindrance, ...]
    opening: Opening | None
    begins: Instant | None
    carriers: tuple[Carrier, ...]
    roles: tuple[str, ...]
    giving: tuple[str, ...]
    obligations: tuple[str, ...]


class Explainer:
    """Explains the access of one org's users."""

    def __init__(self, access: OrgAccess) -> None:
        self.access = access
        self._org = access.org
        self._catalog = access.org.catalog
        self._resolver = OrgResolver(access.org)
        self._graph = GrantGraph(access.org)
        self._origins: dict[Entry, Origins] = {}

    def explain(self, user: User, permission: str, limit: int = LISTED_CHAINS) -> Explanation:
        """Explains one permission of the catalog; at most `limit` chains of either kind are listed."""
        holding, bit = self.access.holding(user), self._catalog.match(permission)
        entry, instant = user.entry, self.access.instant
        counting, waiting = self._graph.find(entry, self._yielding(holding, bit), instant, limit)
        hindrances = self.hindrances(holding, bit)
        return Explanation(
            user=user,
            holding=holding,
            permission=permission,
            is_held=bool(holding.effective & bit),
            in_baseline=bool(holding.rights.baseline & bit),
            counting=counting,
            waiting=waiting,
            denies=self._denies(entry, bit),
            hindrances=hindrances,
            opening=self.opening(holding, permission.split(".", 1)[0]),
            begins=next((step.instant for step in holding.timeline[1:] if step.effective & bit), None),
            carriers=self._carriers(entry, bit) if any(one.obstacle in _LACKS_GRANT for one in hindrances) else (),
            roles=self._roles(bit),
            giving=self._giving(bit),
            obligations=tuple(name for name, mask in self.access.obligations(holding).items() if mask & bit),
        )

    def hindrances(self, holding: Holding, bit: Mask) -> tuple[Hindrance, ...]:
        """Returns what keeps a permission from being effective; nothing where it is."""
        if holding.effective & bit:
            return ()
        entry, rights = holding.entry, holding.rights
        found = [Hindrance(Obstacle.SUSPENDED)] if entry.suspended else []
        if not rights.audience & bit:
            return (*found, Hindrance(Obstacle.AUDIENCE))
        if entry.audience is Audience.STAFF and rights.role is None:
            return (*found, Hindrance(Obstacle.NO_ROLE))
        if rights.role is not None and rights.role.is_read_only and not bit & self._catalog.read:
            found.append(Hindrance(Obstacle.READ_ONLY))
        lacking = [] if rights.baseline & bit else self._lacking(holding, bit)
        found += lacking
        if not rights.ceiling & bit:
            found.append(Hindrance(Obstacle.CEILING))
        product = self._product(bit)
        if product not in self._org.active_products:
            found.append(Hindrance(Obstacle.NOT_SUBSCRIBED))
        found += self._closed(holding, bit, product, lacking)
        return tuple(found)

    def opening(self, holding: Holding, product: str) -> Opening | None:
        """Returns why a user has access to a product, subscribed or not; None where there is no access."""
        entry, role = holding.entry, holding.rights.role
        if entry.audience is Audience.CLIENT:
            return Opening.CLIENT
        if role is None:
            return None
        if role.has_all_products:
            return Opening.ROLE
        if entry.products is not None and any(one.product == product for one in entry.products):
            return Opening.NAMED
        if product in self._org.platform.always_active:
            return Opening.ALWAYS
        if product in role.implied_products:
            return Opening.ROLE_IMPLIES
        if entry.products is None and self._granted_now(holding) & ~holding.denied & self._catalog.of_product(product):
            return Opening.IMPLIED
        return None

    def origins(self, holding: Holding) -> Origins:
        """Returns where the effective permissions of an entry come from."""
        entry = holding.entry
        if entry not in self._origins:
            roots = self._graph.roots(entry)
            direct = [link for link in roots if link.leads_to is None]
            inherited = [link for link in roots if link.leads_to is not None]
            own = self._sources(holding, direct, holding.effective)
            baseline = holding.rights.baseline & holding.effective
            through = self._sources(holding, inherited, holding.effective & ~baseline)
            whole = (Source(None, baseline, role=entry.role), *through) if baseline else through
            self._origins[entry] = Origins(own, whole)
        return self._origins[entry]

    def _sources(self, holding: Holding, roots: list[Link], wanted: Mask) -> tuple[Source, ...]:
        left = wanted & ~holding.denied
        found: list[Source] = []
        for chain, mask in self._graph.spread(roots, self.access.instant) if left else ():
            granted = mask & holding.rights.audience
            kept = self._resolver.downgrade(holding.rights, granted) & left
            for part, is_downgraded in ((kept & granted, False), (kept & ~granted, True)):
                if part:
                    found.append(Source(chain, part, is_downgraded))
            left &= ~kept
            if not left:
                break
        return tuple(found)

    def _lacking(self, holding: Holding, bit: Mask) -> list[Hindrance]:
        """Returns why what is granted and not denied does not have the permission."""
        found = []
        wanted = self._yielding(holding, bit)
        if not self._granted_now(holding) & wanted:
            found.append(self._without_grant(holding, wanted))
        denies = self._denies(holding.entry, bit)
        if denies:
            found.append(Hindrance(Obstacle.DENIED, denies=denies))
        return found

    def _without_grant(self, holding: Holding, wanted: Mask) -> Hindrance:
        windows = [window for window, mask in holding.granted.items() if mask & wanted]
        later = [start for start, _ in windows if start > self.access.instant]
        if later:
            return Hindrance(Obstacle.NOT_YET, min(later))
        if windows:
            return Hindrance(Obstacle.ENDED, max(end for _, end in windows))
        return Hindrance(Obstacle.NOT_GRANTED)

    def _closed(self, holding: Holding, bit: Mask, product: str, lacking: list[Hindrance]) -> list[Hindrance]:
        """Returns why the product is closed, unless it would be open once the permission is granted and not denied."""
        entry = holding.entry
        if self.opening(holding, product) not in (None, Opening.IMPLIED):
            return []
        if entry.products is not None:
            return [Hindrance(Obstacle.NO_PRODUCT_ENTRY)]
        lacks = {one.obstacle: one for one in lacking}
        if Obstacle.NOT_GRANTED in lacks:
            return []  # the grant that is missing would imply access as well
        staying = [
            deny for deny in self._every_deny(entry) if Obstacle.DENIED not in lacks or not self._deny_mask(deny) & bit
        ]
        granted = union_at(holding.granted, self._counting_instant(lacks)) & self._catalog.of_product(product)
        denied = 0
        for deny in staying:
            denied |= self._deny_mask(deny)
        if granted & ~denied:
            return []
        taking = tuple(deny for deny in staying if self._deny_mask(deny) & granted)
        return [Hindrance(Obstacle.NO_ACCESS_IMPLIED, denies=taking)]

    def _counting_instant(self, lacks: dict[Obstacle, Hindrance]) -> Instant:
        """Returns an instant at which the grant counts: this one, or the nearest where its window does not hold now."""
        for obstacle, shift in ((Obstacle.NOT_YET, 0), (Obstacle.ENDED, -1)):
            if obstacle in lacks and (instant := lacks[obstacle].instant) is not None:
                return Instant(instant + shift)
        return self.access.instant

    def _yielding(self, holding: Holding, bit: Mask) -> Mask:
        """Returns the permissions a grant of which yields this one: itself, and for a read-only role what turns into it."""
        role = holding.rights.role
        if role is None or not role.is_read_only or not bit & self._catalog.read:
            return bit
        resource = self._catalog.to_names(bit)[0].rsplit(".", 1)[0]
        beside = self._catalog.match(f"{resource}.*") & ~self._catalog.read & holding.rights.audience
        return bit | beside

    def _granted_now(self, holding: Holding) -> Mask:
        return union_at(holding.granted, self.access.instant)

    def _denies(self, entry: Entry, bit: Mask) -> tuple[Deny, ...]:
        return tuple(deny for deny in self._every_deny(entry) if self._deny_mask(deny) & bit)

    def _every_deny(self, entry: Entry) -> list[Deny]:
        found = [Deny(("deny", index), pattern) for index, pattern in enumerate(entry.deny)]
        for product in entry.products or ():
            path = ("products", product.product, "deny")
            found += [Deny((*path, index), pattern) for index, pattern in enumerate(product.deny)]
        return found

    def _deny_mask(self, deny: Deny) -> Mask:
        mask = self._catalog.match(deny.pattern)
        return mask & self._catalog.of_product(str(deny.path[1])) if deny.path[0] == "products" else mask

    def _carriers(self, entry: Entry, bit: Mask) -> tuple[Carrier, ...]:
        """Returns the groups and Hub roles that give the permission now, those that give least first."""
        within = self._catalog.of_audience(entry.audience)
        found = []
        for id, group in self._org.groups.items():
            if group.audience is entry.audience:
                found.append(("group", id, self._resolver.group_terms(id)))
        found += [("role", id, self._resolver.role_terms(id)) for id in self._org.roles]
        carriers = []
        for noun, id, terms in found:
            mask = union_at(terms, self.access.instant)
            if mask & bit and (entry.audience is Audience.STAFF or not mask & ~within):
                carriers.append(Carrier(noun, id, (mask & within).bit_count()))
        return tuple(sorted(carriers, key=lambda one: (one.size, one.noun, one.id)))

    def _roles(self, bit: Mask) -> tuple[str, ...]:
        """Returns the platform roles that may hold the permission, the narrowest ceiling first."""
        found = []
        for id, role in self._org.platform.roles.items():
            ceiling = match_set(self._catalog, role.ceiling)
            if ceiling & bit and (bit & self._catalog.read or not role.is_read_only):
                found.append((ceiling.bit_count(), id))
        return tuple(id for _, id in sorted(found))

    def _giving(self, bit: Mask) -> tuple[str, ...]:
        """Returns the platform roles whose baseline gives the permission whatever products are granted."""
        roles = self._org.platform.roles
        return tuple(
            id
            for id in self._roles(bit)
            if roles[id].has_all_products and match_set(self._catalog, roles[id].baseline) & bit
        )

    def _product(self, bit: Mask) -> str:
        return self._catalog.to_names(bit)[0].split(".", 1)[0]


_LACKS_GRANT = (Obstacle.NOT_GRANTED, Obstacle.NOT_YET, Obstacle.ENDED)
