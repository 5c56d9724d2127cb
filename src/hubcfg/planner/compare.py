"""Compares the states of orgs: matches their people, and says what each gains and loses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from hubcfg.core.instants import Instant
from hubcfg.planner.change import (
    AccessChange,
    CatalogChange,
    Changed,
    ClientsChange,
    OrgChange,
    Presence,
    UserChange,
)
from hubcfg.planner.profiles import ProfileChange, ProfileComparer, Recast, Words
from hubcfg.planner.state import NOBODY, CatalogState, Extent, OrgState, Person, Phase, Profile
from hubcfg.planner.verdict import Aspect, Difference, Totals, Witness, pick_difference, pick_witness

T = TypeVar("T")


def compare_org(
    instant: Instant, before: OrgState | None, after: OrgState | None, recast: Recast | None = None
) -> OrgChange:
    """Returns how an org changes from `instant` on; a side on which it is not there is None.

    `recast` tells what the grants of a profile of before come to with the catalog of after; without it no change is laid to
    the catalog.
    """
    present = after or before
    assert present is not None
    comparer = _PeopleComparer(instant, before, after, recast)
    users = tuple(comparer.compare())
    totals = Totals(users=len(users))
    for user in users:
        totals = totals.plus(user.access.totals)
    change = OrgChange(
        id=present.id,
        presence=_presence(before, after),
        users=users,
        unknown=tuple(sorted(_unknown(before) | _unknown(after))),
        gain=_pick(present.id, users, is_gain=True),
        loss=_pick(present.id, users, is_gain=False),
        totals=totals,
        products=_compare_products(before, after),
        clients=_compare_clients(before, after),
    )
    if before is None or after is None:
        return change
    return replace(
        change,
        platform=_changed(before.platform, after.platform),
        manage=_changed(before.manage, after.manage),
        catalog=_compare_catalogs(before.catalog, after.catalog),
    )


def match_people(
    before: Mapping[str, Person], after: Mapping[str, Person]
) -> Iterator[tuple[Person | None, Person | None]]:
    """Yields the same people of both sides together: by uid, else by id; two uids under one id are two people."""
    by_uid = {person.uid: person for person in after.values() if person.uid is not None}
    left = dict(after)
    rest = []
    for person in before.values():
        same = by_uid.get(person.uid) if person.uid is not None else None
        if same is not None and same.id in left:
            yield person, left.pop(same.id)
        else:
            rest.append(person)
    for person in rest:
        namesake = left.get(person.id)
        if namesake is not None and (person.uid is None or namesake.uid is None):
            yield person, left.pop(namesake.id)
        else:
            yield person, None
    for person in left.values():
        yield None, person


class _PeopleComparer:
    """Compares the people of one org; all who share both profiles share the work."""

    def __init__(
        self, instant: Instant, before: OrgState | None, after: OrgState | None, recast: Recast | None
    ) -> None:
        self._instant = instant
        unknown = _unknown(before) | _unknown(after)
        self._before, self._after = (
            {id: person for id, person in state.people.items() if id not in unknown} if state is not None else {}
            for state in (before, after)
        )
        self._words = Words(before.catalog if before else None, after.catalog if after else None)
        self._profiles = ProfileComparer(self._words, after.onboarding if after else {}, recast)
        self._nothing = Profile(None, False, (Phase(instant, 0, frozenset()),))
        self._known: dict[tuple[object, ...], AccessChange] = {}

    def compare(self) -> list[UserChange]:
        """Returns the changes of all people who have any, in the order of their ids."""
        pairs = list(match_people(self._before, self._after))
        renames = {one.id: other.id for one, other in pairs if one is not None and other is not None}
        changes = (self._compare_person(one, other, renames) for one, other in pairs)
        # Of two people with one id the one who goes comes first.
        return sorted((one for one in changes if not one.is_empty), key=lambda one: (one.id, one.after is not None))

    def _compare_person(self, before: Person | None, after: Person | None, renames: Mapping[str, str]) -> UserChange:
        old_id, new_id = before.id if before else None, after.id if after else None
        is_other = (after is None and old_id in self._after) or (before is None and new_id in self._before)
        uid = _changed(before.uid, after.uid) if before is not None and after is not None else None
        return UserChange(old_id, new_id, self._compare_access(before, after, renames), uid, is_other)

    def _compare_access(self, before: Person | None, after: Person | None, renames: Mapping[str, str]) -> AccessChange:
        old, new = before.profile if before else self._nothing, after.profile if after else self._nothing
        managed = before.manages if before else NOBODY
        managed = Extent(frozenset(renames.get(id, id) for id in managed.names), managed.is_all)
        key = (
            old,
            new,
            before and (before.audience, before.scope, managed, before.sign_in),
            after and (after.audience, after.scope, after.manages, after.sign_in),
        )
        if key not in self._known:
            manages = _changed(managed, after.manages if after else NOBODY)
            scope = _changed(before.scope if before else NOBODY, after.scope if after else NOBODY)
            part = self._profiles.compare(old, new)
            gains = [*part.gains, *self._widening(scope, manages, part.held_after)]
            losses = [*part.losses, *self._widening(_turned(scope), _turned(manages), part.held_before)]
            self._known[key] = AccessChange(
                presence=_presence(before, after),
                permissions=part.permissions,
                obligations=part.obligations,
                products=part.products,
                scope=scope,
                manages=manages,
                role=_changed(old.role, new.role),
                audience=_changed(before.audience if before else None, after.audience if after else None),
                suspended=_changed(old.is_suspended, new.is_suspended),
                sign_in=_changed(before.sign_in if before else None, after.sign_in if after else None),
                widened=(widened := self._widened(part, is_wider=any(one.aspect is Aspect.SCOPE for one in gains))),
                gain=pick_difference(gains),
                loss=pick_difference(losses),
                totals=_count(part, widened),
            )
        return self._known[key]

    def _widening(
        self, scope: Changed[Extent] | None, manages: Changed[Extent] | None, held: Difference | None
    ) -> Iterator[Difference]:
        """Yields what the later scope and management have that the earlier ones lack."""
        if scope is not None and held is not None and not scope.before.covers(scope.after):
            yield replace(held, name=_first_new(scope, "all clients"))
        if manages is not None and not manages.before.covers(manages.after):
            yield Difference(Aspect.MANAGEMENT, self._instant, name=_first_new(manages, "everybody"))

    def _widened(self, part: ProfileChange, *, is_wider: bool) -> tuple[str, ...]:
        """Returns what is sensitive and held more widely than before."""
        return tuple(self._words.to_names((part.held_by_both if is_wider else part.eased) & self._words.sensitive))


def _count(part: ProfileChange, widened: tuple[str, ...]) -> Totals:
    gained = [one for one in part.permissions if one.is_gained]
    return Totals(
        gained=sum(len(one.permissions) for one in gained),
        lost=sum(len(one.permissions) for one in part.permissions if one.is_lost),
        sensitive_gained=sum(len(one.permissions) for one in gained if one.sensitive),
        sensitive_widened=len(widened),
    )


def _first_new(change: Changed[Extent], everything: str) -> str:
    if change.after.company is not None:
        return f"the company {change.after.company}"
    new = change.after.names - change.before.names
    return everything if change.after.is_all or not new else min(new)


def _turned(change: Changed[T] | None) -> Changed[T] | None:
    return None if change is None else Changed(change.after, change.before)


def _changed(before: T, after: T) -> Changed[T] | None:
    return None if before == after else Changed(before, after)


def _presence(before: object | None, after: object | None) -> Presence:
    if before is None:
        return Presence.ADDED
    return Presence.REMOVED if after is None else Presence.KEPT


def _unknown(state: OrgState | None) -> frozenset[str]:
    return frozenset() if state is None else state.unknown


def _pick(org: str, users: Iterable[UserChange], *, is_gain: bool) -> Witness | None:
    found = ((user.id, user.access.gain if is_gain else user.access.loss) for user in users)
    return pick_witness(Witness(org, id, difference) for id, difference in found if difference is not None)


def _compare_products(before: OrgState | None, after: OrgState | None) -> tuple[tuple[str, Changed[str | None]], ...]:
    old, new = (state.products if state is not None else {} for state in (before, after))
    return tuple(
        (product, Changed(old.get(product), new.get(product)))
        for product in sorted(old.keys() | new.keys())
        if old.get(product) != new.get(product)
    )


def _compare_clients(before: OrgState | None, after: OrgState | None) -> ClientsChange:
    old, new = (state.clients if state is not None else {} for state in (before, after))
    return ClientsChange(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(client for client in old.keys() & new.keys() if old[client] != new[client])),
    )


def _compare_catalogs(before: CatalogState, after: CatalogState) -> CatalogChange | None:
    if before == after:
        return None
    return CatalogChange(
        before=before,
        after=after,
        added=tuple(sorted(set(after.names).difference(before.names))),
        removed=tuple(sorted(set(before.names).difference(after.names))),
        newly_sensitive=_newly(before, after),
        no_longer_sensitive=_newly(after, before),
    )


def _newly(before: CatalogState, after: CatalogState) -> tuple[str, ...]:
    """Returns what has marks in `after` and had none in `before`, among the permissions of both."""
    return tuple(sorted(name for name in after.sensitive if name in before.names and name not in before.sensitive))
