"""Direct permissions of a person in an org of more than ten users.

Why: what each person has of their own, nobody can review; groups and Hub roles say once what a job needs.

Example:
    kim@northwind.example: {role: member, permissions: [psa.tickets.create, crm.contacts.read]}

Mend: move the permissions to a group or Hub role, and give the person that.
"""

from collections.abc import Iterator

from hubcfg.checker.scope import OrgCheck
from hubcfg.core.finding import Finding, find
from hubcfg.core.places import KeyPath
from hubcfg.core.rule import Rule, Severity, Table
from hubcfg.validator.config import Entry

MANY = 10


def check(check: OrgCheck) -> Iterator[Finding]:
    """Yields a finding for each user with direct permissions, at the first list of them, in an org of more than ten users."""
    total = len(check.org.users)
    if total <= MANY:
        return
    for entry, users in check.by_entry.items():
        lists = _direct_lists(entry)
        if not lists:
            continue
        count = sum(lists.values())
        what = "a direct permission" if count == 1 else f"{count} direct permissions"
        for user in users:
            yield find(RULE, f"`{user.id}` has {what}, in an org of {total} users", check.place(user, *next(iter(lists))),
                       help="put them into a group or Hub role, so that one review serves all who do the same work")  # fmt: skip


def _direct_lists(entry: Entry) -> dict[KeyPath, int]:
    """Returns where an entry has direct permissions, and how many."""
    lists: dict[KeyPath, int] = {("permissions",): len(entry.permissions)} if entry.permissions else {}
    for product in entry.products or ():
        if product.permissions:
            lists[("products", product.product, "permissions")] = len(product.permissions)
    return lists


RULE = Rule("direct-grants-at-scale", Table.POLICY, __doc__, Severity.INFO, check)
