"""What needs an approval: for each user the role item and the sensitive permissions (docs/approvals.md, "What needs an approval")."""

from msgspec import Struct

from hubcfg.checker.approvals.base import Base, sensitive_permissions
from hubcfg.checker.scope import OrgCheck
from hubcfg.platforms.masks import Mask
from hubcfg.platforms.platform import PlatformRole, Transfer
from hubcfg.validator.config import Entry, User


class Items(Struct, frozen=True):
    """What the users with one entry need approvals for.

    `role` is the platform role whose holding is an item, which stands for the sensitive part of its baseline,
    `of_role`; `permissions` are the others.
    """

    role: PlatformRole | None
    of_role: Mask
    permissions: Mask


class ItemFinder:
    """Works out the items of an org's users, over all instants from now on."""

    def __init__(self, check: OrgCheck, base: Base | None) -> None:
        """Works by the stricter of base and tree; with None by the tree alone."""
        self._check = check
        self._before = base.org(check.org.id) if base is not None else None
        self._sensitive = check.org.catalog.sensitive if base is None else sensitive_permissions(base, check.org)

    def find(self, entry: Entry) -> Items:
        """Returns what an entry needs approvals for; nothing where it is suspended."""
        if entry.suspended:
            return Items(None, 0, 0)
        holding = self._check.holding(entry)
        sensitive = holding.ever & self._sensitive
        role = holding.rights.role
        if role is None or not self.is_role_item(role):
            return Items(None, 0, sensitive)
        of_role = sensitive & holding.rights.baseline
        return Items(role, of_role, sensitive & ~of_role)

    def is_role_item(self, role: PlatformRole) -> bool:
        """Whether holding a role is an item: by the tree's platform or, what a tree can't undo, by the base's."""
        old = self._before.platform.roles.get(role.id) if self._before is not None else None
        return any(one.root or one.assignment_needs_approval for one in (role, old) if one is not None)


def is_root_of_trust(base: Base, org: str, user: User, role: PlatformRole) -> bool:
    """Whether a user needs no item for a role, because the trust in it is where all other trust begins.

    That is so for a root holder who holds it in the base; where there is no base, for one in the tree.
    """
    if base.is_tree:
        return role.root
    old = _role_before(base, org, role)
    return old is not None and old.root and base.held_before(org, user)


def is_handed_on(base: Base, org: str, role: PlatformRole) -> bool:
    """Whether only its holder hands a role on, by the tree's platform or the base's."""
    if base.is_tree or base.org(org) is None:
        return False
    return any(
        one is not None and one.transfer is Transfer.PREVIOUS_HOLDER for one in (role, _role_before(base, org, role))
    )


def needs_handover(base: Base, org: str, user: User, role: PlatformRole) -> bool:
    """Whether a user is a new holder of a role that only its holder hands on."""
    return is_handed_on(base, org, role) and not user.entry.suspended and not base.held_before(org, user)


def _role_before(base: Base, org: str, role: PlatformRole) -> PlatformRole | None:
    before = base.org(org)
    return before.platform.roles.get(role.id) if before is not None else None
