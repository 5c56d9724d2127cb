"""The grant lines that bring a permission in: where the patterns stand, and how they reach a user."""

from collections.abc import Iterator

from msgspec import Struct

from hubcfg.checker.scope import Listed, OrgCheck, bundle_place, is_of_platform, listed_grants
from hubcfg.core.places import KeyPath, Place
from hubcfg.platforms.grants import Group, Role
from hubcfg.platforms.masks import Mask
from hubcfg.resolver.resolve import window_of
from hubcfg.resolver.windows import Window, intersect
from hubcfg.validator.config import Entry


class Line(Struct, frozen=True):
    """A grant line and what it brings in for one entry.

    `path` is relative to the user's entry where the line stands there; else `place` is the line's. `through` names the roles
    and groups on the way, outermost first.
    """

    place: Place | None
    path: KeyPath
    through: tuple[str, ...]
    mask: Mask


class _Step(Struct, frozen=True):
    """A role or group on the way: the time in which it counts, and the place of the last reference in a file of the project."""

    kind: str
    name: str
    window: Window
    place: Place | None
    through: tuple[str, ...]


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
        # A stack of our own: chains of includes may be longer than Python's.
        pending = [_Step(kind, listed.grant.target, window, None, ())]
        while pending:
            step = pending.pop()
            lines, inner = self._enter(step, within, listed.target_path)
            yield from lines
            pending += reversed(inner)

    def _enter(self, step: _Step, within: Mask, path: KeyPath) -> tuple[list[Line], list[_Step]]:
        """Returns the lines of one role or group on the way, and what it refers to in turn."""
        org = self._check.org
        bundle: Group | Role | None = org.roles.get(step.name) if step.kind == "role" else org.groups.get(step.name)
        key = (step.kind, step.name, step.window, within)
        if bundle is None or key in self._seen:
            return [], []
        self._seen.add(key)
        through = (*step.through, f"{step.kind} {step.name}")
        field, inner = ("groups", bundle.groups) if isinstance(bundle, Role) else ("includes", bundle.includes)
        is_outside = is_of_platform(bundle)
        lines, steps = [], []
        for index, grant in enumerate(bundle.permissions):
            both = intersect(step.window, window_of(grant))
            mask = self._brings(org.catalog.match(grant.target) & within) if both else 0
            if mask:
                own = Listed("permissions", index, grant)
                here = step.place if is_outside else bundle_place(bundle, *own.target_path)
                lines.append(Line(here, path if here is None else (), through, mask))
        for index, grant in enumerate(inner):
            both = intersect(step.window, window_of(grant))
            if both:
                own = Listed(field, index, grant)
                here = step.place if is_outside else bundle_place(bundle, *own.target_path)
                steps.append(_Step("group", grant.target, both, here, through))
        return lines, steps

    def _later(self, window: Window) -> Window | None:
        """Returns the part of a window that is not over."""
        return None if window[1] <= self._check.instant else window

    def _brings(self, matched: Mask) -> Mask:
        return self._check.resolver.downgrade(self._rights, matched & self._rights.audience) & self._wanted


def show_way(through: tuple[str, ...], quote: str = "`") -> str:
    """Returns the roles and groups on a way for people to read; of a long way its beginning and its end."""
    names = [f"{quote}{step.split(' ', 1)[1]}{quote}" for step in through]
    return " → ".join(names if len(names) <= 5 else [*names[:3], f"… ({len(names) - 4} more)", names[-1]])
