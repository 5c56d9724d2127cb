"""Reports what is missing an approval: one finding a line, however many people it reaches."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hubcfg.checker.approvals.items import items_of
from hubcfg.checker.approvals.lines import find_lines
from hubcfg.checker.approvals.rules import UNAPPROVED_CHANGE, UNAPPROVED_SENSITIVE_GRANT
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.platforms.masks import Mask
from hubcfg.validator.config import User


@dataclass(slots=True)
class _Outstanding:
    """What one line brings in: which permissions, for whom, and through what."""

    mask: Mask = 0
    users: dict[str, User] = field(default_factory=dict)
    ways: dict[tuple[str, ...], None] = field(default_factory=dict)


def check_approvals(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each line that brings in a sensitive permission or role without an approval."""
    lines: dict[Place, _Outstanding] = {}
    for entry, users in check.by_entry.items():
        items = items_of(check, entry)
        if items.needs_role:
            yield from (_report_role(check, user) for user in users)
        if not items.permissions:
            continue
        left = items.permissions
        for line in find_lines(check, entry, items.permissions):
            left &= ~line.mask
            for user in users:
                place = line.place or check.place(user, *line.path)
                _add(lines, place, line.mask, user, line.through)
        from_role = left | items.permissions & check.holding(entry).rights.baseline
        if from_role:
            for user in users:
                way = (f"role {entry.role}",) if entry.role else ()
                place = check.place(user, "role") if entry.role else check.user_key(user)
                _add(lines, place, from_role, user, way)
    for place, outstanding in lines.items():
        yield _report_line(check, place, outstanding)


def _add(lines: dict[Place, _Outstanding], place: Place, mask: Mask, user: User, way: tuple[str, ...]) -> None:
    line = lines.setdefault(place, _Outstanding())
    line.mask |= mask
    line.users[user.id] = user
    line.ways[way] = None


def _report_role(check: OrgCheck, user: User) -> Finding:
    role = check.access.role(user)
    name = role.name if role is not None else ""
    return find(
        UNAPPROVED_CHANGE,
        f"nobody has approved that `{user.id}` holds the role `{user.entry.role}` ({name})",
        check.place(user, "role"),
        help="the role needs an approval of its own, because of what comes with it",
    )


def _report_line(check: OrgCheck, place: Place, outstanding: _Outstanding) -> Finding:
    catalog = check.org.catalog
    names = catalog.to_names(outstanding.mask)
    users = sorted(outstanding.users)
    categories = sorted({category for name in names for category in catalog.permissions[name].sensitive})
    ways = [" → ".join(f"`{step.split(' ', 1)[1]}`" for step in way) for way in outstanding.ways if way]
    through = f" (through {'; '.join(ways[:3])}{' and others' if len(ways) > 3 else ''})" if ways else ""
    verb = "is" if len(names) == 1 else "are"
    message = (
        f"{shorten(names)} {verb} sensitive ({', '.join(categories)}) and not approved for {shorten(users, 3)}{through}"
    )
    related = tuple(
        Related(f"`{user}` has it here", check.user_key(outstanding.users[user]))
        for user in users[:10]
        if check.user_key(outstanding.users[user]).path[:2] != place.path[:2]
    )
    return find(
        UNAPPROVED_SENSITIVE_GRANT,
        message,
        place,
        help="somebody entitled must sign an approval for it",
        related=related,
    )
