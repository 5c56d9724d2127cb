"""Who holds what is sensitive, and by whose approval; and the approvals themselves, with their age."""

from collections.abc import Iterable, Iterator, Mapping

from hubcfg.checker.approvals.approval import ALL, ApprovedScope
from hubcfg.checker.approvals.check import ApprovalReport
from hubcfg.checker.approvals.cover import Item, role_key
from hubcfg.checker.approvals.items import ItemFinder, is_root_of_trust
from hubcfg.checker.approvals.judge import ValidApproval, user_scope
from hubcfg.checker.approvals.status import ApprovalStatus
from hubcfg.core.instants import DAY, Instant
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PlatformRole
from hubcfg.validator.config import User
from hubcfg.views.held import Row, held_rows
from hubcfg.views.report.model import Basis, Given, Missing, Person, SensitiveShare
from hubcfg.views.report.people import PeopleFinder, key_of

# What some sensitive permissions of one user rest on.
_Rest = tuple[Basis, tuple[ValidApproval, ...]]


class SensitiveFinder:
    """Finds what the people of one org hold that is sensitive, and what each of it rests on."""

    def __init__(self, people: PeopleFinder, report: ApprovalReport, named: Mapping[Item, list[ValidApproval]]) -> None:
        self._access = people.access
        self._org = people.access.org
        self._explainer = people.explainer
        self._report = report
        self._named = named
        self._approvals = report.orgs[self._org.id]
        self._items = ItemFinder(self._approvals.check_of_org, report.base)
        self._missing: dict[str, Mask] = {}
        self._missing_roles: set[str] = set()
        for one in self._approvals.missing:
            if one.role is None:
                self._missing[one.user.id] = self._missing.get(one.user.id, 0) | one.permissions
            else:
                self._missing_roles.add(one.user.id)

    def missing(self) -> list[Missing]:
        """Returns what lacks an approval, by user."""
        names = self._org.catalog.to_names
        found = [
            Missing(one.user.id, tuple(names(one.permissions)), None if one.role is None else one.role.id)
            for one in self._approvals.missing
        ]
        return sorted(found, key=lambda one: (one.user, one.role or "", one.permissions))

    def shares(self, people: Iterable[Person]) -> list[SensitiveShare]:
        """Returns what is held that is sensitive; what lacks an approval first, then what the fewest people hold."""
        shares: dict[tuple[object, ...], SensitiveShare] = {}
        rows: dict[tuple[object, ...], tuple[Row, ...]] = {}
        for person in people:
            user = person.user
            for mask, (basis, approvals) in self._parts(user) if person.sensitive else ():
                alike = (self._access.holding(user), tuple(self._access.approved.get(user.id, ())), mask)
                if alike not in rows:
                    rows[alike] = tuple(held_rows(self._explainer, user, mask))
                ids = tuple(sorted({one.approval.id for one in approvals}))
                key = (basis, ids, key_of(rows[alike]))
                if key not in shares:
                    approvers = tuple(sorted({one.approval.approver for one in approvals}))
                    shares[key] = SensitiveShare(rows[alike], basis, ids, approvers, [])
                shares[key].people.append(person)
        return sorted(
            shares.values(), key=lambda one: (one.basis is not Basis.MISSING, one.people[0].id, -len(one.rows))
        )

    def _parts(self, user: User) -> Iterator[tuple[Mask, _Rest]]:
        holding, items = self._access.holding(user), self._items.find(user.entry)
        scope = user_scope(self._org, user, self._access.scope(user).get("clients", []))
        of_role = holding.effective & items.of_role
        if of_role and items.role is not None:
            yield of_role, self._role_basis(user, items.role, scope)
        parts: dict[_Rest, Mask] = {}
        lacking = self._missing.get(user.id, 0)
        for name in self._org.catalog.to_names(holding.effective & items.permissions):
            bit = self._org.catalog.match(name)
            rest = (Basis.MISSING, ()) if bit & lacking else (Basis.APPROVAL, self._covering(user, name, scope))
            parts[rest] = parts.get(rest, 0) | bit
        yield from ((mask, rest) for rest, mask in parts.items())

    def _role_basis(self, user: User, role: PlatformRole, scope: ApprovedScope) -> _Rest:
        if user.id in self._missing_roles:
            return Basis.MISSING, ()
        if is_root_of_trust(self._report.base, self._org.id, user, role):
            return Basis.ROOT, ()
        approvals = self._covering(user, role_key(role.id), scope)
        return (Basis.ROLE_APPROVAL, approvals) if approvals else (Basis.CHANGE, self._changes_to(user, role))

    def _covering(self, user: User, name: str, scope: ApprovedScope) -> tuple[ValidApproval, ...]:
        """Returns the approvals that cover an item together: those that name it for any of the user's clients."""
        item: Item = (self._org.id, user.id, user.uid, name)
        return tuple(one for one in self._named.get(item, ()) if _reaches(one, item, scope))

    def _changes_to(self, user: User, role: PlatformRole) -> tuple[ValidApproval, ...]:
        """Returns the approved changes by which a user holds a role: it was handed on, or came with a new org."""
        coverage = self._report.coverage
        changes = [(one, change.value, "to") for one, change in coverage.changes("owner")]
        changes += [(one, change.value, "user") for one, change in coverage.changes("org")]
        return tuple(
            one
            for one, value, key in changes
            if self._org.id in (one.approval.org, value.get("org")) and (value.get("role"), value.get(key)) == (role.id, user.id)
        )  # fmt: skip


def name_items(valid: Iterable[ValidApproval]) -> dict[Item, list[ValidApproval]]:
    """Returns the approvals that count, by each item that they name."""
    named: dict[Item, list[ValidApproval]] = {}
    for one in valid:
        for grant in one.approval.grants:
            names = [*grant.permissions, *([role_key(grant.role)] if grant.role is not None else [])]
            for name in dict.fromkeys(names):
                listed = named.setdefault((one.approval.org, grant.user, grant.uid, name), [])
                if one not in listed:
                    listed.append(one)
    return named


def _reaches(one: ValidApproval, item: Item, scope: ApprovedScope) -> bool:
    """Whether an approval names the item for any of a scope; an empty scope is reached by any."""
    _, user, uid, name = item
    for grant in one.approval.grants:
        if (grant.user, grant.uid) == (user, uid) and (name in grant.permissions or name == role_key(grant.role or "")):
            approved = ALL if grant.clients is None else grant.clients
            if ALL in (approved, scope) or not scope or not frozenset(approved).isdisjoint(frozenset(scope)):
                return True
    return False


def find_given(statuses: Iterable[ApprovalStatus], org: str, instant: Instant) -> list[Given]:
    """Returns the approvals for an org: those that count and end first, then those that don't count."""
    found = []
    for status in statuses:
        if status.approval.org == org:
            at = status.approval.approved_at
            age = None if at is None else max((instant - at) // DAY, 0)
            left = None if status.end is None else (status.end - instant) // DAY
            found.append(Given(status, age, left))
    return sorted(found, key=lambda one: (one.status.end is None, one.status.end or 0, one.status.approval.id))
