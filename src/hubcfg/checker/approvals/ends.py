"""When what rests on approvals ends (docs/resolution.md, "Time"): by the tree alone, so that no base changes a bundle."""

from hubcfg.checker.approvals.cover import Coverage, role_key
from hubcfg.checker.approvals.items import ItemFinder
from hubcfg.checker.approvals.judge import ValidApproval, user_scope
from hubcfg.checker.scope import OrgCheck
from hubcfg.core.instants import Instant
from hubcfg.platforms.masks import Mask

# By user: when what is approved for the user ends.
UserEnds = dict[str, list[tuple[Instant, Mask]]]


def last_by_age(valid: list[ValidApproval], max_age_days: int) -> Coverage:
    """Returns what valid approvals cover where the tree's own `max_age_days` decides how long."""
    return Coverage([ValidApproval(one.approval, one.approval.end(max_age_days)) for one in valid])


def find_ends(check: OrgCheck, coverage: Coverage) -> UserEnds:
    """Returns when what approvals cover in an org ends.

    A role's approval ends the sensitive part of its baseline; not that of a root role, which rests on nothing once it has
    landed.
    """
    org, items_of = check.org, ItemFinder(check, None)
    found: UserEnds = {}
    for entry, users in check.by_entry.items():
        items = items_of.find(entry)
        masks = {name: org.catalog.match(name) for name in org.catalog.to_names(items.permissions)}
        if items.role is not None and not items.role.root:
            masks[role_key(items.role.id)] = items.of_role
        for user in users if masks else ():
            scope = user_scope(org, user, check.access.scope(user).get("clients", []))
            for name, mask in masks.items():
                end = coverage.covered_until(org.id, user, name, scope)
                if end is not None:
                    found.setdefault(user.id, []).append((end, mask))
    return found
