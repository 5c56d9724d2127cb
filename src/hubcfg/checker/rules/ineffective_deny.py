"""A deny of something that is effective all the same, because the role's baseline gives it.

Time windows are left aside: all grants are taken as counting.

Why: a deny takes from what groups, roles and direct grants give, never from the role's baseline; in review it looks like a limit.

Example:
    kim@northwind.example: {role: viewer, products: {crm: {deny: [crm.contacts.read]}}}

Mend: give the person another platform role, or narrow the product access; then remove the deny.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck, listed_denies
from hubcfg.core.finding import Finding, find
from hubcfg.core.nearest import shorten
from hubcfg.core.rule import Rule, Table


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each deny that leaves something of the baseline effective, time windows aside."""
    catalog = check.org.catalog
    for entry, users in check.by_entry.items():
        if entry.suspended:
            continue
        holding = check.holding(entry)
        kept = holding.rights.baseline & holding.potential
        if not kept:
            continue
        giver = f"the role `{entry.role}`" if holding.rights.role is not None else "being a client user"
        for path, pattern, product in listed_denies(entry):
            left = catalog.match(pattern) & kept & (-1 if product is None else catalog.of_product(product))
            if not left:
                continue
            names = shorten(catalog.to_names(left), 3)
            is_whole = left == catalog.match(pattern) & holding.rights.audience
            message = f"this deny takes nothing from the baseline: {giver} gives {names} all the same"
            advice = "give another platform role, or less product access" + (
                ", and remove the deny" if is_whole else ""
            )
            for user in users:
                yield find(RULE, message, check.place(user, *path), help=advice)


RULE = Rule("ineffective-deny", Table.PLATFORM, __doc__, check=check)
