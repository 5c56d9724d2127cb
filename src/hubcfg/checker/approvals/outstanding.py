"""Reports what is missing an approval: one finding a line, however many people it reaches."""

from collections.abc import Iterator

from msgspec import Struct, field

from hubcfg.checker.approvals.advice import ask_for
from hubcfg.checker.approvals.approval import ApprovedScope
from hubcfg.checker.approvals.approvers import Approvers, role_baseline
from hubcfg.checker.approvals.base import Base
from hubcfg.checker.approvals.changes import check_new_org, check_products, covers_new_holder
from hubcfg.checker.approvals.cover import Coverage, role_key
from hubcfg.checker.approvals.items import ItemFinder, is_handed_on, is_root_of_trust, needs_handover
from hubcfg.checker.approvals.judge import user_scope
from hubcfg.checker.approvals.lines import find_lines, show_way
from hubcfg.checker.approvals.rules import NO_ELIGIBLE_APPROVER, UNAPPROVED_CHANGE, UNAPPROVED_SENSITIVE_GRANT
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, Related, find
from hubcfg.core.nearest import shorten
from hubcfg.core.places import Place
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PlatformRole
from hubcfg.validator.config import Entry, User


class MissingItem(Struct, frozen=True):
    """What one user lacks approvals for: sensitive permissions, or holding a role.

    `is_handover` says that the role is one that its previous holder must hand on.
    """

    user: User
    scope: ApprovedScope
    permissions: Mask
    role: PlatformRole | None = None
    is_handover: bool = False


class _Line(Struct):
    """What one grant line brings in without an approval: which permissions, for whom, and through what."""

    mask: Mask = 0
    users: dict[str, User] = field(default_factory=dict)
    ways: dict[tuple[str, ...], None] = field(default_factory=dict)


