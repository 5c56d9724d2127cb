"""Who holds what: people, the profiles that they share, and from there the other way round, who can do a thing."""

from collections.abc import Iterable

from hubcfg.platforms.masks import Mask
from hubcfg.resolver.access import Holding, OrgAccess
from hubcfg.resolver.explain import Explainer
from hubcfg.validator.config import User
from hubcfg.views.held import Row, describe_origin, held_rows
from hubcfg.views.report.model import Access, Person, Profile

RowKey = tuple[tuple[str, str, str | None], ...]


def key_of(rows: Iterable[Row]) -> RowKey:
    """Returns what makes rows the same: the permissions, where each comes from, and until when."""
    return tuple((row.permission, describe_origin(row), row.until) for row in rows)


class PeopleFinder:
    """Gathers the people of one org; what a distinct holding comes to is worked out once."""

    def __init__(self, access: OrgAccess, sensitive: Mask) -> None:
        self.access = access
        self.explainer = Explainer(access)
        self._sensitive = sensitive
        self._profiles: dict[tuple[object, ...], tuple[tuple[Row, ...], list[User]]] = {}
        self._found: dict[tuple[Holding, object], tuple[object, ...] | None] = {}

    def find(self) -> tuple[list[Person], list[Profile]]:
        """Returns the people by id, and the profiles: the most widely shared first."""
        org = self.access.org
        users = [org.users[id] for id in sorted(org.users)]
        keys = {user.id: self._profile_key(user) for user in users if user.id not in org.unsound}
        for user in users:
            key = keys.get(user.id)
            if key is not None:
                self._profiles[key][1].append(user)
        order = sorted(self._profiles, key=lambda key: (-len(self._profiles[key][1]), self._profiles[key][1][0].id))
        profiles = {key: Profile(number, self._profiles[key][0], []) for number, key in enumerate(order, 1)}
        people = []
        for user in users:
            key = keys.get(user.id)
            person = self._person(user, None if key is None else profiles[key].number)
            people.append(person)
            if key is not None:
                profiles[key].people.append(person)
        return people, list(profiles.values())

    def _profile_key(self, user: User) -> tuple[object, ...] | None:
        holding = self.access.holding(user)
        alike = (holding, tuple(self.access.approved.get(user.id, ())))
        if alike not in self._found:
            rows = tuple(held_rows(self.explainer, user))
            key = (user.entry.audience, user.entry.role, key_of(rows)) if rows else None
            if key is not None:
                self._profiles.setdefault(key, (rows, []))
            self._found[alike] = key
        return self._found[alike]

    def _person(self, user: User, profile: int | None) -> Person:
        access = self.access
        holding = access.holding(user)
        is_known = user.id not in access.org.unsound
        effective = holding.effective if is_known else 0
        latent = holding.potential if is_known and user.entry.suspended else 0
        return Person(
            user=user,
            scope=access.scope(user),
            profile=profile,
            is_known=is_known,
            held=effective.bit_count(),
            sensitive=(effective & self._sensitive).bit_count(),
            products=tuple(sorted(holding.products)) if is_known else (),
            manages=access.manages(user) if is_known else [],
            potential=(latent.bit_count(), (latent & self._sensitive).bit_count()),
        )


def find_accesses(profiles: Iterable[Profile]) -> list[Access]:
    """Returns who can do what: permissions of a product that the same people hold in the same ways stand together."""
    holders: dict[str, dict[str, list[Profile]]] = {}
    for profile in profiles:
        for row in profile.rows:
            holders.setdefault(row.permission, {}).setdefault(describe_origin(row), []).append(profile)
    alike: dict[tuple[str, tuple[tuple[str, tuple[int, ...]], ...]], list[str]] = {}
    for permission in sorted(holders):
        ways = tuple((way, tuple(one.number for one in held)) for way, held in holders[permission].items())
        alike.setdefault((permission.split(".", 1)[0], ways), []).append(permission)
    return [
        Access(tuple(permissions), tuple((way, tuple(held)) for way, held in holders[permissions[0]].items()))
        for permissions in alike.values()
    ]
