"""What needs an approval: for each user the role item and the sensitive permissions (docs/approvals.md, "What needs an approval")."""

from dataclasses import dataclass

from hubcfg.checker.scope import OrgCheck
from hubcfg.platforms.masks import Mask
from hubcfg.validator.config import Entry


@dataclass(frozen=True, slots=True)
class Items:
    """What the users with one entry need approvals for: holding their platform role, and these permissions."""

    needs_role: bool
    permissions: Mask


def items_of(check: OrgCheck, entry: Entry) -> Items:
    """Returns what an entry needs approvals for, over all instants from now on.

    A role that needs an approval itself, or is the root of trust, stands for the whole of its baseline. Root holders
    need no item where there is no base to judge by.
    """
    if entry.suspended:
        return Items(False, 0)
    holding = check.holding(entry)
    sensitive = holding.ever & check.org.catalog.sensitive
    role = holding.rights.role
    if role is None or not (role.root or role.assignment_needs_approval):
        return Items(False, sensitive)
    return Items(not role.root, sensitive & ~holding.rights.baseline)
