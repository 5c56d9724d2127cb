"""What valid approvals cover: for each item the approved scopes, and until when they last."""

from msgspec import Struct

from hubcfg.checker.approvals.approval import ALL, ApprovedChange, ApprovedScope, covers_scope
from hubcfg.checker.approvals.judge import ValidApproval
from hubcfg.core.instants import Instant
from hubcfg.parser.document import Value
from hubcfg.validator.config import User

# An item: org, user, uid, and the permission or the platform role (`role:` before its id).
Item = tuple[str, str, str | None, str]


class Cover(Struct, frozen=True):
    """One approval's part in covering an item."""

    scope: ApprovedScope
    end: Instant
    approval: ValidApproval


class Coverage:
    """Answers whether items and changes are covered, and remembers which approvals were used."""

    def __init__(self, valid: list[ValidApproval]) -> None:
        self.used: set[str] = set()
        self._items: dict[Item, list[Cover]] = {}
        self._changes: list[tuple[ValidApproval, ApprovedChange]] = []
        for one in valid:
            approval = one.approval
            for grant in approval.grants:
                names = [*grant.permissions, *([role_key(grant.role)] if grant.role is not None else [])]
                scope = ALL if grant.clients is None else grant.clients
                for name in names:
                    key = (approval.org, grant.user, grant.uid, name)
                    self._items.setdefault(key, []).append(Cover(scope, one.end, one))
            self._changes += [(one, change) for change in approval.changes]

    def is_covered(self, org: str, user: User, name: str, scope: ApprovedScope) -> bool:
        """Whether the approvals for an item together cover it; those that are part of it are used, even if more are due."""
        covers = self._items.get((org, user.id, user.uid, name), [])
        self.used |= {cover.approval.approval.id for cover in covers if _reaches(cover.scope, scope)}
        return _together(covers, scope)

    def naming(self, org: str, user: User, name: str) -> list[ValidApproval]:
        """Returns the valid approvals that name an item, for whatever clients."""
        return [cover.approval for cover in self._items.get((org, user.id, user.uid, name), [])]

    def covered_until(self, org: str, user: User, name: str, scope: ApprovedScope) -> Instant | None:
        """Returns until when an item is covered by the approvals for it together; None where it is not covered."""
        covers = self._items.get((org, user.id, user.uid, name), [])
        if not _together(covers, scope):
            return None
        # The approvals end one after the other; the item is covered as long as those that are left reach far enough.
        ends = sorted({cover.end for cover in covers})
        return next(end for end in ends if not _together([cover for cover in covers if cover.end > end], scope))

    def has_change(self, org: str, kind: str, **wanted: Value) -> bool:
        """Whether a valid approval, given in `org`, approves a change with exactly these values."""
        for one, change in self._changes:
            values = {key: value for key, value in change.value.items() if key != "change"}
            if one.approval.org == org and change.kind == kind and values == wanted:
                self.used.add(one.approval.id)
                return True
        return False

    def changes(self, kind: str) -> list[tuple[ValidApproval, ApprovedChange]]:
        """Returns the approved changes of a kind, with their approvals."""
        return [(one, change) for one, change in self._changes if change.kind == kind]


def role_key(role: str) -> str:
    """Returns the name of the item of holding a platform role."""
    return f"role:{role}"


def _reaches(approved: ApprovedScope, wanted: ApprovedScope) -> bool:
    """Whether an approved scope takes in any of what is wanted; nothing is wanted of an empty scope."""
    if ALL in (approved, wanted) or not wanted:
        return True
    return not frozenset(approved).isdisjoint(frozenset(wanted))


def _together(covers: list[Cover], scope: ApprovedScope) -> bool:
    """Whether approvals together reach a scope. An empty scope is reached by any approval that names the item."""
    if not covers:
        return False
    if any(cover.scope == ALL for cover in covers):
        return True
    union: frozenset[str] = frozenset().union(*(frozenset(cover.scope) for cover in covers))
    return covers_scope(union, scope)
