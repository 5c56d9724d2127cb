"""The findings of deployments (docs/findings.md, "Deployment"): the applier makes them; here every rule is known by its name."""

from hubcfg.core.rule import Rule, Table

GUARDRAIL = Rule(
    "guardrail",
    Table.DEPLOYMENT,
    """The deployment does something that is rarely meant; its message names the guardrail.

    Why: an empty checkout, a wrong filter or a slip of the hand removes hundreds of people in one go. `removed-users` and `revoked` bound
    how much an org may lose at once, `no-owner` keeps it from being left without a root holder, `empty-project` keeps a checkout
    without any org from emptying the target, `owner-change` keeps the root from being taken over.

    Example:
        guardrails: {max_removed_users_percent: 25}   # and 30 of an org's 100 users are gone from the sources

    Mend: see in the plan whether it is what you want. If it is, `--allow NAME` lets this one deployment do it, and its record says
    so; if not, mend the sources.
    """,
)

STALE_PLAN = Rule(
    "stale-plan",
    Table.DEPLOYMENT,
    """The plan was made from something else than what is there now.

    Why: what was reviewed must be what is deployed. A plan holds for the sources, the built-in platforms, the result and the state of
    the target that it was made from; where any of them differs, somebody would get what nobody has looked at.

    Example:
        hubcfg apply monday.json   # on Tuesday, after another deployment

    Mend: plan again, look at it again, and apply that.
    """,
)

LOCKED = Rule(
    "locked",
    Table.DEPLOYMENT,
    """Another apply to the same target is under way.

    Why: two deployments at once would each undo a part of the other. Who holds the lock, since when and from where is in the message; a
    lock whose process is provably gone is taken over by itself.

    Example:
        hubcfg apply --auto-approve   # in two pipelines at the same time

    Mend: wait for the other one. If it is certainly gone, for example with the machine it ran on, `hubcfg unlock --force` ends its lock.
    """,
)

FOREIGN_STATE = Rule(
    "foreign-state",
    Table.DEPLOYMENT,
    """The target holds something that hubcfg can't read or did not write.

    Why: what cannot be understood cannot be compared, and overwriting it would destroy what somebody else put there.

    Example:
        targets: {local: {type: directory, path: documents}}   # a folder that holds other files

    Mend: the message says what it is. Choose another place for the target, use the hubcfg that wrote it, or move the foreign things away.
    """,
)

RULES = (GUARDRAIL, STALE_PLAN, LOCKED, FOREIGN_STATE)
