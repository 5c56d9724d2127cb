"""Finds the patterns of a certain kind that users are granted, and where they stand: in their own entries, or in groups and roles."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct, field

from hubcfg.checker.scope import Listed, OrgCheck, bundle_place, is_of_platform
from hubcfg.core.finding import Related
from hubcfg.core.places import KeyPath, Place
from hubcfg.platforms.grants import Audience, Grants, Group, Role
from hubcfg.validator.config import Entry, User


class GrantedPattern(Struct, frozen=True):
    """One pattern that an entry grants.

    `place` is None where it stands in the entry itself, at `path`; `through` names the Hub role and the groups on the way,
    outermost first; `is_shared` tells a place that several orgs see.
    """

    pattern: str
    place: Place | None
    path: KeyPath = ()
    through: tuple[str, ...] = ()
    is_shared: bool = False


class Gathered(Struct):
    """One pattern with the keys of the users who are granted it, by org and id, and the groups or roles that they have it through.

    `advice` is what to do about it, where that depends on the first of those orgs.
    """

    pattern: str
    advice: str = ""
    users: dict[tuple[str, str], Place] = field(default_factory=dict)
    through: dict[str, None] = field(default_factory=dict)

    def related(self, place: Place, limit: int = 10) -> tuple[Related, ...]:
        """Returns the users' keys; not where the pattern at `place` stands in the user's own entry."""
        keys = [(id, key) for (_, id), key in sorted(self.users.items(), key=lambda one: one[0])]
        return tuple(
            Related(f"`{id}` has it", key)
            for id, key in keys[:limit]
            if (key.file, key.document, key.path) != (place.file, place.document, place.path[:2])
        )

    @property
    def user_ids(self) -> list[str]:
        """The ids of the users, sorted."""
        return sorted({id for _, id in self.users})


class PatternFinder:
    """Finds what the entries of one org and audience grant outside their product entries, time windows aside.

    Groups of the other audience are not entered: that they are granted at all is another finding. A pattern of a platform's
    own group stands in no file of the project: its place is the last reference on the way that does.
    """

    def __init__(self, check: OrgCheck, audience: Audience, is_wanted: Callable[[str], bool]) -> None:
        self._org = check.org
        self._audience = audience
        self._is_wanted = is_wanted
        self._reaching = self._find_reaching_groups()
        self._roles: dict[str, list[GrantedPattern]] = {}
        self._groups: dict[str, list[GrantedPattern]] = {}

    def find(self, entry: Entry) -> Iterator[GrantedPattern]:
        """Yields the wanted patterns that an entry grants."""
        for index, grant in enumerate(entry.permissions):
            if self._is_wanted(grant.target):
                yield GrantedPattern(grant.target, None, Listed("permissions", index, grant).target_path)
        for name, grants, find in (("groups", entry.groups, self._in_group), ("roles", entry.roles, self._in_role)):
            for index, grant in enumerate(grants):
                path = Listed(name, index, grant).target_path
                for one in find(grant.target):
                    yield GrantedPattern(one.pattern, one.place, path, one.through, one.is_shared)

    def _find_reaching_groups(self) -> set[str]:
        """The groups that give a wanted pattern, directly or through what they include."""
        including: dict[str, list[str]] = {}
        pending = []
        for group in self._org.groups.values():
            if group.audience is self._audience:
                for grant in group.includes:
                    including.setdefault(grant.target, []).append(group.id)
                if any(self._is_wanted(grant.target) for grant in group.permissions):
                    pending.append(group.id)
        reaching = set(pending)
        while pending:
            for outer in including.get(pending.pop(), ()):
                if outer not in reaching:
                    reaching.add(outer)
                    pending.append(outer)
        return reaching

    def _in_role(self, name: str) -> list[GrantedPattern]:
        role = self._org.roles.get(name)
        if name not in self._roles:
            self._roles[name] = list(self._below(role)) if role is not None else []
        return self._roles[name]

    def _in_group(self, name: str) -> list[GrantedPattern]:
        if name not in self._groups:
            self._groups[name] = list(self._below(self._org.groups[name])) if name in self._reaching else []
        return self._groups[name]

    def _below(self, start: Group | Role) -> Iterator[GrantedPattern]:
        # A stack of our own: chains of includes may be longer than Python's.
        stack: list[tuple[Group | Role, Place | None, bool, tuple[str, ...]]] = [(start, None, False, (start.id,))]
        seen: set[str] = set()
        while stack:
            bundle, place, is_shared, through = stack.pop()
            is_outside = is_of_platform(bundle)
            shared = is_shared if is_outside else bundle.is_shared
            for index, grant in enumerate(bundle.permissions):
                if self._is_wanted(grant.target):
                    own = bundle_place(bundle, *Listed("permissions", index, grant).target_path)
                    yield GrantedPattern(grant.target, place if is_outside else own, (), through, shared)
            field, inner = _inner(bundle)
            for index, grant in enumerate(inner):
                if grant.target in self._reaching and grant.target not in seen:
                    seen.add(grant.target)
                    own = bundle_place(bundle, *Listed(field, index, grant).target_path)
                    here = place if is_outside else own
                    stack.append((self._org.groups[grant.target], here, shared, (*through, grant.target)))


Find = Callable[[OrgCheck], Iterator[tuple[GrantedPattern, list[User]]]]
Advise = Callable[[OrgCheck, str], str]


def gather_own(check: OrgCheck, find: Find, advise: Advise | None = None) -> dict[Place, Gathered]:
    """Returns the patterns that `find` yields for an org and that stand in its own documents, by place."""
    return _gather(check, find, advise, is_shared=False)


def gather_shared(check: OrgCheck, find: Find, advise: Advise | None = None) -> dict[Place, Gathered]:
    """Returns the patterns that `find` yields for an org and that stand in shared documents, by place."""
    return _gather(check, find, advise, is_shared=True) if check.has_shared_bundles else {}


def join_gathered(gathered: Iterable[Mapping[Place, Gathered]]) -> dict[Place, Gathered]:
    """Returns what was gathered from several orgs as one."""
    joined: dict[Place, Gathered] = {}
    for of_org in gathered:
        for place, one in of_org.items():
            at_place = joined.setdefault(place, Gathered(one.pattern, one.advice))
            at_place.users |= one.users
            at_place.through |= one.through
    return joined


def _gather(check: OrgCheck, find: Find, advise: Advise | None, *, is_shared: bool) -> dict[Place, Gathered]:
    gathered: dict[Place, Gathered] = {}
    for one, users in find(check):
        if one.is_shared is not is_shared:
            continue
        for user in users:
            place = one.place or check.place(user, *one.path)
            at_place = gathered.get(place)
            if at_place is None:
                at_place = gathered[place] = Gathered(one.pattern, "" if advise is None else advise(check, one.pattern))
            at_place.users[(check.org.id, user.id)] = check.user_key(user)
            if one.through:
                at_place.through[one.through[0]] = None
    return gathered


def _inner(bundle: Group | Role) -> tuple[str, Grants]:
    return ("groups", bundle.groups) if isinstance(bundle, Role) else ("includes", bundle.includes)
