"""Compares resolved access: what two configurations give, each to its people."""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from hubcfg.core.instants import Instant
from hubcfg.emitter.bundle import resolve_authentication
from hubcfg.planner.change import Comparison, OrgChange
from hubcfg.planner.compare import compare_org
from hubcfg.planner.profiles import Recast
from hubcfg.planner.state import CatalogState, ClientState, Extent, OrgState, Person, Phase, Profile, SignIn
from hubcfg.platforms.catalog import Catalog
from hubcfg.resolver.access import Access, Holding, OrgAccess
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import boundaries_after, union_at
from hubcfg.validator.config import Entry, Org, User


def compare_access(before: Access, after: Access, orgs: Collection[str] | None = None) -> Comparison:
    """Returns the difference between two accesses that were resolved for one instant; `orgs` are those to look at.

    A user whose access is not known on either side is not compared, and is listed as `unknown`.
    """
    assert before.instant == after.instant
    wanted = sorted(before.orgs.keys() | after.orgs.keys())
    marks = [_catalogs(one) for one in (before, after)]
    return Comparison(
        before.instant,
        tuple(
            _compare(after, before.orgs.get(id), after.orgs.get(id), marks)
            for id in wanted
            if orgs is None or id in orgs
        ),
    )


def describe_org(access: OrgAccess) -> OrgState:
    """Returns the state of an org with everybody in it."""
    return _StateBuilder(access, []).build(())


def describe_catalog(catalog: Catalog) -> CatalogState:
    """Returns a catalog as plain values, with what it marks itself."""
    marks = {name: one.sensitive for name, one in catalog.permissions.items() if one.sensitive}
    return CatalogState(catalog.id, catalog.version, catalog.names, marks)


def _catalogs(access: Access) -> list[Catalog]:
    return list({org.org.catalog.id: org.org.catalog for org in access.orgs.values()}.values())


def _compare(
    access: Access, before: OrgAccess | None, after: OrgAccess | None, marks: list[list[Catalog]]
) -> OrgChange:
    old = None if before is None else _StateBuilder(before, [] if after is not None else marks[1])
    new = None if after is None else _StateBuilder(after, [] if before is not None else marks[0])
    unchanged: Collection[str] = ()
    recast: Recast | None = None
    if old is not None and new is not None:
        unchanged = _find_unchanged(old, new)
        if old.catalog.raw != new.catalog.raw:
            recast = old.recast_for(new.catalog)
    return compare_org(
        access.instant,
        None if old is None else old.build(unchanged),
        None if new is None else new.build(unchanged),
        recast,
    )


class _StateBuilder:
    """Describes one org's access as plain values; what depends on the holding alone is made once for all who share it.

    `others` are the catalogs of the other side where it does not have the org: what they mark is sensitive here as well.
    """

    def __init__(self, access: OrgAccess, others: Iterable[Catalog]) -> None:
        self.access = access
        self.org: Org = access.org
        self.catalog = access.org.catalog
        self._others = list(others)
        self._resolver = OrgResolver(access.org)
        self._profiles: dict[Holding, Profile] = {}
        self._entries: dict[Profile, Entry] = {}

    def build(self, unchanged: Collection[str]) -> OrgState:
        """Returns the state of the org, without the people who are the same on both sides."""
        org = self.org
        people = {
            id: self._person(user) for id, user in org.users.items() if id not in org.unsound and id not in unchanged
        }
        return OrgState(
            id=org.id,
            platform=org.platform.id,
            manage=org.manage,
            catalog=replace(describe_catalog(self.catalog), sensitive=self._sensitive()),
            products={product: org.products.get(product, "active") for product in org.active_products},
            onboarding=org.platform.onboarding,
            clients={id: ClientState(one.name, one.departments) for id, one in org.clients.items()},
            people=people,
            unknown=frozenset(org.unsound & org.users.keys()),
        )

    def profile(self, user: User) -> Profile:
        """Returns what the user holds, shared by all who hold the same."""
        holding = self.access.holding(user)
        profile = self._profiles.get(holding)
        if profile is None:
            role, whole = holding.rights.role, replace(holding, effective=self.catalog.all)
            profile = self._profiles[holding] = Profile(
                role=role.id if role is not None else None,
                is_suspended=user.entry.suspended,
                phases=find_phases(self._resolver, holding, self.access.instant),
                obligations=self.access.obligations(whole),
            )
            self._entries[profile] = user.entry
        return profile

    def recast_for(self, catalog: Catalog) -> Recast:
        """Returns what tells the phases that the grants of a profile have with another catalog."""
        resolver = OrgResolver(replace(self.org, catalog=catalog))
        instant = self.access.instant

        def recast(profile: Profile) -> tuple[Phase, ...]:
            entry = self._entries.get(profile)
            if entry is None:
                return profile.phases  # of nobody, who has no grants
            return find_phases(resolver, resolver.resolve(entry, instant), instant)

        return recast

    def _person(self, user: User) -> Person:
        scope, manages = self.access.scope(user), self.access.manages(user)
        return Person(
            id=user.id,
            audience=user.entry.audience,
            uid=user.uid,
            profile=self.profile(user),
            scope=Extent(company=str(scope["company"])) if "company" in scope else _extent(scope["clients"]),
            manages=_extent(manages),
            sign_in=_sign_in(self.org, user),
        )

    def _sensitive(self) -> dict[str, tuple[str, ...]]:
        found = dict(describe_catalog(self.catalog).sensitive)
        for other in self._others:
            for name, one in other.permissions.items():
                if one.sensitive and name in self.catalog.permissions:
                    found[name] = tuple(sorted({*found.get(name, ()), *one.sensitive}))
        return found


