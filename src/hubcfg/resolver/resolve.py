"""Resolves an org: the rules of docs/resolution.md over bit masks, once for each distinct entry."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hubcfg.core.instants import Instant
from hubcfg.platforms.catalog import Catalog
from hubcfg.platforms.grants import Audience, Grant, Grants
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import match_set
from hubcfg.resolver.access import Access, Holding, OrgAccess, Rights, Step
from hubcfg.resolver.windows import ALWAYS, Timed, Window, add_timed, boundaries_after, union_at, union_of
from hubcfg.validator.config import Config, Entry, Org, ProductEntry


def resolve_access(config: Config, instant: Instant, map: Callable[..., Iterator[Any]] = map) -> Access:
    """Resolves every org of the project from `instant` on; `map` decides where."""
    resolved = map(partial(resolve_org, instant=instant), config.orgs.values())
    return Access(instant, {access.org.id: access for access in resolved})


def resolve_org(org: Org, instant: Instant) -> OrgAccess:
    """Resolves one org. Users whose entries say the same are resolved together."""
    return OrgAccess(org, instant, Holdings(org, instant))


class Holdings(dict[Entry, Holding]):
    """What the users of an org hold from an instant on, by entry; each is worked out when it is first asked for."""

    def __init__(self, org: Org, instant: Instant) -> None:
        super().__init__()
        self._org = org
        self._instant = instant
        self._resolver: OrgResolver | None = None

    def __missing__(self, entry: Entry) -> Holding:
        if self._resolver is None:
            self._resolver = OrgResolver(self._org)
        holding = self[entry] = self._resolver.resolve(entry, self._instant)
        return holding


class OrgResolver:
    """The rules of resolution for one org, with what its groups, roles and platform roles come to.

    `every_audience` leaves audiences aside: who approves something for a client's user need not be one.
    """

    def __init__(self, org: Org, *, every_audience: bool = False) -> None:
        self._every_audience = every_audience
        self._org = org
        self._catalog: Catalog = org.catalog
        self._active = org.active_products
        self._withins: dict[frozenset[str], Mask] = {}
        self._groups: dict[str, Timed] = {}
        self._roles: dict[str, Timed] = {}
        self._rights: dict[tuple[Audience, str | None], Rights] = {}

    def resolve(self, entry: Entry, instant: Instant) -> Holding:
        """Returns what the users with this entry hold from `instant` on."""
        rights = self.rights(entry)
        granted, denied = self.granted(entry), self.denied(entry)
        potential, reach = self.evaluate(entry, rights, union_of(granted), denied)
        if entry.suspended:
            step = Step(instant, 0)
            return Holding(entry, rights, 0, frozenset(), (step,), granted, denied, potential, reach)
        if granted.keys() <= {ALWAYS}:
            step = Step(instant, potential)
            return Holding(entry, rights, potential, reach, (step,), granted, denied, potential, reach)
        effective, products = self.evaluate(entry, rights, union_at(granted, instant), denied)
        timeline = [Step(instant, effective)]
        for edge in boundaries_after([granted], instant):
            later, _ = self.evaluate(entry, rights, union_at(granted, edge), denied)
            if later != timeline[-1].effective:
                timeline.append(Step(edge, later))
        return Holding(entry, rights, effective, products, tuple(timeline), granted, denied, potential, reach)

    def _of_audience(self, audience: Audience) -> Mask:
        return self._catalog.all if self._every_audience else self._catalog.of_audience(audience)

    def rights(self, entry: Entry) -> Rights:
        """Returns what the entry's platform role, or being a client user, gives and allows."""
        key = (entry.audience, entry.role if entry.audience is Audience.STAFF else None)
        if key not in self._rights:
            self._rights[key] = self._bind_rights(*key)
        return self._rights[key]

    def _bind_rights(self, audience: Audience, role_id: str | None) -> Rights:
        platform, of_audience = self._org.platform, self._of_audience(audience)
        if audience is Audience.CLIENT:
            baseline, ceiling = platform.client_baseline, platform.client_ceiling
            return Rights(
                None,
                of_audience,
                match_set(self._catalog, baseline) & of_audience,
                match_set(self._catalog, ceiling) & of_audience,
            )
        role = platform.roles.get(role_id) if role_id is not None else None
        if role is None:
            return Rights(None, of_audience, 0, 0)
        baseline_mask = match_set(self._catalog, role.baseline) & of_audience
        if role.is_read_only:
            baseline_mask &= self._catalog.read
        return Rights(role, of_audience, baseline_mask, match_set(self._catalog, role.ceiling) & of_audience)

    def granted(self, entry: Entry) -> Timed:
        """Returns what the entry's chains grant, for its audience, before denies and all else."""
        total: Timed = {}
        of_audience = self._of_audience(entry.audience)
        for grant, timed in self._sources(entry):
            add_timed(total, timed, window_of(grant), of_audience)
        for product in entry.products or ():
            within = self._catalog.of_product(product.product) & of_audience
            for grant, timed in self._sources(product):
                add_timed(total, timed, window_of(grant), within)
        return total

    def _sources(self, access: Entry | ProductEntry) -> Iterator[tuple[Grant, Timed]]:
        for grant in access.permissions:
            yield grant, self.permission_terms(grant)
        for grant in access.groups:
            yield grant, self.group_terms(grant.target)
        for grant in access.roles:
            yield grant, self.role_terms(grant.target)

    def permission_terms(self, grant: Grant) -> Timed:
        """Returns what a pattern matches, without the grant's own window."""
        return {ALWAYS: self._catalog.match(grant.target)}

    def denied(self, entry: Entry) -> Mask:
        """Returns what the entry's denies take away."""
        mask = self.deny_mask(entry.deny)
        for product in entry.products or ():
            mask |= self.deny_mask(product.deny) & self._catalog.of_product(product.product)
        return mask & self._of_audience(entry.audience)

    def deny_mask(self, patterns: tuple[str, ...]) -> Mask:
        """Returns what a list of denies matches."""
        mask = 0
        for pattern in patterns:
            mask |= self._catalog.match(pattern)
        return mask

    def role_terms(self, role_id: str) -> Timed:
        """Returns what a Hub role grants, of any audience."""
        terms = self._roles.get(role_id)
        if terms is None:
            terms = self._roles[role_id] = {}
            role = self._org.roles.get(role_id)
            if role is not None:
                self._add_patterns(terms, role.permissions)
                for grant in role.groups:
                    add_timed(terms, self.group_terms(grant.target), window_of(grant))
        return terms

    def group_terms(self, group_id: str) -> Timed:
        """Returns what a group grants, its includes among it, of any audience."""
        if group_id in self._groups:
            return self._groups[group_id]
        # Depth first with a stack of our own: chains of includes may be longer than Python's.
        stack = [group_id]
        open_groups: set[str] = set()
        while stack:
            current = stack[-1]
            group = self._org.groups.get(current)
            if current in self._groups or group is None:
                self._groups.setdefault(current, {})
                stack.pop()
                continue
            missing = [
                grant.target
                for grant in group.includes
                if grant.target not in self._groups and grant.target not in open_groups and grant.target != current
            ]
            if missing and current not in open_groups:
                open_groups.add(current)
                stack += missing
                continue
            terms: Timed = {}
            self._add_patterns(terms, group.permissions)
            for grant in group.includes:
                add_timed(terms, self._groups.get(grant.target, {}), window_of(grant))
            self._groups[current] = terms
            stack.pop()
        return self._groups[group_id]

    def _add_patterns(self, terms: Timed, grants: Grants) -> None:
        for grant in grants:
            add_timed(terms, self.permission_terms(grant), window_of(grant))

    def evaluate(self, entry: Entry, rights: Rights, granted: Mask, denied: Mask) -> tuple[Mask, frozenset[str]]:
        """Returns what is effective and which products are open, given what is granted at some instant."""
        catalog, role = self._catalog, rights.role
        kept = self.downgrade(rights, granted) & ~denied
        if entry.audience is Audience.CLIENT:
            effective = (rights.baseline | kept) & rights.ceiling & self.within(self._active)
            return effective, frozenset(catalog.products_of(effective))
        open_products = self.open_products(entry, rights, granted & ~denied) if role is not None else frozenset()
        return (rights.baseline | kept) & rights.ceiling & self.within(open_products), open_products

    def downgrade(self, rights: Rights, granted: Mask) -> Mask:
        """Returns what a grant comes to: for a read-only role reading only, permission by permission."""
        if rights.role is None or not rights.role.is_read_only:
            return granted
        catalog = self._catalog
        writes = granted & ~catalog.read
        return granted & catalog.read | (catalog.reads_beside(writes) & rights.audience if writes else 0)

    def open_products(self, entry: Entry, rights: Rights, kept: Mask) -> frozenset[str]:
        """Returns the active products that a staff user can open; `kept` is what is granted and not denied."""
        role = rights.role
        if role is None:
            return frozenset()
        if role.has_all_products:
            return self._active
        if entry.products is not None:
            named = frozenset(product.product for product in entry.products)
        else:
            named = self._catalog.products_of(kept)
        always = {*self._org.platform.always_active, *role.implied_products}
        return frozenset((named | always) & self._active)

    def within(self, products: frozenset[str]) -> Mask:
        """Returns the permissions of some products."""
        mask = self._withins.get(products)
        if mask is None:
            mask = 0
            for product in products:
                mask |= self._catalog.of_product(product)
            self._withins[products] = mask
        return mask


def window_of(grant: Grant) -> Window:
    """Returns the window of one entry of a list."""
    return grant.start, grant.end
