"""The grant lines that bring a permission in: where the patterns stand, and how they reach a user."""

from collections.abc import Iterator
from dataclasses import dataclass

from hubcfg.checker.scope import Listed, OrgCheck, bundle_place, is_of_platform, listed_grants
from hubcfg.core.places import KeyPath, Place
from hubcfg.platforms.grants import Grants, Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.resolve import window_of
from hubcfg.resolver.windows import Window, intersect
from hubcfg.validator.config import Entry


@dataclass(frozen=True, slots=True)
class Line:
    """A grant line and what it brings in for one entry.

    `path` is relative to the user's entry where the line stands there; else `place` is the line's. `through` names the roles
    and groups on the way, outermost first.
    """

    place: Place | None
    path: KeyPath
    through: tuple[str, ...]
    mask: Mask


def find_lines(check: OrgCheck, entry: Entry, wanted: Mask) -> Iterator[Line]:
    """Yields the lines that bring any of the `wanted` permissions in at some instant from now on.

    A line is where the pattern stands. A line of the platform's own groups stands in no file of the project: then it is the
    last reference on the way that does.
    """
    finder = _Finder(check, entry, wanted)
    for listed in listed_grants(entry):
        within = -1 if listed.product is None else check.org.catalog.of_product(listed.product)
        yield from finder.follow(listed, within)


class _Finder:
    def __init__(self, check: OrgCheck, entry: Entry, wanted: Mask) -> None:
        self._check = check
        self._wanted = wanted
        self._rights = check.holding(entry).rights
        self._seen: set[tuple[str, str, Window, Mask]] = set()

    def follow(self, listed: Listed, within: Mask) -> Iterator[Line]:
        """Yields the lines at the end of one entry of the user's own lists."""
        window = self._later(window_of(listed.grant))
        if window is None:
            return
        if listed.field == "permissions":
            mask = self._brings(self._check.org.catalog.match(listed.grant.target) & within)
            if mask:
                yield Line(None, listed.target_path, (), mask)
            return
        kind = "role" if listed.field == "roles" else "group"
        yield from self._enter(kind, listed.grant.target, window, within, None, listed.target_path, ())

    def _enter(
        self,
        kind: str,
        name: str,
        window: Window,
        within: Mask,
        place: Place | None,
        path: KeyPath,
        through: tuple[str, ...],
    ) -> Iterator[Line]:
        org = self._check.org
        bundle: Group | Role | None = org.roles.get(name) if kind == "role" else org.groups.get(name)
        key = (kind, name, window, within)
        if bundle is None or key in self._seen:
            return
        self._seen.add(key)
        through = (*through, f"{kind} {name}")
        inner: Grants = bundle.groups if isinstance(bundle, Role) else bundle.includes
        field = "groups" if isinstance(bundle, Role) else "includes"
        is_outside = is_of_platform(bundle)
        for index, grant in enumerate(bundle.permissions):
            both = intersect(window, window_of(grant))
            mask = self._brings(org.catalog.match(grant.target) & within) if both else 0
            if mask:
                own = Listed("permissions", index, grant)
                here = place if is_outside else bundle_place(bundle, *own.target_path)
                yield Line(here, path if here is None else (), through, mask)
        for index, grant in enumerate(inner):
            both = intersect(window, window_of(grant))
            if both:
                own = Listed(field, index, grant)
                here = place if is_outside else bundle_place(bundle, *own.target_path)
                yield from self._enter("group", grant.target, both, within, here, path, through)

    def _later(self, window: Window) -> Window | None:
        """Returns the part of a window that is not over."""
        return None if window[1] <= self._check.instant else window

    def _brings(self, matched: Mask) -> Mask:
        return self._check.resolver.downgrade(self._rights, matched & self._rights.audience) & self._wanted
