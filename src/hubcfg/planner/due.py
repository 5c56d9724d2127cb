"""When another apply will be due: what is to begin, and what pauses and returns (docs/deployment.md, "When an apply is due")."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from msgspec import Struct

from hubcfg.core.instants import Instant
from hubcfg.planner.resolved import find_phases
from hubcfg.resolver.access import Access, OrgAccess
from hubcfg.resolver.resolve import OrgResolver
from hubcfg.resolver.windows import boundaries_after
from hubcfg.validator.config import Entry


class Due(Struct, frozen=True):
    """An instant at which somebody of an org gains by the sources as they stand, which no target does by itself."""

    instant: Instant
    org: str
    users: tuple[str, ...]
    permissions: tuple[str, ...]


def find_due(access: Access) -> list[Due]:
    """Returns when applies will be due, the earliest first."""
    found = [due for org in access.orgs.values() for due in _find_of_org(org)]
    return sorted(found, key=lambda one: (one.instant, one.org))


def _find_of_org(access: OrgAccess) -> Iterator[Due]:
    gains: dict[Entry, list[tuple[Instant, int]]] = {}
    resolver = OrgResolver(access.org)
    for entry, holding in access.all_holdings().items():
        if not entry.suspended and any(boundaries_after([holding.granted], access.instant)):
            phases = find_phases(resolver, holding, access.instant)
            gains[entry] = [
                (after.instant, mask)
                for before, after in pairwise(phases)
                if (mask := after.permissions & ~before.permissions)
            ]
    users: dict[Instant, list[str]] = {}
    masks: dict[Instant, int] = {}
    for user in access.org.users.values() if any(gains.values()) else ():
        for instant, mask in gains.get(user.entry, ()):
            users.setdefault(instant, []).append(user.id)
            masks[instant] = masks.get(instant, 0) | mask
    for instant, ids in sorted(users.items()):
        yield Due(instant, access.org.id, tuple(sorted(ids)), tuple(access.org.catalog.to_names(masks[instant])))


def first_due(due: Iterable[Due]) -> Instant | None:
    """Returns the earliest instant, if there is any."""
    return min((one.instant for one in due), default=None)
