"""The findings about approvals (docs/findings.md, "Approvals")."""

from hubcfg.core.rule import Rule, Severity, Table

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

INVALID_SIGNATURE = Rule(
    "invalid-signature",
    Table.APPROVALS,
    """An approval's signature or key is not good, it was changed after signing, or it is for another project.

    Why: a signature is what tells an approval from a claim; without a good one anybody could have written it.

    Example:
        signature: copied from another approval

    Mend: have the approver sign again with `hubcfg approve`; an approval is never edited by hand.
    """,
)

APPROVER_NOT_ENTITLED = Rule(
    "approver-not-entitled",
    Table.APPROVALS,
    """The approver was not entitled to approve this.

    Why: who may approve is decided by what has landed already, so that a pull request cannot appoint its own approver.

    Example:
        approver: kim@northwind.example   # a member, who approves nothing

    Mend: ask one of those whom the help line names.
    """,
)

SELF_APPROVAL = Rule(
    "self-approval",
    Table.APPROVALS,
    """The approver is the one who benefits.

    Why: an approval is a second pair of eyes; root holders alone, who answer for the org, may approve for themselves.

    Example:
        approver: ana@northwind.example
        grants: [{user: ana@northwind.example, permissions: [psa.tickets.delete]}]

    Mend: ask somebody else who may approve it.
    """,
)

EXPIRED_APPROVAL = Rule(
    "expired-approval",
    Table.APPROVALS,
    """An approval has ended, is too old, or is dated in the future.

    Why: approvals are given for a time, so that what nobody would approve again does not stay for ever.

    Example:
        approved_at: 2024-01-01T10:00:00Z

    Mend: have it approved anew, or remove it together with what it approved.
    """,
)

SPENT_APPROVAL = Rule(
    "spent-approval",
    Table.APPROVALS,
    """An approval had gone out of use, and has come back.

    Why: what was approved once and then taken away again would return on the strength of an old decision that nobody
    means any more; Git keeps every approval for whoever digs it out.

    Example:
        a pull request restores last year's grant together with last year's approval

    Mend: have it approved anew with `hubcfg approve`.
    """,
)

NO_ELIGIBLE_APPROVER = Rule(
    "no-eligible-approver",
    Table.APPROVALS,
    """Nobody could approve this.

    Why: an approval that nobody can give would be asked for in vain.

    Example:
        the only admin of an org asks for a permission that no other approver holds

    Mend: let somebody who may approve and would hold it exist first, in a change of its own.
    """,
)

UNUSED_APPROVAL = Rule(
    "unused-approval",
    Table.APPROVALS,
    """Nothing of an approval is used any more.

    Why: an approval that lies about could serve for something that nobody thinks of today.

    Example:
        grants: [{user: gone@northwind.example, permissions: [psa.tickets.delete]}]

    Mend: remove the file; Git keeps it for the auditor.
    """,
    Severity.WARNING,
)

NO_TRUSTED_BASE = Rule(
    "no-trusted-base",
    Table.APPROVALS,
    """There is nothing to judge approvals by.

    Why: who may approve is read from a revision that has landed; where there is none, the tree itself has to serve, which only fits a first deployment.

    Example:
        hubcfg validate --base origin/mian

    Mend: name a revision that exists with `--base` or `HUBCFG_BASE`, and let CI fetch it (not a shallow clone).
    """,
)

RULES = (
    UNAPPROVED_SENSITIVE_GRANT,
    UNAPPROVED_CHANGE,
    INVALID_SIGNATURE,
    APPROVER_NOT_ENTITLED,
    SELF_APPROVAL,
    EXPIRED_APPROVAL,
    SPENT_APPROVAL,
    NO_ELIGIBLE_APPROVER,
    UNUSED_APPROVAL,
    NO_TRUSTED_BASE,
)