def find_phases(resolver: OrgResolver, holding: Holding, instant: Instant) -> tuple[Phase, ...]:
    """Returns what is held and open from an instant on; products may close where no permission ends."""
    phases = [Phase(instant, holding.effective, holding.products)]
    if not holding.entry.suspended:
        for edge in boundaries_after([holding.granted], instant):
            granted = union_at(holding.granted, edge)
            effective, products = resolver.evaluate(holding.entry, holding.rights, granted, holding.denied)
            if (effective, products) != (phases[-1].permissions, phases[-1].products):
                phases.append(Phase(edge, effective, products))
    return tuple(phases)


def _find_unchanged(before: _StateBuilder, after: _StateBuilder) -> Collection[str]:
    """Returns the users whose entries and whose org say the same on both sides, which most do."""
    one, other = before.org, after.org
    if one is other:
        return one.users.keys()
    if not _is_same_ground(one, other):
        return ()
    known: dict[tuple[Entry, Entry], bool] = {}
    unchanged = set()
    for id, user in one.users.items():
        twin = other.users.get(id)
        if twin is None or id in one.unsound or id in other.unsound:
            continue
        if twin is not user and not (
            (user.uid, user.company, user.method, user.mfa) == (twin.uid, twin.company, twin.method, twin.mfa)
            and user.clients == twin.clients
            and user.entry.audience is twin.entry.audience
        ):
            continue
        key = (user.entry, twin.entry)
        if key not in known:
            known[key] = _is_same_profile(before.profile(user), after.profile(twin))
        if known[key]:
            unchanged.add(id)
    return unchanged


def _is_same_ground(one: Org, other: Org) -> bool:
    """Whether two orgs have all in common that makes equal entries mean the same."""
    return (
        one.platform.raw == other.platform.raw
        and one.catalog.raw == other.catalog.raw
        and one.authentication == other.authentication
        and one.clients.keys() == other.clients.keys()
        and {id: (team.leads, team.members) for id, team in one.teams.items()}
        == {id: (team.leads, team.members) for id, team in other.teams.items()}
    )


def _is_same_profile(one: Profile, other: Profile) -> bool:
    """Whether two profiles are the same; on the same ground their roles' obligations are."""
    return (one.role, one.is_suspended, one.phases) == (other.role, other.is_suspended, other.phases)


def _sign_in(org: Org, user: User) -> SignIn | None:
    resolved = resolve_authentication(org, user)
    return None if resolved is None else (str(resolved["method"]), resolved["mfa"] is True)


def _extent(names: str | list[str]) -> Extent:
    return Extent(is_all=True) if isinstance(names, str) else Extent(frozenset(names))
