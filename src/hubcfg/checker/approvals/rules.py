"""The findings about approvals (docs/findings.md, "Approvals")."""

from hubcfg.core.rule import Rule, Table

UNAPPROVED_SENSITIVE_GRANT = Rule(
    "unapproved-sensitive-grant",
    Table.APPROVALS,
    """Somebody would hold a sensitive permission that nobody entitled has approved.

    Why: what deletes, costs money, makes users or opens machines must not reach anybody on a pull request's word alone.

    Example:
        kim@northwind.example: {role: member, permissions: [psa.tickets.delete]}

    Mend: ask somebody who may approve it to sign an approval, or grant something that is not sensitive.
    """,
)

UNAPPROVED_CHANGE = Rule(
    "unapproved-change",
    Table.APPROVALS,
    """A platform role, subscription, owner, new org or trust setting changes without an approval of its own.

    Why: such a change decides who decides; review alone is not enough for it.

    Example:
        lee@northwind.example: {role: admin}

    Mend: ask somebody who may approve it to sign an approval, or take the change back.
    """,
)

RULES = (UNAPPROVED_SENSITIVE_GRANT, UNAPPROVED_CHANGE)