class OrgApprovals:
    """Compares what an org's users need approvals for with what valid approvals cover.

    After `check`, `missing` says what is not covered, user by user.
    """

    def __init__(self, check: OrgCheck, base: Base, coverage: Coverage, approvers: Approvers) -> None:
        self.missing: list[MissingItem] = []
        self.check_of_org = check
        self._check = check
        self._org = check.org
        self._base = base
        self._coverage = coverage
        self._approvers = approvers
        self._items = ItemFinder(check, base)
        self._lines: dict[Place, _Line] = {}
        self.has_items = False

    def check(self) -> Iterator[Finding]:
        """Yields the findings of the org."""
        yield from check_new_org(self._org, self._base, self._coverage)
        yield from check_products(self._org, self._base, self._coverage)
        for entry, users in self._check.by_entry.items():
            items = self._items.find(entry)
            lacking: dict[Mask, list[User]] = {}
            role = self._check.holding(entry).rights.role
            handed_on: set[str] = set()
            if role is not None and is_handed_on(self._base, self._org.id, role):
                handed_on = {user.id for user in users if needs_handover(self._base, self._org.id, user, role)}
            self.has_items |= bool(items.permissions)
            for user in users if items.role is not None or items.permissions or handed_on else ():
                scope = user_scope(self._org, user, self._check.access.scope(user).get("clients", []))
                if role is not None and (items.role is not None or user.id in handed_on):
                    yield from self._check_role(MissingItem(user, scope, 0, role, user.id in handed_on), role)
                lacks = self._uncovered(user, items.permissions, scope)
                if lacks:
                    self.missing.append(MissingItem(user, scope, lacks))
                    lacking.setdefault(lacks, []).append(user)
            for mask, lacking_users in lacking.items():
                self._gather(entry, lacking_users, mask)
        for place, line in self._lines.items():
            yield self._report_line(place, line)
        yield from self._find_unapprovable()

    def _check_role(self, item: MissingItem, role: PlatformRole) -> Iterator[Finding]:
        self.has_items |= not is_root_of_trust(self._base, self._org.id, item.user, role)
        if not self._is_role_covered(item, role):
            self.missing.append(item)
            yield from self._report_role(item, role)

    def _is_role_covered(self, item: MissingItem, role: PlatformRole) -> bool:
        org, user = self._org.id, item.user
        if is_root_of_trust(self._base, org, user, role):
            return True
        if covers_new_holder(self._org, user, role, self._base, self._coverage):
            return True
        # Only the previous holder hands such a role on, whatever else is approved.
        return not item.is_handover and self._coverage.is_covered(org, user, role_key(role.id), item.scope)

    def _uncovered(self, user: User, permissions: Mask, scope: ApprovedScope) -> Mask:
        """Returns the permissions that no approvals cover."""
        catalog = self._org.catalog
        lacking = 0
        for name in catalog.to_names(permissions):
            if not self._coverage.is_covered(self._org.id, user, name, scope):
                lacking |= catalog.match(name)
        return lacking

    def _gather(self, entry: Entry, users: list[User], mask: Mask) -> None:
        check = self._check
        left = mask
        for line in find_lines(check, entry, mask):
            left &= ~line.mask
            for user in users:
                self._add(line.place or check.place(user, *line.path), line.mask, user, line.through)
        from_role = left | mask & check.holding(entry).rights.baseline
        for user in users if from_role else ():
            place = check.place(user, "role") if entry.role else check.user_key(user)
            self._add(place, from_role, user, (f"role {entry.role}",) if entry.role else ())

    def _add(self, place: Place, mask: Mask, user: User, way: tuple[str, ...]) -> None:
        line = self._lines.setdefault(place, _Line())
        line.mask |= mask
        line.users[user.id] = user
        line.ways[way] = None

    def _report_role(self, item: MissingItem, role: PlatformRole) -> Iterator[Finding]:
        user = item.user
        place = self._check.place(user, "role")
        message = f"nobody has approved that `{user.id}` holds the role `{role.id}`"
        if item.is_handover:
            before = [one.id for one in self._base.holders(self._org.id, role.id).values() if not one.entry.suspended]
            yield find(UNAPPROVED_CHANGE, message, place, help=ask_for(before, change="owner", org=self._org.id))
            if not before:
                yield find(NO_ELIGIBLE_APPROVER, f"nobody can hand on the role `{role.id}`, because nobody holds it", place,
                           help=f"a holder of `{role.id}` would have to exist in {self._base.label}")  # fmt: skip
            return
        yield find(UNAPPROVED_CHANGE, message, place, help=ask_for(self.able(item), users=[user.id]))

    def _report_line(self, place: Place, line: _Line) -> Finding:
        catalog = self._org.catalog
        names = catalog.to_names(line.mask)
        users = sorted(line.users)
        categories = sorted({category for name in names for category in catalog.permissions[name].sensitive})
        ways = [show_way(way) for way in line.ways if way]
        through = f" through {'; '.join(ways[:3])}{' and others' if len(ways) > 3 else ''}" if ways else ""
        verb = "is" if len(names) == 1 else "are"
        message = (
            f"{shorten(names)} {verb} sensitive ({', '.join(categories) or 'as the base marks it'}) "
            f"and not approved for {shorten(users, 3)}{through}"
        )
        related = tuple(
            Related(f"`{user}` is here", key)
            for user in users
            if (key := self._check.user_key(line.users[user])).path[:2] != place.path[:2] or key.file != place.file
        )
        return find(UNAPPROVED_SENSITIVE_GRANT, message, place, help=self._advise(line), related=related)

    def _advise(self, line: _Line) -> str:
        """Returns who may approve what a line brings in; nobody may be able to approve all of it alone."""
        parts = [
            MissingItem(one.user, one.scope, one.permissions & line.mask)
            for one in self.missing
            if one.user.id in line.users and one.permissions & line.mask
        ]
        able = [self.able(part) for part in parts]
        everywhere = [id for id in able[0] if all(id in others for others in able)] if able else []
        if not everywhere and any(able):
            return "nobody may approve all of it alone; `hubcfg approve` lists who may approve what"
        return ask_for(everywhere, users=sorted(line.users), permissions=self._org.catalog.to_names(line.mask))

    def able(self, missing: MissingItem) -> list[str]:
        """Returns who may approve what is missing."""
        return [id for id in self._approvers.of_org(self._org.id) if self._can(id, missing)]

    def _can(self, approver_id: str, missing: MissingItem) -> bool:
        approver = self._approvers.of_org(self._org.id)[approver_id]
        if not self._approvers.may_approve_own(approver, missing.user):
            return False
        if approver.find_obstacle(missing.user, missing.scope) is not None or missing.permissions & ~approver.holds:
            return False
        return missing.role is None or not role_baseline(self._org, missing.role) & ~approver.baseline

    def _find_unapprovable(self) -> Iterator[Finding]:
        """Yields a finding for each user who lacks something that nobody could approve, by any approver."""
        for missing in self.missing:
            if missing.role is not None:
                if not missing.is_handover and not self.able(missing):
                    yield self._unapprovable(missing, f"the role `{missing.role.id}`", missing.role.id)
                continue
            names = [
                name
                for name in self._org.catalog.to_names(missing.permissions)
                if not self.able(MissingItem(missing.user, missing.scope, self._org.catalog.match(name)))
            ]
            if names:
                yield self._unapprovable(missing, shorten(names, 3), names[0])

    def _unapprovable(self, missing: MissingItem, what: str, example: str) -> Finding:
        scope = "" if not self._org.platform.assigns_clients else ", works for the same clients"
        return find(
            NO_ELIGIBLE_APPROVER,
            f"nobody could approve {what} for `{missing.user.id}`",
            self._check.user_key(missing.user),
            help=f"somebody else who approves, holds `{example}`{scope} and is not suspended would have to exist in {self._base.label}",
        )
